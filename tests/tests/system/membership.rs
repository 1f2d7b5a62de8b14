//! Who is in a room: invited, removed, gone by themselves; what they keep; what a room is called.

use landline_client::command::QueuedNamed;
use landline_client::ui::{Item, ItemState};
use landline_protocol::{Code, Refusal, RoomId, RoomKind};
use landline_tests::deadline::eventually;
use landline_tests::proxy::Weather;
use landline_tests::{Lan, Person, logs};

#[tokio::test]
async fn who_is_invited_reads_all_that_was_said_and_who_is_removed_nothing_more() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let plans = ana.create_room(RoomKind::Private, "plans", &[]).await;
    ana.write(plans, "before").await;
    ana.all_sent().await;
    ana.invites(plans, ben.me()).await.unwrap();
    ben.sees_room(plans, "he is in it", |room| room.open).await;
    ben.reads_texts(plans, &["before"]).await;
    ben.write(plans, "thanks").await;
    ana.reads_texts(plans, &["before", "thanks"]).await;
    assert_eq!(ana.members(plans).await, ["ana", "ben"]);

    // Neither its creator nor an admin: he may not remove her, nor rename the room.
    let refused = ben.removes(plans, ana.me()).await.unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    let refused = ben.renames(plans, "his").await.unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);

    ana.removes(plans, ben.me()).await.unwrap();
    ben.sees_room(plans, "it is closed", |room| !room.open)
        .await;
    ana.write(plans, "alone again").await;
    ana.all_sent().await;
    let general = ana.room("general").await;
    ana.write(general, "later").await;
    ben.reads_texts(general, &["later"]).await;
    assert_eq!(ben.texts(plans).await, ["before", "thanks"]);
    assert_eq!(ana.members(plans).await, ["ana"]);
    // What was kept goes when he says so, and he can't write there any more.
    let refused = ben.invites(plans, ana.me()).await.unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    ben.forgets(plans).await.unwrap();
    let held = ben.replica();
    assert!(held.iter().all(|row| row.room != plans.as_bytes()));
    ben.sees("it is gone", |space| {
        (!space.rooms.contains_key(&plans)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_leaves_offline_is_out_at_once_here_and_for_the_others_when_the_node_is_back() {
    let mut lan = Lan::start();
    let (ana, mut ben) = (lan.person("ana").await, lan.person("ben").await);
    let tea = ana.create_room(RoomKind::Public, "tea", &[]).await;
    ana.all_sent().await;
    ben.join_room(tea).await;
    ana.write(tea, "two sugars").await;
    ben.reads_texts(tea, &["two sugars"]).await;

    lan.node.kill();
    ben.disconnected().await;
    ben.leaves_and_forgets(tea).await;
    ben.sees_room(tea, "closed at once", |room| !room.open)
        .await;
    ben.start_again().await;
    ben.sees_room(tea, "still closed", |room| !room.open).await;
    lan.node.start_again();

    ben.sees_in_the_end("it is gone", |space| {
        (!space.rooms.contains_key(&tea)).then_some(())
    })
    .await;
    let held = ben.replica();
    assert!(held.iter().all(|row| row.room != tea.as_bytes()));
    ana.sees_room(tea, "one is left", |room| room.member_count == 1)
        .await;
    // Its log tells who left; the node's list of rooms may come first.
    eventually("ana is alone", async || {
        (ana.members(tea).await == ["ana"]).then_some(())
    })
    .await;
    // A public room can be joined again, with all that was said in it.
    ben.join_room(tea).await;
    ben.reads_texts(tea, &["two sugars"]).await;
}

/// The kinds of what a person did to a room, as the node has them.
fn done(lan: &Lan, room: RoomId, by: &Person) -> Vec<String> {
    let rows = logs::room_events(&lan.node.database(), room).into_iter();
    let mine = rows.filter(|row| row.author == *by.me().as_bytes());
    mine.map(|row| row.kind).collect()
}

#[tokio::test]
async fn who_comes_again_before_anybody_knew_that_they_had_left_and_forgotten_has_never_been_away()
{
    let mut lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let tea = ana.create_room(RoomKind::Public, "tea", &[]).await;
    ana.write(tea, "two sugars").await;
    ana.all_sent().await;
    ben.join_room(tea).await;
    ben.reads_texts(tea, &["two sugars"]).await;
    lan.node.kill();
    ben.disconnected().await;
    ben.leaves_and_forgets(tea).await;
    ben.sees_room(tea, "closed", |room| !room.open).await;
    ben.join_room(tea).await;
    lan.node.start_again();
    ben.write(tea, "still here").await;
    ana.reads_texts(tea, &["two sugars", "still here"]).await;
    ben.reads_texts(tea, &["two sugars", "still here"]).await;
    assert_eq!(done(&lan, tea, &ben), ["joined", "message"]);
}

#[tokio::test]
async fn who_comes_again_while_the_node_hears_that_they_left_and_forget_is_in_and_keeps_all() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let tea = ana.create_room(RoomKind::Public, "tea", &[]).await;
    ana.write(tea, "two sugars").await;
    ana.all_sent().await;
    ben.join_room(tea).await;
    ben.reads_texts(tea, &["two sugars"]).await;
    ben.proxy().set(Weather::BlackHole);
    ben.leaves_and_forgets(tea).await;
    ben.sees_room(tea, "closed", |room| !room.open).await;
    ben.join_room(tea).await;
    ben.proxy().set(Weather::Fair);
    ben.write(tea, "here again").await;
    ana.reads_texts(tea, &["two sugars", "here again"]).await;
    ben.reads_texts(tea, &["two sugars", "here again"]).await;
    ben.sees_room(tea, "open", |room| room.open).await;
    assert_eq!(
        done(&lan, tea, &ben),
        ["joined", "left", "joined", "message"]
    );
}

#[tokio::test]
async fn who_joins_offline_and_was_invited_meanwhile_is_in_and_what_they_write_goes_out() {
    let lan = Lan::start();
    let (ana, mut ben) = (lan.person("ana").await, lan.person("ben").await);
    let tea = ana.create_room(RoomKind::Public, "tea", &[]).await;
    ana.all_sent().await;
    ben.join_room(tea).await;
    ben.all_sent().await;
    ben.leave_room(tea).await;
    ben.all_sent().await;

    ben.cut();
    ben.disconnected().await;
    ben.client().join_room(ben.named(tea)).await.unwrap();
    ana.sees_room(tea, "he has left", |room| room.member_count == 1)
        .await;
    ana.invites(tea, ben.me()).await.unwrap();
    ana.all_sent().await;
    ben.start_again().await;
    ben.heal();
    ben.sees_room(tea, "open", |room| room.open).await;
    ben.write(tea, "back again").await;

    ana.reads_texts(tea, &["back again"]).await;
    ben.reads_texts(tea, &["back again"]).await;
    ben.sees_room(tea, "nothing waits", |room| room.open && room.queued == 0)
        .await;
    assert_eq!(ana.members(tea).await, ["ana", "ben"]);
    // The same wish by another, the other way round: ana and the owner invite the same person.
    let cho = lan.person("cho").await;
    ana.cut();
    ana.disconnected().await;
    ana.invites(tea, cho.me()).await.unwrap();
    ana.write(tea, "welcome").await;
    ben.invites(tea, cho.me()).await.unwrap();
    cho.sees_room(tea, "in it", |room| room.open).await;
    ana.heal();
    cho.reads_texts(tea, &["back again", "welcome"]).await;
    ana.sees("nothing waits or has failed", |space| {
        let failed = |item: &Item| matches!(item.state, ItemState::Failed { .. });
        let items = space.items.get(&tea)?;
        (space.view.queued == 0 && !items.iter().any(failed)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_is_removed_while_away_finds_the_room_closed_on_return() {
    let mut lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let plans = ana
        .create_room(RoomKind::Private, "plans", &[ben.me()])
        .await;
    ana.write(plans, "before").await;
    ben.sees_room(plans, "he is in it", |room| room.open).await;
    ben.reads_texts(plans, &["before"]).await;
    ben.cut();
    ben.disconnected().await;
    ben.write(plans, "too late").await;
    ana.removes(plans, ben.me()).await.unwrap();
    ana.write(plans, "secret").await;
    ana.all_sent().await;
    lan.node.kill();
    lan.node.start_again();
    ben.heal();
    ben.sees_room(plans, "it is closed", |room| !room.open)
        .await;
    let stored = logs::room_events(&lan.node.database(), plans);
    let texts: Vec<_> = stored.iter().filter_map(logs::Row::text).collect();
    assert_eq!(texts, ["before", "secret"], "nothing of his after that");
    assert!(!ben.texts(plans).await.contains(&"secret".to_owned()));
}

#[tokio::test]
async fn who_was_removed_and_tries_to_come_back_offline_writes_there_once_invited() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let tea = ana.create_room(RoomKind::Public, "tea", &[]).await;
    ana.all_sent().await;
    ben.join_room(tea).await;
    ana.write(tea, "two sugars").await;
    ben.reads_texts(tea, &["two sugars"]).await;

    ben.cut();
    ben.disconnected().await;
    ben.leave_room(tea).await;
    ben.client().join_room(ben.named(tea)).await.unwrap();
    let written = ben.write(tea, "I am back").await;
    ana.removes(tea, ben.me()).await.unwrap();
    ana.all_sent().await;
    ben.heal();

    let refusal: Refusal = ben
        .sees("why it was not sent", |space| {
            let mut items = space.items.get(&tea)?.iter();
            match &items.find(|item| item.id == written)?.state {
                ItemState::Failed { refusal } => Some(refusal.clone()),
                ItemState::Queued | ItemState::Sending | ItemState::Accepted => None,
            }
        })
        .await;
    assert_eq!(refusal.code, Code::NotAllowed, "{refusal}");
    ben.sees_room(tea, "closed", |room| !room.open).await;
    ana.invites(tea, ben.me()).await.unwrap();
    ben.sees_room(tea, "open", |room| room.open).await;
    ben.write(tea, "invited").await;
    ana.reads_texts(tea, &["two sugars", "invited"]).await;
    let again = QueuedNamed {
        space: ben.space(),
        id: written,
    };
    ben.client().retry_failed(again).await.unwrap();
    ana.reads_texts(tea, &["two sugars", "invited", "I am back"])
        .await;
    ben.all_sent().await;
}

#[tokio::test]
async fn a_room_is_renamed_offline_archived_and_brought_back_for_all() {
    let mut lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let tea = ana.create_room(RoomKind::Public, "tea", &[]).await;
    ana.all_sent().await;
    ben.join_room(tea).await;
    lan.node.kill();
    ana.disconnected().await;
    ana.renames(tea, "coffee").await.unwrap();
    lan.node.start_again();
    ben.sees_room(tea, "the new name", |room| room.name == "coffee")
        .await;
    ana.archives(tea, true).await.unwrap();
    ben.sees_room(tea, "archived", |room| room.archived && !room.may.write)
        .await;
    let post = landline_client::command::Post {
        space: ben.space(),
        room: tea,
        text: "hello?".into(),
        reply_to: None,
        thread: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
    };
    let refused = ben.client().post(post).await.unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    ana.archives(tea, false).await.unwrap();
    ben.sees_room(tea, "brought back", |room| room.may.write)
        .await;
}

#[tokio::test]
async fn three_write_to_each_other_directly_and_nobody_can_be_added() {
    let lan = Lan::start();
    let (ana, ben, cem, eve) = (
        lan.person("ana").await,
        lan.person("ben").await,
        lan.person("cem").await,
        lan.person("eve").await,
    );
    let of_ana = ana
        .create_room(RoomKind::Direct, "", &[ben.me(), cem.me()])
        .await;
    ana.write(of_ana, "us three").await;
    let of_ben = ben
        .create_room(RoomKind::Direct, "", &[cem.me(), ana.me()])
        .await;
    assert_eq!(of_ana, of_ben);
    for person in [&ben, &cem] {
        person.reads_texts(of_ana, &["us three"]).await;
    }
    let refused = ana.invites(of_ana, eve.me()).await.unwrap_err();
    assert_eq!(refused.code, Code::NotAllowed);
    assert_eq!(ana.members(of_ana).await, ["ana", "ben", "cem"]);
    let general = ana.room("general").await;
    ana.write(general, "later").await;
    eve.reads_texts(general, &["later"]).await;
    assert!(!eve.now().rooms.contains_key(&of_ana));
}
