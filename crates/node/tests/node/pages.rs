//! Answers that are cut say so, and one can go on behind what one has.

use std::collections::BTreeSet;

use landline_node::Clock;
use landline_protocol::limits::{APPEND_EVENTS, ENVELOPE_BYTES, PACKET_TO_NODE_BYTES, SEARCH_HITS};
use serde_json::{Value, json};

use crate::client::{Client, event, message};
use crate::place::Place;

/// Pinned messages in an answer at most.
const PINS: usize = 200;

/// Imports messages with these texts; their ids, in order.
async fn import(client: &mut Client, room: &str, texts: &[String]) -> Vec<String> {
    let mut ids = Vec::new();
    let longest = texts.iter().map(String::len).max().unwrap();
    let fit = PACKET_TO_NODE_BYTES / (2 * longest + 2 * ENVELOPE_BYTES);
    for texts in texts.chunks(fit.min(APPEND_EVENTS)) {
        let of = |text: &String| {
            let imported = json!({ "name": "Eve", "at": 1 });
            event(
                room,
                json!({ "type": "message", "text": text, "imported": imported }),
            )
        };
        let events: Vec<Value> = texts.iter().map(of).collect();
        for result in client.append(json!(events)).await.unwrap() {
            assert!(result["seq"].is_u64(), "{result}");
            ids.push(result["id"].as_str().unwrap().to_owned());
        }
    }
    ids
}

/// All that a search finds, page by page: how many each page has, and the ids.
async fn search_all(client: &mut Client, mut request: Value) -> (Vec<usize>, Vec<String>) {
    let (mut pages, mut ids) = (Vec::new(), Vec::new());
    loop {
        let found = client.ask("search", request.clone()).await.unwrap();
        let hits = found["hits"].as_array().unwrap().iter();
        let hits: Vec<String> = hits.map(|hit| word(&hit["id"])).collect();
        pages.push(hits.len());
        ids.extend(hits);
        if found["more"] == false {
            return (pages, ids);
        }
        request["after_hit"] = json!(ids.last().unwrap());
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_hit_is_reached_though_hundreds_are_of_one_millisecond() {
    let place = Place::with(|config| config.clock = Clock::new(|| 1_763_640_000_000)).await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let texts: Vec<String> = (0..300).map(|n| format!("kettle {n}")).collect();
    let mut ids = import(&mut ann, &general, &texts).await;
    ids.reverse();

    let (pages, found) = search_all(&mut ann, json!({ "query": "kettle" })).await;
    assert_eq!(pages, [SEARCH_HITS; 3]);
    assert_eq!(found, ids, "newest first, each once");
    // What is found within words comes the same way.
    let within = json!({ "query": "ettle", "room": general, "limit": 70 });
    let (pages, found) = search_all(&mut ann, within).await;
    assert_eq!(pages, [70, 70, 70, 70, 20]);
    assert_eq!(found, ids);

    // One who does not know of `more` gets what they always got.
    let before = json!({ "query": "kettle", "before": 1_763_640_000_000_i64 });
    let found = ann.ask("search", before).await.unwrap();
    assert_eq!(
        (&found["hits"], &found["more"]),
        (&json!([]), &json!(false))
    );
}

#[tokio::test]
async fn what_does_not_fit_into_one_packet_is_on_the_next_page() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    // Each quote takes two bytes in JSON.
    let texts: Vec<String> = (0..80)
        .map(|n| format!("kettle {n} {}", "\"".repeat(15_000)))
        .collect();
    let ids = import(&mut ann, &general, &texts).await;
    for id in &ids {
        let pin = json!({ "type": "pin", "target": id, "on": true });
        ann.put(&general, pin).await.unwrap();
    }
    let all: BTreeSet<&String> = ids.iter().collect();
    let (pages, found) = search_all(&mut ann, json!({ "query": "kettle" })).await;
    assert!(pages.len() > 1, "{pages:?}");
    assert_eq!(found.len(), ids.len());
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), all);

    let mut pinned = Vec::new();
    let mut request = json!({ "room": general });
    loop {
        let pins = ann.ask("pins", request.clone()).await.unwrap();
        let mut page = pins["events"].as_array().unwrap().clone();
        request["before"] = page[0]["seq"].clone();
        page.extend(pinned);
        pinned = page;
        if pins["more"] == false {
            break;
        }
    }
    let pinned: Vec<String> = pinned.iter().map(|event| word(&event["id"])).collect();
    assert_eq!(pinned, ids);
}

#[tokio::test]
async fn many_pins_are_told_in_pages() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let texts: Vec<String> = (0..=PINS).map(|n| n.to_string()).collect();
    let ids = import(&mut ann, &general, &texts).await;
    for ids in ids.chunks(APPEND_EVENTS) {
        let pins = ids
            .iter()
            .map(|id| event(&general, json!({ "type": "pin", "target": id, "on": true })));
        ann.append(json!(pins.collect::<Vec<_>>())).await.unwrap();
    }
    let pins = ann.ask("pins", json!({ "room": general })).await.unwrap();
    let newest = pins["events"].as_array().unwrap();
    assert_eq!((newest.len(), &pins["more"]), (PINS, &json!(true)));
    let before = json!({ "room": general, "before": newest[0]["seq"] });
    let pins = ann.ask("pins", before).await.unwrap();
    assert_eq!(pins["events"][0]["id"], json!(ids[0]));
    assert_eq!(pins["more"], false);
}

#[tokio::test]
async fn a_search_does_not_go_on_behind_what_one_may_not_read() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let secret = ann.make_room("private", "secret", &[&ann.id()]).await;
    let said = ann.say(&secret, "kettle").await;
    let behind = json!({ "query": "kettle", "after_hit": said["id"] });
    assert_eq!(
        ann.ask("search", behind.clone()).await.unwrap()["hits"],
        json!([])
    );
    let unknown = uuid::Uuid::now_v7().to_string();
    for id in [word(&said["id"]), unknown] {
        let behind = json!({ "query": "kettle", "after_hit": id });
        assert_eq!(ben.ask("search", behind).await, Err("not_found".into()));
    }
    let general = ben.general().await;
    ben.put(&general, message("kettle")).await.unwrap();
    assert_eq!(ben.ask("search", behind).await, Err("not_found".into()));
}
