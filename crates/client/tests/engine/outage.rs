//! Twenty minutes without a node, in paused time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use landline_client::Clock;
use landline_client::ui::{ItemState, LinkState};
use serde_json::json;

use crate::node::Node;
use crate::screen::Screen;

/// Holds the clock still but for [`pass`]: while something blocks, tokio does not move paused time
/// on by itself. The store's threads work in real time.
struct Paused {
    _end: std::sync::mpsc::SyncSender<()>,
}

fn pause() -> Paused {
    let (end, ended) = std::sync::mpsc::sync_channel::<()>(0);
    tokio::task::spawn_blocking(move || ended.recv());
    tokio::time::pause();
    Paused { _end: end }
}

/// Lets time pass, giving the store's threads a moment after each step.
async fn pass(duration: Duration) {
    const STEP: Duration = Duration::from_millis(100);
    let mut left = duration;
    while !left.is_zero() {
        let step = left.min(STEP);
        tokio::time::advance(step).await;
        for _ in 0..3 {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_micros(50));
        }
        left -= step;
    }
}

/// Real time, for a disk that is slow: most of what is waited for is committed first.
async fn wait_for_the_disk() {
    tokio::task::yield_now().await;
    std::thread::sleep(Duration::from_millis(20));
}

/// Passes time until it is so, a minute at most.
async fn pass_until(what: &str, screen: &mut Screen, so: impl Fn(&Screen) -> bool) {
    for _ in 0..600 {
        screen.take();
        if so(screen) {
            return;
        }
        pass(Duration::from_millis(100)).await;
        wait_for_the_disk().await;
    }
    panic!("not within a minute: {what}; {:?}", screen.space_view());
}

#[tokio::test]
async fn after_twenty_minutes_everything_arrives_once() {
    let (node, dial) = Node::start(3);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    let paused = pause();
    node.manners(|manners| manners.down = true);
    node.cut();
    pass_until("offline", &mut ben, |ben| {
        ben.link() == Some(LinkState::Looking)
    })
    .await;
    let before = node.dials();
    let mut posted = Vec::new();
    for n in 0..3 {
        posted.push(ben.post(general, &format!("queued {n}")).await);
    }
    pass(Duration::from_secs(20 * 60)).await;
    // Fifteen seconds at most, shortened by up to half: every eleven on average.
    let dials = node.dials() - before;
    assert!(
        (75..=180).contains(&dials),
        "{dials} dials in twenty minutes"
    );
    ben.take();
    assert!(
        posted
            .iter()
            .all(|id| ben.state(*id) == Some(&ItemState::Queued))
    );
    assert_eq!(ben.space_view().unwrap().queued, 3);
    for n in 0..5 {
        node.say(&format!("meanwhile {n}"));
    }
    node.manners(|manners| manners.down = false);
    pass_until("accepted", &mut ben, |ben| {
        posted
            .iter()
            .all(|id| ben.state(*id) == Some(&ItemState::Accepted))
    })
    .await;
    drop(paused);
    tokio::time::resume();
    let texts = node.texts(general);
    assert_eq!(texts[8..], ["queued 0", "queued 1", "queued 2"]);
    assert_eq!(node.appended().concat(), posted, "each was appended once");
    ben.until_connected().await;
    assert_eq!(ben.history(general).await.len(), 12);
}

/// The time of day, which runs on while the computer sleeps.
#[derive(Debug, Default)]
pub(crate) struct Watch(pub(crate) AtomicI64);

impl Clock for Watch {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn after_a_sleep_the_node_is_dialled_at_once() {
    let (node, dial) = Node::start(3);
    let watch = Arc::new(Watch(AtomicI64::new(1_763_640_000_000)));
    let mut ben = Screen::join_by(watch.clone(), &dial, node.space()).await;
    let paused = pause();
    node.push(
        "goodbye",
        json!({ "reason": "shutting_down", "retry_after_ms": 600_000 }),
    );
    pass_until("offline", &mut ben, |ben| {
        ben.link() == Some(LinkState::Looking)
    })
    .await;
    let before = node.dials();
    pass(Duration::from_secs(10)).await;
    assert_eq!(node.dials(), before, "the node is left alone");
    watch.0.fetch_add(8 * 3_600_000, Ordering::Relaxed);
    // Long before the ten minutes are over.
    pass_until("dialled", &mut ben, |_| node.dials() == before + 1).await;
    pass_until("back", &mut ben, |ben| {
        ben.link() == Some(LinkState::Connected)
    })
    .await;
    // A clock that is set back is no sleep, and changes nothing of what is sent and in what order.
    watch.0.fetch_sub(80_000 * 3_600_000, Ordering::Relaxed);
    let general = node.general();
    let posted = [
        ben.post(general, "one").await,
        ben.post(general, "two").await,
    ];
    pass_until("accepted", &mut ben, |ben| {
        posted
            .iter()
            .all(|id| ben.state(*id) == Some(&ItemState::Accepted))
    })
    .await;
    assert_eq!(node.texts(general)[3..], ["one", "two"]);
    assert_eq!(node.dials(), before + 1);
    drop(paused);
}

#[tokio::test]
async fn a_node_that_says_when_it_is_back_is_left_alone_until_then() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let paused = pause();
    let before = node.dials();
    node.push(
        "goodbye",
        json!({ "reason": "shutting_down", "retry_after_ms": 60_000 }),
    );
    pass_until("offline", &mut ben, |ben| {
        ben.link() == Some(LinkState::Looking)
    })
    .await;
    pass(Duration::from_secs(55)).await;
    assert_eq!(node.dials(), before);
    pass_until("back", &mut ben, |ben| {
        ben.link() == Some(LinkState::Connected)
    })
    .await;
    drop(paused);
}

#[tokio::test]
async fn a_node_that_lets_us_in_only_to_lose_us_is_not_hammered() {
    let (node, dial) = Node::start(0);
    let mut ben = Screen::join(&dial, node.space()).await;
    let paused = pause();
    let before = node.dials();
    for _ in 0..60 {
        node.cut();
        pass(Duration::from_secs(1)).await;
        wait_for_the_disk().await;
    }
    ben.take();
    let dials = node.dials() - before;
    assert!((4..=20).contains(&dials), "{dials} dials in a minute");
    drop(paused);
}
