//! What is said and counted of a room while a part of its log is still missing.

use landline_client::ui::LinkState;
use landline_protocol::{EventId, Message};

use crate::node::Node;
use crate::screen::{Screen, eventually};

/// Said while Ben was away: the newest 200 come first.
const MISSED: u64 = 3_000;

/// Ben has read all there was and is away.
async fn ben_away() -> (Node, Screen, EventId) {
    let (node, dial) = Node::start(100);
    let mut ben = Screen::join(&dial, node.space()).await;
    let mine = ben.post(node.general(), "mine").await;
    ben.until_accepted(mine).await;
    eventually("the node knows", || {
        node.mark().is_some_and(|(delivered, _)| delivered == 102)
    })
    .await;
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("away", |ben| ben.link() == Some(LinkState::Looking))
        .await;
    (node, ben, mine)
}

/// He is back, and sees the newest of it; what is before is held back.
async fn sees_the_newest(node: &Node, ben: &mut Screen) {
    node.manners(|manners| {
        manners.holds = Some(|fetch| fetch.before.is_some());
        manners.down = false;
    });
    let (general, head) = (node.general(), node.log(node.general()).len() as u64);
    ben.until("the newest", |ben| {
        ben.room(general).is_some_and(|room| room.head == head)
    })
    .await;
}

#[tokio::test]
async fn what_is_newer_than_a_hole_is_not_said_to_be_delivered() {
    let (node, mut ben, _) = ben_away().await;
    for n in 0..MISSED {
        node.say(&format!("missed {n}"));
    }
    sees_the_newest(&node, &mut ben).await;
    // Asked for each second: a mark that says too much would have come meanwhile.
    eventually("the rest is held back", || node.asked("held") >= 3).await;
    assert_eq!(node.mark().map(|(delivered, _)| delivered), Some(102));

    node.manners(|manners| manners.holds = None);
    eventually("all of it is delivered", || {
        node.mark()
            .is_some_and(|(delivered, _)| delivered == 102 + MISSED)
    })
    .await;
}

#[tokio::test]
async fn an_unread_reply_in_the_midst_of_what_was_missed_is_counted() {
    let (node, mut ben, mine) = ben_away().await;
    let general = node.general();
    for n in 0..MISSED {
        node.say_so(Message {
            text: format!("missed {n}"),
            thread: (n == MISSED / 2).then_some(mine),
            ..Message::default()
        });
    }
    sees_the_newest(&node, &mut ben).await;
    assert_eq!(ben.room(general).unwrap().unread_replies, 0);
    node.manners(|manners| manners.holds = None);
    ben.until("the reply is counted", |ben| {
        ben.room(general).is_some_and(|room| {
            room.unread_replies == 1
                && ben
                    .space_view()
                    .is_some_and(|view| view.link.catching_up.is_none())
        })
    })
    .await;
}
