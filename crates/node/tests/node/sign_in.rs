//! Who comes in, and who does not.

use std::time::Duration;

use landline_node::Rates;
use landline_protocol::{Admission, MemberId};
use serde_json::json;

use crate::client::{Client, key};
use crate::place::Place;

fn member(name: &str) -> MemberId {
    MemberId::from_bytes(key(name).verifying_key().to_bytes())
}

#[tokio::test]
async fn the_first_member_owns_the_space_and_is_in_general() {
    let place = Place::new().await;
    let (ann, answer) = Client::try_enter(place.address(), "ann").await.unwrap();
    assert_eq!(
        answer["me"],
        json!({ "id": ann.id(), "name": "ann", "role": "owner" })
    );
    assert_eq!(answer["space"]["name"], "Test");
    assert_eq!(answer["rooms"][0]["name"], "general");
    assert_eq!(answer["rooms"][0]["everyone"], true);
    assert_eq!(answer["rooms"][0]["member_count"], 1);
    assert_eq!(answer["more"], false);
    assert_eq!(answer["directory_head"], 2);
    assert_eq!(answer["session"].as_str().unwrap().len(), 43);
    let (_ben, answer) = Client::try_enter(place.address(), "ben").await.unwrap();
    assert_eq!(answer["me"]["role"], "member");
    assert_eq!(answer["rooms"][0]["member_count"], 2);
}

#[tokio::test]
async fn a_node_with_an_owner_waits_for_that_one() {
    let place = Place::with(|config| config.owner = Some(member("ben"))).await;
    let (_ann, answer) = Client::try_enter(place.address(), "ann").await.unwrap();
    assert_eq!(answer["me"]["role"], "member");
    let (_ben, answer) = Client::try_enter(place.address(), "ben").await.unwrap();
    assert_eq!(answer["me"]["role"], "owner");
}

#[tokio::test]
async fn who_comes_back_keeps_their_name_and_is_written_down_once() {
    let mut place = Place::new().await;
    let ann = Client::enter(place.address(), "ann").await;
    drop(ann);
    place.restart().await;
    let mut ann = Client::connect(place.address(), "ann").await;
    let answer = ann
        .sign_in(json!({ "name": "other", "passcode": "?", "invite": "?" }))
        .await;
    let answer = answer.unwrap();
    assert_eq!(answer["me"]["name"], "ann");
    assert_eq!(answer["directory_head"], 2);
}

#[tokio::test]
async fn the_directory_tells_who_came() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let ben = Client::enter(place.address(), "ben").await;
    let directory = ann.space();
    let news = ann
        .push_where("events", |push| push["room"] == json!(directory))
        .await;
    assert_eq!(news["events"][0]["content"]["member"], json!(ben.id()));
    let log = ann.log(&directory).await;
    let types: Vec<_> = log
        .iter()
        .map(|event| event["content"]["type"].as_str())
        .collect();
    assert_eq!(
        types,
        [Some("space_created"), Some("admitted"), Some("admitted")]
    );
    assert!(
        log.iter()
            .all(|event| event["author"] == ann.welcome["node"]["id"])
    );
}

#[tokio::test]
async fn only_the_right_signature_over_this_connections_nonce_opens() {
    let place = Place::new().await;
    let mut other = Client::connect(place.address(), "ann").await;
    let stolen = other.sign_in_payload()["signature"].clone();

    let mut ann = Client::connect(place.address(), "ann").await;
    let cases = [
        (json!({ "protocol": 2 }), "unsupported_protocol"),
        (json!({ "public_key": "short" }), "bad_request"),
        (json!({ "signature": stolen }), "bad_signature"),
        // Right this time, but the nonce has served.
        (json!({}), "bad_signature"),
    ];
    for (change, code) in cases {
        assert_eq!(
            ann.sign_in(change.clone()).await,
            Err(code.into()),
            "{change}"
        );
    }
    let mut eve = Client::connect(place.address(), "eve").await;
    let as_ann = json!({ "public_key": ann.id() });
    assert_eq!(eve.sign_in(as_ann).await, Err("bad_signature".into()));
    let mut weak = Client::connect(place.address(), "weak").await;
    let key_of_small_order = json!({ "public_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
    assert_eq!(
        weak.sign_in(key_of_small_order).await,
        Err("bad_signature".into())
    );

    assert!(other.sign_in(json!({})).await.is_ok());
    assert_eq!(
        other.sign_in(json!({})).await,
        Err("bad_request".into()),
        "twice"
    );
}

#[tokio::test]
async fn a_name_is_checked_before_anybody_is_let_in() {
    let place = Place::new().await;
    let long = "x".repeat(65);
    for (name, code) in [
        ("", "bad_request"),
        ("  ", "bad_request"),
        ("a\nb", "bad_request"),
        (&long, "too_large"),
    ] {
        let mut ann = Client::connect(place.address(), "ann").await;
        assert_eq!(
            ann.sign_in(json!({ "name": name })).await,
            Err(code.into()),
            "{name:?}"
        );
    }
    let mut ann = Client::connect(place.address(), "ann").await;
    let answer = ann.sign_in(json!({ "name": "  Ann  " })).await.unwrap();
    assert_eq!(
        (&answer["me"]["name"], &answer["directory_head"]),
        (&json!("Ann"), &json!(2))
    );
}

fn with_passcode(config: &mut landline_node::NodeConfig) {
    config.admission = Some(Admission::Passcode);
    config.passcode = Some("open sesame".to_owned());
}

#[tokio::test]
async fn a_passcode_lets_in_who_knows_it_and_guesses_run_out() {
    let mut place = Place::with(with_passcode).await;
    let mut ann = Client::connect(place.address(), "ann").await;
    assert_eq!(ann.welcome["space"]["admission"], "passcode");
    assert_eq!(
        ann.sign_in(json!({ "passcode": "open sesame" }))
            .await
            .unwrap()["me"]["role"],
        "owner"
    );

    let mut ben = Client::connect(place.address(), "ben").await;
    assert_eq!(
        ben.sign_in(json!({})).await,
        Err("wrong_passcode".into()),
        "none is no guess"
    );
    for guess in ["a", "b", "c"] {
        let mut ben = Client::connect(place.address(), "ben").await;
        assert_eq!(
            ben.sign_in(json!({ "passcode": guess })).await,
            Err("wrong_passcode".into())
        );
    }
    let mut ben = Client::connect(place.address(), "ben").await;
    let fourth = ben.sign_in(json!({ "passcode": "open sesame" })).await;
    assert_eq!(
        fourth,
        Err("too_many_requests".into()),
        "not even the right one now"
    );
    // Who is a member already needs none, and is not counted.
    Client::enter(place.address(), "ann").await;
    // It is asked for after a restart too, where nobody says so again.
    place.restart().await;
    let mut ben = Client::connect(place.address(), "ben").await;
    assert_eq!(
        ben.sign_in(json!({ "passcode": "open sesame" }))
            .await
            .unwrap()["me"]["role"],
        "member"
    );
}

#[tokio::test]
async fn an_owner_sets_and_removes_the_passcode_and_nobody_else_does() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let set = json!({ "passcode": "word" });
    assert_eq!(
        ben.ask("passcode_set", set.clone()).await,
        Err("not_allowed".into())
    );
    let directory = ann.space();
    let asks = json!({ "type": "settings", "admission": "passcode" });
    assert_eq!(
        ann.put(&directory, asks).await,
        Err("conflict".into()),
        "none is set yet"
    );
    let invites = json!({ "type": "settings", "admission": "invite" });
    assert_eq!(
        ann.put(&directory, invites).await,
        Err("conflict".into()),
        "nobody can be given an invitation yet"
    );

    assert_eq!(ann.ask("passcode_set", set).await, Ok(json!({})));
    assert_eq!(
        Client::connect(place.address(), "cy").await.welcome["space"]["admission"],
        "passcode"
    );
    assert_eq!(
        Client::try_enter(place.address(), "cy").await.err(),
        Some("wrong_passcode".into())
    );
    let mut cy = Client::connect(place.address(), "cy").await;
    assert!(cy.sign_in(json!({ "passcode": "word" })).await.is_ok());
    let mut dee = Client::connect(place.address(), "dee").await;
    assert_eq!(
        dee.sign_in(json!({ "invite": "x" })).await,
        Err("invite_invalid".into())
    );

    assert_eq!(
        ann.ask("passcode_set", json!({ "passcode": "" })).await,
        Ok(json!({}))
    );
    Client::enter(place.address(), "dee").await;
}

#[tokio::test]
async fn new_members_have_a_rate_and_old_ones_do_not() {
    let place = Place::with(|config| {
        config.rates = Rates {
            join: 3,
            ..config.rates
        }
    })
    .await;
    for name in ["ann", "ben", "cy"] {
        Client::enter(place.address(), name).await;
    }
    assert_eq!(
        Client::try_enter(place.address(), "dee").await.err(),
        Some("too_many_requests".into())
    );
    Client::enter(place.address(), "ann").await;
}

#[tokio::test]
async fn one_connection_too_many_closes_the_oldest() {
    let place = Place::new().await;
    let mut oldest = Client::enter(place.address(), "ann").await;
    let mut others = Vec::new();
    for _ in 0..15 {
        others.push(Client::enter(place.address(), "ann").await);
    }
    assert_eq!(oldest.push_within("goodbye", Duration::ZERO).await, None);
    let mut newest = Client::enter(place.address(), "ann").await;
    assert_eq!(
        oldest.push("goodbye").await["reason"],
        "too_many_connections"
    );
    assert!(oldest.is_closed().await);
    let general = newest.general().await;
    others[0].say(&general, "we others stay").await;
}

#[tokio::test]
async fn two_connections_of_a_newcomer_are_one_member() {
    let place = Place::new().await;
    let mut one = Client::connect(place.address(), "ann").await;
    let mut two = Client::connect(place.address(), "ann").await;
    let (first, second) = (one.sign_in_payload(), two.sign_in_payload());
    let (first, second) = (
        one.send("sign_in", first).await,
        two.send("sign_in", second).await,
    );
    assert_eq!(one.answer(&first).await.unwrap()["directory_head"], 2);
    assert_eq!(two.answer(&second).await.unwrap()["directory_head"], 2);
}

#[tokio::test]
async fn a_banned_one_is_closed_and_stays_out_until_the_ban_ends() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let directory = ann.space();
    let ban = |on: bool| json!({ "type": "banned", "member": member("ben"), "on": on });
    ann.put(&directory, ban(true)).await.unwrap();
    assert_eq!(ben.push("goodbye").await["reason"], "banned");
    assert!(ben.is_closed().await);
    assert_eq!(
        Client::try_enter(place.address(), "ben").await.err(),
        Some("banned".into())
    );
    ann.put(&directory, ban(false)).await.unwrap();
    Client::enter(place.address(), "ben").await;
}

#[tokio::test]
async fn who_leaves_the_space_is_closed_and_may_be_admitted_again() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let directory = ann.space();
    let left = json!({ "type": "left" });
    assert_eq!(
        ann.put(&directory, left.clone()).await,
        Err("not_allowed".into()),
        "the last owner"
    );
    ben.put(&directory, left).await.unwrap();
    assert_eq!(ben.push("goodbye").await["reason"], "removed");
    let (_ben, answer) = Client::try_enter(place.address(), "ben").await.unwrap();
    assert_eq!(answer["me"]["role"], "member");
}

#[tokio::test]
async fn a_guest_who_leaves_and_comes_back_is_a_guest() {
    let mut place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let ben = Client::enter(place.address(), "ben").await;
    let directory = ann.space();
    let guest = json!({ "type": "role", "member": ben.id(), "role": "guest" });
    ann.put(&directory, guest).await.unwrap();

    for restarts in [false, true, true] {
        let mut ben = Client::enter(place.address(), "ben").await;
        ben.put(&directory, json!({ "type": "left" }))
            .await
            .unwrap();
        if restarts {
            place.restart().await;
        }
        let (mut ben, answer) = Client::try_enter(place.address(), "ben").await.unwrap();
        assert_eq!(answer["me"]["role"], "guest", "{restarts}");
        let create = json!({ "type": "room_created", "kind": "public", "name": "mine" });
        assert_eq!(
            ben.put(&uuid::Uuid::now_v7().to_string(), create).await,
            Err("not_allowed".into())
        );
    }
    // Only whoever may change roles changes this one.
    let mut ann = Client::enter(place.address(), "ann").await;
    let member = json!({ "type": "role", "member": ben.id(), "role": "member" });
    ann.put(&directory, member).await.unwrap();
    let (_ben, answer) = Client::try_enter(place.address(), "ben").await.unwrap();
    assert_eq!(answer["me"]["role"], "member");
}
