//! Reading, searching, and what is told but never stored.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, DEADLINE, event, message};
use crate::place::Place;

fn texts(events: &Value) -> Vec<&str> {
    let events = events.as_array().unwrap().iter();
    events
        .map(|event| event["content"]["text"].as_str().unwrap_or("-"))
        .collect()
}

#[tokio::test]
async fn a_log_is_read_in_pages_from_both_ends() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let events: Vec<Value> = (2..=20)
        .map(|seq| event(&general, message(&seq.to_string())))
        .collect();
    ann.append(json!(events)).await.unwrap();
    for (request, expected) in [
        (json!({ "limit": 3 }), vec!["18", "19", "20"]),
        (json!({ "limit": 3, "before": 18 }), vec!["15", "16", "17"]),
        (json!({ "limit": 3, "after": 1 }), vec!["2", "3", "4"]),
        (json!({ "limit": 3, "after": 19 }), vec!["20"]),
        (json!({ "limit": 3, "after": 20 }), vec![]),
        (json!({ "limit": 3, "after": u64::MAX }), vec![]),
        (json!({ "limit": 3, "before": 1 }), vec![]),
        (json!({ "limit": 3, "before": 2 }), vec!["-"]),
        (json!({ "limit": 1, "before": u64::MAX }), vec!["20"]),
    ] {
        let mut payload = request.clone();
        payload["room"] = json!(general);
        let page = ann.ask("fetch", payload).await.unwrap();
        assert_eq!(texts(&page["events"]), expected, "{request}");
        assert_eq!(
            (&page["first"], &page["head"], &page["epoch"]),
            (&json!(1), &json!(20), &json!(1))
        );
        assert_eq!(page["head_id"], events.last().unwrap()["id"]);
    }
}

#[tokio::test]
async fn rooms_and_members_come_in_pages_by_id() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    for name in ["Tea", "Teapots", "Coffee"] {
        ann.make_room("public", name, &[]).await;
    }
    let mut names = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = ann
            .ask("my_rooms", json!({ "after": after, "limit": 1 }))
            .await
            .unwrap();
        names.push(page["rooms"][0]["name"].as_str().unwrap().to_owned());
        after = page["rooms"][0]["id"].clone();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(names, ["general", "Tea", "Teapots", "Coffee"]);
    let found = ben
        .ask("rooms", json!({ "query": "TEA", "limit": 1 }))
        .await
        .unwrap();
    assert_eq!(
        (&found["rooms"][0]["name"], &found["more"]),
        (&json!("Tea"), &json!(true))
    );

    let one = ann.ask("members", json!({ "limit": 1 })).await.unwrap();
    assert_eq!(one["more"], true);
    let after = json!({ "after": one["members"][0]["id"] });
    let other = ann.ask("members", after).await.unwrap();
    assert_eq!(
        (other["members"].as_array().unwrap().len(), &other["more"]),
        (1, &json!(false))
    );
    let found = ann.ask("members", json!({ "query": "BE" })).await.unwrap();
    assert_eq!(found["members"][0]["id"], json!(ben.id()));
    assert_eq!(found["members"][0]["state"], "online");
    assert_eq!(found["members"][0]["role"], "member");
}

#[tokio::test]
async fn search_and_pins_know_what_was_answered_before() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let general = ann.general().await;
    for n in 0..50 {
        let said = ann.say(&general, &format!("needle number{n}")).await;
        let found = ben
            .ask("search", json!({ "query": format!("number{n}") }))
            .await
            .unwrap();
        assert_eq!(found["hits"][0]["id"], said["id"]);
        assert_eq!(
            found["hits"][0]["content"]["text"],
            format!("needle number{n}")
        );
        assert!(
            found["hits"][0]["snippet"]
                .as_str()
                .unwrap()
                .contains(&format!("number{n}"))
        );
    }
    let found = ben
        .ask("search", json!({ "query": "needle", "limit": 10 }))
        .await
        .unwrap();
    assert_eq!(found["hits"].as_array().unwrap().len(), 10);
    assert_eq!(
        found["hits"][0]["content"]["text"], "needle number49",
        "newest first"
    );
    let by_ben = json!({ "query": "needle", "author": ben.id() });
    assert_eq!(ben.ask("search", by_ben).await.unwrap()["hits"], json!([]));
    for odd in [
        "\"",
        "AND OR NOT",
        "needle*\" OR (",
        "'; DROP TABLE event;--",
        "",
        "🙂",
        "a:b",
    ] {
        ben.ask("search", json!({ "query": odd })).await.expect(odd);
    }

    let pinned = ann.say(&general, "keep").await;
    ann.put(
        &general,
        json!({ "type": "pin", "target": pinned["id"], "on": true }),
    )
    .await
    .unwrap();
    let pins = ben.ask("pins", json!({ "room": general })).await.unwrap();
    assert_eq!(texts(&pins["events"]), ["keep"]);
    ann.put(
        &general,
        json!({ "type": "pin", "target": pinned["id"], "on": false }),
    )
    .await
    .unwrap();
    assert_eq!(
        ben.ask("pins", json!({ "room": general })).await.unwrap()["events"],
        json!([])
    );
}

#[tokio::test]
async fn a_deleted_message_is_gone_from_log_and_search_and_takes_no_more() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let said = event(&general, message("secret word"));
    ann.append(json!([said])).await.unwrap();
    let delete = event(&general, json!({ "type": "delete", "target": said["id"] }));
    let edit = event(
        &general,
        json!({ "type": "edit", "target": said["id"], "text": "again" }),
    );
    // In one append, so that nothing derived can have helped.
    let results = ann.append(json!([delete, edit])).await.unwrap();
    assert_eq!(results[1]["error"]["code"], "not_found");
    let found = ann
        .ask("search", json!({ "query": "secret" }))
        .await
        .unwrap();
    assert_eq!(found["hits"], json!([]));
    let log = ann.log(&general).await;
    assert!(!json!(log).to_string().contains("secret"), "{log:?}");
    assert_eq!(
        ann.append(json!([said])).await.unwrap()[0]["seq"],
        2,
        "and is still known"
    );
}

#[tokio::test]
async fn marks_go_forward_are_told_and_survive_a_restart() {
    let mut place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let general = ann.general().await;
    ann.say(&general, "one").await;
    let mark = json!({ "room": general, "delivered": 2, "read": 1 });
    // Without waiting: the second is to come within the second.
    let first = ben.send("mark", mark.clone()).await;
    let second = ben.send("mark", mark).await;
    assert_eq!(ben.answer(&first).await, Ok(json!({})));
    assert_eq!(ben.answer(&second).await, Err("too_many_requests".into()));
    let told = ann.push("marks").await;
    let expected = json!([{ "member": ben.id(), "delivered": 2, "read": 1 }]);
    assert_eq!(
        (&told["room"], &told["changes"]),
        (&json!(general), &expected)
    );
    // Beyond the head, or back: the head, and as before.
    ann.ask("mark", json!({ "room": general, "read": 99 }))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    ann.ask("mark", json!({ "room": general, "read": 1 }))
        .await
        .unwrap();

    place.restart().await;
    let (mut ann, answer) = Client::try_enter(place.address(), "ann").await.unwrap();
    assert_eq!(
        (
            &answer["rooms"][0]["read"],
            &answer["rooms"][0]["delivered"]
        ),
        (&json!(2), &json!(2))
    );
    let all = ann.ask("marks", json!({ "room": general })).await.unwrap();
    assert_eq!(all["changes"].as_array().unwrap().len(), 2);
    assert!(all["changes"].as_array().unwrap().contains(&expected[0]));
}

#[tokio::test]
async fn typing_is_told_and_forgotten() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let general = ann.general().await;
    ben.ask("typing", json!({ "room": general, "on": true }))
        .await
        .unwrap();
    let told = ann.push("typing").await;
    assert_eq!(
        told,
        json!({ "room": general, "members": [ben.id()], "more": 0 })
    );
    ben.ask("typing", json!({ "room": general, "on": false }))
        .await
        .unwrap();
    assert_eq!(ann.push("typing").await["members"], json!([]));
    // Who goes, types no more.
    ben.ask("typing", json!({ "room": general, "on": true }))
        .await
        .unwrap();
    assert_eq!(ann.push("typing").await["members"], json!([ben.id()]));
    drop(ben);
    assert_eq!(ann.push("typing").await["members"], json!([]));
}

#[tokio::test]
async fn presence_is_told_to_those_who_watch() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let mut cy = Client::enter(place.address(), "cy").await;
    let (ben_id, cy_id) = (ben.id(), cy.id());
    let watched = ann
        .ask("watch", json!({ "members": [ben_id] }))
        .await
        .unwrap();
    assert_eq!(watched["presence"][0]["state"], "online");
    let of_ben = |push: &Value| push["changes"][0]["member"] == json!(ben_id);

    cy.ask("presence", json!({ "state": "dnd" })).await.unwrap();
    ben.ask("presence", json!({ "state": "away", "text": "lunch" }))
        .await
        .unwrap();
    let told = ann
        .push_where("presence", |push| push["changes"][0]["state"] == "away")
        .await;
    assert!(of_ben(&told), "only who is watched: {told}");
    assert_eq!(told["changes"][0]["text"], "lunch");

    // On a second connection ben is there; of several the one that tells most counts.
    let ben2 = Client::enter(place.address(), "ben").await;
    ann.push_where("presence", |push| push["changes"][0]["state"] == "online")
        .await;
    drop(ben2);
    ann.push_where("presence", |push| push["changes"][0]["state"] == "away")
        .await;
    drop(ben);
    let told = ann
        .push_where("presence", |push| push["changes"][0]["state"] == "offline")
        .await;
    assert!(told["changes"][0]["last_seen"].as_i64().unwrap() > 1_700_000_000_000);

    ann.ask("watch", json!({ "members": [cy_id] }))
        .await
        .unwrap();
    let _ben = Client::enter(place.address(), "ben").await;
    cy.ask("presence", json!({ "state": "online" }))
        .await
        .unwrap();
    let told = ann.push("presence").await;
    assert_eq!(
        told["changes"][0]["member"],
        json!(cy_id),
        "the list was replaced"
    );
}

#[tokio::test]
async fn last_seen_survives_a_restart() {
    let mut place = Place::new().await;
    let ben = Client::enter(place.address(), "ben").await;
    let id = ben.id();
    drop(ben);
    place.restart().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let watched = ann.ask("watch", json!({ "members": [id] })).await.unwrap();
    assert_eq!(watched["presence"][0]["state"], "offline");
    assert!(watched["presence"][0]["last_seen"].is_i64(), "{watched}");
}

#[tokio::test]
async fn heads_are_told_now_and_then_for_rooms_that_changed() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let general = ann.general().await;
    ann.say(&general, "x").await;
    let of_general = |push: &Value| {
        push["rooms"]
            .as_array()
            .unwrap()
            .iter()
            .any(|head| head["room"] == json!(general))
    };
    let heads = tokio::time::timeout(2 * DEADLINE, async {
        loop {
            if let Some(push) = ben.push_within("heads", DEADLINE).await.filter(of_general) {
                return push;
            }
        }
    });
    let heads = heads.await.expect("heads");
    let of = |room: &str| {
        let mut heads = heads["rooms"].as_array().unwrap().iter();
        heads.find(|head| head["room"] == json!(room)).cloned()
    };
    let head = json!({ "room": general, "head": 2, "epoch": 1 });
    assert_eq!(of(&general), Some(head));
    // The directory is a log like the others: it began, and two came.
    let head = json!({ "room": ann.space(), "head": 3, "epoch": 1 });
    assert_eq!(of(&ann.space()), Some(head));
}
