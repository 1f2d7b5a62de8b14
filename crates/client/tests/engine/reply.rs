//! What somebody writes into a notification.

use landline_client::command::SaveDraft;
use landline_client::link::memory::MemoryDial;
use landline_client::ui::{ItemBody, ItemState, LinkState, UiEvent};
use landline_client::{Notification, Replied};
use landline_protocol::{Code, EventId, Mention, Message, RoomId, direct_room_id};

use crate::node::Node;
use crate::screen::{Screen, text};

/// More bytes than a message may have, and fewer than a draft.
const TOO_LONG: usize = 20_000;

/// Ben, after Ana's message, and what he was shown of it.
async fn notified(node: &Node, dial: &MemoryDial, message: Message) -> (Screen, Notification) {
    let mut ben = Screen::join(dial, node.space()).await;
    let said = node.say_so(message);
    ben.until("it is here", |ben| ben.items.contains_key(&said))
        .await;
    let shown = ben.desk.notifications().pop().unwrap();
    assert_eq!(shown.item, Some(said));
    (ben, shown)
}

async fn reply(ben: &Screen, to: &Notification, text: &str) -> Result<Replied, Code> {
    let Notification {
        space, room, item, ..
    } = *to;
    let replied = ben.client.reply(space, room, item, text).await;
    replied.map_err(|refusal| refusal.code)
}

async fn offline(node: &Node, ben: &mut Screen) {
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("offline", |ben| ben.link() == Some(LinkState::Looking))
        .await;
}

fn words(text: &str) -> Message {
    Message {
        text: text.into(),
        mentions: vec![Mention::Room],
        ..Message::default()
    }
}

/// The drafts that were told, and what was said of why.
fn unsent(ben: &Screen) -> Vec<(Option<EventId>, String, String)> {
    let told = ben.events.iter().filter_map(|event| match event {
        UiEvent::Unsent {
            thread,
            draft,
            refusal,
            ..
        } => Some((*thread, draft.clone(), refusal.message.clone())),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn a_reply_without_a_link_is_queued_survives_a_restart_and_is_sent_once() {
    let (node, dial) = Node::start(0);
    let (mut ben, shown) = notified(&node, &dial, words("@room is the kiln free?")).await;
    let general = node.general();
    ben.until("it is unread", |ben| {
        ben.room(general).is_some_and(|room| room.unread == 1)
    })
    .await;
    offline(&node, &mut ben).await;

    let replied = reply(&ben, &shown, " From noon on, @room.\n").await;
    assert_eq!(replied, Ok(Replied::Queued));
    ben.until("it waits, and the room is read", |ben| {
        ben.room(general)
            .is_some_and(|room| room.queued == 1 && room.unread == 0)
    })
    .await;
    assert_eq!(ben.desk.notifications(), []);

    let mut ben = ben.restart(&dial).await;
    let history = ben.history(general).await;
    let last = history.last().unwrap();
    assert_eq!(
        (text(last), &last.state),
        ("From noon on, @room.", &ItemState::Queued)
    );
    let ItemBody::Message(message) = &last.body else {
        panic!("it is a message");
    };
    assert_eq!(message.mentions, [Mention::Room]);
    assert_eq!((message.reply_to, message.thread), (None, None));

    node.manners(|manners| manners.down = false);
    let id = last.id;
    ben.until_accepted(id).await;
    let sent = node.texts(general);
    assert_eq!(sent, ["@room is the kiln free?", "From noon on, @room."]);
}

#[tokio::test]
async fn a_reply_to_what_was_said_in_a_thread_stands_there() {
    let (node, dial) = Node::start(0);
    let first = node.say("the kiln");
    let in_thread = Message {
        thread: Some(first),
        ..words("@room is it free?")
    };
    let (mut ben, shown) = notified(&node, &dial, in_thread).await;
    let replied = reply(&ben, &shown, "From noon on.").await;
    assert_eq!(replied, Ok(Replied::Queued));
    ben.until("it is in the thread", |ben| {
        ben.items.values().any(|(_, item)| match &item.body {
            ItemBody::Message(message) => {
                message.text == "From noon on." && message.thread == Some(first)
            }
            ItemBody::System { .. } => false,
        })
    })
    .await;
    ben.until("the thread is read", |ben| {
        ben.room(node.general())
            .is_some_and(|room| room.unread_replies == 0)
    })
    .await;
}

#[tokio::test]
async fn a_reply_that_can_not_be_sent_stands_at_the_end_of_the_draft_and_it_is_said_why() {
    let (node, dial) = Node::start(0);
    let first = node.say("the kiln");
    let in_thread = Message {
        thread: Some(first),
        ..words("@room is it free?")
    };
    let (mut ben, shown) = notified(&node, &dial, in_thread).await;
    let (space, room) = (node.space(), node.general());
    let long = "x".repeat(TOO_LONG);
    assert_eq!(reply(&ben, &shown, &long).await, Ok(Replied::Drafted));
    ben.until("told", |ben| unsent(ben).len() == 1).await;
    let (thread, draft, why) = unsent(&ben).remove(0);
    assert_eq!((thread, &draft), (Some(first), &long));
    assert!(why.contains("up to 16 kB"), "{why}");

    let typed = SaveDraft {
        space,
        room,
        thread: None,
        text: "by the way".into(),
    };
    ben.client.save_draft(typed).await.unwrap();
    node.close(room);
    node.cut();
    ben.until("closed", |ben| {
        ben.room(room).is_some_and(|room| !room.open)
    })
    .await;
    let about_room = Notification {
        item: None,
        ..shown
    };
    let replied = reply(&ben, &about_room, "From noon on.").await;
    assert_eq!(replied, Ok(Replied::Drafted));
    ben.until("told again", |ben| unsent(ben).len() == 2).await;
    let (thread, draft, why) = unsent(&ben).remove(1);
    assert_eq!(
        (thread, draft.as_str()),
        (None, "by the way\nFrom noon on.")
    );
    assert!(why.contains("you are no longer in this room"), "{why}");

    let ben = ben.restart(&dial).await;
    assert_eq!(ben.room(room).unwrap().draft, "by the way\nFrom noon on.");
    let in_threads = &ben.snapshot().spaces[0].thread_drafts;
    assert_eq!((in_threads[0].thread, &in_threads[0].text), (first, &long));
    assert_eq!(node.appended(), [] as [Vec<EventId>; 0]);
}

#[tokio::test]
async fn a_reply_that_can_not_even_be_kept_is_refused() {
    let (node, dial) = Node::start(0);
    let (ben, shown) = notified(&node, &dial, words("@room is the kiln free?")).await;
    let more_than_a_draft = "x".repeat(1024 * 1024 + 1);
    let refused = reply(&ben, &shown, &more_than_a_draft).await;
    assert_eq!(refused, Err(Code::TooLarge));
    let nowhere: RoomId = direct_room_id(node.space(), &[]);
    let elsewhere = Notification {
        room: nowhere,
        ..shown
    };
    let refused = reply(&ben, &elsewhere, "hello").await;
    assert_eq!(refused, Err(Code::NotFound));
    assert_eq!(unsent(&ben), []);
}
