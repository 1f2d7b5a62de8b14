//! The log: places, ids, pages, forks.

use landline_protocol::{Content, Delete, NewEvent};
use landline_store::StoreError;
use landline_store::log::{self, Head, Known};
use serde_json::json;

use crate::support::{ann, ben, event, event_id, json, new_event, raw_event, room, tables, text};

const ALL: usize = usize::MAX;
const NONE: [u64; 0] = [];

fn seqs(events: &[landline_protocol::Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

/// Twenty messages, and another room between.
fn twenty() -> crate::support::Tables {
    let c = tables();
    for seq in 1..=20 {
        log::insert(&c, &event(room(0), seq, ann(), &text("x"))).unwrap();
        log::insert(&c, &event(room(1), seq, ben(), &text("y"))).unwrap();
    }
    c
}

#[test]
fn an_event_comes_back_byte_for_byte() {
    let c = tables();
    let content = serde_json::value::RawValue::from_string(
        "{ \"text\":\"caf\\u00e9 \\ud83d\\ude00\",\n\t\"type\" : \"message\", \"later\":[1,2] }"
            .into(),
    )
    .unwrap();
    let mut event = raw_event(room(0), 1, ann(), content);
    event.sent_at = -5;
    event.sig = None;
    log::insert(&c, &event).unwrap();
    assert_eq!(log::find(&c, event.id).unwrap(), Some(event.clone()));
    assert_eq!(log::at(&c, room(0), 1).unwrap(), Some(event));
    assert_eq!(log::at(&c, room(0), 2).unwrap(), None);
    assert_eq!(log::find(&c, event_id(room(0), 2)).unwrap(), None);
}

#[test]
fn an_id_and_a_place_are_taken_once() {
    let c = tables();
    let first = event(room(0), 1, ann(), &text("one"));
    log::insert(&c, &first).unwrap();
    let mut same_place = event(room(0), 1, ann(), &text("two"));
    same_place.id = event_id(room(0), 99);
    let mut same_id = event(room(0), 2, ann(), &text("two"));
    same_id.id = first.id;
    for taken in [first.clone(), same_place, same_id] {
        let refused = log::insert(&c, &taken);
        assert!(
            matches!(refused, Err(StoreError::Taken { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(log::page_after(&c, room(0), 0, 10, ALL).unwrap(), [first]);
}

#[test]
fn pages_rise_by_seq_and_stay_in_their_room() {
    let c = twenty();
    let after = |after, limit| seqs(&log::page_after(&c, room(0), after, limit, ALL).unwrap());
    let before = |before, limit| seqs(&log::page_before(&c, room(0), before, limit, ALL).unwrap());
    assert_eq!(after(0, 3), [1, 2, 3]);
    assert_eq!(after(18, 10), [19, 20]);
    assert_eq!(after(20, 10), NONE);
    assert_eq!(before(None, 3), [18, 19, 20]);
    assert_eq!(before(Some(3), 10), [1, 2]);
    assert_eq!(before(Some(1), 10), NONE);
    assert_eq!(before(Some(u64::MAX), 1), [20]);
    assert_eq!(after(u64::MAX, 1), NONE);
}

#[test]
fn pages_end_before_too_many_bytes_but_never_empty() {
    let c = tables();
    for seq in 1..=5 {
        log::insert(&c, &event(room(0), seq, ann(), &text(&"x".repeat(10_000)))).unwrap();
    }
    let page = log::page_after(&c, room(0), 0, 100, 35_000).unwrap();
    assert_eq!(seqs(&page), [1, 2, 3]);
    let json = serde_json::to_string(&page).unwrap();
    assert!(json.len() <= 35_000);
    assert_eq!(
        seqs(&log::page_before(&c, room(0), None, 100, 35_000).unwrap()),
        [3, 4, 5]
    );
    assert_eq!(seqs(&log::page_after(&c, room(0), 3, 100, 1).unwrap()), [4]);
}

#[test]
fn the_bytes_of_a_page_are_never_underestimated() {
    let c = tables();
    let mut long = event(room(0), 1, ann(), &text("x"));
    long.sent_at = i64::MIN;
    long.accepted_at = i64::MIN;
    long.seq = u64::MAX / 2;
    log::insert(&c, &long).unwrap();
    let envelope = serde_json::to_string(&long).unwrap().len() - long.content.get().len();
    assert!(envelope <= 400, "{envelope}");
}

#[test]
fn a_log_knows_where_it_begins_and_ends() {
    let c = twenty();
    let last = event(room(0), 20, ann(), &text("x"));
    let head = Head {
        seq: 20,
        id: last.id,
        accepted_at: last.accepted_at,
    };
    assert_eq!(log::head(&c, room(0)).unwrap(), Some(head));
    assert_eq!(log::first(&c, room(0)).unwrap(), Some(1));
    assert_eq!(log::head(&c, room(7)).unwrap(), None);
    assert_eq!(log::first(&c, room(7)).unwrap(), None);
}

#[test]
fn an_appended_event_is_known_again() {
    let c = tables();
    let first = event(room(0), 1, ann(), &text("one"));
    log::insert(&c, &first).unwrap();
    let known = |author, event: &NewEvent| log::known(&c, author, event).unwrap();
    let again = new_event(&first);
    let same = Known::Same {
        seq: 1,
        accepted_at: first.accepted_at,
    };
    assert_eq!(known(ann(), &again), Some(same));
    assert_eq!(known(ben(), &again), Some(Known::Other));
    let elsewhere = NewEvent {
        room: room(1),
        ..again.clone()
    };
    assert_eq!(known(ann(), &elsewhere), Some(Known::Other));
    let content = json(&json!({ "type": "message", "text": "two" }));
    assert_eq!(
        known(
            ann(),
            &NewEvent {
                content,
                ..again.clone()
            }
        ),
        Some(Known::Other)
    );
    let id = event_id(room(0), 2);
    assert_eq!(known(ann(), &NewEvent { id, ..again }), None);
}

#[test]
fn an_appended_event_is_known_again_when_its_keys_come_in_another_order() {
    let c = tables();
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
    let first = raw_event(room(0), 1, ann(), raw(r#"{"type":"message","text":"é"}"#));
    log::insert(&c, &first).unwrap();
    let content = raw(r#"{ "text": "\u00e9", "type": "message" }"#);
    let again = NewEvent {
        content,
        ..new_event(&first)
    };
    let known = log::known(&c, ann(), &again).unwrap();
    assert!(
        matches!(known, Some(Known::Same { seq: 1, .. })),
        "{known:?}"
    );
}

#[test]
fn a_message_is_deleted_as_soon_as_its_delete_is_logged() {
    let c = tables();
    let target = event_id(room(0), 1);
    log::insert(&c, &event(room(0), 1, ann(), &text("one"))).unwrap();
    assert!(!log::is_deleted(&c, target).unwrap());
    let delete = Content::Delete(Delete { target });
    log::insert(&c, &event(room(0), 2, ann(), &delete)).unwrap();
    assert!(log::is_deleted(&c, target).unwrap());
}

#[test]
fn a_fork_takes_out_what_is_beyond() {
    let c = twenty();
    let beyond = log::delete_after(&c, room(0), 17).unwrap();
    assert_eq!(seqs(&beyond), [18, 19, 20]);
    assert_eq!(log::head(&c, room(0)).unwrap().unwrap().seq, 17);
    assert_eq!(log::head(&c, room(1)).unwrap().unwrap().seq, 20);
    assert_eq!(log::delete_after(&c, room(0), 17).unwrap(), []);
    // Their places and ids are free again.
    log::insert(&c, &beyond[0]).unwrap();
}
