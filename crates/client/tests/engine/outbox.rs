//! What is written goes out once, in order, whatever the node and the link do.

use landline_client::command::{ChangeRoom, CreateRoom, EditMessage, QueuedNamed};
use landline_client::ui::{ItemState, LinkState};
use landline_protocol::{Code, Refusal, RoomKind, direct_room_id};

use crate::node::{ANA, Node};
use crate::screen::{Screen, text};

#[tokio::test]
async fn what_is_posted_is_shown_and_arrives_once() {
    let (node, dial) = Node::start(3);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let mut posted = Vec::new();
    for n in 0..20 {
        posted.push(ben.post(general, &format!("new {n}")).await);
    }
    for id in &posted {
        ben.until_accepted(*id).await;
    }
    let texts = node.texts(general);
    assert_eq!(texts.len(), 23);
    assert!(texts.ends_with(&(0..20).map(|n| format!("new {n}")).collect::<Vec<_>>()));
    ben.until("nothing waits", |ben| ben.space_view().unwrap().queued == 0)
        .await;
}

#[tokio::test]
async fn an_answer_that_was_lost_changes_nothing() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    node.manners(|manners| manners.lose_answers = 2);
    let first = ben.post(general, "first").await;
    let second = ben.post(general, "second").await;
    ben.until_accepted(first).await;
    ben.until_accepted(second).await;
    assert_eq!(node.texts(general), ["first", "second"]);
    assert!(node.dials() >= 3);
    assert!(
        node.appended()
            .iter()
            .filter(|append| append.contains(&first))
            .count()
            >= 2
    );
}

#[tokio::test]
async fn without_echoes_the_answers_suffice() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    node.manners(|manners| manners.mute = true);
    let first = ben.post(general, "first").await;
    ben.until_accepted(first).await;
    let second = ben.post(general, "second").await;
    ben.until_accepted(second).await;
    let page = ben.page(general, None, 10).await;
    let seqs: Vec<_> = page.items.iter().map(|item| item.seq).collect();
    assert_eq!(seqs, [Some(1), Some(2), Some(3)]);
}

#[tokio::test]
async fn a_code_that_may_be_tried_again_is_waited_out_and_never_shown_as_failed() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let busy = Refusal::new(Code::TooManyRequests, "slower").retry_after(700);
    node.manners(|manners| manners.refuse_appends.extend([busy.clone(), busy]));
    let begun = std::time::Instant::now();
    let id = ben.post(general, "patience").await;
    ben.until_accepted(id).await;
    assert!(
        begun.elapsed().as_millis() >= 1_400,
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(node.appended().len(), 3);
    assert_eq!(node.texts(general), ["patience"]);
    let failed = ben
        .events
        .iter()
        .any(|event| format!("{event:?}").contains("Failed"));
    assert!(!failed);
}

#[tokio::test]
async fn a_direct_room_that_the_other_side_has_made_is_simply_used() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let me = ben.client.me();
    let mut members = vec![me, ANA];
    members.sort();
    let room = direct_room_id(node.space(), &members);
    node.make_direct(room, &members);
    let create = CreateRoom {
        space: node.space(),
        kind: RoomKind::Direct,
        name: String::new(),
        topic: String::new(),
        members: vec![ANA],
    };
    let made = ben.client.create_room(create).await.unwrap().room;
    assert_eq!(made, room);
    let id = ben.post(room, "hello").await;
    ben.until_accepted(id).await;
    assert_eq!(node.texts(room), ["hello"]);
    ben.until("nothing waits", |ben| ben.space_view().unwrap().queued == 0)
        .await;
}

#[tokio::test]
async fn a_room_is_not_called_like_another_that_one_is_in() {
    let (node, dial) = Node::start(0);
    let ben = Screen::join(&dial, node.space()).await;
    let create = |name: &str, kind| {
        ben.client.create_room(CreateRoom {
            space: node.space(),
            kind,
            name: name.into(),
            topic: String::new(),
            members: Vec::new(),
        })
    };
    let plans = create("plans", RoomKind::Private).await.unwrap().room;
    let taken = create(" Plans", RoomKind::Public).await.unwrap_err();
    assert!(taken.to_string().contains("called Plans"), "{taken}");
    let rename = |name: &str| {
        ben.client.change_room(ChangeRoom {
            space: node.space(),
            room: plans,
            name: Some(name.into()),
            topic: None,
            archived: None,
        })
    };
    rename("General").await.unwrap_err();
    rename("PLANS").await.unwrap();
}

#[tokio::test]
async fn a_room_made_offline_goes_out_with_what_was_written_in_it() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("offline", |ben| ben.link() == Some(LinkState::Looking))
        .await;
    let create = CreateRoom {
        space: node.space(),
        kind: RoomKind::Private,
        name: "plans".into(),
        topic: "for later".into(),
        members: vec![ANA],
    };
    let room = ben.client.create_room(create).await.unwrap().room;
    let id = ben.post(room, "first").await;
    ben.until("it is shown", |ben| {
        ben.room(room)
            .is_some_and(|room| room.open && room.queued == 2)
    })
    .await;
    // The program ends meanwhile, and the room is still there after.
    let mut ben = ben.restart(&dial).await;
    assert_eq!(ben.room(room).map(|room| room.name.as_str()), Some("plans"));
    node.manners(|manners| manners.down = false);
    ben.until_connected().await;
    ben.until_accepted(id).await;
    assert_eq!(node.texts(room), ["first"]);
    let second = ben.post(room, "second").await;
    ben.until_accepted(second).await;
    assert_eq!(node.texts(room), ["first", "second"]);
}

#[tokio::test]
async fn what_is_refused_for_good_is_kept_and_can_be_changed_and_tried_again() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    node.manners(|manners| manners.dislikes = Some("bad"));
    let id = ben.post(general, "bad word").await;
    let other = ben.post(general, "fine").await;
    ben.until("failed", |ben| {
        matches!(ben.state(id), Some(ItemState::Failed { .. }))
    })
    .await;
    ben.until_accepted(other).await;
    let space = node.space();
    ben.client
        .edit(EditMessage {
            space,
            room: general,
            id,
            text: "good word".into(),
            mentions: Vec::new(),
        })
        .await
        .unwrap();
    ben.client
        .retry_failed(QueuedNamed { space, id })
        .await
        .unwrap();
    ben.until_accepted(id).await;
    assert_eq!(node.texts(general), ["fine", "good word"]);
}

#[tokio::test]
async fn one_event_that_spoils_an_append_does_not_hold_up_the_others() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("offline", |ben| ben.link() == Some(LinkState::Looking))
        .await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(ben.post(general, &format!("{n}")).await);
    }
    // As a whole first, then the first of them alone.
    let bad = Refusal::bad_request("what is that");
    node.manners(|manners| {
        manners.refuse_appends.extend([bad.clone(), bad]);
        manners.down = false;
    });
    for id in &ids[1..] {
        ben.until_accepted(*id).await;
    }
    assert!(matches!(ben.state(ids[0]), Some(ItemState::Failed { .. })));
    assert_eq!(node.texts(general), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_queued_message_can_be_changed_and_taken_back_and_survives_the_end_of_the_program() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let (space, general) = (node.space(), node.general());
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("offline", |ben| ben.link() == Some(LinkState::Looking))
        .await;
    let changed = ben.post(general, "teh").await;
    let gone = ben.post(general, "never mind").await;
    let kept = ben.post(general, "kept").await;
    assert_eq!(ben.page(general, None, 10).await.items.len(), 4);
    ben.client
        .edit(EditMessage {
            space,
            room: general,
            id: changed,
            text: "the".into(),
            mentions: Vec::new(),
        })
        .await
        .unwrap();
    ben.client
        .discard_queued(QueuedNamed { space, id: gone })
        .await
        .unwrap();
    ben.until("it is gone", |ben| ben.state(gone).is_none())
        .await;
    let mut ben = ben.restart(&dial).await;
    assert_eq!(ben.space_view().unwrap().queued, 2);
    node.manners(|manners| manners.down = false);
    ben.until_accepted(kept).await;
    assert_eq!(node.texts(general), ["the", "kept"]);
    assert!(ben.state(changed) == Some(&ItemState::Accepted));
}

/// To a node that has lost what somebody had imported, a hundred thousand may wait.
#[tokio::test]
async fn a_page_ends_with_the_last_of_what_waits_however_much_that_is() {
    let (node, dial) = Node::start(3);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("offline", |ben| ben.link() == Some(LinkState::Looking))
        .await;
    for n in 0..250 {
        ben.post(general, &format!("waits {n}")).await;
    }
    let page = ben.page(general, None, 200).await;
    let waiting: Vec<&str> = page
        .items
        .iter()
        .filter(|item| item.seq.is_none())
        .map(text)
        .collect();
    let last: Vec<String> = (50..250).map(|n| format!("waits {n}")).collect();
    assert_eq!(waiting, last);

    node.manners(|manners| manners.down = false);
    ben.until("all are sent", |ben| {
        ben.space_view().is_some_and(|view| view.queued == 0)
            && ben.link() == Some(LinkState::Connected)
    })
    .await;
    assert_eq!(ben.history(general).await.len(), 254);
}
