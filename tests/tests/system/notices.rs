//! What stands on the desktop after an absence, and who is seen to be there.

use landline_client::command::SetLevel;
use landline_client::ui::Level;
use landline_protocol::{PresenceState, RoomKind};
use landline_tests::cli::Cli;
use landline_tests::{Lan, Person};

/// How somebody is seen by another: there or not, and when they were there last.
async fn seen(by: &Person, name: &str, state: PresenceState) -> Option<i64> {
    by.sees_in_the_end("the presence", |space| {
        let (whom, _) = space.names.iter().find(|(_, known)| *known == name)?;
        let seen = space.presence.get(whom)?;
        (seen.state == state).then_some(seen.last_seen)
    })
    .await
}

#[tokio::test]
async fn what_was_missed_is_one_notification_for_each_room_until_it_is_read() {
    let mut lan = Lan::start();
    let (ana, mut ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    let members = [ana.me(), ben.me()];
    let crew = ana.create_room(RoomKind::Private, "crew", &members).await;
    let noise = ana.create_room(RoomKind::Private, "noise", &members).await;
    for room in ["general", "crew", "noise"] {
        ben.room(room).await;
    }
    let level = SetLevel {
        space: ben.space(),
        room: noise,
        level: Level::Nothing,
    };
    ben.client().set_level(level).await.unwrap();

    ben.cut();
    ben.disconnected().await;
    lan.node.kill();
    for n in 1..=3 {
        ana.write(general, &format!("line {n}")).await;
    }
    ana.write(crew, "only us").await;
    ana.write(noise, "beep").await;
    lan.node.start_again();
    ana.all_sent().await;
    ben.start_again().await;
    ben.heal();
    ben.is_told("what he missed", |shown| {
        let body = |room| Some(shown.get(&room)?.body.as_str());
        (body(general), body(crew)) == (Some("3 new messages"), Some("One new message"))
    })
    .await;

    // The newest takes the place of what stands there.
    let said = ana.write(general, "are you back?").await;
    ben.is_told("the newest", |shown| {
        shown.get(&general).is_some_and(|notification| {
            (notification.item, notification.body.as_str()) == (Some(said), "are you back?")
        })
    })
    .await;
    let head = ben.item(said).await.unwrap().seq.unwrap();
    ben.reads(general, head).await;
    ben.is_told("the other room only", |shown| {
        shown.keys().collect::<Vec<_>>() == [&crew]
    })
    .await;
}

#[tokio::test]
async fn who_is_killed_is_seen_to_be_gone_and_to_be_there_again() {
    let mut lan = Lan::start();
    let ana = lan.person("ana").await;
    let ben = Cli::new(&lan.folder("ben"));
    ben.run(&["join", &lan.node.address().to_string(), "--name", "ben"])
        .await;
    let tail = ben.tail("general");
    seen(&ana, "ben", PresenceState::Online).await;
    tail.kill().await;
    let last = seen(&ana, "ben", PresenceState::Offline).await;
    assert!(last.is_some(), "it is known since when");

    let _tail = ben.tail("general");
    seen(&ana, "ben", PresenceState::Online).await;
    // Nobody is seen through a node that is not there.
    lan.node.kill();
    seen(&ana, "ben", PresenceState::Offline).await;
    lan.node.start_again();
    seen(&ana, "ben", PresenceState::Online).await;
}
