//! Two real apps on a private screen, session bus and network: one hosts, the other finds it and
//! joins; they write and send each other files; the host is killed and comes back, leaves and hosts
//! again; nothing is lost. Each step leaves a screenshot in the target folder's `tmp/desktop`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]
#![allow(clippy::print_stdout, reason = "what a test prints is its report")]

use std::path::Path;
use std::time::Duration;

mod media;
mod start;

use landline_tests::deadline::eventually;
use landline_tests::desktop::{App, Bus, network};
use serde_json::json;

/// Bytes of a file that is saved.
const READINGS: usize = 3_000_000;
/// What Ben writes with a file while the host is gone.
const WITH_A_FILE: &str = "Second, still without.";

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
    goes_away_and_comes_back(&ana, &bus).await;
    let files = tempfile::tempdir().unwrap();
    sends_files(&ana, &ben, files.path()).await;
    saves_a_file(&ben, files.path()).await;
    plays_a_film(&ana, &ben, files.path()).await;
    pastes_and_drops(&ana, &ben).await;

    ana.kill().await;
    let written = writes_without_the_host(&ben, files.path()).await;
    ana.start_again(&bus).await;
    ana.focus().await;
    arrives_once_and_in_order(&ana, &ben, &written).await;
    hosts_again(&ana, &ben).await;

    leaves_no_notification_behind(ana, &ben, &mut bus).await;
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
    // The line stands for some seconds after a key: it is looked for from the first on.
    let is_seen = eventually("Ana sees that Ben types", async || {
        ana.text("typing-line")
            .await
            .filter(|line| line.contains("Ben"))
            .map(drop)
    });
    tokio::join!(
        ben.type_in("composer-input", "And a third one, if"),
        is_seen
    );
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
    answers_in_a_notification(ana, ben, bus).await;
    ben.look_at("general").await;
}

/// Ben writes in `workshop` again: Ana answers where she is told of it, without going there.
async fn answers_in_a_notification(ana: &App, ben: &App, bus: &mut Bus) {
    bus.takes_replies();
    ben.say("Shall I oil it?").await;
    let notification = bus.next_about("Shall I oil it?").await;
    bus.reply(&notification, "Please do, and the <lathe>.")
        .await;
    bus.sees_closed(&notification).await;
    ben.sees_item("Please do, and the <lathe>.", "accepted")
        .await;
    assert_eq!(ana.text("room-name").await.as_deref(), Some("general"));
    eventually("the workshop is read", async || {
        let count = "[data-room-name=workshop] [data-testid=unread-count]";
        let unread = ana.evaluate("count => count === null", count).await;
        (unread == json!(true)).then_some(())
    })
    .await;
}

/// Nobody presses a key for a while, then somebody does.
async fn goes_away_and_comes_back(ana: &App, bus: &Bus) {
    for (idle, state) in [(360, "away"), (0, "online")] {
        bus.idles(Duration::from_secs(idle));
        eventually(format!("Ben is {state}"), async || {
            (ana.presence_of("Ben").await.as_deref() == Some(state)).then_some(())
        })
        .await;
    }
}

/// Ana sends a picture, a sound and a file; Ben sees the first, hears the second.
async fn sends_files(ana: &App, ben: &App, folder: &Path) {
    ana.choose_files(&[
        media::kept(folder, "pier.png", &media::picture()),
        media::kept(folder, "bell.wav", &media::sound()),
        media::kept(folder, "readings.bin", &media::bytes(READINGS)),
    ])
    .await;
    ana.sees(
        "three attachments",
        "[data-testid=attachment]:nth-of-type(3)",
    )
    .await;
    ana.picture("11-attached").await;
    ana.say("The pier, the bell, the readings.").await;
    ana.sees_item("The pier, the bell, the readings.", "accepted")
        .await;
    ben.sees_item("The pier, the bell, the readings.", "accepted")
        .await;
    for who in [ana, ben] {
        let drawn = "[data-testid=picture][data-name='pier.png'] img.drawn";
        who.sees("the picture", drawn).await;
        let size = who.evaluate("img => [img.naturalWidth, img.naturalHeight]", drawn);
        assert_eq!(size.await, json!([media::WIDTH, media::HEIGHT]));
    }
    ben.picture("12-files-dark").await;

    ben.click_on("[data-testid=picture][data-name='pier.png']")
        .await;
    ben.sees("the picture at large", "[data-testid=viewer] img.drawn")
        .await;
    ben.picture("13-viewer-dark").await;
    ben.click("viewer-close").await;

    ben.click("file-get").await;
    ben.click("sound-play").await;
    eventually("the bell sounds at Ben's", async || {
        let at = ben
            .evaluate("sound => Number(sound.dataset.at)", "[data-testid=sound]")
            .await;
        at.as_f64().filter(|at| *at > 0.1).map(drop)
    })
    .await;
    ben.picture("14-sound-dark").await;
}

/// Ben saves the readings where he says, with the system's own dialog.
async fn saves_a_file(ben: &App, folder: &Path) {
    let readings = "[data-testid=file-card][data-name='readings.bin']";
    ben.click_on(&format!("{readings} [data-testid=file-save]"))
        .await;
    let to = folder.join("saved by Ben.bin");
    ben.save_as(&to).await;
    eventually("the file is where Ben said", async || {
        (std::fs::read(&to).ok()? == media::bytes(READINGS)).then_some(())
    })
    .await;
    ben.sees("it is here", &format!("{readings}[data-here=true]"))
        .await;
    ben.picture("15-saved-dark").await;
}

/// Ana sends a film, which Ben sees, and one that nobody can: of it that is said.
async fn plays_a_film(ana: &App, ben: &App, folder: &Path) {
    ana.choose_files(&[
        media::kept(folder, "tide.webm", media::FILM),
        media::kept(folder, "torn.webm", &media::broken_film()),
    ])
    .await;
    ana.sees("two attachments", "[data-testid=attachment]:nth-of-type(2)")
        .await;
    ana.say("The tide, twice.").await;
    ben.sees_item("The tide, twice.", "accepted").await;
    let film = "[data-testid=film][data-name='tide.webm']";
    ben.click_on(&format!("{film} [data-testid=film-play]"))
        .await;
    eventually("the film moves at Ben's", async || {
        let played = "video => video && video.videoWidth === 64 && video.currentTime > 0.1";
        let played = ben.evaluate(played, &format!("{film} video")).await;
        (played == json!(true)).then_some(())
    })
    .await;
    let torn = "[data-testid=film][data-name='torn.webm']";
    ben.click_on(&format!("{torn} [data-testid=film-play]"))
        .await;
    ben.sees(
        "that it can't be played",
        &format!("{torn} [data-testid=film-not-played]"),
    )
    .await;
    ben.picture("16-film-dark").await;
}

/// Ana pastes a picture and drops a file, as the system would.
async fn pastes_and_drops(ana: &App, ben: &App) {
    let paste = "input => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array([1, 2, 3])], 'image.png', { type: 'image/png' }));
        input.dispatchEvent(
            new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
        );
    }";
    ana.evaluate(paste, "[data-testid=composer-input]").await;
    ana.sees(
        "what was pasted",
        "[data-testid=attachment][data-name='image.png']",
    )
    .await;
    let drop = "view => {
        const data = new DataTransfer();
        data.items.add(new File(['two kilos of clay'], 'notes.txt', { type: 'text/plain' }));
        for (const kind of ['dragenter', 'dragover', 'drop']) {
            view.dispatchEvent(
                new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }),
            );
        }
    }";
    ana.evaluate(drop, "[data-testid=timeline]").await;
    ana.sees(
        "what was dropped",
        "[data-testid=attachment][data-name='notes.txt']",
    )
    .await;
    ana.say("Pasted and dropped.").await;
    ben.sees_item("Pasted and dropped.", "accepted").await;
    ben.sees(
        "what was dropped",
        "[data-testid=file-card][data-name='notes.txt']",
    )
    .await;
}

/// With the host gone, Ben still writes, and finds what was said.
async fn writes_without_the_host(ben: &App, folder: &Path) -> [&'static str; 3] {
    eventually("Ben is told that the host is gone", async || {
        (ben.link_state().await.as_deref() != Some("connected")).then_some(())
    })
    .await;
    let written = ["First, without you.", WITH_A_FILE, "Third, and then tea."];
    for text in written {
        if text == WITH_A_FILE {
            let sketch = media::bytes(100_000);
            ben.choose_files(&[media::kept(folder, "sketch.bin", &sketch)])
                .await;
            ben.see("attachment").await;
        }
        ben.say(text).await;
        ben.sees_item(text, "queued").await;
    }
    ben.see("queue-line").await;
    ben.picture("17-queued-dark").await;
    ben.click("open-search").await;
    ben.fill("search-input", "kiln").await;
    eventually("his history is searched without the host", async || {
        ben.text("search-hit")
            .await
            .filter(|hit| hit.contains("kiln"))
            .map(drop)
    })
    .await;
    ben.picture("18-search-offline-dark").await;
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
    ana.sees(
        "the file that waited with its message",
        "[data-testid=file-card][data-name='sketch.bin']",
    )
    .await;
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
    ana.picture("19-back-again").await;
    ben.picture("20-back-again-dark").await;
}

/// Ana stops hosting, leaves, and hosts the space again: all of it is there, and Ben is back by
/// himself.
async fn hosts_again(ana: &App, ben: &App) {
    ben.say("Are you off for good?").await;
    ana.sees_item("Are you off for good?", "accepted").await;
    ana.click("space-menu").await;
    ana.click("open-hosting").await;
    ana.click("hosting-switch").await;
    ana.click_on("[data-testid=host-panel] header button").await;
    ana.click("space-menu").await;
    ana.click("leave-space").await;
    ana.click("leave-space-sure").await;
    ana.see("hosted-before").await;
    ana.picture("21-hosted-before").await;
    ana.click("host-again").await;
    ana.see("composer-input").await;
    ana.see_connected().await;
    ana.look_at("general").await;
    ana.sees_item("Are you off for good?", "accepted").await;
    ben.see_connected().await;
    ana.say("Not at all.").await;
    ben.sees_item("Not at all.", "accepted").await;
}

/// What Ana is told just before she quits is taken from her screen: nobody would hear a reply.
async fn leaves_no_notification_behind(mut ana: App, ben: &App, bus: &mut Bus) {
    ana.look_at("workshop").await;
    ben.say("Last one out turns off the lights.").await;
    let notification = bus.next_about("Last one out").await;
    ana.quit().await;
    bus.sees_closed(&notification).await;
}
