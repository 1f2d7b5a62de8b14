//! Rooms full of people: some write, all receive, every delivery is counted and its order checked.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};

use crate::machine::{Busy, Shares};
use crate::raw::{Frame, Raw};
use crate::server::{Kind, Person, Server, post};

/// After the last message was written, a run that has not ended by now has lost something.
const DRAIN_LIMIT: Duration = Duration::from_secs(60);
/// Between a message's number and its text. In no text that is sent.
const MARK: char = '\u{1f}';
/// As it stands in JSON.
const MARK_IN_JSON: &[u8] = b"\\u001f";
/// Above any count of one sender's messages in a run.
const SENDERS_SHARE: usize = 1 << 20;
/// How much of what it could a slow reader reads, and how often.
const SLOWLY: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) rooms: usize,
    /// In each room.
    pub(crate) people: usize,
    /// Of them, those who write.
    pub(crate) senders: usize,
    pub(crate) pace: Pace,
    /// How long they write.
    pub(crate) time: Duration,
    /// In the first room besides: half of them read slowly, half not at all. Nobody waits for them.
    pub(crate) slow: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As fast as answers come, so many unanswered at a time.
    InFlight(usize),
    /// One message of each sender in this time.
    Every(Duration),
}

/// What a run showed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) messages_a_second: f64,
    /// Milliseconds from writing a message to its last receiver, sorted.
    pub(crate) to_last: Vec<f64>,
    pub(crate) shares: Shares,
}

impl Outcome {
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let last = self.to_last.len().saturating_sub(1);
        self.to_last
            .get(last * percent / 100)
            .copied()
            .unwrap_or(f64::NAN)
    }
}

/// What all people of a run share.
struct Run {
    load: Load,
    kind: Kind,
    texts: Vec<String>,
    begun: Instant,
    /// Of each sender's messages: nanoseconds since the start when it was written, and when it was
    /// received last.
    times: Vec<RefCell<Vec<(u64, u64)>>>,
    /// Senders of each room that still write or wait for an answer.
    writing: Vec<Cell<usize>>,
    /// How many messages each room was sent in all, once that is known.
    totals: Vec<watch::Sender<Option<usize>>>,
}

impl Run {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// One sender of a room has all its answers.
    fn has_written(&self, room: usize) {
        let (Some(writing), Some(total)) = (self.writing.get(room), self.totals.get(room)) else {
            return;
        };
        writing.set(writing.get() - 1);
        if writing.get() == 0 {
            let senders = self.times.chunks(self.load.senders).nth(room);
            let written = senders.unwrap_or_default().iter();
            total.send_replace(Some(written.map(|times| times.borrow().len()).sum()));
        }
    }
}

/// Runs the load on a server that nobody else uses.
pub(crate) async fn run(server: &Server, load: Load, texts: &[String]) -> anyhow::Result<Outcome> {
    LocalSet::new()
        .run_until(run_here(server, load, texts))
        .await
}

async fn run_here(server: &Server, load: Load, texts: &[String]) -> anyhow::Result<Outcome> {
    let everybody = load.rooms * load.people + load.slow;
    let everybody: Vec<Person> = (0..everybody).map(Person::new).collect();
    server.admit(everybody.iter()).await?;
    // Room 0 has everybody of the space in it.
    let first = usize::from(load.rooms > 1);
    let (people, slow) = everybody.split_at(load.rooms * load.people);
    let mut entered = Vec::with_capacity(people.len());
    for (room, people) in people.chunks(load.people).enumerate() {
        for (number, person) in people.iter().enumerate() {
            let raw = server.enter(person, first + room).await;
            let raw = raw.with_context(|| format!("person {number} of room {room}"))?;
            entered.push((room, number, raw));
        }
    }
    let slow = slow_readers(server, slow).await?;
    // What the last of them set off (joins, presence) is over by then.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let run = Rc::new(Run {
        load,
        kind: server.kind,
        texts: texts.iter().map(|text| text.replace(MARK, " ")).collect(),
        begun: Instant::now(),
        times: (0..load.rooms * load.senders)
            .map(|_| RefCell::default())
            .collect(),
        writing: (0..load.rooms).map(|_| Cell::new(load.senders)).collect(),
        totals: (0..load.rooms).map(|_| watch::Sender::new(None)).collect(),
    });
    let busy = Busy::from_now(server.process()?)?;
    let mut people = JoinSet::new();
    for (room, number, (raw, name)) in entered {
        let total = run.totals.get(room).context("a room")?.subscribe();
        let tally = Tally {
            run: run.clone(),
            room,
            number,
            relays: server.kind.relays(&name),
            last_seq: 0,
            last_of: vec![None; load.senders],
            received: 0,
        };
        people.spawn_local(take_part(raw, name, tally, total));
    }
    let all = async {
        while let Some(ended) = people.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(load.time + DRAIN_LIMIT, all)
        .await
        .context("deliveries are missing")??;
    let shares = busy.until_now()?;
    drop(slow);
    Ok(outcome(&run, shares))
}

/// They are gone when this is dropped.
async fn slow_readers(server: &Server, people: &[Person]) -> anyhow::Result<JoinSet<()>> {
    let mut slow = JoinSet::new();
    for (number, person) in people.iter().enumerate() {
        let raw = Raw::connect_narrow(&server.address).await?;
        let (mut raw, _) = server.enter_on(raw, person, 0).await?;
        slow.spawn_local(async move {
            if number % 2 == 0 {
                std::future::pending::<()>().await;
            }
            // Until the server cuts it.
            while raw.next().await.is_ok() {
                tokio::time::sleep(SLOWLY).await;
            }
        });
    }
    Ok(slow)
}

fn outcome(run: &Run, shares: Shares) -> Outcome {
    let mut to_last = Vec::new();
    let mut end = 0;
    for times in &run.times {
        for &(sent, last) in times.borrow().iter() {
            to_last.push(last.saturating_sub(sent) as f64 / 1e6);
            end = end.max(last);
        }
    }
    to_last.sort_by(f64::total_cmp);
    Outcome {
        messages_a_second: to_last.len() as f64 / (end as f64 / 1e9),
        to_last,
        shares,
    }
}

/// What one person received.
struct Tally {
    run: Rc<Run>,
    room: usize,
    number: usize,
    /// How the packets begin that bring this room's messages.
    relays: Vec<u8>,
    last_seq: u64,
    /// The last message of each sender that arrived here.
    last_of: Vec<Option<usize>>,
    received: usize,
}

async fn take_part(
    mut raw: Raw,
    name: String,
    mut tally: Tally,
    mut total: watch::Receiver<Option<usize>>,
) -> anyhow::Result<()> {
    let run = tally.run.clone();
    let writes = tally.number < run.load.senders;
    let (mut written, mut answered, mut done) = (0, 0, !writes);
    let mut clock = None;
    match run.load.pace {
        Pace::InFlight(count) if writes => {
            while written < count {
                tally.write(&mut raw, &name, &mut written).await?;
            }
        }
        Pace::Every(time) if writes => {
            let offset = time.mul_f64(tally.number as f64 / run.load.senders as f64);
            let start = tokio::time::Instant::now() + offset;
            clock = Some(tokio::time::interval_at(start, time));
        }
        Pace::InFlight(_) | Pace::Every(_) => {}
    }
    loop {
        let on = run.begun.elapsed() < run.load.time;
        if !done && !on && answered == written {
            done = true;
            run.has_written(tally.room);
        }
        if total.borrow().is_some_and(|total| total == tally.received) {
            return Ok(());
        }
        let frame = tokio::select! {
            frame = raw.next() => frame?,
            () = tick(&mut clock), if !done => {
                if on {
                    tally.write(&mut raw, &name, &mut written).await?;
                }
                continue;
            }
            _ = total.changed(), if done => continue,
        };
        match frame {
            Frame::Event(packet) => tally.receive(packet)?,
            Frame::Ack(_, answer) => {
                let refused = memmem::find(answer, b"\"error\"").is_some();
                ensure!(!refused, "refused: {}", String::from_utf8_lossy(answer));
                answered += 1;
                if clock.is_none() && on {
                    tally.write(&mut raw, &name, &mut written).await?;
                }
            }
        }
    }
}

impl Tally {
    fn sender(&self, number: usize) -> Option<&RefCell<Vec<(u64, u64)>>> {
        self.run
            .times
            .get(self.room * self.run.load.senders + number)
    }

    async fn write(&self, raw: &mut Raw, room: &str, written: &mut usize) -> anyhow::Result<()> {
        let index = self.number * SENDERS_SHARE + *written;
        let run = &self.run;
        let text = run.texts.get((index + self.room) % run.texts.len());
        let text = format!("{MARK}{index}{MARK}{}", text.map_or("", String::as_str));
        if let Some(times) = self.sender(self.number) {
            times.borrow_mut().push((run.now(), 0));
        }
        *written += 1;
        post(run.kind, raw, room, index as u64, &text).await
    }

    /// Counts the messages in a packet and checks their order.
    fn receive(&mut self, packet: &[u8]) -> anyhow::Result<()> {
        if !packet.starts_with(&self.relays) {
            return Ok(());
        }
        let now = self.run.now();
        if self.run.kind == Kind::Landline {
            self.check_seqs(packet)?;
        }
        let mut marks = memmem::find_iter(packet, MARK_IN_JSON);
        while let (Some(start), Some(end)) = (marks.next(), marks.next()) {
            let digits = packet
                .get(start + MARK_IN_JSON.len()..end)
                .unwrap_or_default();
            let index = number(digits).context("a message that nobody wrote")?;
            let (sender, count) = (index / SENDERS_SHARE, index % SENDERS_SHARE);
            let Some(last) = self.last_of.get_mut(sender) else {
                bail!("a message of nobody")
            };
            if count != last.map_or(0, |last| last + 1) {
                bail!("person {}: message {count} after {last:?}", self.number);
            }
            *last = Some(count);
            if let Some(times) = self.sender(sender)
                && let Some((_, last)) = times.borrow_mut().get_mut(count)
            {
                *last = now;
            }
            self.received += 1;
        }
        Ok(())
    }

    fn check_seqs(&mut self, packet: &[u8]) -> anyhow::Result<()> {
        const KEY: &[u8] = b"\"seq\":";
        for at in memmem::find_iter(packet, KEY) {
            let digits = packet.get(at + KEY.len()..).unwrap_or_default();
            let end = digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let seq = digits.get(..end).and_then(number).context("a seq")? as u64;
            if self.last_seq != 0 && seq != self.last_seq + 1 {
                bail!("person {}: seq {seq} after {}", self.number, self.last_seq);
            }
            self.last_seq = seq;
        }
        Ok(())
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

async fn tick(clock: &mut Option<tokio::time::Interval>) {
    match clock {
        Some(clock) => {
            clock.tick().await;
        }
        None => std::future::pending().await,
    }
}
