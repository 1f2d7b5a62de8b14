//! What discovery leaves behind: nothing. A file and a process of its own, since it counts threads.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic here is a failed test"
)]

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use landline_discovery::{Advert, Discovery};
use landline_protocol::Admission;
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn nothing_runs_after_the_last_handle_is_gone_or_after_a_stop() {
    let mut kept = Vec::new();
    for stop in [false, true, false, true] {
        let socket = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let anna = Discovery::new_with_port(port);
        let near = anna.sightings();
        let advertised = anna.advertise(Advert {
            space: "0193e0f0-1111-7222-8333-444455556601".parse().unwrap(),
            name: "Workshop".to_owned(),
            fingerprint: None,
            admission: Admission::Open,
            bound: Ipv4Addr::UNSPECIFIED.into(),
            port: 7_717,
            host: "anna".to_owned(),
        });
        until(|| daemons() == 1).await;
        drop(near);
        if stop {
            anna.stop().await;
            // Handles that live on do no harm, and do nothing.
            kept.push((anna, advertised));
        } else {
            drop((anna, advertised));
        }
        until(|| daemons() == 0 && tasks() == 0).await;
    }
}

async fn until(so: impl Fn() -> bool) {
    let becomes = async {
        while !so() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let (daemons, tasks) = (daemons(), tasks());
    timeout(SOON, becomes)
        .await
        .unwrap_or_else(|_| panic!("{daemons} daemons, {tasks} tasks"));
}

/// Threads of mdns-sd in this process.
fn daemons() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == "mDNS_daemon").count()
}

fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}
