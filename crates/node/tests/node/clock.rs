//! A clock that jumps: the order of a log and the rates are not by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use landline_node::{Clock, Rates};
use serde_json::{Value, json};

use crate::client::{Client, event, message};
use crate::place::Place;

const DAY: i64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn a_clock_that_jumps_changes_neither_order_nor_rates() {
    let now = 1_763_640_000_000;
    let time = Arc::new(AtomicI64::new(now));
    let mut place = Place::with(|config| {
        let time = time.clone();
        config.clock = Clock::new(move || time.load(Ordering::Relaxed));
        config.rates = Rates {
            append: 20,
            request: 0,
            join: 0,
        };
    })
    .await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let begun = tokio::time::Instant::now();
    let (mut answered, mut refused) = (Vec::new(), 0);
    // Far forward, far back, 1970 (as any earlier time is told), and the end of all time.
    for at in [now, now + 400 * DAY, now - 400 * DAY, 0, i64::MAX / 4, now] {
        time.store(at, Ordering::Relaxed);
        // Without waiting for each to be stored, in which time as many might be given again.
        let mut rids = Vec::new();
        for _ in 0..5 {
            let of = |_| event(&general, message("by which clock?"));
            let twenty: Vec<Value> = (0..20).map(of).collect();
            rids.push(ann.send("append", json!({ "events": twenty })).await);
        }
        for rid in rids {
            let answer = ann.answer(&rid).await.unwrap();
            for result in answer["results"].as_array().unwrap() {
                if result["seq"].is_u64() {
                    answered.push(result.clone());
                } else {
                    assert_eq!(result["error"]["code"], "too_many_requests");
                    refused += 1;
                }
            }
        }
    }
    // 200 at once and 20 a second, by the time that has really passed: no jump gave more of them
    // or took any.
    let most = 201.0 + 20.0 * begun.elapsed().as_secs_f64();
    let count = answered.len() as f64;
    assert!((200.0..=most).contains(&count), "{count} of {most}");
    assert!(refused > 0);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let last = ann.say(&general, "goes on").await;
    answered.push(last);

    let check = |log: &[Value]| {
        let numbers = |field: &str| -> Vec<i64> {
            let of = |event: &Value| event[field].as_i64().unwrap();
            log.iter().map(of).collect()
        };
        let seqs = numbers("seq");
        assert_eq!(seqs, (1..=log.len() as i64).collect::<Vec<_>>());
        assert!(numbers("accepted_at").is_sorted(), "times never fall");
    };
    let log = ann.log(&general).await;
    check(&log);
    assert_eq!(log.len(), answered.len() + 1);
    for (result, event) in answered.iter().zip(&log[1..]) {
        assert_eq!(result["id"], event["id"], "in the order written");
    }
    // Nor does a start by another clock.
    place.stop().await;
    place.start(|_| {}).await;
    let mut ann = Client::enter(place.address(), "ann").await;
    ann.say(&general, "and on").await;
    check(&ann.log(&general).await);
}

#[tokio::test]
async fn what_the_authors_clock_says_is_kept_and_orders_nothing() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let mut sent = Vec::new();
    for sent_at in [0, 9_007_199_254_740_991_i64, 1, 1_763_640_000_000] {
        let mut one = event(&general, message("when?"));
        one["sent_at"] = json!(sent_at);
        ann.append(json!([one])).await.unwrap();
        sent.push(sent_at);
    }
    for wrong in [-1, 9_007_199_254_740_992_i64] {
        let mut one = event(&general, message("when?"));
        one["sent_at"] = json!(wrong);
        let refused = ann.append(json!([one])).await.unwrap();
        assert_eq!(refused[0]["error"]["code"], "bad_request", "{wrong}");
    }
    let log = ann.log(&general).await;
    let kept: Vec<i64> = log[1..]
        .iter()
        .map(|event| event["sent_at"].as_i64().unwrap())
        .collect();
    assert_eq!(kept, sent);
}
