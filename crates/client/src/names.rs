//! What people and rooms are called, which one a name means, and whom a text names.

use std::collections::HashMap;

use landline_protocol::limits::MENTIONS_PER_MESSAGE;
use landline_protocol::{MemberId, Mention, RoomId, RoomKind};

use crate::ui::{PersonView, RoomView, SpaceState};

/// People's names in one space.
#[derive(Debug, Default)]
pub struct Names {
    by_member: HashMap<MemberId, String>,
}

impl Names {
    /// Of everybody that is known in the space.
    pub fn new(space: &SpaceState) -> Self {
        Self::of_people(&space.people)
    }

    /// Those that two people share are told apart by the beginning of the id.
    pub fn of_people(people: &[PersonView]) -> Self {
        let mut alike: HashMap<&str, usize> = HashMap::new();
        for PersonView { name, .. } in people {
            *alike.entry(name).or_default() += 1;
        }
        let by_member = people.iter().map(|person| {
            let shared = alike
                .get(person.name.as_str())
                .is_some_and(|people| *people > 1);
            let name = if shared {
                format!("{} ({})", person.name, short(person.member))
            } else {
                person.name.clone()
            };
            (person.member, name)
        });
        Self {
            by_member: by_member.collect(),
        }
    }

    /// The name, or the beginning of the id of one who is not known yet.
    pub fn of(&self, member: MemberId) -> String {
        self.by_member
            .get(&member)
            .cloned()
            .unwrap_or_else(|| short(member))
    }
}

fn short(member: MemberId) -> String {
    member.to_string().chars().take(4).collect()
}

/// A room's name; a direct room's is its other people: `@Ana, @Bo`.
pub fn title(room: &RoomView, state: &SpaceState, names: &Names) -> String {
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

/// The one thing of that id or name; else all that it may mean, where it means several. Exactly so
/// called comes before called so but for its case.
pub fn one_of<'a, Id: Copy + ToString>(
    things: impl Iterator<Item = (Id, &'a str)> + Clone,
    wanted: &str,
) -> Result<Option<Id>, Vec<Id>> {
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
        _ => Err(found),
    }
}

/// The room that is called so, with or without a `#`, of those that fit; else all that may be
/// meant, where these are several.
pub fn room_called<'s>(
    state: &'s SpaceState,
    wanted: &str,
    fits: impl Fn(&RoomView) -> bool,
) -> Result<Option<&'s RoomView>, Vec<RoomId>> {
    let names = Names::new(state);
    let titles: Vec<(RoomId, String)> = state
        .rooms
        .iter()
        .filter(|room| fits(room))
        .map(|room| (room.room, title(room, state, &names)))
        .collect();
    let titled = titles.iter().map(|(room, title)| (*room, title.as_str()));
    let found = match (one_of(titled.clone(), wanted)?, wanted.strip_prefix('#')) {
        (None, Some(bare)) => one_of(titled, bare)?,
        (found, _) => found,
    };
    Ok(state.rooms.iter().find(|room| Some(room.room) == found))
}

/// Whom a text names: `@` and the name as it is shown, or `@room`.
pub fn mentions_in(people: &[PersonView], text: &str) -> Vec<Mention> {
    if !text.contains('@') {
        return Vec::new();
    }
    let names = Names::of_people(people);
    let mut named: Vec<(String, Mention)> = people
        .iter()
        .filter(|person| person.here)
        .map(|person| (names.of(person.member), Mention::Member(person.member)))
        .chain([("room".to_owned(), Mention::Room)])
        .collect();
    // Whoever has the longer name is looked for first, and what was theirs is nobody else's.
    named.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut rest = text.to_owned();
    let mut mentions = Vec::new();
    for (name, mention) in named {
        let sign = format!("@{name}");
        let ends = |at: usize| {
            let behind = rest.get(at + sign.len()..);
            !behind
                .is_some_and(|behind| behind.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        let places: Vec<usize> = rest.match_indices(&sign).map(|(at, _)| at).collect();
        let places: Vec<usize> = places.into_iter().filter(|at| ends(*at)).collect();
        if places.is_empty() {
            continue;
        }
        for at in places {
            rest.replace_range(at..at + sign.len(), &" ".repeat(sign.len()));
        }
        mentions.push(mention);
    }
    mentions.truncate(MENTIONS_PER_MESSAGE);
    mentions
}

#[cfg(test)]
mod tests {
    use landline_protocol::{PresenceState, Role};

    use super::*;

    fn person(byte: u8, name: &str) -> PersonView {
        PersonView {
            member: MemberId::from_bytes([byte; 32]),
            name: name.into(),
            role: Role::Member,
            here: true,
            state: PresenceState::Online,
            text: String::new(),
            last_seen: None,
        }
    }

    fn found(wanted: &str) -> Result<Option<u8>, Vec<u8>> {
        let things = [
            (1, "General"),
            (2, "general"),
            (3, "Lab"),
            (4, "lab team"),
            (5, "twin"),
            (6, "twin"),
        ];
        one_of(things.into_iter(), wanted)
    }

    #[test]
    fn a_thing_is_found_by_its_id_its_name_or_its_name_in_another_case() {
        assert_eq!(found("3"), Ok(Some(3)));
        assert_eq!(found("general"), Ok(Some(2)));
        assert_eq!(found(" LAB TEAM "), Ok(Some(4)));
        assert_eq!(found("nowhere"), Ok(None));
    }

    #[test]
    fn what_may_mean_two_things_is_told_with_all_it_may_mean() {
        assert_eq!(found("twin"), Err(vec![5, 6]));
        assert_eq!(found("GENERAL"), Err(vec![1, 2]));
    }

    #[test]
    fn people_of_the_same_name_are_told_apart() {
        let names = Names::of_people(&[person(1, "Ana"), person(2, "Ana"), person(3, "Bo")]);
        assert_eq!(names.of(MemberId::from_bytes([1; 32])), "Ana (AQEB)");
        assert_eq!(names.of(MemberId::from_bytes([2; 32])), "Ana (AgIC)");
        assert_eq!(names.of(MemberId::from_bytes([3; 32])), "Bo");
        assert_eq!(names.of(MemberId::from_bytes([4; 32])), "BAQE");
    }

    #[test]
    fn a_text_mentions_the_longest_name_that_stands_in_it_and_nobody_who_has_left() {
        let mut gone = person(4, "Cho");
        gone.here = false;
        let people = [person(1, "Ana"), person(2, "Ana Lee"), gone];
        let member = |byte| Mention::Member(MemberId::from_bytes([byte; 32]));
        for (text, expected) in [
            ("@Ana Lee, look", vec![member(2)]),
            ("@Ana and @Ana Lee", vec![member(2), member(1)]),
            ("@Anabel, @Cho or Ana", vec![]),
            ("@room and @rooms", vec![Mention::Room]),
        ] {
            assert_eq!(mentions_in(&people, text), expected, "{text}");
        }
    }
}
