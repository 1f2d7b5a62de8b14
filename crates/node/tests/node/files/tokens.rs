//! Bearer tokens that have ended.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::enter;
use crate::client::DEADLINE;
use crate::http::Http;
use crate::place::Place;

/// Waits until the node says of itself that it can store, or can't.
async fn until_health_is(http: &Http, status: u16) {
    let until = Instant::now() + DEADLINE;
    while http.send("GET", "/health", &[], b"").await.status != status {
        assert!(Instant::now() < until, "the node is never {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_token_that_ended_while_nothing_could_be_stored_is_not_good_after_a_restart() {
    let mut place = Place::new().await;
    let (mut ann, of_ann) = enter(&place, "ann").await;
    let (mut ben, of_ben) = enter(&place, "ben").await;
    let hash = of_ben.upload(b"ben's").await;
    assert_eq!(of_ben.get(&hash).await.status, 200);
    let disk = rusqlite::Connection::open(place.dir.path().join("node.sqlite")).unwrap();
    let stored = || -> i64 {
        let count = "SELECT count(*) FROM session";
        disk.query_row(count, [], |row| row.get(0)).unwrap()
    };
    let until = Instant::now() + DEADLINE;
    while stored() < 2 {
        assert!(Instant::now() < until, "the tokens are never stored");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // He leaves, and from then on the node can store nothing for a while.
    let left = json!({ "type": "left" });
    ben.put(&ann.space(), left).await.unwrap();
    // What follows from it is stored (a search waits for that): all that is left to store is the end
    // of his token.
    ann.ask("search", json!({ "query": "x" })).await.unwrap();
    disk.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(of_ben.get(&hash).await.status, 401);
    until_health_is(&of_ann, 503).await;
    disk.execute_batch("ROLLBACK").unwrap();
    until_health_is(&of_ann, 200).await;

    let (_ben, again) = enter(&place, "ben").await;
    assert_eq!(again.get(&hash).await.status, 200);
    place.restart().await;
    let at = |http: &Http| Http::new(place.address(), &http.token);
    assert_eq!(at(&again).get(&hash).await.status, 200);
    assert_eq!(at(&of_ben).get(&hash).await.status, 401, "it had ended");
}
