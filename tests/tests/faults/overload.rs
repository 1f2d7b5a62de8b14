//! More than the node takes, and a reader who takes too little.

use std::time::Duration;

use landline_tests::proxy::Weather;
use landline_tests::{Lan, Person, logs};

/// Messages of each of three who write faster than they may.
const EACH: usize = 300;

/// Past its rates a node slows its senders. Their outboxes wait; nothing fails, nothing is lost.
#[tokio::test]
async fn who_writes_faster_than_the_node_takes_is_slowed_and_loses_nothing() {
    // 300 at once, and then 30 a second.
    let lan = Lan::with(&["--append-rate", "20", "--join-rate", "0"]);
    let people = [
        lan.person("ana").await,
        lan.person("ben").await,
        lan.person("cem").await,
    ];
    let general = people[0].room("general").await;
    let write = async |person: &Person| {
        for n in 0..EACH {
            person
                .write(general, &format!("{} {n}", person.name()))
                .await;
        }
    };
    tokio::join!(write(&people[0]), write(&people[1]), write(&people[2]));
    for person in &people {
        person.all_sent().await;
    }
    let rows = logs::events(&lan.node.database());
    logs::assert_whole(&rows);
    let texts: Vec<_> = rows.iter().filter_map(logs::Row::text).collect();
    assert_eq!(texts.len(), 3 * EACH);
    for person in &people {
        person.holds(&rows).await;
        let own: Vec<_> = texts
            .iter()
            .filter(|text| text.starts_with(person.name()))
            .collect();
        let expected: Vec<_> = (0..EACH)
            .map(|n| format!("{} {n}", person.name()))
            .collect();
        assert_eq!(
            own,
            expected.iter().collect::<Vec<_>>(),
            "in the order written"
        );
    }
    let first = rows.iter().find(|row| row.kind == "message").unwrap();
    let last = rows.iter().rfind(|row| row.kind == "message").unwrap();
    // 300 of each: 200 at once, 100 at 20 a second.
    let took = Duration::from_millis((last.accepted_at - first.accepted_at) as u64);
    assert!(took > Duration::from_secs(3), "nobody was slowed: {took:?}");
}

/// Megabytes come while ben takes nothing: the node cuts him and holds none of it for him. Back, he
/// has all of it, in order.
#[tokio::test]
async fn a_reader_who_takes_nothing_is_cut_and_catches_up() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ben.room("general").await;
    ana.write(general, "before").await;
    ben.reads_texts(general, &["before"]).await;
    ben.proxy().set(Weather::BlackHole);
    let long = "x".repeat(16_000);
    let mut expected = vec!["before".to_owned()];
    for n in 0..1_500 {
        expected.push(format!("{n} {long}"));
        ana.write(general, &expected[n + 1]).await;
    }
    ana.all_sent().await;
    let memory = lan.node.resident_bytes();
    assert!(memory < 128 * 1024 * 1024, "{memory} bytes");
    ben.heal();
    ben.jolt();
    ben.connected().await;
    ben.reads_texts(general, &expected).await;
    ben.holds(&logs::events(&lan.node.database())).await;
}
