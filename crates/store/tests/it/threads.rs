//! What threads hold and who follows them, earlier versions, and a room that is forgotten.

use landline_protocol::{Content, Delete, Edit, Imported, Mention, Message};
use landline_store::choices::{self, Choice, Level};
use landline_store::messages::{self, Line, Part};
use landline_store::threads::Author;
use landline_store::{forget, threads};

use crate::support::{
    ann, ben, check_index, cho, event, event_id, room, tables, take, text, write,
};

fn seqs(lines: &[Line]) -> Vec<u64> {
    lines.iter().map(Line::seq).collect()
}

/// A message in the thread that the message at `head` began.
fn reply(head: u64, words: &str) -> Content {
    Content::Message(Message {
        text: words.into(),
        thread: Some(event_id(room(0), head)),
        ..Message::default()
    })
}

#[test]
fn a_thread_is_paged_apart_from_what_is_said_aloud() {
    let c = tables();
    let contents = [
        (ann(), text("tea?")),
        (ben(), reply(1, "green")),
        (cho(), text("aside")),
        (ben(), reply(1, "or black")),
        (ann(), reply(3, "elsewhere")),
    ];
    write(&c, room(0), &contents);
    let thread = Part::Thread(event_id(room(0), 1));
    let before = |part, before, limit| {
        seqs(&messages::page_before(&c, room(0), part, before, limit).unwrap())
    };
    assert_eq!(before(Part::All, None, 9), [1, 2, 3, 4, 5]);
    assert_eq!(before(Part::Main, None, 9), [1, 3]);
    assert_eq!(before(Part::Main, Some(3), 9), [1]);
    assert_eq!(before(thread, None, 9), [2, 4]);
    assert_eq!(before(thread, Some(4), 9), [2]);
    assert_eq!(before(thread, None, 1), [4]);
    let after = messages::page_after(&c, room(0), thread, 2, 9).unwrap();
    assert_eq!(seqs(&after), [4]);
    let around = messages::around(&c, room(0), Part::Main, 3, 9).unwrap();
    assert_eq!(seqs(&around), [1, 3]);
}

#[test]
fn a_thread_is_unread_for_those_who_follow_it() {
    let c = tables();
    let contents = [
        (ann(), text("tea?")),
        (ben(), reply(1, "green")),
        (ben(), reply(1, "or black")),
        (cho(), text("aside")),
    ];
    write(&c, room(0), &contents);
    let head = event_id(room(0), 1);
    let unread = |who, after| {
        let unread = threads::unread(&c, room(0), who, after).unwrap();
        (unread.replies, unread.first)
    };
    assert_eq!(unread(ann(), 0), (2, Some(2)), "she began it");
    assert_eq!(unread(ann(), 2), (1, Some(3)), "what is before is known");
    let threads_of = |who| threads::unread_threads(&c, room(0), who).unwrap();
    assert_eq!(threads_of(ann()), [head]);
    assert_eq!(threads_of(cho()), []);
    assert_eq!(unread(ben(), 0), (0, None), "his own");
    assert_eq!(unread(cho(), 0), (0, None), "they do not follow it");
    assert_eq!(messages::unread(&c, room(0), ann(), 0).unwrap().messages, 1);

    let summary = threads::summary(&c, head, ann()).unwrap().unwrap();
    assert_eq!((summary.replies, summary.last, summary.unread), (2, 3, 2));
    let his = Author {
        member: ben(),
        imported_name: None,
    };
    assert_eq!(summary.authors, [his]);
    assert_eq!(
        threads::summary(&c, head, cho()).unwrap().unwrap().unread,
        0
    );

    threads::mark(&c, room(0), head, 2).unwrap();
    assert_eq!(unread(ann(), 0), (1, Some(3)));
    threads::mark(&c, room(0), head, 1).unwrap();
    assert_eq!(threads::read(&c, head).unwrap(), 2, "it never goes back");
    threads::cut(&c, room(0), 1).unwrap();
    assert_eq!(unread(ann(), 0), (2, Some(2)), "but for a fork");

    let mentioned = Content::Message(Message {
        text: "@cho?".into(),
        thread: Some(head),
        mentions: vec![Mention::Member(cho())],
        ..Message::default()
    });
    take(&c, &event(room(0), 5, ann(), &mentioned));
    assert_eq!(
        unread(cho(), 0),
        (3, Some(2)),
        "a mention makes them follow it"
    );
    let none = threads::summary(&c, event_id(room(0), 4), ann()).unwrap();
    assert_eq!(none, None, "nobody has replied");
}

#[test]
fn a_thread_that_was_imported_tells_who_wrote_in_it_and_when() {
    let c = tables();
    let imported = |name: &str, at| {
        let Content::Message(message) = reply(1, name) else {
            panic!("no message");
        };
        let imported = Some(Imported {
            name: name.into(),
            at,
        });
        Content::Message(Message {
            imported,
            ..message
        })
    };
    let contents = [
        (ann(), text("tea?")),
        (ann(), imported("Zoë", 5)),
        (ann(), imported("Yan", 6)),
        (ann(), imported("Zoë", 7)),
    ];
    write(&c, room(0), &contents);
    let summary = threads::summary(&c, event_id(room(0), 1), ann())
        .unwrap()
        .unwrap();
    assert_eq!(summary.last_at, 7);
    let names: Vec<_> = summary
        .authors
        .iter()
        .map(|author| author.imported_name.as_deref())
        .collect();
    assert_eq!(names, [Some("Zoë"), Some("Yan")]);
}

#[test]
fn what_a_message_said_before_is_kept_until_it_is_deleted() {
    let c = tables();
    let target = event_id(room(0), 1);
    let edit = |words: &str| {
        Content::Edit(Edit {
            target,
            text: words.into(),
            mentions: vec![],
        })
    };
    let contents = [
        (ann(), text("frist")),
        (ann(), edit("first")),
        (ann(), edit("The first")),
    ];
    write(&c, room(0), &contents);
    let texts = || -> Vec<String> {
        let versions = messages::versions(&c, target).unwrap().into_iter();
        versions.map(|version| version.text).collect()
    };
    assert_eq!(texts(), ["frist", "first", "The first"]);
    take(
        &c,
        &event(room(0), 4, ann(), &Content::Delete(Delete { target })),
    );
    assert_eq!(texts(), [] as [&str; 0]);
}

#[test]
fn of_a_room_that_is_forgotten_nothing_is_left() {
    let c = tables();
    let contents = [(ann(), text("tea?")), (ben(), reply(1, "green"))];
    write(&c, room(0), &contents);
    write(&c, room(1), &[(ann(), text("one")), (ann(), text("two"))]);
    let choice = Choice {
        level: Level::Nothing,
        ..Choice::default()
    };
    choices::set(&c, room(0), choice).unwrap();
    threads::mark(&c, room(0), event_id(room(0), 1), 2).unwrap();
    assert_eq!(choices::all(&c).unwrap(), [(room(0), choice)]);
    forget(&c, room(0)).unwrap();
    for table in [
        "event",
        "message",
        "mention",
        "reaction",
        "room",
        "member",
        "choice",
        "thread_mark",
    ] {
        let left: i64 = c
            .query_row(
                &format!("SELECT count(*) FROM {table} WHERE room = ?1"),
                [room(0).uuid().as_bytes().as_slice()],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    check_index(&c);
    let elsewhere = messages::page_before(&c, room(1), Part::All, None, 9).unwrap();
    assert_eq!(seqs(&elsewhere), [1, 2], "the other room is as it was");
}
