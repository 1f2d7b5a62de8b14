//! Settings, and what may disturb by them: levels of a room, words one watches for, threads, quiet.

use landline_client::command::{Look, SetLevel, SetSettings};
use landline_client::ui::{Density, Level, Settings};
use landline_protocol::{EventId, Mention, Message, RoomId};

use crate::node::Node;
use crate::screen::Screen;

/// Waits until a message of Ana's is here, and answers what it was announced with.
async fn announced(ben: &mut Screen, said: EventId) -> Option<String> {
    ben.until("it is here", |ben| ben.items.contains_key(&said))
        .await;
    let shown = ben.desk.notifications().into_iter();
    shown
        .filter(|notification| notification.item == Some(said))
        .map(|notification| notification.body)
        .next()
}

async fn level(ben: &Screen, node: &Node, level: Level) {
    let set = SetLevel {
        space: node.space(),
        room: node.general(),
        level,
    };
    ben.client.set_level(set).await.unwrap();
}

async fn settings(ben: &Screen, settings: Settings) {
    ben.client
        .set_settings(SetSettings { settings })
        .await
        .unwrap();
}

/// In the focused window.
async fn looks_at(ben: &Screen, node: &Node, room: Option<RoomId>, thread: Option<EventId>) {
    let look = Look {
        space: Some(node.space()),
        room,
        thread,
        focused: true,
    };
    ben.client.look(look).await.unwrap();
}

fn to_room(text: &str) -> Message {
    Message {
        text: text.into(),
        mentions: vec![Mention::Room],
        ..Message::default()
    }
}

#[tokio::test]
async fn a_room_disturbs_with_everything_with_mentions_or_not_at_all() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    assert!(announced(&mut ben, node.say("plain")).await.is_some());

    level(&ben, &node, Level::Mentions).await;
    ben.until("the level is told", |ben| {
        ben.room(general).unwrap().level == Level::Mentions
    })
    .await;
    assert_eq!(announced(&mut ben, node.say("plain again")).await, None);
    let said = node.say_so(to_room("@room tea"));
    assert!(announced(&mut ben, said).await.is_some());
    settings(
        &ben,
        Settings {
            keywords: vec!["  Crane ".into(), String::new()],
            ..Settings::default()
        },
    )
    .await;
    let said = node.say("the crane is free");
    assert!(announced(&mut ben, said).await.is_some());
    assert_eq!(announced(&mut ben, node.say("cranes")).await, None);

    level(&ben, &node, Level::Nothing).await;
    let said = node.say_so(to_room("@room now"));
    assert_eq!(announced(&mut ben, said).await, None);
    // It is kept.
    let mut ben = ben.restart(&dial).await;
    ben.until_connected().await;
    assert_eq!(ben.room(general).unwrap().level, Level::Nothing);
}

#[tokio::test]
async fn what_is_said_in_a_thread_disturbs_those_who_follow_it() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let hers = node.say("hers");
    let mine = ben.post(general, "mine").await;
    ben.until_accepted(mine).await;
    let reply = |thread| Message {
        text: "a reply".into(),
        thread: Some(thread),
        ..Message::default()
    };
    let said = node.say_so(reply(hers));
    assert_eq!(
        announced(&mut ben, said).await,
        None,
        "he does not follow it"
    );
    let said = node.say_so(reply(mine));
    assert!(announced(&mut ben, said).await.is_some(), "he began it");
}

#[tokio::test]
async fn what_is_said_where_one_looks_does_not_disturb_and_beside_it_does() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let mine = ben.post(general, "mine").await;
    ben.until_accepted(mine).await;
    let reply = || Message {
        text: "a reply".into(),
        thread: Some(mine),
        ..Message::default()
    };
    looks_at(&ben, &node, Some(general), None).await;
    assert_eq!(announced(&mut ben, node.say("seen")).await, None);
    let said = node.say_so(reply());
    assert!(announced(&mut ben, said).await.is_some(), "it is closed");

    // A window with room for one of them.
    looks_at(&ben, &node, None, Some(mine)).await;
    assert_eq!(announced(&mut ben, node.say_so(reply())).await, None);
    let said = node.say("in the room");
    assert!(announced(&mut ben, said).await.is_some(), "it is covered");

    looks_at(&ben, &node, Some(general), Some(mine)).await;
    assert_eq!(announced(&mut ben, node.say_so(reply())).await, None);
    assert_eq!(announced(&mut ben, node.say("seen, too")).await, None);
}

#[tokio::test]
async fn nothing_disturbs_before_the_time_that_one_wants_quiet_until() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let until = |quiet_until| Settings {
        quiet_until,
        ..Settings::default()
    };
    settings(&ben, until(Some(i64::MAX))).await;
    assert_eq!(announced(&mut ben, node.say("quiet")).await, None);
    settings(&ben, until(Some(1))).await;
    assert!(announced(&mut ben, node.say("over")).await.is_some());
}

#[tokio::test]
async fn a_window_that_changes_a_setting_does_not_undo_where_one_is() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let (space, room) = (Some(node.space()), Some(node.general()));
    let before = ben.snapshot().settings.clone();
    looks_at(&ben, &node, Some(node.general()), None).await;
    // Which room is open now, it has not been told.
    let density = Density::Compact;
    settings(&ben, Settings { density, ..before }).await;
    ben.until("it is told", |ben| {
        ben.snapshot().settings.density == Density::Compact
    })
    .await;
    let kept = &ben.snapshot().settings;
    assert_eq!((kept.last_space, kept.last_room), (space, room));
}
