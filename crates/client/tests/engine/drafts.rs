//! What was typed and not sent.

use landline_client::command::{RoomNamed, SaveDraft};
use landline_protocol::{Code, EventId, RoomId, direct_room_id};

use crate::node::Node;
use crate::screen::Screen;

/// Bytes of a draft, at most.
const DRAFT_BYTES: usize = 1024 * 1024;

async fn type_in(
    ben: &Screen,
    room: RoomId,
    thread: Option<EventId>,
    text: &str,
) -> Result<(), Code> {
    let space = ben.space;
    let draft = SaveDraft {
        space,
        room,
        thread,
        text: text.into(),
    };
    let saved = ben.client.save_draft(draft).await;
    saved.map(drop).map_err(|refusal| refusal.code)
}

/// The drafts of threads, as a window that opens now is told.
fn in_threads(ben: &Screen) -> Vec<(EventId, &str)> {
    let drafts = ben.snapshot().spaces.iter().flat_map(|s| &s.thread_drafts);
    drafts
        .map(|draft| (draft.thread, draft.text.as_str()))
        .collect()
}

#[tokio::test]
async fn what_was_typed_in_threads_and_rooms_is_there_after_a_restart_without_the_node() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let (one, two) = (node.say("the kiln?"), node.say("the press?"));
    ben.until("it is here", |ben| ben.items.contains_key(&two))
        .await;
    node.manners(|manners| manners.down = true);
    node.cut();
    for text in ["from", "from noon on"] {
        type_in(&ben, general, Some(one), text).await.unwrap();
    }
    type_in(&ben, general, Some(two), "hums").await.unwrap();
    type_in(&ben, general, None, "by the way").await.unwrap();
    ben.until("it is told", |ben| in_threads(ben).len() == 2)
        .await;

    let mut ben = ben.restart(&dial).await;
    assert_eq!(in_threads(&ben), [(one, "from noon on"), (two, "hums")]);
    assert_eq!(ben.room(general).unwrap().draft, "by the way");

    type_in(&ben, general, Some(one), "").await.unwrap();
    ben.until("it is empty", |ben| in_threads(ben).len() == 1)
        .await;
    let ben = ben.restart(&dial).await;
    assert_eq!(in_threads(&ben), [(two, "hums")]);
    assert_eq!(ben.room(general).unwrap().draft, "by the way");
}

#[tokio::test]
async fn what_is_far_too_long_to_be_sent_is_kept_all_the_same() {
    let (node, dial) = Node::start(0);
    let ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let thread = node.say("what does the log say?");
    let pasted = "x".repeat(DRAFT_BYTES);
    for thread in [None, Some(thread)] {
        type_in(&ben, general, thread, &pasted).await.unwrap();
    }

    let ben = ben.restart(&dial).await;
    assert_eq!(ben.room(general).unwrap().draft, pasted);
    assert_eq!(in_threads(&ben), [(thread, pasted.as_str())]);
}

#[tokio::test]
async fn a_draft_that_is_too_long_or_of_no_room_changes_nothing() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let thread = node.say("the kiln?");
    type_in(&ben, general, Some(thread), "from noon")
        .await
        .unwrap();
    let long = "x".repeat(DRAFT_BYTES + 1);
    for thread in [None, Some(thread)] {
        let refused = type_in(&ben, general, thread, &long).await;
        assert_eq!(refused, Err(Code::TooLarge));
        let nowhere = direct_room_id(ben.space, &[]);
        let refused = type_in(&ben, nowhere, thread, "hello").await;
        assert_eq!(refused, Err(Code::NotFound));
    }
    ben.until("it is told", |ben| in_threads(ben).len() == 1)
        .await;
    let ben = ben.restart(&dial).await;
    assert_eq!(in_threads(&ben), [(thread, "from noon")]);
    assert_eq!(ben.room(general).unwrap().draft, "");
}

#[tokio::test]
async fn drafts_go_with_the_room_that_is_forgotten() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let thread = node.say("the kiln?");
    type_in(&ben, general, Some(thread), "from noon")
        .await
        .unwrap();
    ben.until("it is told", |ben| in_threads(ben).len() == 1)
        .await;
    node.close(general);
    node.cut();
    ben.until("closed", |ben| {
        ben.room(general).is_some_and(|room| !room.open)
    })
    .await;
    let (space, room) = (node.space(), general);
    let forget = RoomNamed { space, room };
    ben.client.forget_room(forget).await.unwrap();
    ben.until("it is gone", |ben| ben.room(general).is_none())
        .await;
    assert_eq!(in_threads(&ben), []);
    let ben = ben.restart(&dial).await;
    assert_eq!(in_threads(&ben), []);
}
