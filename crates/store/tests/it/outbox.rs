//! The outbox: order, batches, what holds what.

use landline_protocol::{
    Code, Content, Delete, Edit, EventId, Message, NewEvent, Refusal, RoomCreated, RoomKind,
};
use landline_store::outbox::{self, Count, State, Waiting};
use landline_store::{Connection, StoreError};

use crate::support::{ann, event, event_id, new_event, raw, room, tables, text};

/// The next event of a room; its number is its id.
fn new(number: u64, content: &Content) -> NewEvent {
    new_event(&event(room(0), number, ann(), content))
}

fn push(c: &Connection, number: u64, content: &Content) -> EventId {
    let event = new(number, content);
    outbox::push(c, &event).unwrap();
    event.id
}

fn creation() -> Content {
    Content::RoomCreated(RoomCreated {
        kind: RoomKind::Public,
        name: "boat".into(),
        topic: String::new(),
        members: vec![],
        everyone: false,
    })
}

fn edit(target: EventId) -> Content {
    Content::Edit(Edit {
        target,
        text: "better".into(),
        mentions: vec![],
    })
}

fn reply(reply_to: EventId) -> Content {
    Content::Message(Message {
        text: "yes".into(),
        reply_to: Some(reply_to),
        ..Message::default()
    })
}

fn refusal() -> Refusal {
    Refusal::new(Code::TooLarge, "too long by half")
}

fn next(c: &Connection) -> Vec<EventId> {
    ids(&outbox::next_batch(c, 64, 200 * 1024).unwrap())
}

fn ids(waiting: &[Waiting]) -> Vec<EventId> {
    waiting.iter().map(|waiting| waiting.event.id).collect()
}

fn state(c: &Connection, id: EventId) -> State {
    outbox::get(c, id).unwrap().unwrap().state
}

#[test]
fn events_go_out_in_the_order_written_until_they_are_settled() {
    let c = tables();
    let ids = [5, 2, 9].map(|number| push(&c, number, &text("hello")));
    assert_eq!(next(&c), ids);
    outbox::hand_over(&c, &ids[..2]).unwrap();
    // The link was lost: what has no answer goes again, first.
    assert_eq!(next(&c), ids);
    assert!(outbox::settle(&c, ids[0]).unwrap());
    assert!(!outbox::settle(&c, ids[0]).unwrap(), "its echo comes too");
    assert_eq!(next(&c), ids[1..]);
    let waiting = outbox::get(&c, ids[1]).unwrap().unwrap();
    assert_eq!((waiting.state, waiting.tries), (State::Unsettled, 1));
    let written = new(2, &text("hello"));
    assert_eq!(waiting.event.content.get(), written.content.get());
    assert_eq!(
        (waiting.event.sig, waiting.event.sent_at),
        (written.sig, written.sent_at)
    );
}

#[test]
fn a_batch_is_bounded_and_never_empty() {
    let c = tables();
    let ids: Vec<EventId> = (1..=10)
        .map(|number| push(&c, number, &text(&"x".repeat(10_000))))
        .collect();
    let batch = |limit, bytes| outbox::next_batch(&c, limit, bytes).unwrap().len();
    assert_eq!(batch(4, 200 * 1024), 4);
    assert_eq!(batch(64, 35_000), 3);
    assert_eq!(batch(64, 1), 1);
    assert_eq!(next(&c), ids);
    let batch = outbox::next_batch(&c, 64, 35_000).unwrap();
    let events: Vec<NewEvent> = batch.into_iter().map(|waiting| waiting.event).collect();
    assert!(serde_json::to_string(&events).unwrap().len() <= 35_000);
}

#[test]
fn an_id_waits_once() {
    let c = tables();
    let id = push(&c, 1, &text("hello"));
    let again = outbox::push(&c, &new(1, &text("hello")));
    assert!(matches!(again, Err(StoreError::Waits(waits)) if waits == id));
}

#[test]
fn a_refused_creation_holds_all_that_is_in_the_room() {
    let c = tables();
    let created = push(&c, 1, &creation());
    let message = push(&c, 2, &text("hello"));
    let edited = push(&c, 3, &edit(message));
    let elsewhere = new_event(&event(room(1), 1, ann(), &text("other room")));
    outbox::push(&c, &elsewhere).unwrap();
    outbox::hand_over(&c, &[created]).unwrap();
    assert!(outbox::fail(&c, created, &refusal()).unwrap());

    let failed = State::Failed {
        code: Code::TooLarge,
        message: "too long by half".into(),
    };
    assert_eq!(state(&c, created), failed);
    assert_eq!(
        (state(&c, message), state(&c, edited)),
        (State::Held, State::Held)
    );
    assert_eq!(next(&c), [elsewhere.id]);
    let later = push(&c, 4, &text("more"));
    assert_eq!(state(&c, later), State::Held);
    let counts = outbox::counts(&c).unwrap();
    assert_eq!(
        counts,
        [
            Count {
                room: room(0),
                waiting: 0,
                failed: 4
            },
            Count {
                room: room(1),
                waiting: 1,
                failed: 0
            },
        ]
    );

    // Trying any of them again tries the whole group.
    assert_eq!(
        outbox::retry(&c, edited).unwrap(),
        [created, message, edited, later]
    );
    assert_eq!(next(&c), [created, message, edited, elsewhere.id, later]);
    assert_eq!(state(&c, created), State::Queued);
}

#[test]
fn a_refused_message_holds_only_what_needs_it() {
    let c = tables();
    let one = push(&c, 1, &text("one"));
    let two = push(&c, 2, &text("two"));
    let answer = push(&c, 3, &reply(one));
    let answer_to_answer = push(&c, 4, &reply(answer));
    outbox::hand_over(&c, &[one]).unwrap();
    outbox::fail(&c, one, &refusal()).unwrap();
    assert_eq!(next(&c), [two]);
    assert_eq!(
        outbox::discard(&c, one).unwrap(),
        [one, answer, answer_to_answer]
    );
    assert_eq!(ids(&outbox::all(&c).unwrap()), [two]);
}

#[test]
fn what_is_settled_holds_nothing() {
    let c = tables();
    let one = push(&c, 1, &text("one"));
    let edited = push(&c, 2, &edit(one));
    outbox::hand_over(&c, &[one]).unwrap();
    outbox::settle(&c, one).unwrap();
    assert_eq!(next(&c), [edited]);
    outbox::fail(&c, edited, &refusal()).unwrap();
    assert_eq!(outbox::retry(&c, edited).unwrap(), [edited]);
    assert!(
        !outbox::fail(&c, one, &refusal()).unwrap(),
        "it is accepted"
    );
}

#[test]
fn queued_events_may_be_changed_and_discarded() {
    let c = tables();
    let one = push(&c, 1, &text("one"));
    let changed = raw(&text("uno"));
    assert!(outbox::edit(&c, one, &changed, Some("sig")).unwrap());
    let waiting = outbox::get(&c, one).unwrap().unwrap();
    assert_eq!(
        (waiting.event.content.get(), waiting.event.sig.as_deref()),
        (changed.get(), Some("sig"))
    );
    assert_eq!(outbox::discard(&c, one).unwrap(), [one]);
    assert!(outbox::get(&c, one).unwrap().is_none());
    assert_eq!(outbox::discard(&c, one).unwrap(), []);
    assert!(!outbox::edit(&c, one, &changed, None).unwrap());
}

#[test]
fn what_the_node_may_have_is_neither_changed_nor_discarded() {
    let c = tables();
    let one = push(&c, 1, &text("one"));
    let deleted = push(&c, 2, &Content::Delete(Delete { target: one }));
    outbox::hand_over(&c, &[one]).unwrap();
    let refused = outbox::edit(&c, one, &raw(&text("uno")), None);
    assert!(matches!(refused, Err(StoreError::Unsettled(id)) if id == one));
    let refused = outbox::discard(&c, one);
    assert!(matches!(refused, Err(StoreError::Unsettled(id)) if id == one));
    assert_eq!(next(&c), [one, deleted]);
}

#[test]
fn nothing_is_discarded_where_the_node_may_have_a_part() {
    let c = tables();
    let one = push(&c, 1, &text("one"));
    let answer = push(&c, 2, &reply(one));
    outbox::hand_over(&c, &[one, answer]).unwrap();
    outbox::fail(&c, one, &refusal()).unwrap();
    assert_eq!(state(&c, answer), State::Unsettled);
    assert!(matches!(outbox::discard(&c, one), Err(StoreError::Unsettled(id)) if id == answer));
    outbox::fail(&c, answer, &refusal()).unwrap();
    assert_eq!(outbox::discard(&c, one).unwrap(), [one, answer]);
}

#[test]
fn a_changed_event_needs_what_it_names_now() {
    let c = tables();
    let one = push(&c, 1, &text("one"));
    let two = push(&c, 2, &reply(one));
    outbox::edit(&c, two, &raw(&text("no reply any more")), None).unwrap();
    outbox::fail(&c, one, &refusal()).unwrap();
    assert_eq!(next(&c), [two]);
}

#[test]
fn a_fork_puts_own_events_back_before_the_others() {
    let c = tables();
    let target = event_id(room(0), 2);
    let queued = push(&c, 10, &edit(target));
    let aside = [new(1, &text("one")), new(2, &text("two"))];
    outbox::restore(&c, &aside).unwrap();
    assert_eq!(next(&c), [aside[0].id, target, queued]);
    // Others may have seen it.
    assert_eq!(state(&c, target), State::Unsettled);
    assert!(matches!(
        outbox::discard(&c, target),
        Err(StoreError::Unsettled(_))
    ));
    // What was queued before needs what has come back.
    outbox::fail(&c, target, &refusal()).unwrap();
    assert_eq!(state(&c, queued), State::Held);
    outbox::restore(&c, &[new(20, &text("older"))]).unwrap();
    assert_eq!(next(&c)[0], event_id(room(0), 20));
}

#[test]
fn a_refused_joining_is_gone_and_what_was_written_behind_it_has_failed_for_its_reason() {
    let c = tables();
    let joined = push(&c, 1, &Content::Joined);
    let message = push(&c, 2, &text("hello"));
    let edited = push(&c, 3, &edit(message));
    outbox::hand_over(&c, &[joined]).unwrap();
    assert!(outbox::fail(&c, joined, &refusal()).unwrap());
    let failed = State::Failed {
        code: Code::TooLarge,
        message: "too long by half".into(),
    };
    let ids_here = ids(&outbox::of_room(&c, room(0)).unwrap());
    assert_eq!(ids_here, [message, edited]);
    assert_eq!(state(&c, message), failed);
    // Somebody has let them in meanwhile: what is written now goes.
    let later = push(&c, 4, &text("more"));
    assert_eq!(next(&c), [later]);
    assert_eq!(outbox::retry(&c, message).unwrap(), [message, edited]);
    assert_eq!(next(&c), [message, edited, later]);
}

/// A restored node has lost a message, and gets it back from its author.
#[test]
fn what_was_refused_for_want_of_a_message_goes_again_once_that_is_there() {
    let c = tables();
    let (lost, other) = (event_id(room(0), 100), event_id(room(0), 101));
    let answer = push(&c, 1, &reply(lost));
    let edited = push(&c, 2, &edit(answer));
    let change = push(&c, 3, &edit(lost));
    let elsewhere = push(&c, 4, &reply(other));
    let too_long = push(&c, 5, &reply(lost));
    let all = [answer, edited, change, elsewhere, too_long];
    outbox::hand_over(&c, &all).unwrap();
    let missing = Refusal::not_found("there is no such message in this room");
    assert!(!outbox::has_failed(&c, room(0)).unwrap());
    for id in [answer, edited, change, elsewhere] {
        outbox::fail(&c, id, &missing).unwrap();
    }
    outbox::fail(&c, too_long, &refusal()).unwrap();
    assert!(outbox::has_failed(&c, room(0)).unwrap());
    assert_eq!(outbox::retry_for(&c, event_id(room(0), 99)).unwrap(), []);
    assert_eq!(
        outbox::retry_for(&c, lost).unwrap(),
        [answer, edited, change]
    );
    assert_eq!(next(&c), [answer, edited, change]);
    assert_eq!(outbox::retry_for(&c, other).unwrap(), [elsewhere]);
}

#[test]
fn what_waits_about_a_message_is_found_in_order_and_as_it_reads_now() {
    let c = tables();
    let message = event_id(room(0), 100);
    let in_thread = Content::Message(Message {
        text: "aside".into(),
        thread: Some(message),
        ..Message::default()
    });
    let aside = push(&c, 1, &in_thread);
    let change = push(&c, 2, &edit(message));
    let answer = push(&c, 3, &reply(message));
    let ids_of = |limit| ids(&outbox::about(&c, message, limit).unwrap());
    assert_eq!(ids_of(9), [aside, change], "an answer changes no line");
    assert_eq!(ids_of(1), [aside]);
    assert_eq!(ids(&outbox::last_about(&c, message, 1).unwrap()), [change]);
    assert_eq!(
        ids(&outbox::last_of_room(&c, room(0), 2).unwrap()),
        [change, answer]
    );
    outbox::edit(&c, aside, &raw(&text("aloud")), None).unwrap();
    assert_eq!(ids_of(9), [change]);
}
