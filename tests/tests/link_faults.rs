//! The link over a bad network: real sockets, a real Socket.IO server, and a proxy that breaks.
//!
//! Limits are shortened by [`Timing`], never waited for in full. Every wait has a generous
//! deadline; no test depends on being fast.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a panic here is a failed test, and what is printed its report"
)]

use std::time::Duration;

use landline_client::TcpDial;
use landline_client::link::{Dial, Dialed, Link, LinkEvent, LinkLoss, OUTGOING, Target, Timing};
use landline_tests::proxy::{Proxy, Weather};
use node::{Manners, Node};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

#[path = "link_faults/dialling.rs"]
mod dialling;
#[path = "link_faults/node.rs"]
mod node;

/// For anything that must happen at all.
const SOON: Duration = Duration::from_secs(30);

/// A link that loses patience quickly.
fn impatient() -> Timing {
    Timing {
        welcome: Duration::from_secs(5),
        request: Duration::from_secs(3),
        heartbeat_every: Duration::from_millis(300),
        heartbeat: Duration::from_secs(2),
        ..Timing::default()
    }
}

/// One whose heart beats as often, and that bears a process that does not get on for seconds.
fn hearty() -> Timing {
    Timing {
        heartbeat: Duration::from_secs(20),
        ..impatient()
    }
}

/// One that never does: what ends it is not a limit.
fn patient() -> Timing {
    let hour = Duration::from_secs(3_600);
    Timing {
        write: hour,
        request: hour,
        heartbeat_every: hour,
        heartbeat: hour,
        ..Timing::default()
    }
}

fn target(address: impl ToString) -> Target {
    Target {
        addresses: vec![address.to_string()],
        fingerprint: None,
    }
}

async fn dial(address: impl ToString, timing: Timing) -> Result<Dialed, LinkLoss> {
    timeout(SOON, TcpDial::new(timing).dial(target(address)))
        .await
        .expect("a dial has a limit")
}

async fn next(events: &mut Receiver<LinkEvent>) -> LinkEvent {
    timeout(SOON, events.recv())
        .await
        .expect("something comes")
        .expect("`Closed` is last")
}

/// A link through a proxy, `welcome` taken off.
async fn linked(timing: Timing) -> (Node, Proxy, Box<dyn Link>, Receiver<LinkEvent>) {
    let node = Node::start(Manners::Good);
    let proxy = Proxy::start(node.address).await.unwrap();
    let (link, mut events) = dial(proxy.address(), timing).await.unwrap();
    assert!(matches!(next(&mut events).await, LinkEvent::Welcome(_)));
    (node, proxy, link, events)
}

/// Everything up to the end, and why it ended. `Closed` must be the last.
async fn until_closed(events: &mut Receiver<LinkEvent>) -> (Vec<LinkEvent>, LinkLoss) {
    let mut before = Vec::new();
    loop {
        match next(events).await {
            LinkEvent::Closed(loss) => {
                assert!(timeout(SOON, events.recv()).await.unwrap().is_none());
                return (before, loss);
            }
            event => before.push(event),
        }
    }
}

async fn closed(events: &mut Receiver<LinkEvent>) -> LinkLoss {
    until_closed(events).await.1
}

/// Asks, and waits for the answer; pushes are passed over.
async fn echo(link: &dyn Link, events: &mut Receiver<LinkEvent>, rid: u64, text: &str) -> Value {
    link.send("echo", Some(rid), json!({ "text": text }))
        .unwrap();
    loop {
        match next(events).await {
            LinkEvent::Reply { rid: of, answer } if of == rid => {
                return answer.unwrap()["said"].clone();
            }
            LinkEvent::Closed(loss) => panic!("closed: {loss}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_requests_are_answered_and_echoed_in_order() {
    const REQUESTS: u64 = 20_000;
    let node = Node::start(Manners::Good);
    let (link, mut events) = dial(node.address, Timing::default()).await.unwrap();
    assert!(matches!(next(&mut events).await, LinkEvent::Welcome(_)));
    let (mut asked, mut answered, mut echoed) = (0, 0, 0);
    while answered < REQUESTS || echoed < REQUESTS {
        while asked < REQUESTS && asked - answered < OUTGOING as u64 {
            match link.send("echo", Some(asked), json!({ "text": asked })) {
                Ok(()) => asked += 1,
                Err(loss) => panic!("{loss}"),
            }
        }
        match next(&mut events).await {
            LinkEvent::Reply { rid, answer } => {
                assert_eq!(
                    (rid, answer.unwrap()["said"].as_u64()),
                    (answered, Some(answered))
                );
                answered += 1;
            }
            LinkEvent::Push { name, payload } => {
                assert_eq!(
                    (name.as_str(), payload["text"].as_u64()),
                    ("echoed", Some(echoed))
                );
                echoed += 1;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn tells_who_answered_and_what_it_said() {
    let node = Node::start(Manners::Good);
    let refused = TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let localhost = format!("localhost:{}", node.address.port());
    let addresses = vec![
        "not an address".to_owned(),
        refused.to_string(),
        localhost.clone(),
    ];
    let target = Target {
        addresses,
        fingerprint: Some("-".to_owned()),
    };
    let (link, mut events) = TcpDial::default().dial(target).await.unwrap();
    assert_eq!(
        (
            link.peer().address.as_str(),
            link.peer().fingerprint.as_str()
        ),
        (localhost.as_str(), "-")
    );
    match next(&mut events).await {
        LinkEvent::Welcome(welcome) => assert_eq!(welcome.space.name, "Workshop"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reset_ends_the_link_at_once() {
    let (_node, proxy, link, mut events) = linked(patient()).await;
    echo(&*link, &mut events, 1, "here").await;
    proxy.kill();
    assert_eq!(closed(&mut events).await, LinkLoss::Closed);
    assert!(link.send("echo", Some(2), json!({})).is_err());
}

#[tokio::test]
async fn an_orderly_end_of_the_connection_ends_the_link_at_once() {
    let (_node, proxy, _link, mut events) = linked(patient()).await;
    proxy.finish();
    assert_eq!(closed(&mut events).await, LinkLoss::Closed);
}

#[tokio::test]
async fn a_node_that_is_killed_ends_the_link_at_once() {
    let (node, _proxy, _link, mut events) = linked(patient()).await;
    drop(node);
    assert_eq!(closed(&mut events).await, LinkLoss::Closed);
}

#[tokio::test]
async fn what_a_node_says_before_it_closes_is_heard() {
    for _ in 0..20 {
        let (_node, _proxy, link, mut events) = linked(patient()).await;
        link.send("leave", None, json!({})).unwrap();
        // Whatever else we write meanwhile must not swallow the goodbye.
        for _ in 0..20 {
            let _ = link.send("echo", None, json!({}));
        }
        let (before, loss) = until_closed(&mut events).await;
        assert_eq!(loss, LinkLoss::Closed);
        let names: Vec<_> = before
            .iter()
            .filter_map(|event| match event {
                LinkEvent::Push { name, .. } => Some(name.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(
            names.iter().filter(|name| **name == "drop").count(),
            50,
            "{names:?}"
        );
        assert!(names.contains(&"goodbye"), "{names:?}");
    }
}

#[tokio::test]
async fn a_black_hole_is_noticed_by_the_heartbeat() {
    let (_node, proxy, _link, mut events) = linked(impatient()).await;
    proxy.set(Weather::BlackHole);
    assert_eq!(closed(&mut events).await, LinkLoss::Silent);
}

#[tokio::test]
async fn a_request_into_a_black_hole_ends_the_link_without_a_reply() {
    let timing = Timing {
        heartbeat_every: Duration::from_secs(3_600),
        ..impatient()
    };
    let (_node, proxy, link, mut events) = linked(timing).await;
    proxy.set(Weather::BlackHole);
    link.send("echo", Some(1), json!({ "text": "anybody?" }))
        .unwrap();
    let (before, loss) = until_closed(&mut events).await;
    assert_eq!(loss, LinkLoss::Silent);
    assert!(before.is_empty(), "{before:?}");
}

#[tokio::test]
async fn a_half_open_connection_is_noticed() {
    let (_node, proxy, _link, mut events) = linked(impatient()).await;
    proxy.set(Weather::HalfOpen);
    assert_eq!(closed(&mut events).await, LinkLoss::Silent);
}

#[tokio::test]
async fn a_healthy_idle_link_stays_for_many_heartbeats() {
    let (_node, _proxy, link, mut events) = linked(hearty()).await;
    let told = timeout(impatient().heartbeat_every * 8, events.recv()).await;
    assert!(told.is_err(), "heartbeats are no news: {told:?}");
    assert_eq!(
        echo(&*link, &mut events, 1, "still here").await,
        "still here"
    );
}

#[tokio::test]
async fn delay_is_no_loss_and_keeps_the_order() {
    let timing = Timing {
        request: Duration::from_secs(20),
        ..hearty()
    };
    let (_node, proxy, link, mut events) = linked(timing).await;
    proxy.set(Weather::Delay(Duration::from_millis(150)));
    for rid in 0..5 {
        assert_eq!(echo(&*link, &mut events, rid, "late").await, "late");
    }
}

#[tokio::test]
async fn a_large_answer_on_a_slow_network_may_take_longer_than_the_limit() {
    let (_node, proxy, link, mut events) = linked(hearty()).await;
    // 60 pieces of 10 KB, one each 80 ms: well over the limit of a request.
    proxy.set(Weather::Trickle {
        bytes: 10_000,
        every: Duration::from_millis(80),
    });
    link.send("large", Some(1), json!({ "bytes": 600_000 }))
        .unwrap();
    match next(&mut events).await {
        LinkEvent::Reply { rid: 1, answer } => {
            assert_eq!(
                answer.unwrap()["text"].as_str().map(str::len),
                Some(600_000)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_cut_in_the_middle_of_a_frame_ends_the_link_and_shows_no_half_event() {
    for bytes in [1, 2, 3, 50, 4_000, 99_999] {
        let (_node, proxy, link, mut events) = linked(patient()).await;
        proxy.set(Weather::CutAfter { bytes });
        link.send("large", Some(1), json!({ "bytes": 100_000 }))
            .unwrap();
        let (before, loss) = until_closed(&mut events).await;
        assert_eq!(loss, LinkLoss::Closed, "after {bytes}");
        assert!(before.is_empty(), "after {bytes}: {before:?}");
    }
}

#[tokio::test]
async fn a_full_send_buffer_into_a_black_hole_ends_by_its_limit_and_leaves_nothing() {
    let node = Node::start(Manners::Good);
    let proxy = Proxy::start(node.address).await.unwrap();
    let tasks = tasks();
    // Neither heartbeat nor answer are due: only the writing has a limit.
    let timing = Timing {
        write: Duration::from_secs(2),
        ..patient()
    };
    let (link, mut events) = dial(proxy.address(), timing).await.unwrap();
    assert!(matches!(next(&mut events).await, LinkEvent::Welcome(_)));
    proxy.set(Weather::BlackHole);
    let text = "x".repeat(200_000);
    let mut refused = 0;
    let loss = loop {
        match link.send("echo", None, json!({ "text": text })) {
            Ok(()) => {}
            Err(LinkLoss::Busy) => refused += 1,
            Err(loss) => break loss,
        }
        tokio::task::yield_now().await;
    };
    assert!(refused > 0, "the queue has a bound");
    assert!(matches!(loss, LinkLoss::Closed | LinkLoss::Cut), "{loss}");
    assert_eq!(closed(&mut events).await, LinkLoss::Silent);
    drop((link, proxy));
    settles("tasks", tasks, self::tasks).await;
}

#[tokio::test]
async fn a_slow_engine_holds_the_node_back_and_misses_nothing() {
    const PUSHES: u64 = 20_000;
    let (_node, _proxy, link, mut events) = linked(patient()).await;
    link.send("flood", None, json!({ "count": PUSHES }))
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for expected in 0..PUSHES {
        match next(&mut events).await {
            LinkEvent::Push { payload, .. } => assert_eq!(payload["number"], expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn garbage_in_the_middle_ends_the_link() {
    for garbage in [
        &[0xffu8; 64][..],
        &[0x00; 200],
        b"\x81\x0443.{",
        b"\x82\x04\x01\x1e\x02\x03",
    ] {
        let (_node, proxy, _link, mut events) = linked(patient()).await;
        proxy.inject(garbage);
        let (before, loss) = until_closed(&mut events).await;
        assert!(
            matches!(loss, LinkLoss::Protocol(_) | LinkLoss::Closed),
            "{garbage:?}: {loss:?}"
        );
        assert!(before.is_empty(), "{garbage:?}: {before:?}");
    }
}

#[tokio::test]
async fn a_drop_between_a_binary_header_and_its_attachment_ends_the_link() {
    // rust_socketio panics there, in its own task.
    let (_node, proxy, _link, mut events) = linked(patient()).await;
    let header = br#"451-["blob",{"_placeholder":true,"num":0}]"#;
    let mut frame = vec![0x81, u8::try_from(header.len()).unwrap()];
    frame.extend_from_slice(header);
    proxy.inject(&frame);
    proxy.finish();
    // A ping of the node's that comes where the attachment should be is told as what it is.
    let loss = closed(&mut events).await;
    assert!(
        matches!(loss, LinkLoss::Closed | LinkLoss::Protocol(_)),
        "{loss:?}"
    );
}

#[tokio::test]
async fn events_of_another_shape_are_passed_over() {
    let (_node, _proxy, link, mut events) = linked(patient()).await;
    link.send("odd", None, json!({})).unwrap();
    match next(&mut events).await {
        LinkEvent::Push { name, payload } => {
            assert_eq!(
                (name.as_str(), &payload),
                ("echoed", &json!({ "after": "odd" }))
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn our_own_cut_is_told_last_however_it_is_made() {
    let (_node, proxy, link, mut events) = linked(patient()).await;
    link.cut();
    assert_eq!(closed(&mut events).await, LinkLoss::Cut);
    assert_eq!(link.send("echo", None, json!({})), Err(LinkLoss::Cut));
    settles("connections", 0, || proxy.open()).await;

    let (_node, proxy, link, mut events) = linked(patient()).await;
    drop(link);
    assert_eq!(closed(&mut events).await, LinkLoss::Cut);
    settles("connections", 0, || proxy.open()).await;

    let (_node, proxy, _link, events) = linked(patient()).await;
    drop(events);
    settles("connections", 0, || proxy.open()).await;
}

#[tokio::test]
async fn a_dial_that_is_given_up_leaves_nothing() {
    let node = Node::start(Manners::Mute);
    let proxy = Proxy::start(node.address).await.unwrap();
    let before = tasks();
    for _ in 0..20 {
        let given_up = timeout(
            Duration::from_millis(20),
            TcpDial::new(patient()).dial(target(proxy.address())),
        );
        assert!(given_up.await.is_err());
    }
    assert!(proxy.accepted() > 0);
    settles("connections", 0, || proxy.open()).await;
    settles("tasks", before, tasks).await;
}

/// Tasks of this test's runtime.
fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Waits until there are no more than there were.
async fn settles(what: &str, before: usize, now: impl Fn() -> usize) {
    let settled = timeout(SOON, async {
        while now() > before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(
        settled.await.is_ok(),
        "{what}: {before} before, {} now",
        now()
    );
}
