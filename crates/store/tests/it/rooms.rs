//! Rooms and people as the logs tell.

use landline_protocol::{
    Admitted, Banned, Content, Invited, Profile, Removed, Role, RoomChanged, RoomCreated, RoomKind,
    SettingsChanged, SpaceCreated,
};
use landline_store::log;
use landline_store::rooms::{self, MemberRow};

use crate::support::{ann, ben, cho, event, room, space, tables, take, write};

fn private(members: &[landline_protocol::MemberId]) -> Content {
    Content::RoomCreated(RoomCreated {
        kind: RoomKind::Private,
        name: " crew ".into(),
        topic: "the boat".into(),
        members: members.to_vec(),
        everyone: false,
    })
}

fn invited(member: landline_protocol::MemberId) -> Content {
    Content::Invited(Invited {
        member,
        reason: None,
    })
}

fn admitted(member: landline_protocol::MemberId, name: &str) -> Content {
    let (name, role) = (name.to_owned(), Role::Member);
    Content::Admitted(Admitted {
        member,
        name,
        role,
        invite: None,
    })
}

#[test]
fn a_room_knows_its_name_and_its_members() {
    let c = tables();
    write(
        &c,
        room(0),
        &[
            (ann(), private(&[ann(), ben()])),
            (
                ann(),
                Content::RoomChanged(RoomChanged {
                    archived: Some(true),
                    ..RoomChanged::default()
                }),
            ),
            (ann(), invited(cho())),
            (ben(), Content::Left),
            (
                ann(),
                Content::Removed(Removed {
                    member: cho(),
                    reason: None,
                }),
            ),
        ],
    );
    let row = rooms::get(&c, room(0)).unwrap().unwrap();
    assert_eq!(
        (row.kind, row.name.as_str(), row.topic.as_str()),
        (Some(RoomKind::Private), "crew", "the boat")
    );
    assert!(row.archived && !row.everyone);
    assert_eq!(row.creator, Some(ann()));
    let members = rooms::members(&c, room(0)).unwrap();
    assert_eq!(
        members,
        [
            MemberRow {
                member: ann(),
                present: true,
                removed: false
            },
            MemberRow {
                member: ben(),
                present: false,
                removed: false
            },
            MemberRow {
                member: cho(),
                present: false,
                removed: true
            },
        ]
    );
    assert_eq!(rooms::of_member(&c, ann()).unwrap(), [room(0)]);
    assert_eq!(rooms::of_member(&c, cho()).unwrap(), []);
}

#[test]
fn the_newest_part_of_a_log_tells_what_it_can() {
    let c = tables();
    let renamed = RoomChanged {
        name: Some("boat".into()),
        ..RoomChanged::default()
    };
    take(
        &c,
        &event(room(0), 70, ann(), &Content::RoomChanged(renamed)),
    );
    let row = rooms::get(&c, room(0)).unwrap().unwrap();
    assert_eq!((row.kind, row.name.as_str()), (None, "boat"));
    assert_eq!(rooms::room_state(&c, room(0)).unwrap(), None);
    take(&c, &event(room(0), 1, ann(), &private(&[ann()])));
    let row = rooms::get(&c, room(0)).unwrap().unwrap();
    assert_eq!(
        (row.kind, row.name.as_str()),
        (Some(RoomKind::Private), "boat")
    );
    assert_eq!(rooms::room_state(&c, room(0)).unwrap().unwrap().head, 70);
}

#[test]
fn the_directory_knows_people_and_space() {
    let c = tables();
    let directory = space().directory();
    write(
        &c,
        directory,
        &[
            (
                ann(),
                Content::SpaceCreated(SpaceCreated {
                    name: "Harbour".into(),
                }),
            ),
            (ann(), admitted(ann(), "Ann")),
            (ann(), admitted(ben(), "Ben")),
            (
                ben(),
                Content::Profile(Profile {
                    about: Some("sails".into()),
                    ..Profile::default()
                }),
            ),
            (
                ann(),
                Content::Banned(Banned {
                    member: ben(),
                    on: true,
                    reason: None,
                }),
            ),
            (ben(), Content::Left),
            (
                ann(),
                Content::Settings(SettingsChanged {
                    name: Some("Harbor".into()),
                    ..SettingsChanged::default()
                }),
            ),
        ],
    );
    let row = rooms::person(&c, space(), ben()).unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.about.as_str()), ("Ben", "sails"));
    assert!(row.banned && row.left);
    take(&c, &event(directory, 8, ann(), &admitted(ben(), "Benny")));
    let people = rooms::people(&c, space()).unwrap();
    assert_eq!(people.len(), 2);
    assert!(people.iter().all(|row| !row.banned && !row.left));
    assert_eq!(people[1].name, "Benny");
    assert_eq!(rooms::person(&c, space(), cho()).unwrap(), None);
    assert_eq!(rooms::space(&c, space()).unwrap().unwrap().name, "Harbor");
    // The directory is not a room that one is in.
    assert_eq!(rooms::of_member(&c, ann()).unwrap(), []);
    assert_eq!(rooms::all(&c).unwrap(), []);
}

#[test]
fn a_room_is_history_up_to_where_somebody_came_last() {
    let c = tables();
    let came = |who| rooms::came(&c, room(0), who).unwrap();
    write(
        &c,
        room(0),
        &[
            (ann(), private(&[ann(), ben()])),
            (ann(), invited(cho())),
            (ben(), Content::Left),
        ],
    );
    assert_eq!((came(ann()), came(cho())), (1, 2));
    assert_eq!(came(ben()), 0, "he is not in it");
}

#[test]
fn a_room_for_everyone_is_history_up_to_where_somebody_came_to_the_space() {
    let c = tables();
    let (general, directory) = (room(0), space().directory());
    for (seq, accepted_at) in [(1, 100), (2, 200), (4, 200), (7, 300), (8, 500)] {
        let mut said = event(general, seq, ann(), &Content::Joined);
        said.accepted_at = accepted_at;
        take(&c, &said);
    }
    let before = |at| log::last_before(&c, general, at).unwrap();
    assert_eq!(
        [100, 101, 200, 201, 300, 301, 500, 501].map(before),
        [0, 1, 1, 4, 4, 7, 7, 8]
    );
    let came = || rooms::came_with_all(&c, space(), general, ben()).unwrap();
    assert_eq!(came(), 0, "nothing is known of him");
    let mut admitted = event(directory, 3, ann(), &admitted(ben(), "Ben"));
    admitted.accepted_at = 301;
    take(&c, &admitted);
    assert_eq!(came(), 7);
}
