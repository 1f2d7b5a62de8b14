//! How many rooms somebody is in.

use landline_protocol::limits::{APPEND_EVENTS, ROOMS_PER_MEMBER};
use landline_protocol::{MemberId, direct_room_id};
use serde_json::{Value, json};

use crate::client::{Client, event};
use crate::place::Place;

#[tokio::test]
async fn nobody_is_kept_from_rooms_by_those_that_others_put_them_into() {
    let mut place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let space = ann.space().parse().unwrap();
    let mut others: Vec<MemberId> = Vec::new();
    for number in 0..10 {
        let client = Client::enter(place.address(), &format!("other {number}")).await;
        others.push(client.id().parse().unwrap());
    }
    // Each with Ann, Ben and some of the others. One of the rooms she is in is `general`.
    let rooms: Vec<Value> = (0..ROOMS_PER_MEMBER)
        .map(|set| {
            let some = others.iter().enumerate();
            let some = some.filter(|(at, _)| set & (1 << at) != 0);
            let mut members: Vec<MemberId> = some.map(|(_, member)| *member).collect();
            members.extend([
                ann.id().parse::<MemberId>().unwrap(),
                ben.id().parse().unwrap(),
            ]);
            let room = direct_room_id(space, &members).to_string();
            event(
                &room,
                json!({ "type": "room_created", "kind": "direct", "members": members }),
            )
        })
        .collect();
    let mut results = Vec::new();
    for some in rooms.chunks(APPEND_EVENTS) {
        results.extend(ann.append(json!(some)).await.unwrap());
    }
    let last = results.pop().unwrap();
    assert_eq!(last["error"]["code"], "too_large", "{last}");
    assert!(results.iter().all(|result| result["seq"] == 1));

    // It counts for her, before and after a restart, and not for him.
    for restarts in [false, true] {
        if restarts {
            place.restart().await;
            ann = Client::enter(place.address(), "ann").await;
            ben = Client::enter(place.address(), "ben").await;
        }
        let create = json!({ "type": "room_created", "kind": "public", "name": "hers" });
        let one_more = uuid::Uuid::now_v7().to_string();
        assert_eq!(ann.put(&one_more, create).await, Err("too_large".into()));
        let room = ben.make_room("public", "his", &[]).await;
        assert_eq!(
            ann.put(&room, json!({ "type": "joined" })).await,
            Err("too_large".into())
        );
    }
}
