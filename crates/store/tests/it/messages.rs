//! Timelines: lines, pages, unread counts.

use landline_protocol::{
    Content, Delete, Edit, File, Imported, Mention, Message, Pin, Reaction, RoomCreated, RoomKind,
};
use landline_store::messages::{self, Line, Part, UNREAD_COUNTED, Unread};
use landline_store::{Connection, log};

use crate::support::{ann, ben, cho, event, event_id, room, tables, take, text, write};

const NONE: [u64; 0] = [];

fn seqs(lines: &[Line]) -> Vec<u64> {
    lines.iter().map(Line::seq).collect()
}

fn created() -> Content {
    Content::RoomCreated(RoomCreated {
        kind: RoomKind::Public,
        name: "general".into(),
        topic: String::new(),
        members: vec![],
        everyone: false,
    })
}

fn about_a_message() -> [Content; 4] {
    let target = event_id(room(0), 2);
    [
        Content::Edit(Edit {
            target,
            text: "edited".into(),
            mentions: vec![],
        }),
        Content::Reaction(Reaction {
            target,
            emoji: "👍".into(),
            on: true,
        }),
        Content::Pin(Pin { target, on: true }),
        Content::Reaction(Reaction {
            target,
            emoji: "👍".into(),
            on: false,
        }),
    ]
}

/// Lines 1 (created), 2 (message), 7 (joined), 8 … 12 (messages); 3 … 6 make no line.
fn timeline() -> crate::support::Tables {
    let c = tables();
    let mut contents = vec![(ann(), created()), (ann(), text("two"))];
    contents.extend(about_a_message().map(|content| (ann(), content)));
    contents.push((ben(), Content::Joined));
    for seq in 8..=12 {
        contents.push((ben(), text(&format!("message {seq}"))));
    }
    write(&c, room(0), &contents);
    write(
        &c,
        room(1),
        &[(ann(), created()), (ann(), text("elsewhere"))],
    );
    c
}

#[test]
fn a_timeline_is_messages_and_what_the_room_tells() {
    let c = timeline();
    let lines = messages::page_before(&c, room(0), Part::All, None, 100).unwrap();
    assert_eq!(seqs(&lines), [1, 2, 7, 8, 9, 10, 11, 12]);
    assert!(
        matches!(&lines[0], Line::System(row) if row.content == created() && row.author == ann())
    );
    assert!(matches!(&lines[1], Line::Message(row) if row.text == "edited" && row.pinned));
    assert!(matches!(&lines[2], Line::System(row) if row.content == Content::Joined));
    assert_eq!(lines[1].id(), event_id(room(0), 2));
}

#[test]
fn a_timeline_is_paged_by_seq() {
    let c = timeline();
    let before = |before, limit| {
        seqs(&messages::page_before(&c, room(0), Part::All, before, limit).unwrap())
    };
    let after =
        |after, limit| seqs(&messages::page_after(&c, room(0), Part::All, after, limit).unwrap());
    let around = |seq, limit| seqs(&messages::around(&c, room(0), Part::All, seq, limit).unwrap());
    assert_eq!(before(Some(10), 3), [7, 8, 9]);
    assert_eq!(before(Some(7), 100), [1, 2]);
    assert_eq!(after(2, 2), [7, 8]);
    assert_eq!(after(12, 2), NONE);
    assert_eq!(around(9, 4), [7, 8, 9, 10]);
    assert_eq!(around(9, 5), [7, 8, 9, 10, 11]);
    assert_eq!(around(12, 4), [10, 11, 12]);
    // Of an event that makes no line: what stands about it.
    assert_eq!(around(4, 4), [1, 2, 7]);
    assert_eq!(around(9, 1), [9]);
}

/// What SQLite says it does for a query.
fn plan(c: &Connection, sql: &str) -> String {
    let mut statement = c.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let lines = statement
        .query_map([], |row| row.get::<_, String>(3))
        .unwrap();
    lines.map(|line| line.unwrap() + "\n").collect()
}

#[test]
fn pages_are_read_off_an_index_without_sorting() {
    let c = timeline();
    let lines = "type IN ('message', 'room_created', 'room_changed', 'joined', 'left', 'invited', 'removed')";
    for sql in [
        format!(
            "SELECT * FROM event WHERE {lines} AND room = x'00' AND seq < 5 ORDER BY seq DESC LIMIT 3"
        ),
        format!(
            "SELECT * FROM event WHERE {lines} AND room = x'00' AND seq > 5 ORDER BY seq LIMIT 3"
        ),
    ] {
        let plan = plan(&c, &sql);
        assert!(
            plan.contains("event_line") && !plan.contains("B-TREE"),
            "{plan}"
        );
    }
    let unread = plan(
        &c,
        "SELECT count(*), min(seq) FROM message
        WHERE room = x'00' AND seq > 5 AND author <> x'00' AND deleted = 0 AND thread IS NULL",
    );
    assert!(unread.contains("COVERING INDEX message_unread"), "{unread}");
    let thread = plan(
        &c,
        "SELECT * FROM message CROSS JOIN event
         ON event.room = message.room AND event.seq = message.seq
         WHERE +message.room = x'00' AND message.thread = x'00' AND message.seq < 5
         ORDER BY message.seq DESC LIMIT 3",
    );
    assert!(
        thread.contains("message_thread") && !thread.contains("B-TREE"),
        "{thread}"
    );
    let pinned = plan(
        &c,
        "SELECT * FROM message WHERE room = x'00' AND pinned = 1 ORDER BY seq DESC LIMIT 3",
    );
    assert!(
        pinned.contains("message_pinned") && !pinned.contains("B-TREE"),
        "{pinned}"
    );
}

#[test]
fn all_that_a_message_holds_is_read_back() {
    let c = tables();
    let file = File {
        blake3: "a".repeat(64),
        name: "plan.pdf".into(),
        media_type: "application/pdf".into(),
        bytes: 12,
        width: None,
        height: Some(3),
        preview: None,
    };
    let message = Message {
        text: "as I said".into(),
        reply_to: Some(event_id(room(0), 5)),
        thread: Some(event_id(room(0), 4)),
        mentions: vec![Mention::Room, Mention::Member(cho())],
        files: vec![file.clone()],
        imported: Some(Imported {
            name: "Zoë".into(),
            at: 5,
        }),
    };
    take(
        &c,
        &event(room(0), 9, ann(), &Content::Message(message.clone())),
    );
    let Some(Line::Message(row)) = messages::find(&c, event_id(room(0), 9)).unwrap() else {
        panic!("no message");
    };
    assert_eq!(
        (row.reply_to, row.thread),
        (message.reply_to, message.thread)
    );
    assert_eq!((row.mentions, row.files), (message.mentions, vec![file]));
    assert_eq!(
        (row.imported_name.as_deref(), row.imported_at),
        (Some("Zoë"), Some(5))
    );
    assert_eq!((row.author, row.edited, row.deleted), (ann(), false, false));
}

#[test]
fn a_message_without_text_but_with_files_is_not_deleted() {
    let c = tables();
    let file = File {
        blake3: "a".repeat(64),
        name: "plan.pdf".into(),
        media_type: "application/pdf".into(),
        bytes: 12,
        width: None,
        height: None,
        preview: None,
    };
    let message = Message {
        files: vec![file],
        ..Message::default()
    };
    take(&c, &event(room(0), 1, ann(), &Content::Message(message)));
    let line = messages::find(&c, event_id(room(0), 1)).unwrap();
    assert!(matches!(line, Some(Line::Message(row)) if !row.deleted));
}

#[test]
fn only_others_messages_are_unread() {
    let c = timeline();
    let unread = |who, read| messages::unread(&c, room(0), who, read).unwrap();
    assert_eq!(
        unread(ann(), 0),
        Unread {
            messages: 5,
            mentions: 0,
            first: Some(8)
        }
    );
    assert_eq!(
        unread(ann(), 10),
        Unread {
            messages: 2,
            mentions: 0,
            first: Some(11)
        }
    );
    assert_eq!(unread(ann(), 12), Unread::default());
    assert_eq!(
        unread(ben(), 0),
        Unread {
            messages: 1,
            mentions: 0,
            first: Some(2)
        }
    );
    // Joined, edited, reacted: nothing to read.
    assert_eq!(unread(ben(), 2), Unread::default());
}

#[test]
fn mentions_of_me_or_of_the_room_are_counted_once() {
    let c = tables();
    let mention = |mentions: &[Mention]| {
        Content::Message(Message {
            text: "hey".into(),
            mentions: mentions.to_vec(),
            ..Message::default()
        })
    };
    write(
        &c,
        room(0),
        &[
            (ann(), mention(&[Mention::Member(ben()), Mention::Room])),
            (ann(), mention(&[Mention::Member(cho())])),
            (ann(), mention(&[Mention::Room])),
            (ben(), mention(&[Mention::Room])),
            (
                ann(),
                Content::Delete(Delete {
                    target: event_id(room(0), 3),
                }),
            ),
        ],
    );
    let unread = |who, read| messages::unread(&c, room(0), who, read).unwrap();
    assert_eq!(
        unread(ben(), 0),
        Unread {
            messages: 2,
            mentions: 1,
            first: Some(1)
        }
    );
    assert_eq!(unread(cho(), 0).mentions, 3);
    assert_eq!(
        unread(ann(), 0),
        Unread {
            messages: 1,
            mentions: 1,
            first: Some(4)
        }
    );
    assert_eq!(unread(ben(), 1).mentions, 0);
}

#[test]
fn the_newest_message_has_a_time() {
    let c = timeline();
    assert_eq!(messages::newest_at(&c, room(7)).unwrap(), None);
    take(&c, &event(room(0), 13, ann(), &Content::Left));
    let newest = event(room(0), 12, ben(), &text("message 12"));
    assert_eq!(
        messages::newest_at(&c, room(0)).unwrap(),
        Some(newest.accepted_at)
    );
}

#[test]
fn pins_are_the_newest_in_rising_order() {
    let c = timeline();
    for (seq, target) in [(13, 9), (14, 8), (15, 11)] {
        let target = event_id(room(0), target);
        take(
            &c,
            &event(room(0), seq, ann(), &Content::Pin(Pin { target, on: true })),
        );
    }
    let pins = |limit| -> Vec<u64> {
        messages::pins(&c, room(0), None, limit)
            .unwrap()
            .iter()
            .map(|event| event.seq)
            .collect()
    };
    assert_eq!(pins(10), [2, 8, 9, 11]);
    assert_eq!(pins(2), [9, 11]);
    let target = event_id(room(0), 9);
    take(
        &c,
        &event(room(0), 16, ann(), &Content::Pin(Pin { target, on: false })),
    );
    assert_eq!(pins(10), [2, 8, 11]);
}

#[test]
fn a_message_that_is_logged_and_not_applied_makes_no_line_yet() {
    let c = timeline();
    log::insert(&c, &event(room(0), 13, ann(), &text("later"))).unwrap();
    let lines = messages::page_after(&c, room(0), Part::All, 11, 10).unwrap();
    assert_eq!(seqs(&lines), [12]);
}

#[test]
fn of_very_many_unread_messages_no_more_are_counted_than_are_told() {
    let c = tables();
    take(&c, &event(room(0), 1, ann(), &created()));
    let last = UNREAD_COUNTED + 20;
    for seq in 2..=last {
        let content = match seq {
            2 | 10_015 => Content::Message(Message {
                text: "@ben".into(),
                mentions: vec![Mention::Member(ben())],
                ..Message::default()
            }),
            _ => text("on and on"),
        };
        take(&c, &event(room(0), seq, ann(), &content));
    }
    let unread = |read| messages::unread(&c, room(0), ben(), read).unwrap();
    assert_eq!(
        unread(0),
        Unread {
            messages: UNREAD_COUNTED,
            mentions: 2,
            first: Some(2)
        }
    );
    assert_eq!(
        unread(last - UNREAD_COUNTED + 1),
        Unread {
            messages: UNREAD_COUNTED - 1,
            mentions: 1,
            first: Some(last - UNREAD_COUNTED + 2)
        }
    );
}
