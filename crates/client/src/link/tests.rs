//! The keeper in paused time, through the link in memory. Time moves only when all wait.

use landline_protocol::{Code, Limits, MemberId};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::memory::{MemoryNode, MemorySession, network};
use super::*;

const FOREVER: Duration = Duration::from_secs(86_400);

fn welcome() -> down::Welcome {
    let space = json!({
        "id": "0193e0f0-0000-7000-8000-000000000001", "name": "Workshop", "admission": "open",
    });
    down::Welcome {
        protocol: down::ProtocolRange { min: 1, max: 1 },
        features: Vec::new(),
        node: down::NodeInfo {
            id: MemberId::from_bytes([1; 32]),
            fingerprint: None,
            version: "0.0.0".to_owned(),
            epoch: 1,
        },
        space: serde_json::from_value(space).unwrap(),
        nonce: "bm9uY2U".to_owned(),
        server_time: 0,
        limits: Limits::default(),
    }
}

struct Pair {
    link: Box<dyn Link>,
    events: mpsc::Receiver<LinkEvent>,
    node: MemorySession,
    _network: MemoryNode,
}

async fn pair() -> Pair {
    let (dial, mut network) = network(Timing::default());
    let dialled = tokio::spawn(dial.dial(Target::default()));
    let node = network.call().await.unwrap().accept(welcome());
    let (link, mut events) = dialled.await.unwrap().unwrap();
    assert!(matches!(events.recv().await, Some(LinkEvent::Welcome(_))));
    Pair {
        link,
        events,
        node,
        _network: network,
    }
}

async fn closed(events: &mut mpsc::Receiver<LinkEvent>) -> LinkLoss {
    match timeout(FOREVER, events.recv()).await.expect("it ends") {
        Some(LinkEvent::Closed(loss)) => {
            assert!(events.recv().await.is_none(), "`Closed` is last");
            loss
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_link_whose_node_answers_stays_for_a_day() {
    let mut pair = pair().await;
    let node = tokio::spawn(async move {
        assert_eq!(pair.node.next().await, None, "heartbeats are not shown");
    });
    assert!(timeout(FOREVER, pair.events.recv()).await.is_err());
    pair.link.cut();
    assert_eq!(closed(&mut pair.events).await, LinkLoss::Cut);
    node.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_noticed_within_fifteen_seconds() {
    let mut pair = pair().await;
    let began = Instant::now();
    assert_eq!(closed(&mut pair.events).await, LinkLoss::Silent);
    assert_eq!(
        began.elapsed().as_secs(),
        15,
        "10 s quiet and 5 s for the heartbeat"
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_asks_at_once() {
    let mut pair = pair().await;
    let began = Instant::now();
    pair.link.probe();
    assert_eq!(closed(&mut pair.events).await, LinkLoss::Silent);
    assert_eq!(began.elapsed().as_secs(), 5, "5 s for the answer");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_answered_changes_nothing() {
    let mut pair = pair().await;
    let node = tokio::spawn(async move {
        let next = pair.node.next().await;
        assert!(next.is_none(), "heartbeats are not shown");
    });
    for _ in 0..3 {
        pair.link.probe();
        sleep(Duration::from_secs(7)).await;
        assert!(pair.events.try_recv().is_err());
    }
    pair.link.cut();
    assert_eq!(closed(&mut pair.events).await, LinkLoss::Cut);
    node.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_has_its_limit_even_while_other_things_arrive() {
    let mut pair = pair().await;
    pair.link.send("fetch", Some(1), json!({})).unwrap();
    let asked = pair.node.next().await.unwrap();
    assert_eq!((asked.event, asked.rid.as_deref()), ("fetch", Some("1")));
    let began = Instant::now();
    let chatter = tokio::spawn(async move {
        loop {
            pair.node.push("typing", json!({})).await;
            sleep(Duration::from_secs(1)).await;
        }
    });
    while let Some(LinkEvent::Push { .. }) = pair.events.recv().await {}
    assert_eq!(
        began.elapsed().as_secs(),
        60,
        "four times the limit, since bytes arrive"
    );
    chatter.abort();
}

#[tokio::test(start_paused = true)]
async fn replies_go_to_their_requests_once_and_in_the_order_of_arrival() {
    let mut pair = pair().await;
    for rid in [7, 3, u64::MAX] {
        pair.link
            .send("fetch", Some(rid), json!({ "room": "r" }))
            .unwrap();
    }
    for _ in 0..3 {
        let sent = pair.node.next().await.unwrap();
        assert_eq!(sent.payload["rid"].as_str(), sent.rid.as_deref());
    }
    pair.node
        .reply("18446744073709551615", Ok(json!({ "n": 1 })))
        .await;
    pair.node.push("events", json!({ "n": 2 })).await;
    pair.node.reply("4", Ok(json!({}))).await;
    pair.node
        .reply("3", Err(Refusal::new(Code::NotFound, "no such room")))
        .await;
    pair.node.reply("3", Ok(json!({}))).await;
    pair.node.reply("7", Ok(json!(null))).await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(match pair.events.recv().await.unwrap() {
            LinkEvent::Reply { rid, answer } => (Some(rid), answer.is_ok()),
            LinkEvent::Push { .. } => (None, true),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        told,
        [(Some(u64::MAX), true), (None, true), (Some(3), false)]
    );
    let LinkLoss::Protocol(why) = closed(&mut pair.events).await else {
        panic!()
    };
    assert!(
        why.contains("says nothing"),
        "an `ok` of null is no answer: {why}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_refuses_and_a_node_that_takes_nothing_ends_the_link() {
    let mut pair = pair().await;
    let mut taken = 0;
    while pair.link.send("typing", None, json!({})) == Ok(()) {
        taken += 1;
    }
    assert_eq!(taken, OUTGOING);
    assert_eq!(
        pair.link.send("typing", None, json!({})),
        Err(LinkLoss::Busy)
    );
    let began = Instant::now();
    // The network takes some, and then no more: the writing has a limit.
    while pair.link.send("typing", None, json!({})).is_ok()
        || began.elapsed() < Timing::default().write
    {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(closed(&mut pair.events).await, LinkLoss::Silent);
    assert!(pair.link.send("typing", None, json!({})).is_err());
}

#[tokio::test(start_paused = true)]
async fn closed_has_its_place_even_when_nobody_has_read_for_long() {
    let mut pair = pair().await;
    let flood = async {
        loop {
            pair.node.push("typing", json!({})).await;
        }
    };
    assert!(
        timeout(Duration::from_secs(5), flood).await.is_err(),
        "the node is held back"
    );
    pair.link.cut();
    sleep(Duration::from_secs(1)).await;
    let mut pushes = 0;
    let loss = loop {
        match pair.events.recv().await.unwrap() {
            LinkEvent::Push { .. } => pushes += 1,
            LinkEvent::Closed(loss) => break loss,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((pushes, loss), (INCOMING - 1, LinkLoss::Cut));
}

#[tokio::test(start_paused = true)]
async fn a_payload_is_one_object() {
    let pair = pair().await;
    for payload in [json!(null), json!([1]), json!("123"), json!(1)] {
        assert!(matches!(
            pair.link.send("typing", None, payload),
            Err(LinkLoss::Protocol(_))
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dial_is_answered_refused_or_times_out() {
    let (dial, mut network) = network(Timing::default());
    let target = Target {
        addresses: vec!["anna:7717".to_owned()],
        fingerprint: None,
    };

    let dialled = tokio::spawn(dial.dial(target.clone()));
    let call = network.call().await.unwrap();
    assert_eq!(call.target, target);
    call.refuse(LinkLoss::OtherKey {
        seen: "x".to_owned(),
    });
    assert!(matches!(
        dialled.await.unwrap(),
        Err(LinkLoss::OtherKey { .. })
    ));

    let dialled = tokio::spawn(dial.dial(target.clone()));
    let held = network.call().await.unwrap();
    assert_eq!(dialled.await.unwrap().err(), Some(LinkLoss::Silent));
    drop(held);

    drop(network);
    assert!(matches!(
        dial.dial(target).await,
        Err(LinkLoss::Unreachable(_))
    ));
}
