//! Search after an absence: what is found is what reads so now.

use std::collections::BTreeSet;

use landline_client::command::SearchFor;
use landline_protocol::EventId;
use landline_tests::deadline::eventually;
use landline_tests::{Lan, Person};

async fn found(by: &Person, query: &str) -> BTreeSet<EventId> {
    let search = SearchFor {
        space: by.space(),
        query: query.to_owned(),
        room: None,
        within: true,
        limit: 100,
    };
    let hits = by.client().search(search).await.unwrap().hits;
    hits.into_iter().map(|hit| hit.item.id).collect()
}

#[tokio::test]
async fn what_was_said_changed_and_deleted_while_one_was_away_is_found_as_it_reads_now() {
    let mut lan = Lan::start();
    let (ana, mut ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    let stays = ana.write(general, "the ladder is in the shed").await;
    let changes = ana.write(general, "the ladder is broken").await;
    let goes = ana.write(general, "who took my ladder").await;
    ana.all_sent().await;
    eventually("all three are found", async || {
        (found(&ben, "ladder").await == [stays, changes, goes].into()).then_some(())
    })
    .await;

    ben.cut();
    ben.disconnected().await;
    lan.node.kill();
    ana.edits(general, changes, "the bench is broken")
        .await
        .unwrap();
    ana.deletes(general, goes).await.unwrap();
    let new = ana.write(general, "a second ladder came").await;
    // As he knows it.
    assert_eq!(found(&ben, "ladder").await, [stays, changes, goes].into());
    lan.node.start_again();
    ana.all_sent().await;
    ben.start_again().await;
    ben.heal();
    for (query, ids) in [
        ("ladder", BTreeSet::from([stays, new])),
        ("from:ana lad", BTreeSet::from([stays, new])),
        ("\"second ladder\"", BTreeSet::from([new])),
        ("in:general bench", BTreeSet::from([changes])),
        ("from:ben ladder", BTreeSet::new()),
        ("took", BTreeSet::new()),
    ] {
        for person in [&ana, &ben] {
            let what = format!("{} finds {query}", person.name());
            eventually(&what, async || {
                (found(person, query).await == ids).then_some(())
            })
            .await;
        }
    }
}
