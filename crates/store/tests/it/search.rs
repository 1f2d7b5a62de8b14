//! Search: what is found, in which order, and that nothing typed is an error.

use landline_protocol::{Content, Edit, EventId};
use landline_store::Connection;
use landline_store::search::{Has, Query, search};
use proptest::prelude::*;

use crate::support::{START, Tables, ann, ben, event, event_id, room, tables, take, text};

const NONE: [u64; 0] = [];

fn ids(c: &Connection, query: &Query<'_>) -> Vec<EventId> {
    search(c, query)
        .unwrap()
        .into_iter()
        .map(|hit| hit.event.id)
        .collect()
}

fn found(c: &Connection, text: &str) -> Vec<u64> {
    let query = Query {
        text,
        limit: 100,
        ..Query::default()
    };
    search(c, &query)
        .unwrap()
        .into_iter()
        .map(|hit| hit.event.seq)
        .collect()
}

fn kitchen() -> Tables {
    let c = tables();
    let said = [
        "The kettle is on",
        "Meet at the Café Müller tomorrow",
        "tomorrow never comes, the kettle whistles",
        "C++ and foo_bar: see https://example.org/kettle-42",
        "naïve approach AND NOT an operator",
    ];
    for (seq, said) in (1..).zip(said) {
        take(
            &c,
            &event(
                room(0),
                seq,
                if seq % 2 == 0 { ben() } else { ann() },
                &text(said),
            ),
        );
    }
    c
}

#[test]
fn all_words_must_be_there_in_any_order_newest_first() {
    let c = kitchen();
    assert_eq!(found(&c, "kettle"), [4, 3, 1]);
    assert_eq!(found(&c, "kettle tomorrow"), [3]);
    assert_eq!(found(&c, "tomorrow   the"), [3, 2]);
    assert_eq!(found(&c, "kettle teapot"), NONE);
}

#[test]
fn case_and_accents_do_not_matter() {
    let c = kitchen();
    assert_eq!(found(&c, "cafe muller"), [2]);
    assert_eq!(found(&c, "CAFÉ"), [2]);
    assert_eq!(found(&c, "naive"), [5]);
    assert_eq!(found(&c, "NAÏVE"), [5]);
}

#[test]
fn quoted_words_stand_next_to_each_other() {
    let c = kitchen();
    assert_eq!(found(&c, "\"the kettle\""), [3, 1]);
    assert_eq!(found(&c, "\"kettle the\""), NONE);
    assert_eq!(found(&c, "\"the kettle\" whistles"), [3]);
    // A quote that was not closed yet.
    assert_eq!(found(&c, "\"the kettle whis"), NONE);
    assert_eq!(found(&c, "\"the kettle whistles"), [3]);
}

#[test]
fn the_last_word_may_be_a_beginning() {
    let c = kitchen();
    assert_eq!(found(&c, "ket"), [4, 3, 1]);
    assert_eq!(found(&c, "whis"), [3]);
    assert_eq!(found(&c, "tom ket"), NONE);
    assert_eq!(found(&c, "kettle whis"), [3]);
    assert_eq!(found(&c, "k"), NONE, "too short to begin a word with");
    assert_eq!(found(&c, "whis "), NONE, "a word that has ended is whole");
}

#[test]
fn operators_are_words() {
    let c = kitchen();
    assert_eq!(found(&c, "AND NOT"), [5]);
    assert_eq!(found(&c, "kettle OR café"), NONE);
    assert_eq!(found(&c, "text:kettle"), NONE);
    assert_eq!(found(&c, "foo_bar"), [4]);
    assert_eq!(found(&c, "kettle-42"), [4]);
    assert_eq!(found(&c, "C++"), [4]);
}

#[test]
fn a_query_without_a_word_finds_nothing() {
    let c = kitchen();
    for text in ["", "   ", "\"\"", "*", "++ -- ()", "\"", "👍"] {
        assert_eq!(found(&c, text), NONE, "{text:?}");
    }
}

#[test]
fn a_hit_is_marked_in_its_snippet() {
    let c = kitchen();
    let query = Query {
        text: "cafe",
        limit: 1,
        ..Query::default()
    };
    let hits = search(&c, &query).unwrap();
    assert_eq!(
        hits[0].snippet,
        "Meet at the \u{E000}Café\u{E001} Müller tomorrow"
    );
    let long = format!("{} needle {}", "hay ".repeat(500), "hay ".repeat(500));
    take(&c, &event(room(0), 6, ann(), &text(&long)));
    let hits = search(
        &c,
        &Query {
            text: "needle",
            limit: 1,
            ..Query::default()
        },
    )
    .unwrap();
    let snippet = &hits[0].snippet;
    assert!(
        snippet.contains("\u{E000}needle\u{E001}") && snippet.len() < 200,
        "{snippet}"
    );
}

#[test]
fn an_edited_message_is_found_by_what_it_says_now() {
    let c = kitchen();
    let target = event_id(room(0), 1);
    let edit = Edit {
        target,
        text: "The teapot is on".into(),
        mentions: vec![],
    };
    take(&c, &event(room(0), 6, ann(), &Content::Edit(edit)));
    assert_eq!(found(&c, "kettle"), [4, 3]);
    assert_eq!(found(&c, "teapot"), [1]);
}

#[test]
fn search_is_narrowed_by_room_author_and_time() {
    let c = kitchen();
    take(&c, &event(room(1), 1, ben(), &text("another kettle")));
    take(&c, &event(room(2), 1, ben(), &text("a third kettle")));
    let kettle = Query {
        text: "kettle",
        limit: 10,
        ..Query::default()
    };
    assert_eq!(ids(&c, &kettle).len(), 5);
    let rooms = [room(1), room(2), room(9)];
    let in_rooms = ids(
        &c,
        &Query {
            rooms: Some(&rooms),
            ..kettle
        },
    );
    assert_eq!(in_rooms, [event_id(room(2), 1), event_id(room(1), 1)]);
    assert_eq!(
        ids(
            &c,
            &Query {
                rooms: Some(&[]),
                ..kettle
            }
        ),
        []
    );
    let by_ben = ids(
        &c,
        &Query {
            authors: Some(&[ben()]),
            rooms: Some(&[room(0)]),
            ..kettle
        },
    );
    assert_eq!(by_ben, [event_id(room(0), 4)]);
    let before = |before| {
        ids(
            &c,
            &Query {
                before: Some(before),
                rooms: Some(&[room(0)]),
                ..kettle
            },
        )
        .len()
    };
    assert_eq!(before(START + 5), 3);
    assert_eq!(before(START + 4), 2);
    assert_eq!(before(START), 0);
    assert_eq!(before(i64::MAX), 3);
    assert_eq!(before(i64::MIN), 0);
    assert_eq!(ids(&c, &Query { limit: 2, ..kettle }).len(), 2);
}

#[test]
fn older_history_that_comes_later_is_not_newer() {
    let c = tables();
    take(&c, &event(room(0), 50, ann(), &text("kettle")));
    take(&c, &event(room(0), 20, ann(), &text("kettle")));
    take(&c, &event(room(0), 40, ann(), &text("kettle")));
    assert_eq!(found(&c, "kettle"), [50, 40, 20]);
}

#[test]
fn messages_of_one_millisecond_stand_by_seq_in_whatever_order_they_came() {
    let c = tables();
    for seq in [7, 9, 8, 1, 3, 2] {
        let mut event = event(room(0), seq, ann(), &text("kettle"));
        event.accepted_at = START;
        take(&c, &event);
    }
    assert_eq!(found(&c, "kettle"), [9, 8, 7, 3, 2, 1]);
}

#[test]
fn messages_of_many_rooms_in_one_millisecond_are_all_found() {
    let c = tables();
    for n in 0..50 {
        let mut event = event(room(n), 1, ann(), &text("kettle"));
        event.accepted_at = START;
        take(&c, &event);
    }
    assert_eq!(found(&c, "kettle").len(), 50);
}

#[test]
fn many_messages_of_one_millisecond_are_all_found() {
    let c = tables();
    for seq in 1..=50 {
        let mut event = event(room(0), seq, ann(), &text("kettle"));
        event.accepted_at = START;
        take(&c, &event);
    }
    assert_eq!(found(&c, "kettle"), (1..=50).rev().collect::<Vec<u64>>());
}

#[test]
fn times_that_no_clock_shows_do_no_harm() {
    let c = tables();
    for (seq, accepted_at) in [(1, i64::MIN), (2, i64::MAX), (3, -1), (4, 0)] {
        let mut event = event(room(0), seq, ann(), &text("kettle"));
        event.accepted_at = accepted_at;
        take(&c, &event);
    }
    assert_eq!(found(&c, "kettle").len(), 4);
}

proptest! {
    #[test]
    fn nothing_that_can_be_typed_is_an_error(text in "\\PC{0,40}", with in "[\"*(){}:^+\\-~ \0a]{0,20}") {
        let c = kitchen();
        for text in [text.clone(), with.clone(), format!("{text}{with}")] {
            search(&c, &Query { text: &text, limit: 10, ..Query::default() }).unwrap();
        }
    }
}

/// Also within words.
fn within(c: &Connection, text: &str) -> Vec<(u64, String)> {
    let query = Query {
        text,
        within: 1_000,
        limit: 100,
        ..Query::default()
    };
    let hits = search(c, &query).unwrap().into_iter();
    hits.map(|hit| (hit.event.seq, hit.snippet)).collect()
}

fn seqs(found: &[(u64, String)]) -> Vec<u64> {
    found.iter().map(|(seq, _)| *seq).collect()
}

#[test]
fn a_part_of_a_word_is_found_where_it_is_asked_for() {
    let c = kitchen();
    assert_eq!(found(&c, "ettl"), NONE);
    assert_eq!(seqs(&within(&c, "ettl")), [4, 3, 1]);
    assert_eq!(seqs(&within(&c, "ettl whist")), [3]);
    assert_eq!(
        within(&c, "HISTL")[0].1,
        "tomorrow never comes, the kettle w\u{E000}histl\u{E001}es"
    );
    // What the index finds with accents folded stands among them once.
    assert_eq!(seqs(&within(&c, "cafe")), [2]);
    assert_eq!(seqs(&within(&c, "no such")), NONE);
    // In any case, in any script that has one; and nothing in it is an operator.
    assert_eq!(seqs(&within(&c, "AÏVE APPR")), [5]);
    assert_eq!(seqs(&within(&c, "oo_b")), [4]);
    assert_eq!(seqs(&within(&c, "ket.le")), NONE);
    // A single letter would be in almost every message.
    assert_eq!(seqs(&within(&c, "x")), NONE);
}

#[test]
fn languages_without_spaces_are_searched_by_any_part() {
    let c = tables();
    let said = [
        "明日の会議は中止です",
        "会議室はどこ？",
        "오늘 회의는 취소",
        "ประชุมพรุ่งนี้",
    ];
    for (seq, said) in (1..).zip(said) {
        take(&c, &event(room(0), seq, ann(), &text(said)));
    }
    assert_eq!(seqs(&within(&c, "会議")), [2, 1]);
    assert_eq!(seqs(&within(&c, "議")), [2, 1]);
    assert_eq!(seqs(&within(&c, "会議 明日")), [1]);
    assert_eq!(seqs(&within(&c, "は中")), [1]);
    assert_eq!(seqs(&within(&c, "취소")), [3]);
    assert_eq!(seqs(&within(&c, "พรุ่ง")), [4]);
    assert_eq!(
        within(&c, "中止")[0].1,
        "明日の会議は\u{E000}中止\u{E001}です"
    );
}

#[test]
fn a_search_may_be_by_what_is_said_of_a_message_alone() {
    let c = kitchen();
    let of = |query: Query<'_>| {
        let query = Query {
            within: 1_000,
            limit: 100,
            ..query
        };
        let hits = search(&c, &query).unwrap().into_iter();
        hits.map(|hit| hit.event.seq).collect::<Vec<_>>()
    };
    let has = |file, link, code| Has { file, link, code };
    let link = Query {
        has: has(false, true, false),
        ..Query::default()
    };
    assert_eq!(of(link), [4]);
    assert_eq!(
        of(Query {
            text: "kettle",
            ..link
        }),
        [4]
    );
    assert_eq!(
        of(Query {
            text: "operator",
            ..link
        }),
        NONE
    );
    let by = [ben()];
    let by_ben = Query {
        authors: Some(&by),
        ..Query::default()
    };
    assert_eq!(of(by_ben), [4, 2]);
    let late = Query {
        after: Some(START + 3),
        before: Some(START + 5),
        ..Query::default()
    };
    assert_eq!(of(late), [4, 3]);
    let nothing = Query {
        has: has(true, false, true),
        ..Query::default()
    };
    assert_eq!(of(nothing), NONE);
    assert_eq!(of(Query::default()), NONE, "nothing was asked for");
}

#[test]
fn no_more_messages_are_read_than_was_said() {
    let c = kitchen();
    let query = Query {
        text: "ettl",
        within: 2,
        limit: 100,
        ..Query::default()
    };
    let hits: Vec<_> = search(&c, &query).unwrap();
    assert_eq!(hits.len(), 1, "of the two newest, one has it");
}
