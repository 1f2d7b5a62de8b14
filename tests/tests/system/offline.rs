//! Without a link: what is typed is kept, shown as it is, found, and goes out once when it can.

use landline_client::command::{QueuedNamed, SearchFor};
use landline_client::ui::ItemState;
use landline_tests::{Lan, logs};

#[tokio::test]
async fn what_is_written_offline_survives_a_restart_and_goes_out_once_and_in_order() {
    let mut lan = Lan::start();
    let (mut ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    ana.write(general, "before").await;
    ben.reads_texts(general, &["before"]).await;

    lan.node.kill();
    ana.disconnected().await;
    for text in ["one", "two", "three"] {
        ana.write(general, text).await;
    }
    let queued = async |ana: &landline_tests::Person| {
        let timeline = ana.timeline(general).await;
        let waiting = timeline
            .iter()
            .filter(|item| item.state != ItemState::Accepted);
        waiting
            .filter_map(landline_tests::person::text)
            .collect::<Vec<_>>()
    };
    assert_eq!(queued(&ana).await, ["one", "two", "three"]);
    ana.sees("three are queued", |space| {
        (space.view.queued == 3).then_some(())
    })
    .await;
    assert_eq!(ana.texts(general).await, ["before", "one", "two", "three"]);

    ana.start_again().await;
    assert_eq!(
        queued(&ana).await,
        ["one", "two", "three"],
        "still there after a restart"
    );
    lan.node.start_again();

    for person in [&ana, &ben] {
        person
            .reads_texts(general, &["before", "one", "two", "three"])
            .await;
    }
    ana.all_sent().await;
    logs::assert_whole(&logs::events(&lan.node.database()));
}

#[tokio::test]
async fn history_is_read_and_searched_offline() {
    let mut lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    ben.write(general, "the naïve hovercraft").await;
    ben.write(general, "nothing of interest").await;
    ana.reads_texts(general, &["the naïve hovercraft", "nothing of interest"])
        .await;

    lan.node.kill();
    ana.disconnected().await;
    assert_eq!(
        ana.texts(general).await,
        ["the naïve hovercraft", "nothing of interest"]
    );
    let search = SearchFor {
        space: ana.space(),
        query: "hovercraft NAI".into(),
        room: None,
        within: false,
        limit: 10,
    };
    let hits = ana.client().search(search).await.unwrap().hits;
    let found: Vec<_> = hits
        .iter()
        .filter_map(|hit| landline_tests::person::text(&hit.item))
        .collect();
    assert_eq!(found, ["the naïve hovercraft"]);
}

#[tokio::test]
async fn a_queued_message_that_is_discarded_never_goes_out() {
    let mut lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    lan.node.kill();
    ana.disconnected().await;
    ana.write(general, "keep").await;
    let regretted = ana.write(general, "regretted").await;
    ana.write(general, "keep this too").await;

    let discard = QueuedNamed {
        space: ana.space(),
        id: regretted,
    };
    ana.client().discard_queued(discard).await.unwrap();
    lan.node.start_again();

    for person in [&ana, &ben] {
        person
            .reads_texts(general, &["keep", "keep this too"])
            .await;
    }
}

#[tokio::test]
async fn a_room_made_offline_comes_to_be_with_all_that_was_written_in_it() {
    let mut lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    lan.node.kill();
    ana.disconnected().await;
    let direct = ana
        .create_room(landline_protocol::RoomKind::Direct, "", &[ben.me()])
        .await;
    ana.write(direct, "are you there?").await;
    lan.node.start_again();

    ben.sees("the direct room", |space| {
        space.rooms.get(&direct).map(drop)
    })
    .await;
    ben.reads_texts(direct, &["are you there?"]).await;
    ben.write(direct, "yes").await;
    ana.reads_texts(direct, &["are you there?", "yes"]).await;
}

#[tokio::test]
async fn both_make_the_same_direct_room_while_apart() {
    let mut lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    lan.node.kill();
    ana.disconnected().await;
    ben.disconnected().await;
    let of_ana = ana
        .create_room(landline_protocol::RoomKind::Direct, "", &[ben.me()])
        .await;
    let of_ben = ben
        .create_room(landline_protocol::RoomKind::Direct, "", &[ana.me()])
        .await;
    assert_eq!(of_ana, of_ben);
    ana.write(of_ana, "by ana").await;
    ben.write(of_ben, "by ben").await;
    lan.node.start_again();

    for person in [&ana, &ben] {
        person.all_sent().await;
    }
    let stored = logs::room_events(&lan.node.database(), of_ana);
    let texts: Vec<_> = stored.iter().filter_map(logs::Row::text).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    for person in [&ana, &ben] {
        person.reads_texts(of_ana, &texts).await;
    }
}
