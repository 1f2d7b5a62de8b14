//! Every right against every role, as a table: who may append what, where.
//! (This file is long because it is that table.)

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use landline_protocol::access::{
    Facts, Place, RoomTraits, Target, Wish, may_append, may_be_heard, may_read, may_see,
    may_set_passcode, may_type, room_rights,
};
use landline_protocol::limits::ROOMS_PER_MEMBER;
use landline_protocol::*;
use serde_json::{Value, json};

const OWNER: MemberId = MemberId::from_bytes([1; 32]);
const ADMIN: MemberId = MemberId::from_bytes([2; 32]);
/// Made the rooms.
const CREATOR: MemberId = MemberId::from_bytes([3; 32]);
const MEMBER: MemberId = MemberId::from_bytes([4; 32]);
const GUEST: MemberId = MemberId::from_bytes([5; 32]);
/// A member of the space who is in none of the rooms.
const OUTSIDER: MemberId = MemberId::from_bytes([6; 32]);
const BANNED: MemberId = MemberId::from_bytes([7; 32]);
/// An admin, so that only the mute stands in the way.
const MUTED: MemberId = MemberId::from_bytes([8; 32]);
/// Was in the public room and has been removed.
const REMOVED: MemberId = MemberId::from_bytes([9; 32]);
const STRANGER: MemberId = MemberId::from_bytes([10; 32]);
const NODE: MemberId = MemberId::from_bytes([11; 32]);

const NOW: i64 = 1_763_640_000_000;

fn uuid(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn event_id(n: u128) -> EventId {
    EventId::from_uuid(uuid(n))
}

fn room_id(n: u128) -> RoomId {
    RoomId::from_uuid(uuid(n))
}

fn content(json: &Value) -> Content {
    let raw = serde_json::value::RawValue::from_string(json.to_string()).unwrap();
    Content::parse(&raw).unwrap_or_else(|refusal| panic!("{json}: {refusal}"))
}

struct World {
    space: SpaceState,
    public: RoomState,
    private: RoomState,
    everyone: RoomState,
    /// Of the member and the muted one's only allowed kind: with the owner.
    direct: RoomState,
    archived: RoomState,
    rooms_of: usize,
    /// Who is in so many rooms; none: everybody.
    busy: Option<MemberId>,
}

fn event(room: RoomId, author: MemberId, seq: u64, json: &Value) -> Event {
    Event {
        seq,
        id: event_id(u128::from(seq)),
        room,
        author,
        sent_at: NOW,
        accepted_at: NOW,
        content: serde_json::value::RawValue::from_string(json.to_string()).unwrap(),
        sig: None,
    }
}

fn room(author: MemberId, id: RoomId, events: &[(MemberId, Value)]) -> RoomState {
    let mut state: Option<RoomState> = None;
    for (index, (by, json)) in events.iter().enumerate() {
        let event = event(id, *by, index as u64 + 1, json);
        match &mut state {
            None => state = RoomState::created(&event, &content(json)),
            Some(state) => state.apply(&event, &content(json)),
        }
    }
    let state = state.unwrap();
    assert_eq!(state.creator, author);
    state
}

impl World {
    fn new() -> Self {
        let mut space = SpaceState::new(SpaceId::from_uuid(uuid(99)));
        let directory = space.id.directory();
        let admitted = [
            (OWNER, "owner"),
            (ADMIN, "admin"),
            (CREATOR, "member"),
            (MEMBER, "member"),
            (GUEST, "guest"),
            (OUTSIDER, "member"),
            (BANNED, "member"),
            (MUTED, "admin"),
            (REMOVED, "member"),
        ];
        let mut events = vec![(NODE, json!({"type": "space_created", "name": "Studio"}))];
        for (member, role) in admitted {
            let name = format!("{role} {}", member.as_bytes()[0]);
            events.push((
                NODE,
                json!({"type": "admitted", "member": member, "name": name, "role": role}),
            ));
        }
        events.push((
            OWNER,
            json!({"type": "banned", "member": BANNED, "on": true}),
        ));
        events.push((
            OWNER,
            json!({"type": "muted", "member": MUTED, "until": NOW + 1}),
        ));
        for (index, (author, json)) in events.iter().enumerate() {
            space.apply(
                &event(directory, *author, index as u64 + 1, json),
                &content(json),
            );
        }
        let all = [OWNER, ADMIN, CREATOR, MEMBER, GUEST, BANNED, MUTED];
        let invited = |member| (CREATOR, json!({"type": "invited", "member": member}));
        let mut public = vec![(
            CREATOR,
            json!({"type": "room_created", "kind": "public", "name": "kitchen"}),
        )];
        public.extend(all.iter().filter(|m| **m != CREATOR).map(|m| invited(*m)));
        public.push((REMOVED, json!({"type": "joined"})));
        public.push((CREATOR, json!({"type": "removed", "member": REMOVED})));
        let private =
            json!({"type": "room_created", "kind": "private", "name": "plans", "members": all});
        let everyone =
            json!({"type": "room_created", "kind": "public", "name": "general", "everyone": true});
        let direct = json!({"type": "room_created", "kind": "direct", "members": [MUTED, OWNER]});
        let mut archived = public.clone();
        archived.push((CREATOR, json!({"type": "room_changed", "archived": true})));
        let direct_id = direct_room_id(space.id, &[MUTED, OWNER]);
        Self {
            space,
            public: room(CREATOR, room_id(1), &public),
            private: room(CREATOR, room_id(2), &[(CREATOR, private)]),
            everyone: room(NODE, room_id(3), &[(NODE, everyone)]),
            direct: room(MUTED, direct_id, &[(MUTED, direct)]),
            archived: room(CREATOR, room_id(5), &archived),
            rooms_of: 0,
            busy: None,
        }
    }

    fn ask(&self, place: Place<'_>, author: MemberId, json: &Value) -> Result<(), Code> {
        let room = match place {
            Place::Room(room) => room.id,
            Place::Directory => self.space.id.directory(),
            Place::Fresh => room_id(77),
        };
        self.ask_at(room, place, author, json)
    }

    fn ask_at(
        &self,
        room: RoomId,
        place: Place<'_>,
        author: MemberId,
        json: &Value,
    ) -> Result<(), Code> {
        let content = content(json);
        let wish = Wish {
            space: &self.space,
            place,
            room,
            author: &author,
            content: &content,
            now: NOW,
        };
        may_append(&wish, self).map_err(|refusal| refusal.code)
    }
}

/// Message 100 is by the member, 101 by the guest, 102 by the muted one, 103 is deleted, 110 is
/// a join; anything else is not in the room.
impl Facts for World {
    fn target(&self, id: EventId) -> Option<Target> {
        let message = |author| {
            Some(Target {
                author,
                is_message: true,
                deleted: false,
            })
        };
        match id.uuid().as_u128() - uuid(0).as_u128() {
            100 => message(MEMBER),
            101 => message(GUEST),
            102 => message(MUTED),
            103 => Some(Target {
                author: MEMBER,
                is_message: true,
                deleted: true,
            }),
            110 => Some(Target {
                author: MEMBER,
                is_message: false,
                deleted: false,
            }),
            _ => None,
        }
    }

    fn rooms_of(&self, member: &MemberId) -> usize {
        match self.busy {
            Some(busy) if busy != *member => 0,
            Some(_) | None => self.rooms_of,
        }
    }

    fn may_name_file(&self, _: &str) -> bool {
        false
    }
}

const YES: Result<(), Code> = Ok(());
const NOT_ALLOWED: Result<(), Code> = Err(Code::NotAllowed);
const NOT_FOUND: Result<(), Code> = Err(Code::NotFound);
const IS_MUTED: Result<(), Code> = Err(Code::Muted);
const CONFLICT: Result<(), Code> = Err(Code::Conflict);
const BAD: Result<(), Code> = Err(Code::BadRequest);

/// Owner, admin, creator, member, guest, outsider, muted admin.
fn check(world: &World, place: Place<'_>, json: &Value, expected: [Result<(), Code>; 7]) {
    let people = [OWNER, ADMIN, CREATOR, MEMBER, GUEST, OUTSIDER, MUTED];
    for (person, expected) in people.into_iter().zip(expected) {
        let name = world
            .space
            .people
            .get(&person)
            .map_or("?", |p| p.name.as_str());
        assert_eq!(
            world.ask(place, person, json),
            expected,
            "{name} appends {json}"
        );
    }
    assert_eq!(
        world.ask(place, BANNED, json),
        Err(Code::Banned),
        "banned, {json}"
    );
    assert_eq!(
        world.ask(place, STRANGER, json),
        Err(Code::NotAdmitted),
        "stranger, {json}"
    );
}

#[test]
fn in_a_public_room() {
    let world = World::new();
    let place = Place::Room(&world.public);
    let all = [YES, YES, YES, YES, YES, NOT_ALLOWED, IS_MUTED];
    let not_guests = [YES, YES, YES, YES, NOT_ALLOWED, NOT_ALLOWED, IS_MUTED];
    let keepers = [
        YES,
        YES,
        YES,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        IS_MUTED,
    ];
    check(
        &world,
        place,
        &json!({"type": "message", "text": "hello"}),
        all,
    );
    check(
        &world,
        place,
        &json!({"type": "message", "text": "a", "reply_to": uuid(100)}),
        all,
    );
    check(
        &world,
        place,
        &json!({"type": "message", "text": "a", "thread": uuid(101)}),
        all,
    );
    check(
        &world,
        place,
        &json!({"type": "message", "text": "@room", "mentions": ["room"]}),
        not_guests,
    );
    check(
        &world,
        place,
        &json!({"type": "reaction", "target": uuid(100), "emoji": "👍", "on": true}),
        all,
    );
    check(
        &world,
        place,
        &json!({"type": "pin", "target": uuid(100), "on": true}),
        not_guests,
    );
    check(
        &world,
        place,
        &json!({"type": "invited", "member": OUTSIDER}),
        not_guests,
    );
    check(
        &world,
        place,
        &json!({"type": "room_changed", "topic": "lunch"}),
        keepers,
    );
    check(
        &world,
        place,
        &json!({"type": "removed", "member": GUEST}),
        keepers,
    );
    check(
        &world,
        place,
        &json!({"type": "message", "text": "old", "imported": {"name": "Bo", "at": 1}}),
        [
            YES,
            YES,
            NOT_ALLOWED,
            NOT_ALLOWED,
            NOT_ALLOWED,
            NOT_ALLOWED,
            IS_MUTED,
        ],
    );
    check(
        &world,
        place,
        &json!({"type": "edit", "target": uuid(100), "text": "b"}),
        [
            NOT_ALLOWED,
            NOT_ALLOWED,
            NOT_ALLOWED,
            YES,
            NOT_ALLOWED,
            NOT_ALLOWED,
            IS_MUTED,
        ],
    );
    check(
        &world,
        place,
        &json!({"type": "delete", "target": uuid(100)}),
        [
            YES,
            YES,
            NOT_ALLOWED,
            YES,
            NOT_ALLOWED,
            NOT_ALLOWED,
            IS_MUTED,
        ],
    );
    check(
        &world,
        place,
        &json!({"type": "delete", "target": uuid(102)}),
        [
            YES,
            YES,
            NOT_ALLOWED,
            NOT_ALLOWED,
            NOT_ALLOWED,
            NOT_ALLOWED,
            YES,
        ],
    );
    check(
        &world,
        place,
        &json!({"type": "left"}),
        [YES, YES, YES, YES, YES, NOT_ALLOWED, YES],
    );
    check(
        &world,
        place,
        &json!({"type": "joined"}),
        [
            CONFLICT, CONFLICT, CONFLICT, CONFLICT, CONFLICT, YES, IS_MUTED,
        ],
    );
    assert_eq!(
        world.ask(place, REMOVED, &json!({"type": "joined"})),
        NOT_ALLOWED
    );
    let created = json!({"type": "room_created", "kind": "public", "name": "again"});
    check(&world, place, &created, [CONFLICT; 7]);
}

#[test]
fn targets_must_be_messages_of_the_room_that_still_have_their_text() {
    let world = World::new();
    let place = Place::Room(&world.public);
    for target in [uuid(103), uuid(110), uuid(200)] {
        for json in [
            json!({"type": "edit", "target": target, "text": "b"}),
            json!({"type": "reaction", "target": target, "emoji": "👍", "on": true}),
            json!({"type": "pin", "target": target, "on": true}),
        ] {
            assert_eq!(world.ask(place, MEMBER, &json), NOT_FOUND, "{json}");
        }
    }
    for target in [uuid(110), uuid(200)] {
        for json in [
            json!({"type": "delete", "target": target}),
            json!({"type": "message", "text": "a", "reply_to": target}),
            json!({"type": "message", "text": "a", "thread": target}),
        ] {
            assert_eq!(world.ask(place, MEMBER, &json), NOT_FOUND, "{json}");
        }
    }
    // Deleting twice changes nothing and is no error: two people may do it at once.
    assert_eq!(
        world.ask(
            place,
            MEMBER,
            &json!({"type": "delete", "target": uuid(103)})
        ),
        YES
    );
    let file = json!({"blake3": "a".repeat(64), "name": "a.txt", "type": "text/plain", "bytes": 1});
    let json = json!({"type": "message", "text": "", "files": [file]});
    assert_eq!(world.ask(place, MEMBER, &json), NOT_FOUND);
}

#[test]
fn a_private_room_is_not_there_for_others() {
    let world = World::new();
    let place = Place::Room(&world.private);
    for json in [
        json!({"type": "message", "text": "hello"}),
        json!({"type": "joined"}),
        json!({"type": "left"}),
        json!({"type": "room_changed", "topic": "x"}),
        json!({"type": "invited", "member": OUTSIDER}),
        json!({"type": "delete", "target": uuid(100)}),
    ] {
        assert_eq!(world.ask(place, OUTSIDER, &json), NOT_FOUND, "{json}");
        let fresh = world.ask(Place::Fresh, OUTSIDER, &json);
        assert_eq!(
            fresh, NOT_FOUND,
            "and no room at all answers the same: {json}"
        );
    }
    assert_eq!(
        may_read(&world.space, &world.private, &OUTSIDER)
            .unwrap_err()
            .code,
        Code::NotFound
    );
    assert_eq!(
        may_read(&world.space, &world.public, &OUTSIDER)
            .unwrap_err()
            .code,
        Code::NotAllowed
    );
    assert_eq!(
        may_read(&world.space, &world.public, &BANNED)
            .unwrap_err()
            .code,
        Code::NotFound
    );
    assert!(!may_see(&world.space, &world.direct, &ADMIN));
    assert!(may_read(&world.space, &world.private, &GUEST).is_ok());
}

#[test]
fn whether_a_room_is_there_does_not_show_by_making_it_again() {
    let world = World::new();
    let say = |place: Place<'_>, room: RoomId, author: MemberId, json: &Value| {
        let content = content(json);
        let wish = Wish {
            space: &world.space,
            place,
            room,
            author: &author,
            content: &content,
            now: NOW,
        };
        may_append(&wish, &world)
    };
    let create = |kind: &str, members: &[MemberId]| json!({"type": "room_created", "kind": kind, "name": if kind == "direct" { "" } else { "x" }, "members": members});
    // Of the two of them, of others, with oneself and without.
    let wishes = [
        create("direct", &[MUTED, OWNER]),
        create("direct", &[MUTED, OWNER, OUTSIDER]),
        create("direct", &[OUTSIDER, ADMIN]),
        create("private", &[MUTED, OWNER]),
        create("private", &[OUTSIDER, STRANGER]),
        create("public", &[OUTSIDER]),
        json!({"type": "room_created", "kind": "public", "name": "x", "everyone": true}),
    ];
    for room in [&world.direct, &world.private] {
        for json in &wishes {
            for author in [OUTSIDER, STRANGER, BANNED] {
                let there = say(Place::Room(room), room.id, author, json);
                let never = say(Place::Fresh, room.id, author, json);
                assert_eq!(there, never, "{json}");
                assert!(there.is_err(), "{json}");
            }
        }
    }
    // An id of two people's is no id of another room either.
    for json in [
        create("private", &[OUTSIDER]),
        create("public", &[]),
        create("direct", &[OUTSIDER, OWNER]),
    ] {
        let (id, place) = (world.direct.id, Place::Room(&world.direct));
        let there = say(place, id, OUTSIDER, &json);
        assert_eq!(there, say(Place::Fresh, id, OUTSIDER, &json), "{json}");
        assert_eq!(there.unwrap_err().code, Code::BadRequest, "{json}");
    }
    // Who is in it is told, and no second room takes the place of one.
    let again = create("direct", &[MUTED, OWNER]);
    let id = world.direct.id;
    for author in [MUTED, OWNER] {
        let place = Place::Room(&world.direct);
        assert_eq!(world.ask_at(id, place, author, &again), CONFLICT);
    }
    let mine = create("private", &[OUTSIDER]);
    assert_eq!(
        world.ask(Place::Room(&world.private), OUTSIDER, &mine),
        CONFLICT
    );
}

#[test]
fn a_public_room_is_not_there_for_guests_outside() {
    let mut world = World::new();
    world.public.members.remove(&GUEST);
    let place = Place::Room(&world.public);
    assert_eq!(
        world.ask(place, GUEST, &json!({"type": "joined"})),
        NOT_FOUND
    );
    assert!(!may_see(&world.space, &world.public, &GUEST));
    assert_eq!(
        may_read(&world.space, &world.public, &GUEST)
            .unwrap_err()
            .code,
        Code::NotFound
    );
}

#[test]
fn the_room_for_everyone_is_never_left_and_kept_by_admins() {
    let world = World::new();
    let place = Place::Room(&world.everyone);
    let all = [YES, YES, YES, YES, YES, YES, IS_MUTED];
    check(
        &world,
        place,
        &json!({"type": "message", "text": "hello"}),
        all,
    );
    check(&world, place, &json!({"type": "left"}), [NOT_ALLOWED; 7]);
    let admins = [
        YES,
        YES,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        IS_MUTED,
    ];
    check(
        &world,
        place,
        &json!({"type": "room_changed", "topic": "x"}),
        admins,
    );
    let nobody = [
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        IS_MUTED,
    ];
    check(
        &world,
        place,
        &json!({"type": "removed", "member": GUEST}),
        nobody,
    );
}

#[test]
fn a_direct_room_knows_no_membership_but_its_first() {
    let world = World::new();
    let place = Place::Room(&world.direct);
    for json in [
        json!({"type": "left"}),
        json!({"type": "invited", "member": MEMBER}),
        json!({"type": "removed", "member": MUTED}),
        json!({"type": "room_changed", "name": "x"}),
    ] {
        assert_eq!(world.ask(place, OWNER, &json), NOT_ALLOWED, "{json}");
    }
    let hello = json!({"type": "message", "text": "please unmute me"});
    assert_eq!(world.ask(place, MUTED, &hello), YES, "to an owner");
    assert_eq!(world.ask(place, ADMIN, &hello), NOT_FOUND);
}

#[test]
fn an_archived_room_takes_only_changes_and_leaving() {
    let world = World::new();
    let place = Place::Room(&world.archived);
    assert_eq!(
        world.ask(place, MEMBER, &json!({"type": "message", "text": "x"})),
        NOT_ALLOWED
    );
    assert_eq!(
        world.ask(place, OUTSIDER, &json!({"type": "joined"})),
        NOT_ALLOWED
    );
    assert_eq!(
        world.ask(
            place,
            CREATOR,
            &json!({"type": "room_changed", "archived": false})
        ),
        YES
    );
    assert_eq!(world.ask(place, MEMBER, &json!({"type": "left"})), YES);
}

#[test]
fn a_room_whose_creator_is_gone_is_kept_by_its_members() {
    let mut world = World::new();
    world.public.members.remove(&CREATOR);
    let json = json!({"type": "room_changed", "name": "ours now"});
    assert_eq!(world.ask(Place::Room(&world.public), MEMBER, &json), YES);
    assert_eq!(
        world.ask(Place::Room(&world.public), GUEST, &json),
        NOT_ALLOWED
    );
}

#[test]
fn creating_rooms() {
    let mut world = World::new();
    let not_guests = [YES, YES, YES, YES, NOT_ALLOWED, YES, IS_MUTED];
    let public = json!({"type": "room_created", "kind": "public", "name": "kitchen"});
    check(&world, Place::Fresh, &public, not_guests);
    let everyone = json!({"type": "room_created", "kind": "public", "name": "x", "everyone": true});
    assert_eq!(world.ask(Place::Fresh, OWNER, &everyone), NOT_ALLOWED);
    let without_me =
        json!({"type": "room_created", "kind": "private", "name": "x", "members": [MEMBER]});
    assert_eq!(world.ask(Place::Fresh, OWNER, &without_me), BAD);
    let with_ghost = json!({"type": "room_created", "kind": "private", "name": "x", "members": [OWNER, STRANGER]});
    assert_eq!(world.ask(Place::Fresh, OWNER, &with_ghost), NOT_FOUND);
    let with_banned =
        json!({"type": "room_created", "kind": "private", "name": "x", "members": [OWNER, BANNED]});
    assert_eq!(world.ask(Place::Fresh, OWNER, &with_banned), NOT_FOUND);

    let direct = json!({"type": "room_created", "kind": "direct", "members": [MEMBER, OWNER]});
    assert_eq!(
        world.ask(Place::Fresh, MEMBER, &direct),
        BAD,
        "any other id is not theirs"
    );
    let id = direct_room_id(world.space.id, &[OWNER, MEMBER]);
    assert_eq!(world.ask_at(id, Place::Fresh, MEMBER, &direct), YES);
    assert_eq!(
        world.ask_at(id, Place::Fresh, OUTSIDER, &direct),
        BAD,
        "the author is not in it"
    );
    let id = direct_room_id(world.space.id, &[MUTED, ADMIN]);
    let plea = json!({"type": "room_created", "kind": "direct", "members": [MUTED, ADMIN]});
    assert_eq!(
        world.ask_at(id, Place::Fresh, MUTED, &plea),
        YES,
        "a muted one may write to an admin"
    );
    let id = direct_room_id(world.space.id, &[MUTED, MEMBER]);
    let chat = json!({"type": "room_created", "kind": "direct", "members": [MUTED, MEMBER]});
    assert_eq!(world.ask_at(id, Place::Fresh, MUTED, &chat), IS_MUTED);

    let v4 = RoomId::from_uuid(uuid::Uuid::from_u128(
        0x0193_0000_0000_4000_8000_0000_0000_0001,
    ));
    assert_eq!(world.ask_at(v4, Place::Fresh, MEMBER, &public), BAD);
    world.rooms_of = ROOMS_PER_MEMBER;
    assert_eq!(
        world.ask(Place::Fresh, MEMBER, &public),
        Err(Code::TooLarge)
    );
    assert_eq!(
        world.ask(
            Place::Room(&world.public),
            OUTSIDER,
            &json!({"type": "joined"})
        ),
        Err(Code::TooLarge)
    );
    let invited = json!({"type": "invited", "member": OUTSIDER});
    assert_eq!(
        world.ask(Place::Room(&world.public), MEMBER, &invited),
        Err(Code::TooLarge)
    );
    // Where another is in so many, that keeps nobody from writing to them.
    world.busy = Some(OWNER);
    let id = direct_room_id(world.space.id, &[OWNER, MEMBER]);
    assert_eq!(world.ask_at(id, Place::Fresh, MEMBER, &direct), YES);
    let private =
        json!({"type": "room_created", "kind": "private", "name": "x", "members": [OWNER, MEMBER]});
    assert_eq!(
        world.ask(Place::Fresh, MEMBER, &private),
        Err(Code::TooLarge)
    );
    world.busy = Some(MEMBER);
    assert_eq!(
        world.ask_at(id, Place::Fresh, MEMBER, &direct),
        Err(Code::TooLarge)
    );
}

#[test]
fn a_direct_room_counts_for_whoever_made_it() {
    let world = World::new();
    assert!(world.direct.counts_for(&MUTED));
    assert!(!world.direct.counts_for(&OWNER));
    assert!(world.private.counts_for(&OWNER));
}

#[test]
fn in_the_directory() {
    let world = World::new();
    let all = [YES, YES, YES, YES, YES, YES, IS_MUTED];
    let admins = [
        YES,
        YES,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        IS_MUTED,
    ];
    let owners = [
        YES,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        NOT_ALLOWED,
        IS_MUTED,
    ];
    let nobody = [NOT_ALLOWED; 7];
    let directory = Place::Directory;
    check(
        &world,
        directory,
        &json!({"type": "profile", "name": "New"}),
        all,
    );
    check(
        &world,
        directory,
        &json!({"type": "settings", "name": "Den"}),
        admins,
    );
    for json in [
        json!({"type": "role", "member": REMOVED, "role": "guest"}),
        json!({"type": "muted", "member": REMOVED, "until": NOW}),
        json!({"type": "banned", "member": REMOVED, "on": true}),
    ] {
        check(&world, directory, &json, admins);
    }
    check(
        &world,
        directory,
        &json!({"type": "role", "member": REMOVED, "role": "admin"}),
        owners,
    );
    check(
        &world,
        directory,
        &json!({"type": "role", "member": REMOVED, "role": "owner"}),
        owners,
    );
    check(
        &world,
        directory,
        &json!({"type": "admitted", "member": STRANGER, "name": "x", "role": "owner"}),
        nobody,
    );
    check(
        &world,
        directory,
        &json!({"type": "space_created", "name": "x"}),
        nobody,
    );
    check(
        &world,
        directory,
        &json!({"type": "message", "text": "x"}),
        nobody,
    );
    check(
        &world,
        directory,
        &json!({"type": "left"}),
        [NOT_ALLOWED, YES, YES, YES, YES, YES, YES],
    );
    assert_eq!(
        world.ask(
            directory,
            ADMIN,
            &json!({"type": "banned", "member": OWNER, "on": true})
        ),
        NOT_ALLOWED
    );
    assert_eq!(
        world.ask(
            directory,
            ADMIN,
            &json!({"type": "muted", "member": MUTED, "until": 0})
        ),
        NOT_ALLOWED
    );
    assert_eq!(
        world.ask(
            directory,
            OWNER,
            &json!({"type": "muted", "member": STRANGER, "until": 0})
        ),
        NOT_FOUND
    );
}

#[test]
fn the_last_owner_stays() {
    let mut world = World::new();
    let down = json!({"type": "role", "member": OWNER, "role": "member"});
    assert_eq!(world.ask(Place::Directory, OWNER, &down), NOT_ALLOWED);
    world.space.people.get_mut(&MEMBER).unwrap().role = Role::Owner;
    assert_eq!(world.ask(Place::Directory, OWNER, &down), YES);
    assert_eq!(
        world.ask(Place::Directory, OWNER, &json!({"type": "left"})),
        YES
    );
    let other = json!({"type": "role", "member": OWNER, "role": "member"});
    assert_eq!(
        world.ask(Place::Directory, MEMBER, &other),
        NOT_ALLOWED,
        "an owner is not below an owner"
    );
    let up = json!({"type": "role", "member": ADMIN, "role": "owner"});
    assert_eq!(world.ask(Place::Directory, ADMIN, &up), NOT_ALLOWED);
    let step = json!({"type": "role", "member": ADMIN, "role": "member"});
    assert_eq!(world.ask(Place::Directory, ADMIN, &step), YES);
}

#[test]
fn a_mute_ends_by_itself_and_outlives_a_return() {
    let mut world = World::new();
    let hello = json!({"type": "message", "text": "x"});
    world.space.people.get_mut(&MUTED).unwrap().muted_until = NOW;
    assert_eq!(world.ask(Place::Room(&world.public), MUTED, &hello), YES);
    let again = json!({"type": "admitted", "member": MUTED, "name": "Mo", "role": "member"});
    world.space.people.get_mut(&MUTED).unwrap().muted_until = NOW + 5;
    world.space.apply(
        &event(world.space.id.directory(), NODE, 50, &again),
        &content(&again),
    );
    assert_eq!(
        world.ask(Place::Room(&world.public), MUTED, &hello),
        IS_MUTED
    );
}

#[test]
fn a_muted_one_is_not_heard_but_by_those_who_help() {
    let world = World::new();
    let code = |answer: Result<(), Refusal>| answer.map_err(|refusal| refusal.code);
    let types = |room: &RoomState, me| code(may_type(&world.space, room, &me, NOW));
    assert_eq!(types(&world.public, MUTED), IS_MUTED);
    assert_eq!(types(&world.direct, MUTED), YES);
    assert_eq!(types(&world.public, MEMBER), YES);
    assert_eq!(types(&world.public, OUTSIDER), NOT_ALLOWED);
    assert_eq!(types(&world.private, OUTSIDER), NOT_FOUND);
    for (me, heard, passcode) in [
        (OWNER, YES, YES),
        (MEMBER, YES, NOT_ALLOWED),
        (MUTED, IS_MUTED, IS_MUTED),
    ] {
        assert_eq!(code(may_be_heard(&world.space, &me, NOW)), heard);
        assert_eq!(code(may_set_passcode(&world.space, &me, NOW)), passcode);
        assert_eq!(code(may_be_heard(&world.space, &me, NOW + 1)), YES);
    }
}

#[test]
fn what_a_window_offers_is_what_the_node_allows() {
    let world = World::new();
    let mut alone = world.public.clone();
    alone.members.remove(&CREATOR);
    let rooms = [
        &world.public,
        &world.private,
        &world.everyone,
        &world.direct,
        &world.archived,
        &alone,
    ];
    for room in rooms {
        let present = [OWNER, ADMIN, CREATOR, MEMBER, GUEST];
        for me in present.iter().filter(|me| room.has(&world.space, me)) {
            let traits = RoomTraits {
                kind: room.kind,
                everyone: room.everyone,
                archived: room.archived,
                kept: room.creator == *me || !room.has(&world.space, &room.creator),
            };
            let rights = room_rights(world.space.role(me), traits);
            let may = |json: Value| world.ask(Place::Room(room), *me, &json).is_ok();
            // Somebody else's message, somebody who is in the room, somebody who is not.
            let theirs = event_id(if *me == MEMBER { 101 } else { 100 });
            let other = if *me == MEMBER { GUEST } else { MEMBER };
            let said = [
                (rights.write, json!({"type": "message", "text": "hello"})),
                (
                    rights.pin,
                    json!({"type": "pin", "target": theirs, "on": true}),
                ),
                (
                    rights.delete_others,
                    json!({"type": "delete", "target": theirs}),
                ),
                (
                    rights.invite,
                    json!({"type": "invited", "member": OUTSIDER}),
                ),
                (
                    rights.change,
                    json!({"type": "room_changed", "topic": "new"}),
                ),
                (rights.remove, json!({"type": "removed", "member": other})),
                (rights.leave, json!({"type": "left"})),
            ];
            for (offered, json) in said {
                let who = &world.space.people[me].name;
                assert_eq!(offered, may(json.clone()), "{who} in {:?}: {json}", room.id);
            }
        }
    }
}
