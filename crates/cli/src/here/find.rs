//! Which space and which room a person means.

use landline_client::Names;
use landline_client::ui::{RoomView, SpaceState};
use landline_protocol::{RoomId, RoomKind, SpaceId};

use super::{Here, Reach};
use crate::error::CliError;

impl Here {
    /// The space that is meant: by name or id, or the only one.
    pub(crate) fn space(&self, wanted: Option<&str>) -> Result<SpaceId, CliError> {
        let spaces = &self.now().spaces;
        match (wanted, spaces.as_slice()) {
            (None, [one]) => Ok(one.space.space),
            (None, []) => Err(CliError::NotFound(
                "no space was joined here yet; see `landline-cli spaces` and `landline-cli join`"
                    .into(),
            )),
            (None, many) => Err(CliError::Usage(format!(
                "more than one space was joined; name one with --space: {}",
                listed(many.iter().map(|space| space.space.name.clone()))
            ))),
            (Some(wanted), many) => one_of(
                many.iter()
                    .map(|space| (space.space.space, space.space.name.as_str())),
                wanted,
                "space",
            )?
            .ok_or_else(|| CliError::NotFound(format!("no space called {wanted} was joined here"))),
        }
    }

    /// The room that is meant. One that is not known yet may be known once connected.
    pub(crate) async fn room(
        &mut self,
        space: SpaceId,
        wanted: &str,
    ) -> Result<RoomView, CliError> {
        if let Some(room) = self.known_room(space, wanted)? {
            return Ok(room);
        }
        self.connect(space, Reach::UpToDate).await?;
        self.known_room(space, wanted)?.ok_or_else(|| {
            CliError::NotFound(format!(
                "you are in no room called {wanted}; see `landline-cli rooms --all`, `join-room` and `create`"
            ))
        })
    }

    /// Also one that was left.
    pub(crate) fn known_room(
        &self,
        space: SpaceId,
        wanted: &str,
    ) -> Result<Option<RoomView>, CliError> {
        self.room_among(space, wanted, |_| true)
    }

    /// Only a room that one is in.
    pub(crate) fn open_room(
        &self,
        space: SpaceId,
        wanted: &str,
    ) -> Result<Option<RoomView>, CliError> {
        self.room_among(space, wanted, |room| room.open)
    }

    fn room_among(
        &self,
        space: SpaceId,
        wanted: &str,
        fits: impl Fn(&RoomView) -> bool,
    ) -> Result<Option<RoomView>, CliError> {
        let state = self.state(space)?;
        let names = Names::new(state);
        let titles: Vec<(RoomId, String)> = state
            .rooms
            .iter()
            .filter(|room| fits(room))
            .map(|room| (room.room, title(room, state, &names)))
            .collect();
        let named = titles.iter().map(|(room, title)| (*room, title.as_str()));
        let room = match one_of(named.clone(), wanted, "room")? {
            Some(room) => Some(room),
            None => match wanted.strip_prefix('#') {
                Some(bare) => one_of(named, bare, "room")?,
                None => None,
            },
        };
        Ok(state
            .rooms
            .iter()
            .find(|known| Some(known.room) == room)
            .cloned())
    }
}

/// A room's name; a direct room's is its other people: `@Ana, @Bo`.
pub(crate) fn title(room: &RoomView, state: &SpaceState, names: &Names) -> String {
    if room.kind != RoomKind::Direct {
        return room.name.clone();
    }
    let mut others: Vec<String> = room
        .members
        .iter()
        .filter(|member| **member != state.space.me)
        .map(|member| format!("@{}", names.of(*member)))
        .collect();
    others.sort();
    others.join(", ")
}

/// The same, of a room that may be unknown.
pub(crate) fn room_title(state: &SpaceState, room: RoomId, names: &Names) -> String {
    let known = state.rooms.iter().find(|known| known.room == room);
    known.map_or_else(|| room.to_string(), |room| title(room, state, names))
}

/// The one thing of that id or name. Exactly so called comes before called so but for its case.
pub(crate) fn one_of<'a, Id: Copy + ToString>(
    things: impl Iterator<Item = (Id, &'a str)> + Clone,
    wanted: &str,
    what: &str,
) -> Result<Option<Id>, CliError> {
    let wanted = wanted.trim();
    if let Some((id, _)) = things.clone().find(|(id, _)| id.to_string() == wanted) {
        return Ok(Some(id));
    }
    let folded = wanted.to_lowercase();
    let exact: Vec<Id> = things
        .clone()
        .filter(|(_, name)| *name == wanted)
        .map(|(id, _)| id)
        .collect();
    let alike: Vec<Id> = things
        .filter(|(_, name)| name.to_lowercase() == folded)
        .map(|(id, _)| id)
        .collect();
    let found = if exact.is_empty() { alike } else { exact };
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        many => Err(CliError::Usage(format!(
            "more than one {what} is called {wanted}; use the id: {}",
            listed(many.iter().map(ToString::to_string))
        ))),
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &str) -> Result<Option<u8>, CliError> {
        one_of(
            [
                (1, "General"),
                (2, "general"),
                (3, "Lab"),
                (4, "lab team"),
                (5, "twin"),
                (6, "twin"),
            ]
            .into_iter(),
            wanted,
            "room",
        )
    }

    #[test]
    fn a_thing_is_found_by_its_id_its_name_or_its_name_in_another_case() {
        assert_eq!(found("3").expect("one"), Some(3));
        assert_eq!(found("general").expect("one"), Some(2));
        assert_eq!(found(" LAB TEAM ").expect("one"), Some(4));
        assert_eq!(found("nowhere").expect("none"), None);
    }

    #[test]
    fn what_may_mean_two_things_is_asked_back_with_their_ids() {
        for wanted in ["twin", "GENERAL"] {
            let error = found(wanted).expect_err("two");
            assert_eq!(error.code(), "usage");
        }
        assert!(
            found("twin")
                .expect_err("two")
                .to_string()
                .ends_with("5, 6")
        );
    }
}
