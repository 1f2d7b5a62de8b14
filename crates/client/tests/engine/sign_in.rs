//! Coming in, and not being let in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use landline_client::command::{SetHosting, SpaceNamed};
use landline_client::ui::LinkState;
use landline_protocol::{Code, Refusal};
use serde_json::json;

use crate::node::Node;
use crate::outage::Watch;
use crate::screen::{Screen, hosts};

#[tokio::test]
async fn a_wrong_passcode_is_said_and_leaves_nothing_behind() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::start(&dial, node.space()).await;
    let wrong = Refusal::new(Code::WrongPasscode, "that is not the passcode");
    node.manners(|manners| manners.refuse_sign_in = Some(wrong));
    let refusal = ben.try_join(Some("hunter2")).await.unwrap_err();
    assert_eq!(refusal.code, Code::WrongPasscode);
    assert_eq!(ben.snapshot().spaces.len(), 0);
    node.manners(|manners| manners.refuse_sign_in = None);
    ben.try_join(Some("right")).await.unwrap();
    ben.until_connected().await;
}

#[tokio::test]
async fn nobody_at_the_address_is_said_in_words() {
    let (node, dial) = Node::start(0);
    node.manners(|manners| manners.down = true);
    let mut ben = Screen::start(&dial, node.space()).await;
    let refusal = ben.try_join(None).await.unwrap_err();
    assert_eq!(refusal.code, Code::Unavailable);
    assert!(refusal.message.contains("can't be reached"), "{refusal}");
}

#[tokio::test]
async fn one_who_was_banned_is_told_and_does_not_knock_again() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let banned = Refusal::new(Code::Banned, "banned");
    node.manners(|manners| manners.refuse_sign_in = Some(banned));
    node.push("goodbye", json!({ "reason": "banned" }));
    ben.until("refused", |ben| ben.link() == Some(LinkState::Refused))
        .await;
    let problem = ben.space_view().unwrap().link.problem.clone().unwrap();
    assert_eq!(problem.code, Code::Banned);
    assert_eq!(ben.space_view().unwrap().link.next_try, None);
    let dials = node.dials();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(node.dials(), dials);
    // Only when the person says so.
    node.manners(|manners| manners.refuse_sign_in = None);
    ben.client
        .connect_now(SpaceNamed {
            space: node.space(),
        })
        .await
        .unwrap();
    ben.until_connected().await;
}

#[tokio::test]
async fn a_space_that_was_left_is_forgotten_with_its_replica() {
    let (node, dial) = Node::start(10);
    let mut ben = Screen::join(&dial, node.space()).await;
    ben.client
        .leave_space(SpaceNamed {
            space: node.space(),
        })
        .await
        .unwrap();
    ben.until("gone", |ben| ben.snapshot().spaces.is_empty())
        .await;
    let ben = ben.restart(&dial).await;
    assert!(ben.snapshot().spaces.is_empty());
}

#[tokio::test]
async fn a_space_that_this_computer_hosts_is_left_only_once_hosting_is_off() {
    let (node, dial) = Node::start(10);
    let mut ben = Screen::join(&dial, node.space()).await;
    let space = node.space();
    ben.client.hosting_changed(hosts(space, true)).await;
    let refusal = ben
        .client
        .leave_space(SpaceNamed { space })
        .await
        .unwrap_err();
    assert_eq!(refusal.code, Code::Conflict);
    assert!(
        refusal.message.contains("stop hosting it first"),
        "{refusal}"
    );
    // Nothing has changed: he is still in it.
    ben.client.connect_now(SpaceNamed { space }).await.unwrap();

    let off = SetHosting { space, on: false };
    ben.client.set_hosting(off).await.unwrap();
    ben.client.leave_space(SpaceNamed { space }).await.unwrap();
    ben.until("gone", |ben| ben.snapshot().spaces.is_empty())
        .await;
}

#[tokio::test]
async fn a_space_that_was_hosted_and_left_can_be_hosted_again_and_is_joined_by_that() {
    let (node, dial) = Node::start(10);
    let mut ben = Screen::join(&dial, node.space()).await;
    let space = node.space();
    ben.client.hosting_changed(hosts(space, false)).await;
    ben.client.leave_space(SpaceNamed { space }).await.unwrap();
    ben.until("it can be hosted again", |ben| {
        ben.snapshot().spaces.is_empty() && ben.snapshot().hosting == hosts(space, false).spaces
    })
    .await;

    let on = SetHosting { space, on: true };
    ben.client.set_hosting(on).await.unwrap();
    ben.until_connected().await;
    assert_eq!(ben.snapshot().hosting, hosts(space, true).spaces);
    assert!(ben.space_view().unwrap().hosted_here);
    assert_eq!(ben.room(node.general()).unwrap().head, 11);
}

#[tokio::test]
async fn who_can_not_come_in_again_is_told_so_and_hosts() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::start(&dial, node.space()).await;
    let space = node.space();
    node.manners(|manners| manners.refuse_sign_in = Some(Refusal::new(Code::Banned, "banned")));
    let on = SetHosting { space, on: true };
    let refusal = ben.client.set_hosting(on.clone()).await.unwrap_err();
    assert_eq!(refusal.code, Code::Banned);
    ben.until("it is on", |ben| {
        ben.snapshot().hosting == hosts(space, true).spaces
    })
    .await;
    node.manners(|manners| manners.refuse_sign_in = None);
    ben.client.set_hosting(on).await.unwrap();
    ben.until_connected().await;
}

#[tokio::test]
async fn a_known_space_is_found_again_at_the_next_start() {
    let (node, dial) = Node::start(10);
    let ben = Screen::join(&dial, node.space()).await;
    let mut ben = ben.restart(&dial).await;
    let room = ben.room(node.general()).unwrap();
    assert_eq!(
        (room.name.as_str(), room.head),
        ("general", 11),
        "before any link"
    );
    ben.until_connected().await;
    assert_eq!(ben.space_view().unwrap().name, "Studio");
}

#[tokio::test]
async fn connected_last_is_when_the_link_ended() {
    for was_cut in [false, true] {
        let (node, dial) = Node::start(0);
        let watch = Arc::new(Watch(AtomicI64::new(1_763_640_000_000)));
        let mut ben = Screen::join_by(watch.clone(), &dial, node.space()).await;
        let ended = watch.0.fetch_add(1_000, Ordering::Relaxed) + 1_000;
        node.manners(|manners| manners.down = true);
        if was_cut {
            node.cut();
            ben.until("cut", |ben| ben.link() == Some(LinkState::Looking))
                .await;
            watch.0.fetch_add(1_000, Ordering::Relaxed);
        }
        let ben = ben.restart(&dial).await;
        let link = &ben.space_view().unwrap().link;
        assert_eq!(link.last_connected, Some(ended), "cut: {was_cut}");
    }
}
