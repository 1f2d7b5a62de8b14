//! One room full of people: some write, all receive, every delivery is counted and checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::raw::{Frame, Raw};
use crate::server::{Kind, Server, post};

/// A run that has not ended by now has lost something.
const RUN_LIMIT: Duration = Duration::from_secs(120);
/// Between a message's number, its time and its text. In no text that is sent.
const MARK: char = '\u{1f}';

#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) people: usize,
    pub(crate) senders: usize,
    /// Messages of each sender.
    pub(crate) messages: usize,
    pub(crate) pace: Pace,
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

/// When each message was received last, in nanoseconds since the start.
struct Arrivals {
    begun: Instant,
    sent: Vec<AtomicU64>,
    last: Vec<AtomicU64>,
}

impl Arrivals {
    fn new(messages: usize) -> Self {
        let zeros = || (0..messages).map(|_| AtomicU64::new(0)).collect();
        Self {
            begun: Instant::now(),
            sent: zeros(),
            last: zeros(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Runs the load on a server that nobody else uses.
pub(crate) async fn run(server: &Server, load: Load, texts: &[String]) -> anyhow::Result<Outcome> {
    let total = load.senders * load.messages;
    let arrivals = Arc::new(Arrivals::new(total));
    let texts: Arc<[String]> = texts.iter().map(|text| text.replace(MARK, " ")).collect();
    let start = Arc::new(Barrier::new(load.people + 1));
    let mut people = JoinSet::new();
    for number in 0..load.people {
        let (raw, room) = server
            .enter(number)
            .await
            .with_context(|| format!("person {number}"))?;
        let person = Person {
            kind: server.kind,
            raw,
            room,
            number,
            load,
            texts: texts.clone(),
            arrivals: arrivals.clone(),
            last_seq: 0,
            last_of: vec![None; load.senders],
        };
        people.spawn(person.take_part(start.clone()));
    }
    start.wait().await;
    let begun = Instant::now();
    let all = async {
        while let Some(ended) = people.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(RUN_LIMIT, all)
        .await
        .context("deliveries are missing")??;
    let took = begun.elapsed();
    let mut to_last: Vec<f64> = (arrivals.sent.iter().zip(&arrivals.last))
        .map(|(sent, last)| {
            let (sent, last) = (sent.load(Ordering::Relaxed), last.load(Ordering::Relaxed));
            last.saturating_sub(sent) as f64 / 1e6
        })
        .collect();
    to_last.sort_by(f64::total_cmp);
    Ok(Outcome {
        messages_a_second: total as f64 / took.as_secs_f64(),
        to_last,
    })
}

struct Person {
    kind: Kind,
    raw: Raw,
    room: String,
    number: usize,
    load: Load,
    texts: Arc<[String]>,
    arrivals: Arc<Arrivals>,
    last_seq: u64,
    /// The last message of each sender that arrived here.
    last_of: Vec<Option<usize>>,
}

impl Person {
    async fn take_part(mut self, start: Arc<Barrier>) -> anyhow::Result<()> {
        start.wait().await;
        let mine = if self.number < self.load.senders {
            self.load.messages
        } else {
            0
        };
        let total = self.load.senders * self.load.messages;
        let (mut written, mut answered, mut received) = (0, 0, 0);
        if let Pace::InFlight(count) = self.load.pace {
            while written < mine.min(count) {
                self.write(written).await?;
                written += 1;
            }
        }
        let mut clock = match self.load.pace {
            Pace::Every(time) => {
                let offset = time.mul_f64(self.number as f64 / self.load.senders as f64);
                Some(tokio::time::interval_at(
                    tokio::time::Instant::now() + offset,
                    time,
                ))
            }
            Pace::InFlight(_) => None,
        };
        while received < total || answered < mine {
            let frame = tokio::select! {
                frame = self.raw.next() => frame?,
                () = tick(&mut clock), if written < mine => {
                    self.write(written).await?;
                    written += 1;
                    continue;
                }
            };
            match frame {
                Frame::Event(text) => received += self.receive(&text)?,
                Frame::Ack(_, answer) => {
                    ensure!(!answer.contains("\"error\""), "refused: {answer}");
                    answered += 1;
                    if clock.is_none() && written < mine {
                        self.write(written).await?;
                        written += 1;
                    }
                }
            }
        }
        ensure!(
            received == total,
            "person {} received {received} of {total}",
            self.number
        );
        Ok(())
    }

    async fn write(&mut self, count: usize) -> anyhow::Result<()> {
        let index = self.number * self.load.messages + count;
        let text = self
            .texts
            .get(index % self.texts.len())
            .map_or("", String::as_str);
        let text = format!("{MARK}{index}{MARK}{text}");
        if let Some(sent) = self.arrivals.sent.get(index) {
            sent.store(self.arrivals.now(), Ordering::Relaxed);
        }
        post(self.kind, &mut self.raw, &self.room, index as u64, &text).await
    }

    /// Counts the messages in a frame and checks their order.
    fn receive(&mut self, frame: &str) -> anyhow::Result<usize> {
        let now = self.arrivals.now();
        if self.kind == Kind::Landline {
            if !frame.starts_with("42[\"events\"") {
                return Ok(0);
            }
            self.check_seqs(frame)?;
        }
        // The mark is escaped in JSON.
        let mut parts = frame.split("\\u001f");
        parts.next();
        let mut count = 0;
        while let (Some(index), Some(_)) = (parts.next(), parts.next()) {
            let index: usize = index.parse().context("a message that nobody wrote")?;
            let sender = index / self.load.messages;
            let Some(last) = self.last_of.get_mut(sender) else {
                bail!("a message of nobody")
            };
            if last.is_some_and(|last| last + 1 != index) {
                bail!("person {}: {index} after {last:?}", self.number);
            }
            *last = Some(index);
            if let Some(arrival) = self.arrivals.last.get(index) {
                arrival.fetch_max(now, Ordering::Relaxed);
            }
            count += 1;
        }
        Ok(count)
    }

    fn check_seqs(&mut self, frame: &str) -> anyhow::Result<()> {
        const KEY: &str = "\"seq\":";
        for at in memmem::find_iter(frame.as_bytes(), KEY) {
            let digits = frame.get(at + KEY.len()..).unwrap_or_default();
            let end = digits.bytes().take_while(u8::is_ascii_digit).count();
            let Ok(seq) = digits.get(..end).unwrap_or_default().parse::<u64>() else {
                continue;
            };
            if self.last_seq != 0 && seq != self.last_seq + 1 {
                bail!("person {}: seq {seq} after {}", self.number, self.last_seq);
            }
            self.last_seq = seq;
        }
        Ok(())
    }
}

async fn tick(clock: &mut Option<tokio::time::Interval>) {
    match clock {
        Some(clock) => {
            clock.tick().await;
        }
        None => std::future::pending().await,
    }
}
