//! Coming in: how many a second, what one who is in and silent costs, how fast an absence is made up.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use memchr::memmem;
use serde_json::json;
use uuid::Uuid;

use crate::machine::{Busy, Shares, resident_kib};
use crate::raw::{Frame, Raw};
use crate::server::{Kind, Person, Server};

/// People who come in at the same time.
const AT_ONCE: usize = 50;
/// Events in an `append` of the protocol, and in a page of `fetch`.
const APPEND: usize = 64;
const PAGE: usize = 500;

/// What coming in showed.
pub(crate) struct Joined {
    pub(crate) a_second: f64,
    pub(crate) shares: Shares,
    /// Resident memory of the server for each of them, in KiB.
    pub(crate) kib: f64,
    /// Resident memory of the server before, in KiB.
    pub(crate) idle_kib: u64,
}

/// `count` members come in, [`AT_ONCE`] at a time, and stay.
pub(crate) async fn run(server: &Server, count: usize) -> anyhow::Result<Joined> {
    let people: Vec<Person> = (0..count).map(Person::new).collect();
    server.admit(people.iter()).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle_kib = resident_kib(server.process()?)?;
    let busy = Busy::from_now(server.process()?)?;
    let begun = Instant::now();
    let inside = come_in(server, &people).await?;
    let took = begun.elapsed().as_secs_f64();
    let shares = busy.until_now()?;
    ensure!(inside.len() == count, "{} of {count} came in", inside.len());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let full = resident_kib(server.process()?)?;
    Ok(Joined {
        a_second: count as f64 / took,
        shares,
        kib: full.saturating_sub(idle_kib) as f64 / count as f64,
        idle_kib,
    })
}

async fn come_in(server: &Server, people: &[Person]) -> anyhow::Result<Vec<Raw>> {
    let mut inside = Vec::with_capacity(people.len());
    for some in people.chunks(AT_ONCE) {
        let entering = some.iter().map(|person| server.enter(person, 0));
        for entered in futures_util::future::join_all(entering).await {
            inside.push(entered?.0);
        }
    }
    Ok(inside)
}

/// Milliseconds from the first `fetch` to the last of so many messages, for somebody who comes back:
/// all pages asked for at once, since `sign_in` told the head. In this many rounds.
pub(crate) async fn backlog(
    messages: usize,
    rounds: usize,
    texts: &[String],
) -> anyhow::Result<Vec<f64>> {
    let server = Server::start(Kind::Landline).await?;
    let (mut raw, room) = server.enter(&Person::new(0), 0).await?;
    let head_before = 1; // general's `room_created`
    for from in (0..messages).step_by(APPEND) {
        let events: Vec<_> = (from..messages.min(from + APPEND))
            .map(|number| {
                let text = texts.get(number % texts.len());
                json!({"id": Uuid::now_v7(), "room": room, "sent_at": 1_763_640_000_000_i64,
                       "content": {"type": "message", "text": text}})
            })
            .collect();
        let answer = raw.ask("append", &json!({"events": events})).await?;
        ensure!(answer["ok"].is_object(), "append: {answer}");
    }
    let mut figures = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let (mut raw, _) = server.enter(&Person::new(1), 0).await?;
        let begun = Instant::now();
        for (number, after) in (head_before..=messages).step_by(PAGE).enumerate() {
            let page = json!({"room": room, "after": after, "limit": PAGE});
            raw.emit(number as u64, "fetch", &page).await?;
        }
        let mut received = 0;
        while received < messages {
            if let Frame::Ack(_, answer) = raw.next().await? {
                let found = memmem::find_iter(answer, b"\"seq\":").count();
                ensure!(found > 0, "{}", String::from_utf8_lossy(answer));
                received += found;
            }
        }
        figures.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(received == messages, "{received} of {messages}");
    }
    server.stop().await.context("stopping")?;
    Ok(figures)
}
