//! Appending and relaying: order, safety of repetition, durability.

use landline_node::Rates;
use landline_protocol::limits::APPEND_EVENTS;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{Client, DEADLINE, event, message};
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

#[tokio::test]
async fn many_at_once_are_numbered_without_a_hole_and_in_each_authors_order() {
    let place = Place::new().await;
    let mut listener = Client::enter(place.address(), "listener").await;
    let general = listener.general().await;
    let (people, each) = (8, 60);
    let mut tasks = Vec::new();
    for person in 0..people {
        let (node, general) = (place.address(), general.clone());
        tasks.push(tokio::spawn(async move {
            let mut client = Client::enter(node, &format!("person{person}")).await;
            // All of it without waiting for an answer.
            let mut rids = Vec::new();
            for n in 0..each {
                let events = json!([event(&general, message(&format!("{person} {n}")))]);
                rids.push(client.send("append", json!({ "events": events })).await);
            }
            for rid in rids {
                let answer = client.answer(&rid).await.expect("accepted");
                assert!(answer["results"][0]["seq"].is_u64(), "{answer}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }

    let log = listener.log(&general).await;
    let expected: Vec<u64> = (1..=people * each + 1).collect();
    assert_eq!(seqs(&log), expected);
    let mut heard = Vec::new();
    while heard.len() < (people * each) as usize {
        let push = listener
            .push_where("events", |push| push["room"] == json!(general))
            .await;
        heard.extend(push["events"].as_array().unwrap().clone());
    }
    assert_eq!(heard, log[1..], "told as stored, in order, once");
    for person in 0..people {
        let own: Vec<&str> = log[1..]
            .iter()
            .filter_map(|event| event["content"]["text"].as_str())
            .filter(|text| text.starts_with(&format!("{person} ")))
            .collect();
        let expected: Vec<String> = (0..each).map(|n| format!("{person} {n}")).collect();
        assert_eq!(own, expected);
    }
    let times: Vec<i64> = log
        .iter()
        .map(|event| event["accepted_at"].as_i64().unwrap())
        .collect();
    assert!(times.is_sorted());
}

#[tokio::test]
async fn content_is_relayed_and_kept_as_the_bytes_that_came() {
    let mut place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let odd = r#"{ "text":"\u00e9 <\/b>",  "type" : "message","later":[1, 2]}"#;
    let id = uuid::Uuid::now_v7();
    let event = format!(r#"{{"id":"{id}","room":"{general}","sent_at":1,"content":{odd}}}"#);
    ann.raw(&format!(
        r#"42["append",{{"rid":"odd","events":[{event}]}}]"#
    ))
    .await;
    assert_eq!(ann.reply("odd").await["ok"]["results"][0]["seq"], 2);
    // `Value` would hide the bytes, so they are looked for in the text of the packets.
    let heard =
        ann.raw_where(|text| text.starts_with("42[\"events\"") && text.contains(&id.to_string()));
    assert!(heard.await.contains(odd));
    place.restart().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    ann.raw(&format!(
        r#"42["fetch",{{"rid":"f","room":"{general}","limit":9}}]"#
    ))
    .await;
    let page = ann.raw_where(|text| text.contains(r#""rid":"f""#)).await;
    assert!(page.contains(odd), "{page}");
}

#[tokio::test]
async fn the_rate_takes_or_refuses_an_append_as_a_whole() {
    let rates = Rates {
        append: 1,
        ..Rates {
            append: 0,
            request: 0,
            join: 0,
        }
    };
    let place = Place::with(|config| config.rates = rates).await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    assert_eq!(ann.welcome["limits"]["append_rate"], 1);
    assert_eq!(ann.welcome["limits"]["append_burst"], 10);
    let general = ann.general().await;
    let batch = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|n| event(&general, message(&n.to_string())))
            .collect()
    };
    // All that may come at once: the next ten seconds give too little for as many again.
    let first = batch(10);
    let accepted = ann.append(json!(first)).await.unwrap();
    assert!(accepted.iter().all(|result| result["seq"].is_u64()));

    let refused = ann.append(json!(batch(10))).await.unwrap();
    for result in &refused {
        assert_eq!(result["error"]["code"], "too_many_requests", "{result}");
        assert!(
            result["error"]["retry_after_ms"].as_u64().unwrap() > 1000,
            "{result}"
        );
    }
    // What is known is not counted, alone or among others, and nobody else is held up.
    assert_eq!(ann.append(json!(first)).await.unwrap(), accepted);
    let mut mixed = batch(10);
    mixed.splice(2..2, first.iter().cloned());
    let mixed = ann.append(json!(mixed)).await.unwrap();
    assert_eq!(mixed[2..12], accepted[..]);
    assert_eq!(mixed[0]["error"]["code"], "too_many_requests");
    assert_eq!(mixed[19]["error"]["code"], "too_many_requests");
    ben.say(&general, "free").await;

    // An owner's imports are not counted.
    let import = json!({ "type": "message", "text": "old", "imported": { "name": "n", "at": 1 } });
    let imports: Vec<Value> = (0..64).map(|_| event(&general, import.clone())).collect();
    let imports = ann.append(json!(imports)).await.unwrap();
    assert!(imports.iter().all(|result| result["seq"].is_u64()));
    assert_eq!(ann.log(&general).await.len(), 1 + 10 + 1 + 64);

    // Nor is what became of them, together with them or later; what becomes of others' messages is.
    let react = |target: &Value| {
        let reaction = json!({ "type": "reaction", "target": target, "emoji": "👍", "on": true });
        event(&general, reaction)
    };
    let another = event(&general, import);
    let changes: Vec<Value> = imports
        .iter()
        .take(40)
        .map(|one| react(&one["id"]))
        .collect();
    let changes = [vec![another.clone(), react(&another["id"])], changes].concat();
    let changes = ann.append(json!(changes)).await.unwrap();
    assert!(changes.iter().all(|result| result["seq"].is_u64()));
    let others = ben.say(&general, "mine").await;
    let mut last = String::new();
    // Twice without waiting: what has filled in by now is at most enough for the first.
    for _ in 0..2 {
        let ten: Vec<Value> = (0..10).map(|_| react(&others["id"])).collect();
        last = ann.send("append", json!({ "events": ten })).await;
    }
    let refused = ann.answer(&last).await.unwrap();
    let refused = &refused["results"][0]["error"];
    assert_eq!(refused["code"], "too_many_requests");
}

#[tokio::test]
async fn one_who_floods_the_node_makes_nobody_elses_append_fail() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let general = ann.general().await;
    // As many as fit into what one connection may have waiting.
    let small = |_| {
        let id = uuid::Uuid::now_v7();
        json!({ "id": id, "room": general, "sent_at": 1, "content": message("x") })
    };
    let packet: Vec<Value> = (0..APPEND_EVENTS).map(small).collect();
    let packet = json!({ "events": packet });
    // Nothing is stored for a while, as on a slow disk.
    let disk = rusqlite::Connection::open(place.dir.path().join("node.sqlite")).unwrap();
    disk.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut floods = Vec::new();
    for _ in 0..3 {
        let mut flood = Client::enter(place.address(), "ann").await;
        let mut rids = Vec::new();
        for _ in 0..120 {
            rids.push(flood.send("append", packet.clone()).await);
        }
        // All of it has come.
        let _ = flood.ask("my_rooms", json!({})).await;
        floods.push((flood, rids));
    }
    let one = json!({ "events": [event(&general, message("me, too"))] });
    let of_ben = ben.send("append", one).await;
    // The node has read it once it answers what came after.
    ben.ask("my_rooms", json!({})).await.unwrap();
    disk.execute_batch("ROLLBACK").unwrap();

    let answer = ben.answer(&of_ben).await.expect("it is stored");
    assert!(answer["results"][0]["seq"].is_u64(), "{answer}");
    let mut refused = 0;
    for (mut flood, rids) in floods {
        for rid in rids {
            refused += usize::from(flood.answer(&rid).await == Err("too_many_requests".into()));
        }
    }
    assert!(refused > 0, "all of it was taken");
    let until = Instant::now() + DEADLINE;
    while ann.put(&general, message("sorry")).await.is_err() {
        assert!(Instant::now() < until, "it never ends");
    }
}

#[tokio::test]
async fn what_is_known_may_be_appended_again_but_not_for_ever() {
    let rates = Rates {
        append: 1,
        request: 0,
        join: 0,
    };
    let place = Place::with(|config| config.rates = rates).await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let general = ann.general().await;
    // An import that is run again and again.
    let import = json!({ "type": "message", "text": "old", "imported": { "name": "n", "at": 1 } });
    let imports: Vec<Value> = (0..64).map(|_| event(&general, import.clone())).collect();
    let first = ann.append(json!(imports)).await.unwrap();
    for _ in 0..20 {
        assert_eq!(ann.append(json!(imports)).await.unwrap(), first);
    }

    let few: Vec<Value> = (0..8).map(|_| event(&general, message("x"))).collect();
    let first = ben.append(json!(few)).await.unwrap();
    let mut refused = Value::Null;
    for again in 0..200 {
        let rid = ben.send("append", json!({ "events": few })).await;
        let reply = ben.reply(&rid).await;
        refused = reply["error"].clone();
        if refused.is_object() {
            assert!(again > 10, "an honest client appends again, too");
            break;
        }
        assert_eq!(reply["ok"]["results"], json!(first));
    }
    assert_eq!(refused["code"], "too_many_requests", "{refused}");
    assert!(refused["retry_after_ms"].is_u64(), "{refused}");
    ann.say(&general, "nobody else is held up").await;
    let until = Instant::now() + DEADLINE;
    while ben.append(json!(few)).await != Ok(first.clone()) {
        assert!(Instant::now() < until, "it never ends");
    }
}

#[tokio::test]
async fn other_requests_have_a_rate_that_connections_of_one_member_share() {
    let rates = Rates {
        append: 0,
        request: 1,
        join: 0,
    };
    let place = Place::with(|config| config.rates = rates).await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ann2 = Client::enter(place.address(), "ann").await;
    // Each asks all that may come at once: were it given to each connection, none would be refused.
    let mut refused = 0;
    for client in [&mut ann, &mut ann2] {
        let mut rids = Vec::new();
        for _ in 0..10 {
            rids.push(client.send("my_rooms", json!({})).await);
        }
        for rid in rids {
            if let Err(code) = client.answer(&rid).await {
                assert_eq!(code, "too_many_requests");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    // Appends have their own.
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    let general = ann.general().await;
    for _ in 0..20 {
        ann.say(&general, "x").await;
    }
}

#[tokio::test]
async fn a_permanent_refusal_does_not_hold_the_rest_of_an_append() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let results = ann
        .append(json!([
            event(&general, message("one")),
            event(&general, message("")),
            event(&uuid::Uuid::now_v7().to_string(), message("nowhere")),
            event(&general, message("two")),
        ]))
        .await
        .unwrap();
    assert_eq!(results[0]["seq"], 2);
    assert_eq!(results[1]["error"]["code"], "bad_request");
    assert_eq!(results[2]["error"]["code"], "not_found");
    assert_eq!(results[3]["seq"], 3);
}

#[tokio::test]
async fn a_room_and_what_is_said_in_it_may_come_in_one_append() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let room = uuid::Uuid::now_v7().to_string();
    let create = json!({ "type": "room_created", "kind": "public", "name": "new" });
    let results = ann
        .append(json!([
            event(&room, create.clone()),
            event(&room, message("first")),
            event(&room, create)
        ]))
        .await
        .unwrap();
    assert_eq!(
        (&results[0]["seq"], &results[1]["seq"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        results[2]["error"]["code"], "conflict",
        "another id for the same room"
    );
    let opened = ann.push("room_opened").await;
    assert_eq!(
        (&opened["room"]["id"], &opened["room"]["head"]),
        (&json!(room), &json!(2))
    );
}
