//! Rooms: who may do what in which, and what each hears of it.

mod hidden;
mod many;
mod muted;

use serde_json::{Value, json};

use crate::client::{Answer, Client, event, message};
use crate::place::Place;

/// What somebody hears of a room until nothing comes: names of pushes, with the seqs of events.
async fn hears(client: &mut Client, room: &str) -> Vec<String> {
    let pushes = client.pushes().await;
    let of_room = pushes
        .into_iter()
        .filter_map(|(name, push)| match name.as_str() {
            "events" if push["room"] == room => {
                let events = push["events"].as_array().unwrap().iter();
                let seqs: Vec<String> = events.map(|event| event["seq"].to_string()).collect();
                Some(format!("events {}", seqs.join(",")))
            }
            "room_opened" if push["room"]["id"] == room => Some("room_opened".to_owned()),
            "room_closed" if push["room"] == room => {
                Some(format!("room_closed {}", push["reason"].as_str().unwrap()))
            }
            _ => None,
        });
    of_room.collect()
}

fn on(kind: &str, member: &str) -> Value {
    json!({ "type": kind, "member": member })
}

#[tokio::test]
async fn who_joins_is_told_of_the_room_and_hears_it_from_then_on() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let room = ann.make_room("public", "tea", &[]).await;
    ann.say(&room, "before").await;
    assert_eq!(
        ben.fetch(&room, 0).await,
        Err("not_allowed".into()),
        "join first"
    );
    let rooms = ben.ask("rooms", json!({})).await.unwrap();
    assert_eq!(rooms["rooms"][0]["name"], "tea");
    assert!(hears(&mut ben, &room).await.is_empty());

    ben.put(&room, json!({ "type": "joined" })).await.unwrap();
    ann.say(&room, "after").await;
    assert_eq!(
        hears(&mut ben, &room).await,
        ["room_opened", "events 3", "events 4"]
    );
    let heard = [
        "room_opened",
        "events 1",
        "events 2",
        "events 3",
        "events 4",
    ];
    assert_eq!(hears(&mut ann, &room).await, heard);
    assert_eq!(ben.log(&room).await.len(), 4, "also what was said before");
    assert_eq!(
        ben.ask("rooms", json!({})).await.unwrap()["rooms"],
        json!([])
    );
    assert_eq!(
        ben.put(&room, json!({ "type": "joined" })).await,
        Err("conflict".into())
    );
}

#[tokio::test]
async fn who_is_removed_hears_their_removal_and_then_nothing() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let mut cy = Client::enter(place.address(), "cy").await;
    let room = ann
        .make_room("private", "plan", &[&ann.id(), &ben.id()])
        .await;
    hears(&mut ben, &room).await;

    // All in one append: it must be split for each of them.
    let events = json!([
        event(&room, message("both of us")),
        event(
            &room,
            json!({ "type": "removed", "member": ben.id(), "reason": "moved on" })
        ),
        event(&room, message("without ben")),
        event(&room, on("invited", &cy.id())),
        event(&room, message("with cy")),
    ]);
    ann.append(events).await.unwrap();
    assert_eq!(
        hears(&mut ben, &room).await,
        ["events 2,3", "room_closed moved on"]
    );
    assert_eq!(hears(&mut cy, &room).await, ["room_opened", "events 5,6"]);
    assert_eq!(ben.fetch(&room, 0).await, Err("not_found".into()));
    assert_eq!(cy.log(&room).await.len(), 6);

    cy.put(&room, json!({ "type": "left" })).await.unwrap();
    assert_eq!(
        hears(&mut cy, &room).await,
        ["events 7", "room_closed left"]
    );
    ann.say(&room, "alone").await;
    assert!(hears(&mut cy, &room).await.is_empty());
}

#[tokio::test]
async fn one_removed_from_a_public_room_comes_back_by_invitation_only() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let room = ann.make_room("public", "tea", &[]).await;
    ben.put(&room, json!({ "type": "joined" })).await.unwrap();
    ann.put(&room, on("removed", &ben.id())).await.unwrap();
    assert_eq!(
        ben.put(&room, json!({ "type": "joined" })).await,
        Err("not_allowed".into())
    );
    assert_eq!(
        ben.ask("rooms", json!({})).await.unwrap()["rooms"],
        json!([])
    );
    ann.put(&room, on("invited", &ben.id())).await.unwrap();
    ben.say(&room, "back").await;
}

#[tokio::test]
async fn a_direct_room_is_the_same_for_all_sides_and_takes_nobody_else() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let cy = Client::enter(place.address(), "cy").await;
    let ids = [ann.id().parse().unwrap(), ben.id().parse().unwrap()];
    let room = landline_protocol::direct_room_id(ann.space().parse().unwrap(), &ids).to_string();
    let create = json!({ "type": "room_created", "kind": "direct", "name": "",
        "members": [ann.id(), ben.id()] });

    let elsewhere = uuid::Uuid::now_v7().to_string();
    assert_eq!(
        ann.put(&elsewhere, create.clone()).await,
        Err("bad_request".into()),
        "wrong id"
    );
    ann.put(&room, create.clone()).await.unwrap();
    assert_eq!(
        ben.put(&room, create).await,
        Err("conflict".into()),
        "it is there already"
    );
    let opened = ben.push("room_opened").await;
    assert_eq!(opened["room"]["kind"], "direct");
    assert_eq!(opened["room"]["members"].as_array().unwrap().len(), 2);
    ben.say(&room, "hi").await;
    for content in [
        on("invited", &cy.id()),
        on("removed", &ben.id()),
        json!({ "type": "left" }),
        json!({ "type": "room_changed", "name": "x" }),
        json!({ "type": "room_changed", "archived": true }),
    ] {
        assert_eq!(
            ann.put(&room, content.clone()).await,
            Err("not_allowed".into()),
            "{content}"
        );
    }
}

/// The people of the table: each has the role of their name.
struct Cast {
    owner: Client,
    admin: Client,
    member: Client,
    guest: Client,
    /// In no room but general.
    other: Client,
}

impl Cast {
    async fn new(place: &Place) -> Self {
        let mut owner = Client::enter(place.address(), "owner").await;
        let directory = owner.space();
        let mut all = Vec::new();
        for name in ["admin", "member", "guest", "other"] {
            let client = Client::enter(place.address(), name).await;
            if name != "other" {
                let role = json!({ "type": "role", "member": client.id(), "role": name });
                owner.put(&directory, role).await.unwrap();
            }
            all.push(client);
        }
        let [admin, member, guest, other] = all.try_into().unwrap_or_else(|_| panic!("four"));
        Self {
            owner,
            admin,
            member,
            guest,
            other,
        }
    }

    fn each(&mut self) -> [(&'static str, &mut Client); 4] {
        [
            ("guest", &mut self.guest),
            ("member", &mut self.member),
            ("admin", &mut self.admin),
            ("owner", &mut self.owner),
        ]
    }
}

fn code(answer: &Answer) -> &str {
    match answer {
        Ok(_) => "ok",
        Err(code) => code,
    }
}

/// Tries the same on a fresh place each time: one row of the table is four answers.
#[tokio::test]
async fn each_right_against_each_role() {
    let place = Place::new().await;
    let mut cast = Cast::new(&place).await;
    let general = cast.owner.general().await;
    let others = cast.other.say(&general, "of another").await["id"].clone();
    let directory = cast.owner.space();
    let other = cast.other.id();

    let no = "not_allowed";
    // What each role gets: guest, member, admin, owner. In general, where all are.
    let table: Vec<(&str, Value, [&str; 4])> = vec![
        (&general, message("x"), ["ok", "ok", "ok", "ok"]),
        (
            &general,
            json!({ "type": "reaction", "target": others, "emoji": "x", "on": true }),
            ["ok", "ok", "ok", "ok"],
        ),
        (
            &general,
            json!({ "type": "message", "text": "x", "mentions": ["room"] }),
            [no, "ok", "ok", "ok"],
        ),
        (
            &general,
            json!({ "type": "pin", "target": others, "on": true }),
            [no, "ok", "ok", "ok"],
        ),
        (
            &general,
            json!({ "type": "edit", "target": others, "text": "y" }),
            [no, no, no, no],
        ),
        (
            &general,
            json!({ "type": "room_changed", "topic": "t" }),
            [no, no, "ok", "ok"],
        ),
        (&general, json!({ "type": "left" }), [no, no, no, no]),
        (&general, on("removed", &other), [no, no, no, no]),
        (
            &general,
            on("invited", &other),
            [no, "conflict", "conflict", "conflict"],
        ),
        (
            &general,
            json!({ "type": "message", "text": "x", "imported": { "name": "n", "at": 1 } }),
            [no, no, "ok", "ok"],
        ),
        (
            &directory,
            json!({ "type": "profile", "about": "x" }),
            ["ok", "ok", "ok", "ok"],
        ),
        (
            &directory,
            json!({ "type": "muted", "member": other, "until": 0 }),
            [no, no, "ok", "ok"],
        ),
        (
            &directory,
            json!({ "type": "banned", "member": other, "on": false }),
            [no, no, "ok", "ok"],
        ),
        (
            &directory,
            json!({ "type": "role", "member": other, "role": "member" }),
            [no, no, "ok", "ok"],
        ),
        (
            &directory,
            json!({ "type": "role", "member": other, "role": "admin" }),
            [no, no, no, "ok"],
        ),
        (
            &directory,
            json!({ "type": "role", "member": other, "role": "member" }),
            [no, no, no, "ok"],
        ),
        (
            &directory,
            json!({ "type": "role", "member": cast.owner.id(), "role": "member" }),
            [no, no, no, no],
        ),
        (
            &directory,
            json!({ "type": "settings", "name": "New" }),
            [no, no, "ok", "ok"],
        ),
        (
            &directory,
            json!({ "type": "settings", "admission": "open" }),
            [no, no, "ok", "ok"],
        ),
        (&directory, message("x"), [no, no, no, no]),
        (
            &general,
            json!({ "type": "settings", "name": "New" }),
            [no, no, no, no],
        ),
        (
            &general,
            json!({ "type": "delete", "target": others }),
            [no, no, "ok", "ok"],
        ),
        (
            &general,
            json!({ "type": "reaction", "target": others, "emoji": "x", "on": true }),
            ["not_found"; 4],
        ),
    ];
    for (room, content, expected) in table {
        for ((role, client), expected) in cast.each().into_iter().zip(expected) {
            let answer = client.put(room, content.clone()).await;
            assert_eq!(code(&answer), expected, "{role}: {content}");
        }
    }
    for kind in ["public", "private"] {
        for (role, client) in cast.each() {
            let mut create = json!({ "type": "room_created", "kind": kind, "name": "r" });
            if kind == "private" {
                create["members"] = json!([client.id()]);
            }
            let answer = client.put(&uuid::Uuid::now_v7().to_string(), create).await;
            assert_eq!(
                code(&answer),
                if role == "guest" { no } else { "ok" },
                "{role}: {kind}"
            );
        }
    }
    let public = cast.other.make_room("public", "open", &[]).await;
    let expected = ["not_found", "ok", "ok", "ok"];
    for ((role, client), expected) in cast.each().into_iter().zip(expected) {
        let answer = client.put(&public, json!({ "type": "joined" })).await;
        assert_eq!(code(&answer), expected, "{role} joins");
    }
}

/// Rights that hang on who made the room.
#[tokio::test]
async fn a_rooms_creator_keeps_it_until_gone() {
    let place = Place::new().await;
    let mut cast = Cast::new(&place).await;
    let (guest, member, other) = (cast.guest.id(), cast.member.id(), cast.other.id());
    let all = [&member, &guest, &other].map(|id| id.as_str());
    let room = cast.member.make_room("private", "kept", &all).await;
    let topic = json!({ "type": "room_changed", "topic": "t" });
    let no = || Err("not_allowed".into());

    assert_eq!(
        cast.other.put(&room, topic.clone()).await,
        no(),
        "not its creator"
    );
    assert_eq!(cast.other.put(&room, on("removed", &guest)).await, no());
    assert!(cast.member.put(&room, topic.clone()).await.is_ok());
    // An admin must be in it first.
    assert_eq!(
        cast.admin.put(&room, topic.clone()).await,
        Err("not_found".into())
    );
    cast.other
        .put(&room, on("invited", &cast.admin.id()))
        .await
        .unwrap();
    assert!(cast.admin.put(&room, topic.clone()).await.is_ok());
    assert_eq!(
        cast.guest.put(&room, on("invited", &cast.owner.id())).await,
        no()
    );

    cast.member
        .put(&room, json!({ "type": "left" }))
        .await
        .unwrap();
    assert!(
        cast.other.put(&room, topic.clone()).await.is_ok(),
        "any member now"
    );
    assert_eq!(cast.guest.put(&room, topic).await, no(), "but no guest");
}

#[tokio::test]
async fn an_archived_room_takes_only_what_brings_it_back_or_leaves() {
    let place = Place::new().await;
    let mut cast = Cast::new(&place).await;
    let ids = [cast.member.id(), cast.other.id()];
    let room = cast
        .member
        .make_room("private", "old", &[&ids[0], &ids[1]])
        .await;
    let said = cast.member.say(&room, "x").await["id"].clone();
    cast.member
        .put(&room, json!({ "type": "room_changed", "archived": true }))
        .await
        .unwrap();
    for content in [
        message("y"),
        json!({ "type": "edit", "target": said, "text": "z" }),
        json!({ "type": "reaction", "target": said, "emoji": "x", "on": true }),
        on("invited", &cast.admin.id()),
    ] {
        let answer = cast.member.put(&room, content.clone()).await;
        assert_eq!(code(&answer), "not_allowed", "{content}");
    }
    cast.other
        .put(&room, json!({ "type": "left" }))
        .await
        .unwrap();
    cast.member
        .put(&room, json!({ "type": "room_changed", "archived": false }))
        .await
        .unwrap();
    cast.member.say(&room, "again").await;
}
