//! What part of a busy room's packets is marks: how far everybody has received and read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use memchr::memmem;
use serde_json::json;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, interval_at, sleep_until};

use crate::raw::{Frame, Raw};
use crate::server::{Kind, Person, Server, post};

/// The numbers of the requests.
const APPEND: u64 = 1;
const MARK: u64 = 2;
/// Between two marks of one person in a room of more than a hundred, as the client core sends them
/// (`crates/client/src/engine/marks.rs`).
const MARK_EVERY: Duration = Duration::from_secs(5);

/// Packets by what they are: `mark` and `append` go to the node, each has its answer, the rest
/// comes by itself.
pub(crate) type Packets = BTreeMap<String, u64>;

/// Those that are there for the marks, and all of them.
pub(crate) fn share(packets: &Packets) -> (u64, u64) {
    let of_marks = ["mark", "answer to mark", "marks"];
    let counted = of_marks.iter().filter_map(|name| packets.get(*name));
    (counted.sum(), packets.values().sum())
}

/// In a room of so many people some write, one message each in so long; all mark what has come as
/// read, as a focused window at the end of the room does.
pub(crate) async fn run(
    server: &Server,
    people: usize,
    senders: usize,
    every: Duration,
    time: Duration,
    texts: &[String],
) -> anyhow::Result<Packets> {
    LocalSet::new()
        .run_until(async {
            let everybody: Vec<Person> = (0..people).map(Person::new).collect();
            server.admit(everybody.iter()).await?;
            let mut entered = Vec::with_capacity(people);
            for person in &everybody {
                entered.push(server.enter(person, 0).await?);
            }
            let packets = Rc::new(RefCell::new(Packets::new()));
            // What the last of them set off (joins, presence) is over by then.
            let begin = Instant::now() + Duration::from_millis(500);
            let mut all = JoinSet::new();
            for (number, (raw, room)) in entered.into_iter().enumerate() {
                let part = Part {
                    raw,
                    room,
                    packets: packets.clone(),
                    texts: texts.iter().skip(number).cloned().collect(),
                };
                let share = number as f64 / senders as f64;
                let first = (number < senders).then(|| begin + every.mul_f64(share));
                all.spawn_local(part.take(begin, time, first, every));
            }
            while let Some(ended) = all.join_next().await {
                ended??;
            }
            let packets = packets.take();
            ensure!(packets.contains_key("mark"), "nobody has marked anything");
            Ok(packets)
        })
        .await
}

struct Part {
    raw: Raw,
    room: String,
    packets: Rc<RefCell<Packets>>,
    texts: Vec<String>,
}

impl Part {
    /// `first`: when one writes for the first time, if at all.
    async fn take(
        mut self,
        begin: Instant,
        time: Duration,
        first: Option<Instant>,
        every: Duration,
    ) -> anyhow::Result<()> {
        let relays = Kind::Landline.relays(&self.room);
        let mut pen = interval_at(first.unwrap_or(begin), every);
        let (mut here, mut marked, mut next_mark) = (0, 0, begin);
        let mut texts = self.texts.iter().cycle();
        let end = sleep_until(begin + time);
        tokio::pin!(end);
        loop {
            let is_counted = Instant::now() >= begin;
            let count = |name: &str| {
                if is_counted {
                    *self
                        .packets
                        .borrow_mut()
                        .entry(name.to_owned())
                        .or_default() += 1;
                }
            };
            tokio::select! {
                () = &mut end => return Ok(()),
                frame = self.raw.next() => match frame? {
                    Frame::Event(packet) => {
                        count(name_of(packet)?);
                        if packet.starts_with(&relays) {
                            here = last_seq(packet)?;
                        }
                    }
                    Frame::Ack(MARK, answer) => {
                        let refused = memmem::find(answer, b"\"error\"").is_some();
                        ensure!(!refused, "refused: {}", String::from_utf8_lossy(answer));
                        count("answer to mark");
                    }
                    Frame::Ack(..) => count("answer to append"),
                },
                _ = pen.tick(), if first.is_some() => {
                    count("append");
                    let text = texts.next().context("a text")?;
                    post(Kind::Landline, &mut self.raw, &self.room, APPEND, text).await?;
                }
                () = sleep_until(next_mark), if here > marked => {
                    count("mark");
                    let mark = json!({"room": self.room, "delivered": here, "read": here});
                    self.raw.emit(MARK, "mark", &mark).await?;
                    (marked, next_mark) = (here, Instant::now() + MARK_EVERY);
                }
            }
        }
    }
}

/// Of `42["name",…]`.
fn name_of(packet: &[u8]) -> anyhow::Result<&str> {
    let name = packet.split(|byte| *byte == b'"').nth(1);
    Ok(std::str::from_utf8(name.context("an event's name")?)?)
}

fn last_seq(packet: &[u8]) -> anyhow::Result<u64> {
    const SEQ: &[u8] = b"\"seq\":";
    let at = memmem::rfind(packet, SEQ).context("a seq")? + SEQ.len();
    let digits = packet.get(at..).unwrap_or_default();
    let end = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    Ok(std::str::from_utf8(digits.get(..end).unwrap_or_default())?.parse()?)
}
