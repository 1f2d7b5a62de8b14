//! Everybody comes back at one moment.

use std::time::Duration;

use futures_util::future::join_all;
use landline_tests::Lan;
use landline_tests::raw::Raw;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Who comes back at the same moment, without any back-off.
const CROWD: usize = 1_000;
/// For all of them to be signed in, unoptimised, on a machine that has other things to do.
const ALL_IN: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_who_come_back_at_once_all_get_in_while_one_goes_on_talking() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let rates = [
        "--join-rate",
        "0",
        "--append-rate",
        "0",
        "--request-rate",
        "0",
    ];
    let mut lan = Lan::with(&rates);
    let ana = lan.person("ana").await;
    let general = ana.room("general").await;
    lan.node.kill();
    ana.disconnected().await;
    lan.node.start_again();
    ana.connected().await;
    let node = lan.node.address();
    let (are_in, _) = watch::channel(0);
    let crowd = async {
        // They keep at it as clients do: a refused or lost connection is tried again.
        let comes = async |n: usize| loop {
            let seed = (n % 250) as u8 + 1;
            let entered = timeout(Duration::from_secs(60), Raw::enter(node, seed)).await;
            if let Ok(Some(mut raw)) = entered {
                are_in.send_modify(|count| *count += 1);
                let mut all = are_in.subscribe();
                tokio::select! {
                    _ = all.wait_for(|count| *count == CROWD) => return raw,
                    // Who answers no ping is sent away.
                    () = reads_on(&mut raw) => are_in.send_modify(|count| *count -= 1),
                }
            }
            sleep(Duration::from_millis(200)).await;
        };
        timeout(ALL_IN, join_all((0..CROWD).map(comes)))
            .await
            .expect("all are in")
    };
    let talk = async {
        let mut said = 0;
        loop {
            ana.write(general, &format!("in the crowd {said}")).await;
            // Within the limit of every other test: nobody is starved.
            ana.all_sent().await;
            said += 1;
        }
    };
    let mut crowd = tokio::select! {
        crowd = crowd => crowd,
        () = talk => unreachable!("it talks for ever"),
    };
    ana.write(general, "last").await;
    ana.all_sent().await;
    let mine = crowd
        .iter_mut()
        .take(10)
        .map(|raw| raw.ask("my_rooms", json!({})));
    join_all(mine).await;
    let texts = ana.texts(general).await;
    assert!(texts.len() > 1, "she has talked meanwhile: {texts:?}");
    let expected = (0..texts.len() - 1).map(|n| format!("in the crowd {n}"));
    assert_eq!(texts[..texts.len() - 1], expected.collect::<Vec<_>>());
}

/// Until the node has closed.
async fn reads_on(raw: &mut Raw) {
    while raw.packet().await.is_some() {}
}
