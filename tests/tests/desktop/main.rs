//! Two real apps on a private screen, session bus and network: one hosts, the other finds it and
//! joins; they write; the host is killed and comes back; nothing is lost. Each step leaves a
//! screenshot in the target folder's `tmp/desktop`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]
#![allow(clippy::print_stdout, reason = "what a test prints is its report")]

mod app;
mod bus;
mod network;
mod screen;

use app::App;
use bus::Bus;
use landline_tests::deadline::eventually;

#[test]
fn two_people_talk_and_nothing_is_lost_when_the_host_is_killed() {
    // The network is left by one thread: this one, with all that it starts.
    let story = std::thread::spawn(|| {
        network::leave();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(story());
    });
    assert!(story.join().is_ok(), "the story broke off: see above");
}

async fn story() {
    let mut bus = Bus::open().await;
    let mut ana = App::start("Ana", &bus, false).await;
    let ben = App::start("Ben", &bus, true).await;
    ana.picture("01-first-run").await;

    hosts(&ana).await;
    joins(&ben).await;
    talk(&ana, &ben).await;
    a_notification_opens_its_room(&ana, &ben, &mut bus).await;

    ana.kill().await;
    let written = writes_without_the_host(&ben).await;
    ana.start_again(&bus).await;
    arrives_once_and_in_order(&ana, &ben, &written).await;

    ana.close().await;
    ben.close().await;
}

/// Ana gives her name and hosts a space.
async fn hosts(ana: &App) {
    ana.fill("name-input", "Ana").await;
    ana.click("host-button").await;
    ana.fill("host-name", "Studio").await;
    ana.picture("02-host-a-space").await;
    ana.click("host-confirm").await;
    ana.see("composer-input").await;
    ana.see_connected().await;
    ana.picture("03-hosting").await;
}

/// Ben sees it near and joins by a click.
async fn joins(ben: &App) {
    ben.fill("name-input", "Ben").await;
    ben.see("nearby-space").await;
    ben.picture("04-spaces-near").await;
    ben.click("nearby-join").await;
    ben.see("composer-input").await;
    ben.see_connected().await;
}

/// Both write in `general` and see each other's text, typing, presence and delivery.
async fn talk(ana: &App, ben: &App) {
    ana.look_at("general").await;
    ben.look_at("general").await;
    ana.say("The kiln is free from noon. Who comes?").await;
    ben.sees_item("The kiln is free from noon. Who comes?", "accepted")
        .await;
    ben.say("I do, with **two** glazes and `recipe 12`.").await;
    ana.sees_item("I do, with two glazes and recipe 12.", "accepted")
        .await;
    eventually("Ana's message is shown as delivered to Ben", async || {
        let items = ana.items().await;
        let mine = items
            .iter()
            .find(|item| item.text.starts_with("The kiln"))?;
        matches!(mine.ticks.as_deref(), Some("delivered" | "read")).then_some(())
    })
    .await;
    for (who, other) in [(ana, "Ben"), (ben, "Ana")] {
        eventually(format!("{} sees {other} online", who.name), async || {
            (who.presence_of(other).await.as_deref() == Some("online")).then_some(())
        })
        .await;
    }
    ben.type_in("composer-input", "And a third one, if").await;
    eventually("Ana sees that Ben types", async || {
        ana.text("typing-line")
            .await
            .filter(|line| line.contains("Ben"))
            .map(drop)
    })
    .await;
    ana.picture("05-typing").await;
    ben.say(" there is room.").await;
    ana.sees_item("And a third one, if there is room.", "accepted")
        .await;
    ana.picture("06-talk").await;
    ben.picture("07-talk-dark").await;
}

/// Ana looks at `general` while Ben writes in `workshop`: she is told, and a click brings her there.
async fn a_notification_opens_its_room(ana: &App, ben: &App, bus: &mut Bus) {
    ana.click("create-room").await;
    ana.fill("create-room-name", "workshop").await;
    ana.click("create-room-confirm").await;
    ana.look_at("workshop").await;
    ana.look_at("general").await;
    ben.click("browse-rooms").await;
    ben.see("browsed-room").await;
    ben.picture("08-browse-rooms-dark").await;
    ben.click("join-room").await;
    ben.look_at("workshop").await;
    ben.say("The drill press hums again.").await;
    let notification = bus.next_about("The drill press hums again.").await;
    assert!(
        notification.summary.contains("Ben"),
        "who wrote: {notification:?}"
    );
    assert!(
        format!("{} {}", notification.summary, notification.body).contains("workshop"),
        "where: {notification:?}"
    );
    ana.picture("09-unread").await;
    bus.click(&notification).await;
    eventually("the click opens the room", async || {
        ana.text("room-name")
            .await
            .filter(|name| name == "workshop")
            .map(drop)
    })
    .await;
    ana.sees_item("The drill press hums again.", "accepted")
        .await;
    ana.picture("10-opened-by-notification").await;
    ana.look_at("general").await;
    ben.look_at("general").await;
}

/// With the host gone, Ben still writes, and finds what was said.
async fn writes_without_the_host(ben: &App) -> [&'static str; 3] {
    eventually("Ben is told that the host is gone", async || {
        (ben.link_state().await.as_deref() != Some("connected")).then_some(())
    })
    .await;
    let written = [
        "First, without you.",
        "Second, still without.",
        "Third, and then tea.",
    ];
    for text in written {
        ben.say(text).await;
        ben.sees_item(text, "queued").await;
    }
    ben.see("queue-line").await;
    ben.picture("11-queued-dark").await;
    ben.click("open-search").await;
    ben.fill("search-input", "kiln").await;
    eventually("his history is searched without the host", async || {
        ben.text("search-hit")
            .await
            .filter(|hit| hit.contains("kiln"))
            .map(drop)
    })
    .await;
    ben.picture("12-search-offline-dark").await;
    ben.click("close-drawer").await;
    written
}

/// The host is back: the three arrive, once, in order, and Ben sees that they have.
async fn arrives_once_and_in_order(ana: &App, ben: &App, written: &[&str; 3]) {
    ben.see_connected().await;
    ana.see_connected().await;
    ana.look_at("general").await;
    for text in written {
        ben.sees_item(text, "accepted").await;
        ana.sees_item(text, "accepted").await;
    }
    for who in [ana, ben] {
        let items = who.items().await;
        let theirs: Vec<&str> = items
            .iter()
            .map(|item| item.text.as_str())
            .filter(|text| written.contains(text))
            .collect();
        assert_eq!(theirs, written, "{} sees them once and in order", who.name);
        let seqs: Vec<u64> = items.iter().filter_map(|item| item.seq).collect();
        assert!(
            seqs.is_sorted(),
            "{}'s timeline is in order: {seqs:?}",
            who.name
        );
    }
    ana.picture("13-back-again").await;
    ben.picture("14-back-again-dark").await;
}
