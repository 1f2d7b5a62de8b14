//! Settings, drafts, sessions, listings: what no log tells.

use landline_protocol::RoomKind;
use landline_protocol::up::RoomInfo;
use landline_store::drafts::ThreadDraft;
use landline_store::sessions::{self, Session};
use landline_store::{StoreError, drafts, forget, listing, settings};

use crate::support::{ann, ben, event_id, room, tables};

#[test]
fn a_setting_is_json_under_a_key() {
    let c = tables();
    assert_eq!(settings::get::<u64>(&c, "port").unwrap(), None);
    settings::set(&c, "port", &7717).unwrap();
    settings::set(&c, "port", &7718).unwrap();
    assert_eq!(settings::get::<u64>(&c, "port").unwrap(), Some(7718));
    let wrong = settings::get::<Vec<String>>(&c, "port");
    assert!(matches!(wrong, Err(StoreError::Json(_))));
    settings::remove(&c, "port").unwrap();
    assert_eq!(settings::get::<u64>(&c, "port").unwrap(), None);
}

#[test]
fn a_draft_is_kept_by_room_until_it_is_empty() {
    let c = tables();
    drafts::set(&c, room(0), "hel").unwrap();
    drafts::set(&c, room(0), "hello").unwrap();
    drafts::set(&c, room(1), "bye").unwrap();
    assert_eq!(drafts::get(&c, room(0)).unwrap(), "hello");
    assert_eq!(drafts::get(&c, room(9)).unwrap(), "");
    drafts::set(&c, room(0), "").unwrap();
    assert_eq!(drafts::all(&c).unwrap(), [(room(1), "bye".to_owned())]);
}

fn thread_draft(number: u64, text: &str) -> ThreadDraft {
    ThreadDraft {
        room: room(0),
        thread: event_id(room(0), number),
        text: text.to_owned(),
    }
}

#[test]
fn a_draft_of_a_thread_is_kept_beside_that_of_its_room_until_it_is_empty_or_the_room_forgotten() {
    let c = tables();
    drafts::set(&c, room(0), "in the room").unwrap();
    for text in ["yes", "yes, and"] {
        drafts::set_of_thread(&c, &thread_draft(1, text)).unwrap();
        drafts::set_of_thread(&c, &thread_draft(2, "no")).unwrap();
    }
    let thread = |number| drafts::of_thread(&c, event_id(room(0), number)).unwrap();
    assert_eq!((thread(1), thread(9)), ("yes, and".into(), String::new()));
    assert_eq!(drafts::get(&c, room(0)).unwrap(), "in the room");
    drafts::set_of_thread(&c, &thread_draft(1, "")).unwrap();
    assert_eq!(drafts::of_threads(&c).unwrap(), [thread_draft(2, "no")]);

    forget(&c, room(1)).unwrap();
    assert_eq!(drafts::of_threads(&c).unwrap().len(), 1);
    forget(&c, room(0)).unwrap();
    assert_eq!(drafts::of_threads(&c).unwrap(), []);
}

#[test]
fn of_too_many_drafts_of_threads_the_one_changed_longest_ago_goes() {
    let c = tables();
    let most = u64::from(drafts::THREAD_DRAFTS);
    for number in 1..=most {
        let gone = drafts::set_of_thread(&c, &thread_draft(number, "kept")).unwrap();
        assert_eq!(gone, []);
    }
    drafts::set_of_thread(&c, &thread_draft(1, "changed")).unwrap();
    let gone = drafts::set_of_thread(&c, &thread_draft(most + 1, "new")).unwrap();
    assert_eq!(gone, [thread_draft(2, "kept")]);
    let all = drafts::of_threads(&c).unwrap();
    assert_eq!(u32::try_from(all.len()).unwrap(), drafts::THREAD_DRAFTS);
    assert_eq!(all.last(), Some(&thread_draft(most + 1, "new")));
    assert!(all.contains(&thread_draft(1, "changed")));
}

#[test]
fn a_session_ends_by_time_or_with_its_member() {
    let c = tables();
    let session = |number: u8, member, expires_at| Session {
        token_hash: [number; 32],
        member,
        expires_at,
    };
    let (one, two) = (session(1, ann(), 1_000), session(2, ann(), 2_000));
    let (three, four) = (session(3, ben(), 3_000), session(4, ben(), 4_000));
    for session in [one, two, three, four] {
        sessions::insert(&c, &session).unwrap();
    }
    assert_eq!(sessions::all(&c, 999).unwrap(), [one, two, three, four]);
    assert_eq!(sessions::all(&c, 1_000).unwrap(), [two, three, four]);
    sessions::remove_expired(&c, 1_500).unwrap();
    assert_eq!(sessions::all(&c, 0).unwrap(), [two, three, four]);
    sessions::remove_of(&c, ann()).unwrap();
    sessions::remove(&c, &[4; 32]).unwrap();
    assert_eq!(sessions::all(&c, 0).unwrap(), [three]);
}

#[test]
fn what_the_node_said_of_a_room_is_kept_when_one_is_no_longer_in_it() {
    let c = tables();
    let mut info = RoomInfo {
        id: room(0),
        kind: RoomKind::Public,
        name: "general".into(),
        topic: "all of it".into(),
        archived: false,
        everyone: true,
        member_count: 3,
        first: 1,
        head: 9,
        head_id: event_id(room(0), 9),
        epoch: 1,
        read: 4,
        delivered: 9,
        members: None,
    };
    listing::open(&c, &info).unwrap();
    info.head = 10;
    listing::open(&c, &info).unwrap();
    let listed = listing::get(&c, room(0)).unwrap().unwrap();
    assert_eq!((listed.open, &listed.info), (true, &info));
    listing::close(&c, room(0)).unwrap();
    let all = listing::all(&c).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].open, &all[0].info), (false, &info));
    listing::open(&c, &info).unwrap();
    assert!(listing::get(&c, room(0)).unwrap().unwrap().open);
    assert_eq!(listing::get(&c, room(1)).unwrap(), None);
}
