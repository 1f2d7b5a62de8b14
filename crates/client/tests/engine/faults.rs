//! What does not work for a moment: reading the replica, or the engine itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use landline_client::command::{Post, SpaceNamed};
use landline_client::link::memory::MemoryDial;
use landline_client::link::{Dial, Dialed, Link, LinkLoss, Peer, Target};
use landline_client::ui::LinkState;
use landline_protocol::direct_room_id;
use serde_json::Value;

use crate::node::{ANA, Node};
use crate::screen::Screen;

/// Something is done to a replica that is in use.
fn change(ben: &Screen, sql: &str) {
    let c = rusqlite::Connection::open(ben.replica()).unwrap();
    c.execute_batch(sql).unwrap();
    c.close().unwrap();
}

#[tokio::test]
async fn what_could_not_be_read_is_told_when_it_can_be() {
    let (node, dial) = Node::start(3);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    // Nothing is told again because of a new link.
    node.manners(|manners| manners.down = true);
    change(&ben, "ALTER TABLE draft RENAME TO draft_away");
    let said = node.say("unheard");
    ben.until("that is told", |ben| !ben.notices().is_empty())
        .await;
    assert_eq!(ben.state(said), None);
    change(&ben, "ALTER TABLE draft_away RENAME TO draft");
    ben.until("it is told", |ben| ben.state(said).is_some())
        .await;
    let head = node.log(general).len() as u64;
    ben.until("and counted", |ben| {
        ben.room(general).is_some_and(|room| room.head == head)
    })
    .await;
}

/// Whoever is told that it failed posts it again.
#[tokio::test]
async fn a_message_that_is_queued_is_not_said_to_have_failed() {
    let (node, dial) = Node::start(0);
    let ben = Screen::join(&dial, node.space()).await;
    let (space, general) = (node.space(), node.general());
    let mut attached = Vec::new();
    for name in ["one.txt", "two.txt"] {
        let name = name.to_owned();
        let file = ben
            .client
            .attach(space, general, None, name.clone(), None, name.as_bytes());
        attached.push(file.await.unwrap().id);
    }
    // Of the other one, which stays in the draft.
    let id = attached[1]
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"));
    let id: String = id.collect();
    change(
        &ben,
        &format!("UPDATE attachment SET file = '?' WHERE id = x'{id}'"),
    );
    let post = Post {
        space,
        room: general,
        text: "with one".into(),
        reply_to: None,
        thread: None,
        mentions: Vec::new(),
        attachments: vec![attached[0]],
    };
    ben.client.post(post).await.unwrap();
}

#[tokio::test]
async fn a_room_that_was_never_fetched_and_is_not_listed_any_more_is_closed() {
    let (node, dial) = Node::start(3);
    let mut ben = Screen::join(&dial, node.space()).await;
    let room = direct_room_id(node.space(), &[ANA, ben.client.me()]);
    node.manners(|manners| manners.holds = Some(|_| true));
    node.make_direct(room, &[ANA, ben.client.me()]);
    node.cut();
    ben.until("open", |ben| ben.room(room).is_some_and(|room| room.open))
        .await;
    node.close(room);
    node.cut();
    ben.until("closed", |ben| {
        ben.room(room).is_some_and(|room| !room.open)
    })
    .await;
}

/// A way to the node on which the engine can be made to fall over.
#[derive(Clone)]
struct Tripwire {
    dial: MemoryDial,
    set: Arc<AtomicBool>,
}

struct TrippingLink {
    link: Box<dyn Link>,
    set: Arc<AtomicBool>,
}

impl Dial for Tripwire {
    fn dial(&self, target: Target) -> BoxFuture<'static, Result<Dialed, LinkLoss>> {
        let (dialing, set) = (self.dial.dial(target), self.set.clone());
        async move {
            let (link, events) = dialing.await?;
            let link: Box<dyn Link> = Box::new(TrippingLink { link, set });
            Ok((link, events))
        }
        .boxed()
    }
}

impl Link for TrippingLink {
    fn send(&self, event: &'static str, rid: Option<u64>, payload: Value) -> Result<(), LinkLoss> {
        let trips = event == "append" && self.set.swap(false, Ordering::SeqCst);
        assert!(!trips, "the engine falls over");
        self.link.send(event, rid, payload)
    }

    fn probe(&self) {
        self.link.probe();
    }

    fn cut(&self) {
        self.link.cut();
    }

    fn peer(&self) -> &Peer {
        self.link.peer()
    }
}

#[tokio::test]
async fn an_engine_that_has_fallen_over_is_shown_and_connect_starts_another() {
    let (node, dial) = Node::start(3);
    let set = Arc::new(AtomicBool::new(false));
    let tripwire = Tripwire {
        dial,
        set: set.clone(),
    };
    let (space, general) = (node.space(), node.general());
    let mut ben = Screen::join_over(Arc::new(tripwire), space).await;
    set.store(true, Ordering::SeqCst);
    let post = Post {
        space,
        room: general,
        text: "kept".into(),
        reply_to: None,
        thread: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
    };
    ben.client.post(post).await.unwrap_err();
    ben.until("it is shown", |ben| ben.link() == Some(LinkState::Refused))
        .await;
    let problem = ben.space_view().unwrap().link.problem.clone().unwrap();
    assert!(
        problem.message.contains("Something went wrong"),
        "{problem}"
    );

    ben.client.connect_now(SpaceNamed { space }).await.unwrap();
    ben.until_connected().await;
    ben.until("what was written goes out", |_| {
        node.texts(general)
            .last()
            .is_some_and(|text| text == "kept")
    })
    .await;
}
