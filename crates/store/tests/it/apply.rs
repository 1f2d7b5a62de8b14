//! What particular events do to the tables.

use landline_protocol::{
    Content, Delete, Edit, EventId, Mention, Message, NewEvent, Pin, Reaction, content_hash,
};
use landline_store::log::Known;
use landline_store::messages::{Line, MessageRow};
use landline_store::{Connection, StoreError, apply, log, messages, search};
use serde_json::json;

use crate::support::{
    ann, ben, check_index, dump, event, event_id, json, member, new_event, raw_event, room, tables,
    take, text, write,
};

fn row(c: &Connection, id: EventId) -> MessageRow {
    match messages::find(c, id).unwrap() {
        Some(Line::Message(row)) => row,
        other => panic!("not a message: {other:?}"),
    }
}

fn edit(target: EventId, text: &str) -> Content {
    Content::Edit(Edit {
        target,
        text: text.to_owned(),
        mentions: vec![],
    })
}

fn found(c: &Connection, text: &str) -> Vec<EventId> {
    let query = search::Query {
        text,
        limit: 10,
        ..search::Query::default()
    };
    search::search(c, &query)
        .unwrap()
        .into_iter()
        .map(|hit| hit.event.id)
        .collect()
}

#[test]
fn an_edit_that_comes_before_its_message_is_kept_for_it() {
    let c = tables();
    let target = event_id(room(0), 3);
    take(
        &c,
        &event(room(0), 7, ann(), &edit(target, "as it should read")),
    );
    assert_eq!(messages::find(&c, target).unwrap(), None);
    take(&c, &event(room(0), 3, ann(), &text("as it was")));
    let row = row(&c, target);
    assert_eq!(row.text, "as it should read");
    assert!(row.edited);
    assert_eq!(found(&c, "should"), [target]);
    assert_eq!(found(&c, "was"), []);
}

#[test]
fn the_last_edit_by_seq_wins_whenever_it_comes() {
    let c = tables();
    let target = event_id(room(0), 1);
    take(&c, &event(room(0), 1, ann(), &text("one")));
    take(&c, &event(room(0), 9, ann(), &edit(target, "three")));
    take(&c, &event(room(0), 5, ann(), &edit(target, "two")));
    assert_eq!(row(&c, target).text, "three");
}

#[test]
fn an_edit_replaces_the_mentions() {
    let c = tables();
    let target = event_id(room(0), 1);
    let mentions = vec![Mention::Member(ben())];
    take(
        &c,
        &event(
            room(0),
            1,
            ann(),
            &Content::Message(Message {
                text: "@ben look".into(),
                mentions,
                ..Message::default()
            }),
        ),
    );
    assert_eq!(messages::unread(&c, room(0), ben(), 0).unwrap().mentions, 1);
    take(&c, &event(room(0), 2, ann(), &edit(target, "look")));
    assert_eq!(messages::unread(&c, room(0), ben(), 0).unwrap().mentions, 0);
    assert_eq!(row(&c, target).mentions, []);
}

#[test]
fn a_delete_drops_what_the_message_and_its_edits_said() {
    let c = tables();
    let thread = event_id(room(0), 1);
    let said = Content::Message(Message {
        text: "the secret word is xylophone".into(),
        reply_to: Some(thread),
        thread: Some(thread),
        mentions: vec![Mention::Room],
        ..Message::default()
    });
    let target = event_id(room(0), 2);
    let events = write(
        &c,
        room(0),
        &[
            (ann(), text("a thread")),
            (ben(), said),
            (ben(), edit(target, "the secret word is glockenspiel")),
            (ann(), Content::Pin(Pin { target, on: true })),
            (
                ann(),
                Content::Reaction(Reaction {
                    target,
                    emoji: "👍".into(),
                    on: true,
                }),
            ),
            (ben(), Content::Delete(Delete { target })),
        ],
    );

    let row = row(&c, target);
    assert!(row.deleted && !row.edited && !row.pinned);
    assert_eq!(
        (row.text.as_str(), row.thread, row.reply_to),
        ("", Some(thread), None)
    );
    assert_eq!((row.mentions.len(), row.reactions.len()), (0, 0));
    assert_eq!(messages::pins(&c, room(0), None, 10).unwrap(), []);
    assert_eq!(found(&c, "xylophone"), []);
    assert_eq!(found(&c, "glockenspiel"), []);
    check_index(&c);

    let message = log::find(&c, target).unwrap().unwrap();
    let expected = format!(r#"{{"type":"message","text":"","thread":"{thread}"}}"#);
    assert_eq!(message.content.get(), expected);
    assert!(matches!(
        Content::read(&message.content),
        Content::Message(_)
    ));
    assert_eq!(
        (message.sig.clone(), message.sent_at),
        (events[1].sig.clone(), events[1].sent_at)
    );
    let edited = log::find(&c, event_id(room(0), 3)).unwrap().unwrap();
    let expected = format!(r#"{{"type":"edit","target":"{target}","text":""}}"#);
    assert_eq!(edited.content.get(), expected);

    // The hash that the signature is over is kept.
    let kept = |seq: u64| -> Vec<u8> {
        c.query_row(
            "SELECT dropped FROM event WHERE seq = ?1",
            [i64::try_from(seq).unwrap()],
            |row| row.get(0),
        )
        .unwrap()
    };
    assert_eq!(kept(2), content_hash(&events[1].content).unwrap());
    assert_eq!(kept(3), content_hash(&events[2].content).unwrap());
    let rows = dump(&c);
    assert!(!rows.contains("xylophone") && !rows.contains("glockenspiel"));
}

#[test]
fn words_of_a_deleted_message_are_not_left_in_the_file() {
    let (_folder, store) = crate::support::store();
    let target = event_id(room(0), 1);
    let write = |event| {
        store
            .write_blocking(move |c| {
                log::insert(c, &event)?;
                apply::apply(c, &event)
            })
            .unwrap();
    };
    write(event(
        room(0),
        1,
        ann(),
        &text("qzxyjk is a word that stands nowhere else"),
    ));
    write(event(
        room(0),
        2,
        ann(),
        &Content::Delete(Delete { target }),
    ));
    let path = store.path().to_owned();
    crate::support::block_on(store.close()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"qzxyjk"));
}

#[test]
fn an_edit_fetched_after_the_delete_is_dropped_too() {
    let c = tables();
    let target = event_id(room(0), 1);
    take(&c, &event(room(0), 1, ann(), &text("one")));
    take(
        &c,
        &event(room(0), 9, ann(), &Content::Delete(Delete { target })),
    );
    take(&c, &event(room(0), 5, ann(), &edit(target, "xylophone")));
    assert!(!dump(&c).contains("xylophone"));
    assert!(row(&c, target).deleted);
}

#[test]
fn a_replica_that_gets_a_message_dropped_already_ends_like_one_that_saw_it() {
    let target = event_id(room(0), 1);
    let delete = event(room(0), 2, ben(), &Content::Delete(Delete { target }));
    let saw = tables();
    take(&saw, &event(room(0), 1, ann(), &text("hello")));
    take(&saw, &delete);
    let dropped = log::find(&saw, target).unwrap().unwrap();

    let came_late = tables();
    take(&came_late, &dropped);
    assert!(
        row(&came_late, target).deleted,
        "even before the delete is here"
    );
    take(&came_late, &delete);
    assert_eq!(row(&came_late, target), row(&saw, target));
    let log = |c: &Connection| log::page_after(c, room(0), 0, 10, usize::MAX).unwrap();
    assert_eq!(log(&came_late), log(&saw));
}

#[test]
fn a_deleted_message_appended_again_is_known_as_the_same() {
    let c = tables();
    let target = event_id(room(0), 1);
    let events = write(
        &c,
        room(0),
        &[
            (ann(), text("hello")),
            (ann(), Content::Delete(Delete { target })),
        ],
    );
    let again = new_event(&events[0]);
    let same = Known::Same {
        seq: 1,
        accepted_at: events[0].accepted_at,
    };
    assert_eq!(log::known(&c, ann(), &again).unwrap(), Some(same));
    assert_eq!(log::known(&c, ben(), &again).unwrap(), Some(Known::Other));
    let other = NewEvent {
        content: json(&json!({ "type": "message", "text": "" })),
        ..again
    };
    assert_eq!(log::known(&c, ann(), &other).unwrap(), Some(Known::Other));
}

#[test]
fn reactions_stand_in_the_order_in_which_each_emoji_came_first() {
    let c = tables();
    let target = event_id(room(0), 1);
    let react = |emoji: &str, on| {
        Content::Reaction(Reaction {
            target,
            emoji: emoji.into(),
            on,
        })
    };
    write(
        &c,
        room(0),
        &[
            (ann(), text("one")),
            (ann(), react("🎉", true)),
            (ben(), react("👍", true)),
            (ben(), react("🎉", true)),
            (member(3), react("👍", true)),
            (ben(), react("👍", false)),
        ],
    );
    let reactions = row(&c, target).reactions;
    let seen: Vec<(&str, &[_])> = reactions
        .iter()
        .map(|r| (r.emoji.as_str(), r.members.as_slice()))
        .collect();
    assert_eq!(
        seen,
        [("🎉", &[ann(), ben()][..]), ("👍", &[member(3)][..])]
    );
}

#[test]
fn an_unknown_type_is_kept_and_skipped_and_read_again_by_a_rebuild() {
    let c = tables();
    let poll = raw_event(
        room(0),
        1,
        ann(),
        json(&json!({ "type": "poll", "question": "tea?" })),
    );
    take(&c, &poll);
    assert_eq!(log::find(&c, poll.id).unwrap().unwrap(), poll);
    assert_eq!(messages::find(&c, poll.id).unwrap(), None);

    // As if an earlier version, which did not know messages, had written this one.
    let message = event(room(0), 2, ann(), &text("tea!"));
    log::insert(&c, &message).unwrap();
    c.execute("UPDATE event SET type = 'unknown' WHERE seq = 2", [])
        .unwrap();
    apply::rebuild(&c).unwrap();
    assert_eq!(row(&c, message.id).text, "tea!");
    assert_eq!(messages::find(&c, poll.id).unwrap(), None);
}

#[test]
fn what_is_not_in_the_log_is_not_applied() {
    let c = tables();
    let message = event(room(0), 1, ann(), &text("hello"));
    let refused = apply::apply(&c, &message);
    assert!(matches!(refused, Err(StoreError::NotLogged(id)) if id == message.id));
}

#[test]
fn a_delete_or_edit_from_another_room_changes_nothing() {
    let c = tables();
    let target = event_id(room(0), 1);
    take(&c, &event(room(0), 1, ann(), &text("hello")));
    let before = row(&c, target);
    take(&c, &event(room(1), 1, ann(), &edit(target, "bye")));
    take(
        &c,
        &event(room(1), 2, ann(), &Content::Delete(Delete { target })),
    );
    assert_eq!(row(&c, target), before);
}

#[test]
fn a_delete_of_what_is_no_message_changes_nothing() {
    let c = tables();
    let target = event_id(room(0), 1);
    take(&c, &event(room(0), 1, ann(), &Content::Joined));
    take(
        &c,
        &event(room(0), 2, ann(), &Content::Delete(Delete { target })),
    );
    assert_eq!(
        log::find(&c, target).unwrap().unwrap().content.get(),
        r#"{"type":"joined"}"#
    );
}
