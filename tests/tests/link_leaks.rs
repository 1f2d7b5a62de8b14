//! What a link leaves behind: nothing. A file and a process of its own, since it counts the
//! threads and open files of the process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a panic here is a failed test, and what is printed its report"
)]

use std::time::Duration;

use landline_client::TcpDial;
use landline_client::link::{Dial as _, LinkEvent, Target, Timing};
use landline_tests::proxy::Proxy;
use node::{Manners, Node};
use serde_json::json;
use tokio::time::timeout;

#[allow(dead_code, reason = "shared with link_faults.rs, which uses all of it")]
#[path = "link_faults/node.rs"]
mod node;

/// For anything that must happen at all.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_quick_reconnects_leak_no_task_thread_or_file() {
    let node = Node::start(Manners::Good);
    let proxy = Proxy::start(node.address).await.unwrap();
    let again = async |way: usize| {
        let target = Target {
            addresses: vec![proxy.address().to_string()],
            fingerprint: None,
        };
        let (link, mut events) = TcpDial::new(Timing::default()).dial(target).await.unwrap();
        link.send("echo", Some(1), json!({ "text": "x".repeat(50_000) }))
            .unwrap();
        match way % 5 {
            0 => link.cut(),
            1 => proxy.kill(),
            2 => proxy.finish(),
            3 => link.send("leave", None, json!({})).unwrap(),
            // The handle and the receiver are dropped in the middle of it all.
            _ => return,
        }
        let closed = async { while !matches!(events.recv().await, Some(LinkEvent::Closed(_))) {} };
        timeout(SOON, closed).await.expect("`Closed` comes");
    };
    for way in 0..10 {
        again(way).await;
    }
    settles("connections", 0, || proxy.open()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (tasks_before, threads_before, files_before) = (tasks(), entries("task"), entries("fd"));
    for way in 0..200 {
        again(way).await;
    }
    settles("connections", 0, || proxy.open()).await;
    settles("tasks", tasks_before, tasks).await;
    settles("threads", threads_before, || entries("task")).await;
    settles("files", files_before, || entries("fd")).await;
}

/// Tasks of this test's runtime.
fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Threads (`task`) or open files (`fd`) of this process.
fn entries(of: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{of}")).map_or(0, Iterator::count)
}

/// Waits until there are no more than there were.
async fn settles(what: &str, before: usize, now: impl Fn() -> usize) {
    let settled = timeout(SOON, async {
        while now() > before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(
        settled.await.is_ok(),
        "{what}: {before} before, {} now",
        now()
    );
}
