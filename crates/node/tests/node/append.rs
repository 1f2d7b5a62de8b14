//! Appending and relaying: order, safety of repetition, durability.

use serde_json::{Value, json};

use crate::client::{Client, event, message};
use crate::place::Place;

fn seqs(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_message_is_answered_then_heard_by_all_and_its_author() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let general = ann.general().await;

    let accepted = ann.say(&general, "hello").await;
    assert_eq!(accepted["seq"], 2, "after the room's own beginning");

    for who in [&mut ann, &mut ben] {
        let heard = who
            .push_where("events", |push| push["room"] == json!(general))
            .await;
        let [event] = &heard["events"].as_array().unwrap()[..] else {
            panic!("{heard}")
        };
        assert_eq!(event["id"], accepted["id"]);
        assert_eq!(event["seq"], 2);
        assert_eq!(event["content"]["text"], "hello");
        assert_eq!(event["accepted_at"], accepted["accepted_at"]);
    }
    let log = ben.log(&general).await;
    assert_eq!(seqs(&log), [1, 2]);
    assert_eq!(log[1]["author"], json!(ann.id()));
}

#[tokio::test]
async fn appending_again_is_answered_as_the_first_time_and_stored_once() {
    let mut place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let once = event(&general, message("once"));
    let first = ann.append(json!([once, once])).await.unwrap();
    assert_eq!(first[0], first[1]);
    assert_eq!(ann.append(json!([once])).await.unwrap()[0], first[0]);

    let mut other = once.clone();
    other["content"]["text"] = json!("twice");
    assert_eq!(
        ann.append(json!([other])).await.unwrap()[0]["error"]["code"],
        "conflict"
    );
    let mut ben = Client::enter(place.address(), "ben").await;
    assert_eq!(
        ben.append(json!([once])).await.unwrap()[0]["error"]["code"],
        "conflict"
    );

    place.restart().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    assert_eq!(ann.append(json!([once])).await.unwrap()[0], first[0]);
    assert_eq!(ann.log(&general).await.len(), 2);
}
