//! What somebody who is muted still may.

use serde_json::json;

use super::{Cast, code};
use crate::client::{Client, SILENCE, message};
use crate::place::Place;

/// Until a time that no test lives to see.
const UNTIL: i64 = 4_000_000_000_000;

#[tokio::test]
async fn a_muted_member_reads_deletes_leaves_and_asks_for_help() {
    let place = Place::new().await;
    let mut cast = Cast::new(&place).await;
    let general = cast.owner.general().await;
    let said = cast.member.say(&general, "oops").await["id"].clone();
    let directory = cast.owner.space();
    let mute = |until: i64| json!({ "type": "muted", "member": cast.member.id(), "until": until });
    let (mute, unmute) = (mute(UNTIL), mute(0));
    cast.admin.put(&directory, mute).await.unwrap();

    let own = cast.member.id();
    let direct = |to: &Client| {
        let ids = [own.parse().unwrap(), to.id().parse().unwrap()];
        let room = landline_protocol::direct_room_id(to.space().parse().unwrap(), &ids);
        let create = json!({ "type": "room_created", "kind": "direct", "name": "",
            "members": [own, to.id()] });
        (room.to_string(), create)
    };
    let (to_admin, create_admin) = direct(&cast.admin);
    let (to_other, create_other) = direct(&cast.other);
    for (room, content, expected) in [
        (&general, message("x"), "muted"),
        (
            &general,
            json!({ "type": "edit", "target": said, "text": "x" }),
            "muted",
        ),
        (
            &general,
            json!({ "type": "reaction", "target": said, "emoji": "x", "on": true }),
            "muted",
        ),
        (
            &directory,
            json!({ "type": "profile", "name": "x" }),
            "muted",
        ),
        (&to_other, create_other, "muted"),
        (&to_admin, create_admin, "ok"),
        (&to_admin, message("please"), "ok"),
        (&general, json!({ "type": "delete", "target": said }), "ok"),
    ] {
        assert_eq!(
            code(&cast.member.put(room, content.clone()).await),
            expected,
            "{content}"
        );
    }
    assert!(cast.member.log(&general).await.len() > 1);
    cast.admin.put(&directory, unmute).await.unwrap();
    cast.member.say(&general, "thank you").await;
}

#[tokio::test]
async fn a_muted_one_is_not_heard_by_other_means_than_messages_either() {
    let place = Place::new().await;
    let mut cast = Cast::new(&place).await;
    let (general, directory) = (cast.owner.general().await, cast.owner.space());
    let (own, owner) = (cast.admin.id(), cast.owner.id());
    let direct = landline_protocol::direct_room_id(
        directory.parse().unwrap(),
        &[own.parse().unwrap(), owner.parse().unwrap()],
    );
    let direct = direct.to_string();
    let create = json!({ "type": "room_created", "kind": "direct", "members": [own, owner] });
    cast.admin.put(&direct, create).await.unwrap();
    let presence = |state: &str, text: &str| json!({ "state": state, "text": text });
    let before = presence("online", "at lunch");
    cast.admin.ask("presence", before).await.unwrap();
    let mute = |until: i64| json!({ "type": "muted", "member": own, "until": until });
    cast.owner.put(&directory, mute(UNTIL)).await.unwrap();

    let types = |room: &str, on: bool| json!({ "room": room, "on": on });
    for (request, payload, expected) in [
        ("passcode_set", json!({ "passcode": "mine" }), "muted"),
        ("passcode_set", json!({ "passcode": "" }), "muted"),
        ("typing", types(&general, true), "muted"),
        ("typing", types(&general, false), "ok"),
        ("typing", types(&direct, true), "ok"),
        ("presence", presence("online", "hear me"), "muted"),
        ("presence", presence("away", "at lunch"), "ok"),
        ("presence", presence("dnd", ""), "ok"),
    ] {
        let answer = cast.admin.ask(request, payload.clone()).await;
        assert_eq!(code(&answer), expected, "{request} {payload}");
    }
    // Nothing of what was refused has been heard.
    let watched = json!({ "members": [own] });
    let watched = cast.other.ask("watch", watched).await.unwrap();
    assert_eq!(watched["presence"][0]["state"], "dnd");
    assert_eq!(watched["presence"][0]["text"], "");
    assert_eq!(cast.other.push_within("typing", SILENCE).await, None);
    Client::enter(place.address(), "who comes in without a passcode").await;

    cast.owner.put(&directory, mute(0)).await.unwrap();
    for (request, payload) in [
        ("typing", types(&general, true)),
        ("presence", presence("online", "back")),
        ("passcode_set", json!({ "passcode": "mine" })),
    ] {
        cast.admin.ask(request, payload).await.unwrap();
    }
}
