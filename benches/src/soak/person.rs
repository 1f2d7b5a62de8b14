//! One who comes and goes: is there for a while and writes, is cut off or leaves, comes back,
//! fetches what was missed, and sends again what nobody answered.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior};
use uuid::Uuid;

use super::Run;
use crate::raw::{Frame, Raw};
use crate::server::{Kind, Person, Server};

/// There and away, each on the average.
const PRESENT: Duration = Duration::from_secs(24);
const AWAY: Duration = Duration::from_secs(6);
/// Of the time, as follows from the two.
pub(super) const PRESENT_SHARE: f64 = 0.8;
/// Between two marks of what was read.
const MARK_EVERY: Duration = Duration::from_secs(5);
/// Events of a `fetch`.
const PAGE: u64 = 500;
/// The numbers of the requests.
const APPEND: u64 = 1;
const FETCH: u64 = 2;
const MARK: u64 = 3;

struct Here {
    run: Rc<Run>,
    room: String,
    /// How the packets begin that bring its events.
    relays: Vec<u8>,
    dice: fastrand::Rng,
    /// Up to where every event has come here.
    last: u64,
    fetching: bool,
    /// Written and not answered; sent again with the same id after an absence.
    unsettled: Option<(Uuid, usize, Instant)>,
    /// Nothing is left to be written by this one.
    finished: bool,
}

/// From the first coming in until everything written by all is here.
pub(super) async fn live(
    server: Rc<Server>,
    run: Rc<Run>,
    person: Person,
    number: usize,
) -> anyhow::Result<()> {
    let mut here = Here {
        dice: fastrand::Rng::with_seed(run.seed.wrapping_mul(1_000_003) + number as u64),
        run,
        room: String::new(),
        relays: Vec::new(),
        last: 0,
        fetching: false,
        unsettled: None,
        finished: false,
    };
    loop {
        let (raw, room) = server
            .enter(&person, 0)
            .await
            .with_context(|| format!("person {number} comes in"))?;
        here.relays = Kind::Landline.relays(&room);
        here.room = room;
        here.run.connected.set(here.run.connected.get() + 1);
        let done = here.stay(raw).await;
        here.run.connected.set(here.run.connected.get() - 1);
        if done.with_context(|| format!("person {number}"))? {
            return Ok(());
        }
        here.run.absences.set(here.run.absences.get() + 1);
        tokio::time::sleep(here.about(AWAY)).await;
    }
}

impl Here {
    /// Spread as the times between independent events are, at most five times the average.
    fn about(&mut self, average: Duration) -> Duration {
        average.mul_f64((-self.dice.f64().max(1e-9).ln()).min(5.0))
    }

    /// True: all is written, and everything is here. False: time to go.
    async fn stay(&mut self, mut raw: Raw) -> anyhow::Result<bool> {
        let mut head = self.run.head.subscribe();
        let leave = tokio::time::sleep(self.about(PRESENT));
        tokio::pin!(leave);
        let mut pen = every(self.run.pace, self.dice.f64());
        let mut mark = every(MARK_EVERY, self.dice.f64());
        self.fetch(&mut raw).await?;
        if let Some((id, text, _)) = self.unsettled {
            self.append(&mut raw, id, text).await?;
        }
        loop {
            if head.borrow().is_some_and(|head| head == self.last) {
                return Ok(true);
            }
            tokio::select! {
                frame = raw.next() => match frame? {
                    Frame::Event(packet) => {
                        if packet.starts_with(&self.relays) && self.take(packet, false)? {
                            self.fetch(&mut raw).await?;
                        }
                    }
                    Frame::Ack(APPEND, answer) => self.settle(answer)?,
                    Frame::Ack(FETCH, answer) => {
                        if self.take_page(answer)? {
                            self.fetch(&mut raw).await?;
                        }
                    }
                    Frame::Ack(..) => {}
                },
                _ = pen.tick(), if !self.finished && self.unsettled.is_none() => {
                    self.write(&mut raw).await?;
                }
                _ = mark.tick() => {
                    let read = json!({"room": self.room, "delivered": self.last, "read": self.last});
                    raw.emit(MARK, "mark", &read).await?;
                }
                () = &mut leave, if head.borrow().is_none() => return Ok(false),
                changed = head.changed() => changed?,
            }
        }
    }

    async fn write(&mut self, raw: &mut Raw) -> anyhow::Result<()> {
        let left = self.run.left.get();
        if left == 0 {
            self.finished = true;
            self.run.writing.send_modify(|writing| *writing -= 1);
            return Ok(());
        }
        self.run.left.set(left - 1);
        self.append(raw, Uuid::now_v7(), left).await
    }

    async fn append(&mut self, raw: &mut Raw, id: Uuid, number: usize) -> anyhow::Result<()> {
        self.unsettled = Some((id, number, Instant::now()));
        let texts = &self.run.texts;
        let event = json!({
            "id": id, "room": self.room, "sent_at": 1_763_640_000_000_i64,
            "content": {"type": "message", "text": texts.get(number % texts.len())},
        });
        raw.emit(APPEND, "append", &json!({"events": [event]}))
            .await
    }

    fn settle(&mut self, answer: &[u8]) -> anyhow::Result<()> {
        let refused = memmem::find(answer, b"\"error\"").is_some();
        ensure!(!refused, "refused: {}", String::from_utf8_lossy(answer));
        let (.., written) = self.unsettled.take().context("an answer to nothing")?;
        let took = written.elapsed().as_secs_f64() * 1e3;
        self.run.latencies.borrow_mut().push(took);
        self.run.answered.set(self.run.answered.get() + 1);
        Ok(())
    }

    async fn fetch(&mut self, raw: &mut Raw) -> anyhow::Result<()> {
        self.fetching = true;
        let page = json!({"room": self.room, "after": self.last, "limit": PAGE});
        raw.emit(FETCH, "fetch", &page).await
    }

    /// True: there is more to fetch.
    fn take_page(&mut self, answer: &[u8]) -> anyhow::Result<bool> {
        const HEAD: &[u8] = b"\"head\":";
        self.fetching = false;
        self.take(answer, true)?;
        let at = memmem::rfind(answer, HEAD).context("a head")?;
        let head = number(answer.get(at + HEAD.len()..).unwrap_or_default())?;
        Ok(head > self.last)
    }

    /// Takes the events that come next. True: some before these are missing, and nobody has asked
    /// for them.
    fn take(&mut self, packet: &[u8], page: bool) -> anyhow::Result<bool> {
        const SEQ: &[u8] = b"\"seq\":";
        for at in memmem::find_iter(packet, SEQ) {
            let seq = number(packet.get(at + SEQ.len()..).unwrap_or_default())?;
            if seq <= self.last {
                continue;
            }
            if seq > self.last + 1 {
                if page {
                    bail!("a page has seq {seq} after {}", self.last);
                }
                return Ok(!self.fetching);
            }
            self.last = seq;
            if page {
                self.run.fetched.set(self.run.fetched.get() + 1);
            }
        }
        Ok(false)
    }
}

/// Beginning at a share of the time, so that people do not all do the same at once.
fn every(time: Duration, share: f64) -> Interval {
    let start = tokio::time::Instant::now() + time.mul_f64(share);
    let mut interval = tokio::time::interval_at(start, time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

fn number(digits: &[u8]) -> anyhow::Result<u64> {
    let end = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let digits = digits.get(..end).unwrap_or_default();
    Ok(std::str::from_utf8(digits)?.parse()?)
}
