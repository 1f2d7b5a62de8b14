//! Clients that do not read, and what the others notice of them: nothing.

use serde_json::{Value, json};

use crate::client::{Client, event, message};
use crate::place::Place;

/// Writes 16 KiB messages until this many are in the log.
async fn fill(client: &mut Client, room: &str, count: usize) {
    let text = "x".repeat(16 * 1024);
    let mut left = count;
    while left > 0 {
        let events: Vec<Value> = (0..left.min(15))
            .map(|_| event(room, message(&text)))
            .collect();
        left -= events.len();
        client.append(json!(events)).await.expect("accepted");
    }
}

#[tokio::test]
async fn who_does_not_read_is_cut_and_the_others_miss_nothing() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let mut stuck = Client::enter(place.address(), "stuck").await;
    let (node, room) = (place.address(), general.clone());
    let mut reader = Client::enter(node, "reader").await;
    let count = 1500;
    let reads = tokio::spawn(async move {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            let push = reader
                .push_where("events", |push| push["room"] == json!(room))
                .await;
            let events = push["events"].as_array().unwrap().iter();
            seqs.extend(events.map(|event| event["seq"].as_u64().unwrap()));
        }
        seqs
    });
    // 24 MB: more than the kernel and the node hold for one who takes nothing.
    fill(&mut ann, &general, count).await;
    let expected: Vec<u64> = (2..count as u64 + 2).collect();
    assert_eq!(reads.await.unwrap(), expected);

    assert!(stuck.is_closed().await);
    let mut back = Client::enter(place.address(), "stuck").await;
    assert_eq!(
        back.log(&general).await.len(),
        count + 1,
        "and catches up from the log"
    );
}

#[tokio::test]
async fn who_asks_for_pages_without_reading_them_gets_few() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    fill(&mut ann, &general, 60).await;
    let mut greedy = Client::enter(place.address(), "greedy").await;
    let mut rids = Vec::new();
    for _ in 0..200 {
        let page = json!({ "room": general, "limit": 500 });
        rids.push(greedy.send("fetch", page).await);
    }
    // Meanwhile everybody else is served. In one append: who does not read for long is cut.
    let few: Vec<Value> = (0..20)
        .map(|n| event(&general, message(&n.to_string())))
        .collect();
    ann.append(json!(few)).await.expect("accepted");
    assert_eq!(ann.log(&general).await.len(), 81);
    // Read now, each comes: it had only to be taken.
    for rid in rids {
        let answer = greedy.answer(&rid).await;
        assert!(answer.is_ok(), "{:?}", answer.err());
    }
}

#[tokio::test]
async fn too_many_requests_that_wait_are_refused_and_not_held() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    fill(&mut ann, &general, 60).await;
    let mut greedy = Client::enter(place.address(), "greedy").await;
    let mut rids = Vec::new();
    for _ in 0..600 {
        rids.push(
            greedy
                .send("fetch", json!({ "room": general, "limit": 500 }))
                .await,
        );
    }
    let mut refused = 0;
    for rid in rids {
        match greedy.answer(&rid).await {
            Ok(_) => {}
            Err(code) => {
                assert_eq!(code, "too_many_requests");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    greedy.say(&general, "the connection stayed").await;
}
