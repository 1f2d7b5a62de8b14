//! Which space and which room a person means.

use landline_client::ui::{RoomView, SpaceState};
use landline_client::{Names, room_called, title};
use landline_protocol::{RoomId, SpaceId};

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
        match room_called(self.state(space)?, wanted, fits) {
            Ok(found) => Ok(found.cloned()),
            Err(several) => Err(which("room", wanted, &several)),
        }
    }
}

/// What a room is called, also one that is not known.
pub(crate) fn room_title(state: &SpaceState, room: RoomId, names: &Names) -> String {
    let known = state.rooms.iter().find(|known| known.room == room);
    known.map_or_else(|| room.to_string(), |room| title(room, state, names))
}

/// The one thing of that id or name.
pub(crate) fn one_of<'a, Id: Copy + ToString>(
    things: impl Iterator<Item = (Id, &'a str)> + Clone,
    wanted: &str,
    what: &str,
) -> Result<Option<Id>, CliError> {
    landline_client::one_of(things, wanted).map_err(|several| which(what, wanted.trim(), &several))
}

fn which<Id: ToString>(what: &str, wanted: &str, several: &[Id]) -> CliError {
    CliError::Usage(format!(
        "more than one {what} is called {wanted}; use the id: {}",
        listed(several.iter().map(ToString::to_string))
    ))
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_mean_two_things_is_asked_back_with_their_ids() {
        let twins = [(5, "twin"), (6, "twin")].into_iter();
        let error = one_of(twins, " twin ", "room").expect_err("two");
        assert_eq!(error.code(), "usage");
        let words = "more than one room is called twin; use the id: 5, 6";
        assert_eq!(error.to_string(), words);
    }
}
