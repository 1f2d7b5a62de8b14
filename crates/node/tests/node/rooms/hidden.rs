//! Rooms that others must not know of.

use serde_json::{Value, json};

use super::{hears, on};
use crate::client::{Client, event, message};
use crate::place::Place;

#[tokio::test]
async fn a_private_room_is_like_one_that_was_never_made() {
    let place = Place::new().await;
    // Ann owns the space: even that does not show her what others keep private.
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let cy = Client::enter(place.address(), "cy").await;
    let private = ben
        .make_room("private", "secret", &[&ben.id(), &cy.id()])
        .await;
    let target = ben.say(&private, "needle").await;
    let never = uuid::Uuid::now_v7().to_string();

    for (name, payload) in [
        ("fetch", json!({ "limit": 10 })),
        ("members", json!({})),
        ("pins", json!({})),
        ("marks", json!({})),
        ("mark", json!({ "read": 1 })),
        ("typing", json!({ "on": true })),
        ("search", json!({ "query": "needle" })),
    ] {
        let mut replies = Vec::new();
        for room in [&private, &never] {
            let mut payload = payload.clone();
            payload["room"] = json!(room);
            let rid = ann.send(name, payload).await;
            replies.push(ann.reply(&rid).await["error"].clone());
        }
        assert_eq!(replies[0]["code"], "not_found", "{name}");
        assert_eq!(replies[0], replies[1], "{name}: word for word");
    }
    for content in [
        message("in"),
        json!({ "type": "joined" }),
        json!({ "type": "left" }),
        json!({ "type": "room_changed", "name": "mine" }),
        json!({ "type": "reaction", "target": target["id"], "emoji": "👀", "on": true }),
        json!({ "type": "delete", "target": target["id"] }),
        on("invited", &ann.id()),
        on("removed", &ben.id()),
    ] {
        assert_eq!(
            ann.put(&private, content.clone()).await,
            Err("not_found".into()),
            "{content}"
        );
    }
    assert_eq!(
        ann.ask("rooms", json!({})).await.unwrap()["rooms"],
        json!([])
    );
    let found = ann
        .ask("search", json!({ "query": "needle" }))
        .await
        .unwrap();
    assert_eq!(found["hits"], json!([]));
    assert!(hears(&mut ann, &private).await.is_empty());
    assert_eq!(ben.log(&private).await.len(), 2);

    // An event of a private room is no target elsewhere either.
    let general = ann.general().await;
    let quote = json!({ "type": "message", "text": "?", "reply_to": target["id"] });
    assert_eq!(ann.put(&general, quote).await, Err("not_found".into()));
}

/// What an append of one event is refused with, word for word.
async fn refusal(client: &mut Client, room: &str, content: &Value) -> Value {
    let results = client.append(json!([event(room, content.clone())])).await;
    let refusal = results.unwrap()[0]["error"].clone();
    assert!(refusal.is_object(), "{content} was taken");
    refusal
}

#[tokio::test]
async fn nobody_learns_of_others_rooms_by_making_them_again() {
    let place = Place::new().await;
    // Neither the owner of the space nor a member of it.
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let mut cy = Client::enter(place.address(), "cy").await;
    let mut dee = Client::enter(place.address(), "dee").await;
    let pair = [ben.id().parse().unwrap(), cy.id().parse().unwrap()];
    let direct = landline_protocol::direct_room_id(ann.space().parse().unwrap(), &pair).to_string();
    let private = uuid::Uuid::now_v7().to_string();
    let never = uuid::Uuid::now_v7().to_string();
    let create = |kind: &str, name: &str, members: &[String]| json!({ "type": "room_created", "kind": kind, "name": name, "members": members });
    let of_two = create("direct", "", &[ben.id(), cy.id()]);

    let mut told = Vec::new();
    for there in [false, true] {
        if there {
            ben.put(&direct, of_two.clone()).await.unwrap();
            cy.say(&direct, "hi").await;
            let members = [ben.id(), cy.id()];
            let plan = create("private", "plan", &members);
            ben.put(&private, plan).await.unwrap();
        }
        let mut heard = Vec::new();
        for client in [&mut ann, &mut dee] {
            let me = client.id();
            let wishes = [
                (&direct, of_two.clone()),
                (
                    &direct,
                    create("direct", "", &[pair[0].to_string(), me.clone()]),
                ),
                (&direct, create("private", "x", std::slice::from_ref(&me))),
                (&direct, create("public", "x", &[])),
                (&direct, message("x")),
                (&private, create("private", "x", &[pair[0].to_string()])),
                (
                    &private,
                    create("direct", "", &[pair[0].to_string(), me.clone()]),
                ),
                (&private, create("public", "x", &[me])),
                (&private, message("x")),
            ];
            for (room, content) in wishes {
                let refusal = refusal(client, room, &content).await;
                assert_ne!(refusal["code"], "conflict", "{content}");
                heard.push(refusal);
            }
            let fetch = json!({ "room": direct, "limit": 1 });
            assert_eq!(client.ask("fetch", fetch).await, Err("not_found".into()));
        }
        told.push(heard);
    }
    assert_eq!(told[0], told[1], "word for word");
    // Of those who are in it each may know.
    assert_eq!(cy.put(&direct, of_two).await, Err("conflict".into()));
    assert_eq!(
        refusal(&mut ann, &never, &message("x")).await,
        refusal(&mut ann, &private, &message("x")).await
    );
}
