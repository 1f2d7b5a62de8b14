//! The rows that follow from the log are the same whatever order its events come in.

use std::collections::BTreeMap;

use landline_protocol::{
    Admission, Admitted, Banned, Content, Delete, Edit, Event, EventId, Invited, MemberId, Mention,
    Message, Muted, Pin, Profile, Reaction, Removed, Role, RoleChanged, RoomChanged, RoomCreated,
    RoomId, RoomKind, RoomState, SettingsChanged, SpaceCreated, SpaceState,
};
use landline_store::{Connection, apply, log, rooms};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use crate::support::{START, check_index, dump, event_id, json, member, raw, room, space, tables};

/// People of a random log.
const PEOPLE: u8 = 4;
/// Rooms of a random log, beside the directory.
const ROOMS: u128 = 2;

/// One thing that somebody does, where it makes sense.
#[derive(Debug, Clone)]
struct Deed {
    what: u8,
    who: u8,
    whom: u8,
    room: u128,
    target: Index,
    on: bool,
    word: String,
}

fn deed() -> impl Strategy<Value = Deed> {
    (
        0u8..20,
        0..PEOPLE,
        0..PEOPLE,
        0..ROOMS,
        any::<Index>(),
        any::<bool>(),
        "[a-c]{1,3}( [äöé]{1,2})?",
    )
        .prop_map(|(what, who, whom, room, target, on, word)| Deed {
            what,
            who,
            whom,
            room,
            target,
            on,
            word,
        })
}

/// Logs as a node would have accepted them.
#[derive(Default)]
struct Logs {
    events: Vec<Event>,
    heads: BTreeMap<RoomId, u64>,
    /// Messages that are not deleted.
    messages: Vec<(RoomId, EventId, MemberId)>,
}

impl Logs {
    fn new() -> Self {
        let mut logs = Self::default();
        let directory = space().directory();
        let name = "Harbour".to_owned();
        logs.add(
            directory,
            member(0),
            Content::SpaceCreated(SpaceCreated { name }),
        );
        for person in 0..PEOPLE {
            logs.admit(member(person), "first");
        }
        for number in 0..ROOMS {
            let created = RoomCreated {
                kind: if number == 0 {
                    RoomKind::Public
                } else {
                    RoomKind::Private
                },
                name: format!("room {number}"),
                topic: String::new(),
                members: if number == 0 {
                    vec![]
                } else {
                    vec![member(0), member(1)]
                },
                everyone: false,
            };
            logs.add(room(number), member(0), Content::RoomCreated(created));
        }
        logs
    }

    fn admit(&mut self, who: MemberId, name: &str) {
        let admitted = Admitted {
            member: who,
            name: name.to_owned(),
            role: Role::Member,
            invite: None,
        };
        self.add(space().directory(), member(0), Content::Admitted(admitted));
    }

    fn add(&mut self, room: RoomId, author: MemberId, content: Content) -> EventId {
        self.add_raw(room, author, raw(&content))
    }

    fn add_raw(
        &mut self,
        room: RoomId,
        author: MemberId,
        content: Box<serde_json::value::RawValue>,
    ) -> EventId {
        let head = self.heads.entry(room).or_default();
        *head += 1;
        // Several in each millisecond.
        let accepted_at = START + i64::try_from(self.events.len()).unwrap() / 3;
        self.events.push(Event {
            seq: *head,
            id: event_id(room, *head),
            room,
            author,
            sent_at: accepted_at,
            accepted_at,
            content,
            sig: None,
        });
        event_id(room, *head)
    }

    fn state(&self, room: RoomId) -> RoomState {
        let mut state = None;
        for event in self.events.iter().filter(|event| event.room == room) {
            let content = Content::read(&event.content);
            match &mut state {
                None => state = RoomState::created(event, &content),
                Some(state) => state.apply(event, &content),
            }
        }
        state.unwrap()
    }

    fn space(&self) -> SpaceState {
        let mut state = SpaceState::new(space());
        for event in &self.events {
            if event.room == space().directory() {
                state.apply(event, &Content::read(&event.content));
            }
        }
        state
    }

    fn does(&mut self, deed: &Deed) {
        match deed.what {
            0..=4 => self.posts(deed),
            5..=9 => self.about_a_message(deed),
            10..=13 => self.about_a_room(deed),
            14 => {
                // A type of a later version.
                let content = json(&json!({ "type": "poll", "target": 7, "question": deed.word }));
                self.add_raw(room(deed.room), member(deed.who), content);
            }
            _ => self.about_the_space(deed),
        }
    }

    fn posts(&mut self, deed: &Deed) {
        let (room, who) = (room(deed.room), member(deed.who));
        let earlier = self
            .messages
            .iter()
            .find(|(there, ..)| *there == room)
            .map(|(_, id, _)| *id);
        let id = self.add(
            room,
            who,
            Content::Message(Message {
                text: deed.word.clone(),
                reply_to: earlier.filter(|_| deed.on),
                thread: earlier.filter(|_| deed.what == 1),
                mentions: match deed.what {
                    2 => vec![Mention::Room, Mention::Member(member(deed.whom))],
                    _ => vec![],
                },
                ..Message::default()
            }),
        );
        self.messages.push((room, id, who));
    }

    fn about_a_message(&mut self, deed: &Deed) {
        if self.messages.is_empty() {
            return;
        }
        let index = deed.target.index(self.messages.len());
        let (room, target, author) = self.messages[index];
        let who = member(deed.who);
        let on = deed.on;
        match deed.what {
            5 | 6 => {
                let mentions = if on {
                    vec![Mention::Member(who)]
                } else {
                    vec![]
                };
                let text = deed.word.clone();
                self.add(
                    room,
                    author,
                    Content::Edit(Edit {
                        target,
                        text,
                        mentions,
                    }),
                );
            }
            7 => {
                let emoji = if deed.whom == 0 { "👍" } else { "🎉" }.to_owned();
                self.add(room, who, Content::Reaction(Reaction { target, emoji, on }));
            }
            8 => {
                self.add(room, who, Content::Pin(Pin { target, on }));
            }
            _ => {
                self.add(room, author, Content::Delete(Delete { target }));
                self.messages.remove(index);
            }
        }
    }

    fn about_a_room(&mut self, deed: &Deed) {
        let (id, who, whom) = (room(deed.room), member(deed.who), member(deed.whom));
        let state = self.state(id);
        let inside = |member| state.members.contains(member);
        let content = match deed.what {
            10 => Content::RoomChanged(RoomChanged {
                name: deed.on.then(|| deed.word.clone()),
                topic: (!deed.on).then(|| deed.word.clone()),
                archived: (deed.whom == 0).then_some(deed.on),
            }),
            11 if inside(&who) => Content::Left,
            11 if !state.removed.contains(&who) => Content::Joined,
            12 if !inside(&whom) => Content::Invited(Invited {
                member: whom,
                reason: None,
            }),
            13 if inside(&whom) => Content::Removed(Removed {
                member: whom,
                reason: None,
            }),
            _ => return,
        };
        self.add(id, who, content);
    }

    fn about_the_space(&mut self, deed: &Deed) {
        let (who, whom) = (member(deed.who), member(deed.whom));
        let person = self.space().people[&who].clone();
        let content = match deed.what {
            15 if person.left || person.banned => return self.admit(who, &deed.word),
            15 => Content::Left,
            16 => Content::Profile(Profile {
                name: deed.on.then(|| deed.word.clone()),
                about: Some(deed.word.clone()),
                avatar: None,
            }),
            17 => Content::Role(RoleChanged {
                member: whom,
                role: if deed.on { Role::Admin } else { Role::Guest },
            }),
            18 => Content::Muted(Muted {
                member: whom,
                until: if deed.on { START } else { 0 },
            }),
            _ if deed.who == 0 => Content::Settings(SettingsChanged {
                name: deed.on.then(|| deed.word.clone()),
                admission: Some(if deed.on {
                    Admission::Invite
                } else {
                    Admission::Open
                }),
                max_file_bytes: (!deed.on).then_some(1_000),
            }),
            _ => Content::Banned(Banned {
                member: whom,
                on: deed.on,
                reason: None,
            }),
        };
        self.add(space().directory(), who, content);
    }
}

fn logs() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(deed(), 1..80).prop_map(|deeds| {
        let mut logs = Logs::new();
        for deed in &deeds {
            logs.does(deed);
        }
        logs.events
    })
}

fn logs_and_shuffled() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    logs().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
}

fn insert(c: &Connection, events: &[Event]) {
    for event in events {
        log::insert(c, event).unwrap();
    }
}

fn insert_and_apply(c: &Connection, events: &[Event]) {
    for event in events {
        log::insert(c, event).unwrap();
        apply::apply(c, event).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_order_gives_the_same_rows((events, shuffled) in logs_and_shuffled()) {
        let in_order = tables();
        insert_and_apply(&in_order, &events);
        let rows = dump(&in_order);
        check_index(&in_order);

        let in_disorder = tables();
        insert_and_apply(&in_disorder, &shuffled);
        prop_assert_eq!(&dump(&in_disorder), &rows, "shuffled");
        check_index(&in_disorder);

        for event in &shuffled {
            apply::apply(&in_order, event).unwrap();
        }
        prop_assert_eq!(&dump(&in_order), &rows, "applied twice");
        check_index(&in_order);

        apply::rebuild(&in_disorder).unwrap();
        prop_assert_eq!(&dump(&in_disorder), &rows, "rebuilt");
        check_index(&in_disorder);

        for room in [space().directory(), room(0), room(1)] {
            apply::rebuild_room(&in_order, room).unwrap();
        }
        prop_assert_eq!(&dump(&in_order), &rows, "rebuilt room by room");
        check_index(&in_order);
    }

    #[test]
    fn a_log_applied_later_in_batches_gives_the_same_rows(events in logs(), limit in 1usize..7) {
        let at_once = tables();
        insert_and_apply(&at_once, &events);

        let later = tables();
        let (first, rest) = events.split_at(events.len() / 2);
        insert(&later, first);
        apply::catch_up(&later, limit).unwrap();
        insert(&later, rest);
        while apply::catch_up(&later, limit).unwrap() {}
        prop_assert_eq!(dump(&later), dump(&at_once));
        prop_assert!(!apply::catch_up(&later, limit).unwrap());
        check_index(&later);
    }

    #[test]
    fn events_applied_many_at_a_time_give_the_same_rows(
        (events, shuffled) in logs_and_shuffled(),
        at_once in 1usize..9,
    ) {
        let one_by_one = tables();
        insert_and_apply(&one_by_one, &events);

        let by_many = tables();
        for events in shuffled.chunks(at_once) {
            insert(&by_many, events);
            apply::apply_all(&by_many, events).unwrap();
        }
        prop_assert_eq!(dump(&by_many), dump(&one_by_one));
        check_index(&by_many);
    }

    #[test]
    fn the_states_read_back_are_those_that_the_events_give((events, shuffled) in logs_and_shuffled()) {
        let tables = tables();
        insert_and_apply(&tables, &shuffled);
        let logs = Logs { events, ..Logs::default() };
        prop_assert_eq!(rooms::space_state(&tables, space()).unwrap(), logs.space());
        let states = rooms::room_states(&tables).unwrap();
        prop_assert_eq!(states, vec![logs.state(room(0)), logs.state(room(1))]);
    }

    #[test]
    fn after_a_fork_the_rows_are_those_of_the_shorter_log(
        (events, shuffled) in logs_and_shuffled(),
        keep in any::<Index>(),
    ) {
        // Without deletes: what they dropped does not come back.
        let keeps = |event: &&Event| !matches!(Content::read(&event.content), Content::Delete(_));
        let general: Vec<Event> = events.iter().filter(keeps).filter(|e| e.room == room(0)).cloned().collect();
        let head = general[keep.index(general.len())].seq;
        let (kept, beyond): (Vec<Event>, Vec<Event>) = general.into_iter().partition(|e| e.seq <= head);

        let short = tables();
        insert_and_apply(&short, &kept);
        let forked = tables();
        let shuffled: Vec<Event> = shuffled.iter().filter(keeps).filter(|e| e.room == room(0)).cloned().collect();
        insert_and_apply(&forked, &shuffled);
        prop_assert_eq!(log::delete_after(&forked, room(0), head).unwrap(), beyond);
        apply::rebuild_room(&forked, room(0)).unwrap();
        prop_assert_eq!(dump(&forked), dump(&short));
        check_index(&forked);
    }
}
