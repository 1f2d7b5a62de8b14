//! Rooms: joined late, left, private.

use landline_client::command::BrowseRooms;
use landline_protocol::RoomKind;
use landline_tests::{Lan, logs};

/// More than two pages of 500, so that a latecomer's history has a hole to fill.
const LONG_HISTORY: usize = 1_300;

#[tokio::test]
async fn who_joins_a_room_with_a_long_history_reads_the_newest_first_and_ends_with_all() {
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let old = ana.create_room(RoomKind::Public, "old", &[]).await;
    for n in 1..=LONG_HISTORY {
        ana.write(old, &format!("line {n}")).await;
    }
    ana.all_sent().await;

    let ben = lan.person("ben").await;
    let browse = BrowseRooms {
        space: ben.space(),
        query: "ol".into(),
    };
    let found = ben.client().browse_rooms(browse).await.unwrap().rooms;
    assert_eq!(
        found.iter().map(|room| room.room).collect::<Vec<_>>(),
        [old]
    );
    ben.join_room(old).await;
    ana.write(old, "welcome").await;

    let newest = landline_tests::deadline::eventually("the newest message", async || {
        ben.texts(old)
            .await
            .last()
            .filter(|text| *text == "welcome")
            .map(drop)
    });
    newest.await;
    let expected: Vec<_> = (1..=LONG_HISTORY)
        .map(|n| format!("line {n}"))
        .chain(["welcome".into()])
        .collect();
    ben.reads_texts(old, &expected).await;
    for person in [&ana, &ben] {
        person
            .holds(&logs::at_rest(&lan.node.database()).await)
            .await;
    }
}

#[tokio::test]
async fn what_was_missed_for_long_is_caught_up_without_a_hole() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    ana.write(general, "line 0").await;
    ben.reads_texts(general, &["line 0"]).await;

    ben.cut();
    ben.disconnected().await;
    for n in 1..=LONG_HISTORY {
        ana.write(general, &format!("line {n}")).await;
    }
    ana.all_sent().await;
    ben.heal();

    let expected: Vec<_> = (0..=LONG_HISTORY).map(|n| format!("line {n}")).collect();
    ben.reads_texts(general, &expected).await;
    ben.holds(&logs::at_rest(&lan.node.database()).await).await;
}

#[tokio::test]
async fn what_was_said_before_one_came_is_history_and_not_unread() {
    let mut lan = Lan::start();
    let ana = lan.person("ana").await;
    let general = ana.room("general").await;
    let workshop = ana.create_room(RoomKind::Public, "workshop", &[]).await;
    for room in [general, workshop] {
        ana.write(room, "who has the drill?").await;
        ana.write(room, "found it").await;
    }
    ana.all_sent().await;

    let mut ben = lan.person("ben").await;
    ben.join_room(workshop).await;
    for room in [general, workshop] {
        ben.reads_texts(room, &["who has the drill?", "found it"])
            .await;
        ben.sees_room(room, "nothing unread", |room| {
            (room.unread, room.first_unread) == (0, None)
        })
        .await;
    }

    // What is said from now on is, also while he or the node is away.
    ben.cut();
    lan.node.kill();
    lan.node.start_again();
    for room in [general, workshop] {
        ana.write(room, "and the bits?").await;
    }
    ana.all_sent().await;
    ben.start_again().await;
    ben.heal();
    for room in [general, workshop] {
        ben.sees_room(room, "one unread", |room| {
            (room.unread, room.first_unread) == (1, Some(room.head))
        })
        .await;
    }

    // Who marks a room unread from an old message means it.
    ben.marks_unread(workshop, 2).await;
    ben.sees_room(workshop, "all three unread", |room| {
        (room.unread, room.first_unread) == (3, Some(2))
    })
    .await;

    // What was said while he was out of the room, he has not missed.
    ben.leave_room(workshop).await;
    ben.all_sent().await;
    ana.write(workshop, "never mind").await;
    ana.all_sent().await;
    ben.join_room(workshop).await;
    ben.reads_texts(
        workshop,
        &[
            "who has the drill?",
            "found it",
            "and the bits?",
            "never mind",
        ],
    )
    .await;
    ben.reads(workshop, 2).await;
    ben.sees_room(workshop, "nothing unread", |room| room.unread == 0)
        .await;
}

#[tokio::test]
async fn who_leaves_a_room_keeps_what_was_said_and_hears_no_more() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let tea = ana.create_room(RoomKind::Public, "tea", &[]).await;
    ana.all_sent().await;
    ben.join_room(tea).await;
    ana.write(tea, "still two").await;
    ben.reads_texts(tea, &["still two"]).await;

    ben.leave_room(tea).await;
    ben.all_sent().await;
    ben.sees("the room is closed", |space| {
        (!space.rooms.get(&tea)?.open).then_some(())
    })
    .await;
    ana.write(tea, "alone").await;
    ana.reads_texts(tea, &["still two", "alone"]).await;
    // What is said later in a room of both is here: then what was said in `tea` would be, too.
    let general = ana.room("general").await;
    ana.write(general, "later").await;
    ben.reads_texts(general, &["later"]).await;
    assert_eq!(ben.texts(tea).await, ["still two"]);
}

#[tokio::test]
async fn a_private_room_does_not_exist_for_others() {
    let lan = Lan::start();
    let (ana, ben, eve) = (
        lan.person("ana").await,
        lan.person("ben").await,
        lan.person("eve").await,
    );
    let secret = ana
        .create_room(RoomKind::Private, "secret", &[ben.me()])
        .await;
    ana.write(secret, "between us").await;
    ben.sees("the private room", |space| {
        space.rooms.get(&secret).map(drop)
    })
    .await;
    ben.reads_texts(secret, &["between us"]).await;

    let browse = BrowseRooms {
        space: eve.space(),
        query: String::new(),
    };
    assert!(
        eve.client()
            .browse_rooms(browse)
            .await
            .unwrap()
            .rooms
            .is_empty()
    );
    let general = ana.room("general").await;
    ana.write(general, "later").await;
    eve.reads_texts(general, &["later"]).await;
    assert!(eve.now().room("secret").is_none());
    let held = eve.replica();
    assert!(
        held.iter().all(|row| row.room != secret.as_bytes()),
        "eve holds events of the room"
    );
}
