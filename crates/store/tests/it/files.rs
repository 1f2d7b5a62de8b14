//! Files: what names them, what waits for them, what a node and a client keep of them.

use std::collections::HashSet;

use landline_protocol::{
    Content, Delete, EventId, File, FileHash, Message, Profile, RoomId, TransferId,
};
use landline_store::transfers::{State, Transfer, Way};
use landline_store::uploads::{Upload, Used};
use landline_store::{
    Connection, apply, forget, local_files, log, named, outbox, transfers, uploads,
};
use uuid::Uuid;

use crate::support::{ann, ben, event, event_id, new_event, room, space, tables, text};

const HOUR: i64 = 60 * 60 * 1000;

fn hash(number: u8) -> FileHash {
    FileHash::from_bytes([number; 32])
}

fn with_files(text: &str, files: &[u8]) -> Content {
    let files = files.iter().map(|number| File {
        blake3: hash(*number).to_string(),
        name: format!("{number}.png"),
        media_type: "image/png".into(),
        bytes: 1000,
        width: None,
        height: None,
        preview: None,
    });
    Content::Message(Message {
        text: text.into(),
        files: files.collect(),
        ..Message::default()
    })
}

fn logged(c: &Connection, room: RoomId, seq: u64, content: &Content) -> EventId {
    let event = event(room, seq, ann(), content);
    log::insert(c, &event).unwrap();
    apply::apply(c, &event).unwrap();
    event.id
}

fn rooms(c: &Connection, number: u8) -> Vec<RoomId> {
    named::rooms(c, hash(number)).unwrap()
}

#[test]
fn a_file_is_named_in_the_rooms_whose_messages_name_it_until_they_are_deleted() {
    let c = tables();
    let one = logged(&c, room(0), 1, &with_files("a", &[1, 2]));
    logged(&c, room(1), 1, &with_files("", &[1]));
    logged(&c, room(1), 2, &text("no file"));
    assert_eq!(rooms(&c, 1), [room(0), room(1)]);
    assert_eq!(rooms(&c, 2), [room(0)]);
    logged(&c, room(0), 2, &Content::Delete(Delete { target: one }));
    assert_eq!(rooms(&c, 1), [room(1)]);
    assert!(rooms(&c, 2).is_empty());
}

#[test]
fn a_delete_that_comes_before_its_message_leaves_nothing_named() {
    let c = tables();
    let target = event_id(room(0), 1);
    logged(&c, room(0), 2, &Content::Delete(Delete { target }));
    logged(&c, room(0), 1, &with_files("gone", &[7]));
    assert!(rooms(&c, 7).is_empty());
}

fn avatar(number: Option<u8>) -> Content {
    let hash = number.map(|number| hash(number).to_string());
    Content::Profile(Profile {
        avatar: Some(hash.unwrap_or_default()),
        ..Profile::default()
    })
}

#[test]
fn an_avatar_is_named_in_the_directory_until_another_takes_its_place() {
    let directory = space().directory();
    let c = tables();
    logged(&c, directory, 1, &avatar(Some(7)));
    logged(&c, directory, 2, &avatar(Some(8)));
    let name = Profile {
        name: Some("Anne".into()),
        ..Profile::default()
    };
    logged(&c, directory, 3, &Content::Profile(name));
    assert!(rooms(&c, 7).is_empty());
    assert_eq!(rooms(&c, 8), [directory]);
    apply::rebuild(&c).unwrap();
    assert!(rooms(&c, 7).is_empty());
    assert_eq!(rooms(&c, 8), [directory]);
    logged(&c, directory, 4, &avatar(None));
    assert!(rooms(&c, 8).is_empty(), "taken off");
    logged(&c, directory, 5, &avatar(Some(7)));
    assert_eq!(rooms(&c, 7), [directory], "and back");
}

#[test]
fn the_avatars_of_two_people_are_named_side_by_side() {
    let directory = space().directory();
    let c = tables();
    for (seq, author, number) in [(1, ann(), 7), (2, ben(), 8), (3, ann(), 9)] {
        let event = event(directory, seq, author, &avatar(Some(number)));
        log::insert(&c, &event).unwrap();
        // As a node does, before it applies it.
        named::note(&c, &event, &Content::read(&event.content)).unwrap();
    }
    while apply::catch_up(&c, 1).unwrap() {}
    assert!(rooms(&c, 7).is_empty());
    assert_eq!(rooms(&c, 8), [directory]);
    assert_eq!(rooms(&c, 9), [directory]);
}

#[test]
fn an_avatar_that_is_heard_of_after_the_one_in_its_place_is_not_named() {
    let directory = space().directory();
    let c = tables();
    logged(&c, directory, 5, &avatar(Some(8)));
    logged(&c, directory, 2, &avatar(Some(7)));
    assert!(rooms(&c, 7).is_empty());
    assert_eq!(rooms(&c, 8), [directory]);
}

#[test]
fn a_rebuild_names_the_same_files_and_a_room_that_is_forgotten_names_none() {
    let c = tables();
    let gone = logged(&c, room(0), 1, &with_files("a", &[1]));
    logged(&c, room(0), 2, &with_files("b", &[2]));
    logged(&c, room(0), 3, &Content::Delete(Delete { target: gone }));
    apply::rebuild(&c).unwrap();
    assert!(rooms(&c, 1).is_empty());
    assert_eq!(rooms(&c, 2), [room(0)]);
    apply::rebuild_room(&c, room(0)).unwrap();
    assert_eq!(rooms(&c, 2), [room(0)]);
    forget(&c, room(0)).unwrap();
    assert!(rooms(&c, 2).is_empty());
}

fn transfer(number: u128, event: EventId, file: u8, way: Way) -> Transfer {
    Transfer {
        id: TransferId::from_uuid(Uuid::from_u128(number)),
        room: room(0),
        event,
        blake3: hash(file),
        bytes: 1000,
        way,
        state: State::Waiting,
        done: 0,
        url: None,
        words: None,
    }
}

fn next(c: &Connection) -> Vec<EventId> {
    let batch = outbox::next_batch(c, 64, 200 * 1024).unwrap();
    batch.iter().map(|waiting| waiting.event.id).collect()
}

fn push(c: &Connection, room: RoomId, number: u64, content: &Content) -> EventId {
    let event = new_event(&event(room, number, ann(), content));
    outbox::push(c, &event).unwrap();
    event.id
}

#[test]
fn a_message_waits_for_its_uploads_with_what_is_behind_it_and_other_rooms_pass() {
    let c = tables();
    let before = push(&c, room(0), 1, &text("before"));
    let holds = push(&c, room(0), 2, &with_files("", &[1, 2]));
    let behind = push(&c, room(0), 3, &text("behind"));
    let elsewhere = push(&c, room(1), 4, &text("elsewhere"));
    let (one, two) = (
        transfer(1, holds, 1, Way::Up),
        transfer(2, holds, 2, Way::Up),
    );
    transfers::begin(&c, &one).unwrap();
    transfers::begin(&c, &two).unwrap();
    assert_eq!(next(&c), [before, elsewhere]);
    transfers::set_state(&c, one.id, State::Done, None).unwrap();
    transfers::set_state(&c, two.id, State::Paused, None).unwrap();
    assert_eq!(next(&c), [before, elsewhere], "a paused one still waits");
    transfers::set_state(&c, two.id, State::Done, None).unwrap();
    assert_eq!(next(&c), [before, holds, behind, elsewhere]);
    outbox::settle(&c, holds).unwrap();
    assert_eq!(transfers::get(&c, one.id).unwrap(), None);
    assert_eq!(transfers::get(&c, two.id).unwrap(), None);
}

#[test]
fn an_upload_that_failed_lets_others_pass_and_trying_again_begins_it_again() {
    let c = tables();
    let holds = push(&c, room(0), 1, &with_files("", &[1]));
    let behind = push(&c, room(0), 2, &text("behind"));
    let up = transfer(1, holds, 1, Way::Up);
    transfers::begin(&c, &up).unwrap();
    let refusal = landline_protocol::Refusal::too_large("more than the space takes");
    transfers::set_state(&c, up.id, State::Failed, Some(&refusal.message)).unwrap();
    outbox::fail(&c, holds, &refusal).unwrap();
    assert_eq!(next(&c), [behind]);
    outbox::retry(&c, holds).unwrap();
    let again = transfers::get(&c, up.id).unwrap().unwrap();
    assert_eq!((again.state, again.words), (State::Waiting, None));
    assert!(next(&c).is_empty());
    outbox::discard(&c, holds).unwrap();
    assert_eq!(transfers::get(&c, up.id).unwrap(), None);
    assert_eq!(next(&c), [behind]);
}

#[test]
fn an_upload_that_failed_without_its_message_is_tried_again_and_no_other() {
    let c = tables();
    let failed = push(&c, room(0), 1, &with_files("", &[1]));
    let waits = push(&c, room(0), 2, &with_files("", &[2]));
    let refusal = landline_protocol::Refusal::too_large("more than the space takes");
    let ups = [
        transfer(1, failed, 1, Way::Up),
        transfer(2, waits, 2, Way::Up),
    ];
    for up in &ups {
        transfers::begin(&c, up).unwrap();
        transfers::set_state(&c, up.id, State::Failed, Some(&refusal.message)).unwrap();
    }
    outbox::fail(&c, failed, &refusal).unwrap();
    transfers::try_stranded(&c).unwrap();
    let states = ups.map(|up| transfers::get(&c, up.id).unwrap().unwrap().state);
    assert_eq!(states, [State::Failed, State::Waiting]);
}

#[test]
fn a_local_file_is_kept_as_long_as_anything_needs_it() {
    let c = tables();
    let local = local_files::LocalFile {
        bytes: 1000,
        media_type: "image/png".into(),
    };
    for number in 1..=3 {
        local_files::add(&c, hash(number), &local).unwrap();
    }
    let message = logged(&c, room(0), 1, &with_files("", &[1]));
    let up = transfer(1, event_id(room(0), 9), 2, Way::Up);
    transfers::begin(&c, &up).unwrap();
    assert_eq!(local_files::remove_unnamed(&c).unwrap(), [hash(3)]);
    assert_eq!(local_files::get(&c, hash(1)).unwrap(), Some(local));
    logged(&c, room(0), 2, &Content::Delete(Delete { target: message }));
    transfers::remove(&c, up.id).unwrap();
    let mut gone = local_files::remove_unnamed(&c).unwrap();
    gone.sort();
    assert_eq!(gone, [hash(1), hash(2)]);
}

fn upload(number: u8, bytes: u64, begun_at: i64) -> Upload {
    Upload {
        id: [number; 16],
        member: ann(),
        bytes,
        announced: None,
        blake3: None,
        begun_at,
    }
}

const fn used(bytes: u64, uploads: u64) -> Used {
    Used { bytes, uploads }
}

#[test]
fn what_is_under_way_counts_as_if_it_were_whole_and_a_file_counts_once() {
    let c = tables();
    for number in 1..=3 {
        uploads::begin(&c, &upload(number, 10_000, 0)).unwrap();
    }
    assert_eq!(uploads::used(&c, ann()).unwrap(), used(30_000, 3));
    for number in 1..=2 {
        uploads::finish(&c, &upload(number, 10_000, 0), hash(1), HOUR).unwrap();
    }
    assert_eq!(uploads::used(&c, ann()).unwrap(), used(20_000, 1));
    assert_eq!(uploads::used(&c, ben()).unwrap(), used(0, 0));
    assert!(uploads::has_uploaded(&c, ann(), hash(1)).unwrap());
    assert!(!uploads::has_uploaded(&c, ben(), hash(1)).unwrap());
    assert_eq!(uploads::bytes_of(&c, hash(1)).unwrap(), Some(10_000));
}

#[test]
fn a_file_of_a_few_bytes_counts_as_the_block_that_it_takes() {
    let c = tables();
    for number in 1..=3 {
        uploads::begin(&c, &upload(number, u64::from(number) - 1, 0)).unwrap();
    }
    assert_eq!(uploads::used(&c, ann()).unwrap(), used(3 * 4096, 3));
    uploads::finish(&c, &upload(1, 0, 0), hash(1), HOUR).unwrap();
    uploads::finish(&c, &upload(2, 1, 0), hash(2), HOUR).unwrap();
    assert_eq!(uploads::used(&c, ann()).unwrap(), used(3 * 4096, 1));
    assert_eq!(uploads::counted(0), 4096);
    assert_eq!(uploads::counted(4097), 4097);
}

#[test]
fn of_whole_uploads_a_member_leaves_so_many_behind_and_not_one_more() {
    let c = tables();
    let numbered = |number: u16| Upload {
        id: std::array::from_fn(|at| number.to_be_bytes()[at % 2]),
        ..upload(0, 100, i64::from(number))
    };
    let unfinished = numbered(0);
    uploads::begin(&c, &unfinished).unwrap();
    for number in 1..=300 {
        let upload = numbered(number);
        uploads::begin(&c, &upload).unwrap();
        uploads::finish(&c, &upload, hash(1), HOUR).unwrap();
    }
    let is_known = |number| uploads::get(&c, numbered(number).id).unwrap().is_some();
    assert_eq!((1..=300).filter(|number| is_known(*number)).count(), 256);
    assert!(is_known(300) && !is_known(44));
    assert!(is_known(0), "one that is not whole stays");
}

#[test]
fn uploads_and_files_that_no_message_names_end_after_their_time() {
    let c = tables();
    for number in 1..=3 {
        let upload = upload(number, 100, HOUR * i64::from(number));
        uploads::begin(&c, &upload).unwrap();
        let at = upload.begun_at;
        uploads::finish(&c, &upload, hash(number), at).unwrap();
    }
    logged(&c, room(0), 1, &with_files("", &[1]));
    let running = HashSet::from([[1; 16]]);
    assert!(uploads::expire(&c, 2 * HOUR, &running).unwrap().is_empty());
    let nobody = HashSet::new();
    assert_eq!(uploads::expire(&c, 2 * HOUR, &nobody).unwrap(), [[1; 16]]);
    assert_eq!(uploads::expire_unnamed(&c, 3 * HOUR).unwrap(), [hash(2)]);
    assert!(!uploads::has_uploaded(&c, ann(), hash(2)).unwrap());
    assert!(uploads::has_uploaded(&c, ann(), hash(1)).unwrap());
}
