//! What is on the screen: pages, holes, unread counts, marks, notifications.

use landline_client::command::{CreateRoom, LeaveRoom, Look, Read, SearchFor};
use landline_client::ui::{LinkState, UiEvent};
use landline_protocol::{RoomId, RoomKind};
use serde_json::json;

use crate::node::{ANA, Node};
use crate::screen::{Screen, eventually, text};

#[tokio::test]
async fn a_long_log_is_here_whole_in_the_end_and_newest_first() {
    let (node, dial) = Node::start(1_800);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let history = ben.history(general).await;
    let log = node.log(general);
    assert_eq!(
        history.iter().map(|item| item.id).collect::<Vec<_>>(),
        log.iter().map(|e| e.id).collect::<Vec<_>>()
    );
    assert_eq!(text(&history[1_800]), "old 1799");
    // The directory and the log: the newest 200, then the rest in pages of 500.
    assert_eq!(node.asked("fetch"), 1 + 5);
}

#[tokio::test]
async fn a_gap_of_pushes_that_were_lost_is_closed() {
    let (node, dial) = Node::start(5);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    node.manners(|manners| manners.mute = true);
    for n in 0..10 {
        node.say(&format!("unheard {n}"));
    }
    node.manners(|manners| manners.mute = false);
    node.say("heard");
    ben.until("all is here", |ben| {
        ben.room(general).is_some_and(|room| room.head == 17)
    })
    .await;
    node.manners(|manners| manners.mute = true);
    node.say("unheard again");
    node.manners(|manners| manners.mute = false);
    node.push(
        "heads",
        json!({ "rooms": [{ "room": general, "head": 18, "epoch": 1 }] }),
    );
    ben.until("by heads", |ben| {
        ben.room(general).is_some_and(|room| room.head == 18)
    })
    .await;
    let texts: Vec<_> = ben
        .history(general)
        .await
        .iter()
        .map(|item| text(item).to_owned())
        .collect();
    assert_eq!(texts[1..], node.texts(general));
}

#[tokio::test]
async fn what_is_wrong_in_a_packet_is_not_taken() {
    let (node, dial) = Node::start(2);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let elsewhere = RoomId::from_bytes([9; 16]);
    let events = node.log(general);
    // Of an unknown room, with a hole, of another room than it says, no events at all.
    node.push("events", json!({ "room": elsewhere, "events": events }));
    node.push(
        "events",
        json!({ "room": general, "events": [events[0], events[2]] }),
    );
    node.push(
        "events",
        json!({ "room": elsewhere, "events": [events[0]] }),
    );
    node.push("events", json!({ "room": general }));
    node.push("nonsense", json!({ "room": 1 }));
    node.say("still here");
    ben.until("the next one", |ben| {
        ben.room(general).is_some_and(|room| room.head == 4)
    })
    .await;
    assert_eq!(ben.history(general).await.len(), 4);
    assert_eq!(ben.link(), Some(LinkState::Connected));
}

#[tokio::test]
async fn others_messages_are_unread_until_they_were_seen() {
    let begun = std::time::Instant::now();
    // Two from before one came, who has not missed them.
    let (node, dial) = Node::start(2);
    let mut ben = Screen::join(&dial, node.space()).await;
    let (space, general) = (node.space(), node.general());
    ben.until_connected().await;
    for n in 0..5 {
        node.say(&format!("new {n}"));
    }
    ben.until("five", |ben| {
        ben.room(general).is_some_and(|room| room.unread == 5)
    })
    .await;
    assert_eq!(ben.room(general).unwrap().first_unread, Some(4));
    let mine = ben.post(general, "mine").await;
    ben.until_accepted(mine).await;
    ben.client
        .read(Read {
            space,
            room: general,
            seq: 6,
        })
        .await
        .unwrap();
    ben.until("two", |ben| {
        ben.room(general).is_some_and(|room| room.unread == 2)
    })
    .await;
    ben.client
        .read(Read {
            space,
            room: general,
            seq: 100,
        })
        .await
        .unwrap();
    ben.until("none", |ben| {
        ben.room(general).is_some_and(|room| room.unread == 0)
    })
    .await;
    eventually("the node knows", || node.mark() == Some((9, 9))).await;
    // At most one a second, however quickly one reads.
    let marked = node.asked("mark") as u64;
    assert!(marked <= begun.elapsed().as_secs() + 1, "{marked} marks");
    let ben = ben.restart(&dial).await;
    assert_eq!(ben.room(general).unwrap().unread, 0, "marks are kept");
}

#[tokio::test]
async fn what_happens_is_announced_and_what_was_before_is_not() {
    let (node, dial) = Node::start(300);
    let mut ben = Screen::join(&dial, node.space()).await;
    let (space, general) = (node.space(), node.general());
    let said = node.say("hello\nBen");
    ben.until("it is here", |ben| ben.items.contains_key(&said))
        .await;
    ben.until("names are known", |ben| {
        ben.snapshot().spaces[0].people.len() == 2
    })
    .await;
    let notifications = ben.desk.notifications();
    assert_eq!(notifications.len(), 1, "{notifications:?}");
    assert_eq!(
        (
            notifications[0].title.as_str(),
            notifications[0].body.as_str()
        ),
        ("Ana in general", "hello Ben")
    );
    assert_eq!(notifications[0].item, Some(said));
    // Nothing of what is on the screen of the focused window, and reading it clears.
    ben.client
        .look(Look {
            space: Some(space),
            room: Some(general),
            thread: None,
            focused: true,
        })
        .await
        .unwrap();
    ben.client
        .read(Read {
            space,
            room: general,
            seq: 302,
        })
        .await
        .unwrap();
    let seen = node.say("seen");
    ben.until("it is here", |ben| ben.items.contains_key(&seen))
        .await;
    assert_eq!(ben.desk.notifications(), []);
    // What came while away is one notification.
    ben.client
        .look(Look {
            space: None,
            room: None,
            thread: None,
            focused: false,
        })
        .await
        .unwrap();
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("offline", |ben| ben.link() == Some(LinkState::Looking))
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    node.move_clock();
    for n in 0..7 {
        node.say(&format!("missed {n}"));
    }
    node.manners(|manners| manners.down = false);
    ben.until("all is here", |ben| {
        ben.room(general).is_some_and(|room| room.head == 310)
    })
    .await;
    ben.until("announced", |ben| !ben.desk.notifications().is_empty())
        .await;
    let notifications = ben.desk.notifications();
    assert_eq!(
        (notifications.len(), notifications[0].body.as_str()),
        (1, "7 new messages")
    );
}

#[tokio::test]
async fn typing_presence_and_marks_are_told() {
    let (node, dial) = Node::start(1);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    ben.until("names are known", |ben| {
        ben.snapshot().spaces[0].people.len() == 2
    })
    .await;
    node.push(
        "typing",
        json!({ "room": general, "members": [ANA], "more": 0 }),
    );
    node.push(
        "presence",
        json!({ "changes": [{ "member": ANA, "state": "away", "text": "lunch", "last_seen": 5 }] }),
    );
    node.push(
        "marks",
        json!({ "room": general, "changes": [{ "member": ANA, "delivered": 2, "read": 1 }] }),
    );
    let told = |ben: &Screen, name: &str| {
        ben.events
            .iter()
            .filter(|event| format!("{event:?}").starts_with(name))
            .count()
    };
    ben.until("typing", |ben| told(ben, "Typing") == 1).await;
    ben.until("away", |ben| told(ben, "Presence") == 1).await;
    ben.until("marks", |ben| told(ben, "Marks") == 1).await;
    let page = ben.page(general, None, 10).await;
    assert!(
        page.marks
            .iter()
            .any(|mark| mark.member == ANA && mark.delivered == 2)
    );
    // Her message ends her typing.
    node.say("there");
    ben.until("typing ended", |ben| {
        matches!(ben.events.iter().rev().find(|event| matches!(event, UiEvent::Typing { .. })),
            Some(UiEvent::Typing { members, .. }) if members.is_empty())
    })
    .await;
}

#[tokio::test]
async fn a_search_finds_what_is_here_without_a_link() {
    let (node, dial) = Node::start(250);
    let mut ben = Screen::join(&dial, node.space()).await;
    ben.history(node.general()).await;
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("offline", |ben| ben.link() == Some(LinkState::Looking))
        .await;
    let search = SearchFor {
        space: node.space(),
        query: "\"old 17\"".into(),
        room: None,
        within: false,
        limit: 10,
    };
    let hits = ben.client.search(search).await.unwrap().hits;
    assert!(
        hits.iter().any(|hit| text(&hit.item) == "old 17"),
        "{hits:?}"
    );
}

#[tokio::test]
async fn a_room_that_is_no_longer_listed_is_kept_to_be_read() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let room = RoomId::from_bytes(*node.log(node.general())[0].id.as_bytes());
    node.make_direct(room, &[ben.client.me(), ANA]);
    node.cut();
    ben.until("it is there", |ben| {
        ben.room(room)
            .is_some_and(|room| room.open && room.head == 1)
    })
    .await;
    node.close(room);
    node.cut();
    ben.until("closed", |ben| {
        ben.room(room).is_some_and(|room| !room.open)
    })
    .await;
    assert_eq!(ben.page(room, None, 10).await.items.len(), 1);
}

#[tokio::test]
async fn a_room_that_is_forgotten_and_open_again_in_one_breath_is_there() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let space = node.space();
    let tea = CreateRoom {
        space,
        kind: RoomKind::Public,
        name: "tea".into(),
        topic: String::new(),
        members: Vec::new(),
    };
    let room = ben.client.create_room(tea).await.unwrap().room;
    eventually("it is made", || node.log(room).len() == 1).await;
    let leave = LeaveRoom {
        space,
        room,
        forget: true,
    };
    ben.client.leave_room(leave).await.unwrap();
    eventually("he has left", || node.log(room).len() == 2).await;
    ben.until("all is told", |ben| {
        ben.space_view().is_some_and(|view| view.queued == 0)
    })
    .await;
    // After a rest, both are told in one round.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    node.close_and_open(room);
    let told = |ben: &Screen| {
        let of_it = ben.events.iter().filter_map(|event| match event {
            UiEvent::Room { room: view, .. } if view.room == room && view.open => Some("open"),
            UiEvent::Room { room: view, .. } if view.room == room => Some("closed"),
            UiEvent::RoomGone { room: of, .. } if *of == room => Some("gone"),
            _ => None,
        });
        let mut told: Vec<_> = of_it.collect();
        told.dedup();
        told
    };
    ben.until("gone, and there again", |ben| {
        told(ben).contains(&"gone") && ben.room(room).is_some_and(|room| room.open)
    })
    .await;
    assert!(
        told(&ben).ends_with(&["closed", "gone", "open"]),
        "{:?}",
        told(&ben)
    );
}

#[tokio::test]
async fn a_window_that_fell_behind_gets_a_snapshot_and_the_core_goes_on() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let mut slow = ben.client.listen().await;
    for n in 0..300 {
        node.say(&format!("flood {n}"));
        if n % 3 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
    ben.until("all is here", |ben| {
        ben.room(general).is_some_and(|room| room.head == 301)
    })
    .await;
    let mut snapshots = 0;
    let mut head = 0;
    while head < 301 {
        let batch = tokio::time::timeout(std::time::Duration::from_secs(10), slow.recv())
            .await
            .unwrap()
            .unwrap();
        for event in batch {
            match event {
                UiEvent::Snapshot(snapshot) => {
                    snapshots += 1;
                    let rooms = snapshot.spaces.iter().flat_map(|space| &space.rooms);
                    head = rooms.map(|room| room.head).max().unwrap_or(0);
                }
                UiEvent::Room { room, .. } => head = room.head,
                _ => {}
            }
        }
    }
    assert!(snapshots >= 1);
}
