//! A node that was restored from a copy: the client steps back, and its own events come again.

use landline_client::command::CreateRoom;
use landline_protocol::{EventId, RoomKind};

use crate::node::Node;
use crate::screen::{Screen, text};

#[tokio::test]
async fn own_events_come_again_with_their_ids_and_both_sides_end_equal() {
    let (node, dial) = Node::start(50);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let mut own: Vec<EventId> = Vec::new();
    for n in 0..20 {
        own.push(ben.post(general, &format!("mine {n}")).await);
        node.say(&format!("hers {n}"));
    }
    for id in &own {
        ben.until_accepted(*id).await;
    }
    ben.until("all is here", |ben| {
        ben.room(general).is_some_and(|room| room.head == 91)
    })
    .await;
    node.restored(general, 61);
    ben.until("stepped back and come again", |_| {
        let log = node.log(general);
        own.iter()
            .all(|id| log.iter().filter(|event| event.id == *id).count() == 1)
    })
    .await;
    let log = node.log(general);
    let again: Vec<_> = log
        .iter()
        .map(|event| event.id)
        .filter(|id| own.contains(id))
        .collect();
    assert_eq!(again, own, "in the order written");
    let head = log.len() as u64;
    ben.until("equal heads", |ben| {
        ben.room(general).is_some_and(|room| room.head == head)
    })
    .await;
    let history: Vec<_> = ben
        .history(general)
        .await
        .into_iter()
        .filter_map(|item| item.seq.map(|_| item.id))
        .collect();
    assert_eq!(
        history,
        log.iter().map(|event| event.id).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_restored_node_that_has_gone_on_beyond_our_head_is_noticed_too() {
    let (node, dial) = Node::start(30);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let mine = ben.post(general, "mine").await;
    ben.until_accepted(mine).await;
    node.restored(general, 20);
    // Before Ben is back, Ana has written more than was lost.
    node.manners(|manners| manners.down = true);
    for n in 0..40 {
        node.say(&format!("after {n}"));
    }
    node.manners(|manners| manners.down = false);
    ben.until("mine came again", |_| {
        node.log(general).iter().any(|event| event.id == mine)
    })
    .await;
    let log = node.log(general);
    assert_eq!(log.len(), 61);
    ben.until("equal heads", |ben| {
        ben.room(general).is_some_and(|room| room.head == 61)
    })
    .await;
    let history = ben.history(general).await;
    assert_eq!(
        history.iter().map(|item| item.id).collect::<Vec<_>>(),
        log.iter().map(|e| e.id).collect::<Vec<_>>()
    );
    assert_eq!(
        history.iter().filter(|item| text(item) == "old 25").count(),
        0,
        "set aside"
    );
}

#[tokio::test]
async fn a_room_that_a_restored_node_has_never_seen_is_made_again_by_its_maker() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let create = CreateRoom {
        space: node.space(),
        kind: RoomKind::Public,
        name: "plans".into(),
        topic: String::new(),
        members: Vec::new(),
    };
    let room = ben.client.create_room(create).await.unwrap().room;
    let mut own = Vec::new();
    for n in 0..3 {
        own.push(ben.post(room, &format!("{n}")).await);
    }
    for id in &own {
        ben.until_accepted(*id).await;
    }
    let before: Vec<_> = node.log(room).iter().map(|event| event.id).collect();
    node.restored(room, 0);
    ben.until("all came again", |_| node.log(room).len() == 4)
        .await;
    assert_eq!(
        node.log(room)
            .iter()
            .map(|event| event.id)
            .collect::<Vec<_>>(),
        before
    );
    ben.until("open", |ben| {
        ben.room(room)
            .is_some_and(|room| room.open && room.head == 4 && room.queued == 0)
    })
    .await;
}
