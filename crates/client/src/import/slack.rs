//! What an export of a Slack workspace holds: a ZIP file of `channels.json`, `users.json`, and for
//! each channel a folder with a file for each day.
//!
//! ```text
//! channels ─► for each: Step::Room ─► its days in order ─► Step::Message, Step::Change …
//! ```
//!
//! One day is held in memory at a time. People become names: there are no keys of theirs.

mod archive;
mod message;
mod text;

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;

use landline_protocol::Refusal;
use landline_protocol::limits::TOPIC_CHARS;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ChangeKind, ImportChange, LeftOut, NewRoom, Reason, Step, mark_of};
use archive::{Archive, at_most, listed};
use message::{Posted, origin};
use text::Meanings;

const CHANNELS: &str = "channels.json";
/// What lists rooms for some.
const PRIVATE: [&str; 3] = ["groups.json", "mpims.json", "dms.json"];
/// What else an export holds, and is nothing that was said.
const BESIDE: [&str; 8] = [
    CHANNELS,
    "users.json",
    "org_users.json",
    "integration_logs.json",
    "canvases.json",
    "lists.json",
    "huddle_transcripts.json",
    "file_conversations.json",
];

/// Channels in one list, and people in theirs.
const CHANNELS_LISTED: usize = 100_000;
const PEOPLE_LISTED: usize = 500_000;
/// Members and pins of a channel.
const CHANNEL_LISTED: usize = 200_000;
/// Messages of a day in one channel, more than one each second.
const DAY_MESSAGES: usize = 100_000;
/// Steps that a day of one channel becomes: its messages, and what became of them.
const DAY_STEPS: usize = 400_000;

/// An export of Slack that is being read.
#[derive(Debug)]
pub(super) struct SlackExport {
    archive: Archive,
    /// What is still to come, in order.
    channels: VecDeque<Channel>,
    /// The channel that is read.
    now: Option<Channel>,
    waiting: VecDeque<Step>,
    meanings: Meanings,
    left_out: LeftOut,
    parts: u64,
    parts_read: u64,
}

/// As `channels.json`, `groups.json`, `mpims.json` and `dms.json` have it.
#[derive(Debug, Default, Deserialize)]
struct Channel {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    topic: Words,
    #[serde(default)]
    purpose: Words,
    #[serde(default, deserialize_with = "at_most::<CHANNEL_LISTED, _, _>")]
    members: Vec<String>,
    #[serde(default, deserialize_with = "at_most::<CHANNEL_LISTED, _, _>")]
    pins: Vec<Pinned>,
    /// The parts of its days, in order.
    #[serde(skip)]
    days: VecDeque<usize>,
}

#[derive(Debug, Default, Deserialize)]
struct Words {
    #[serde(default)]
    value: String,
}

/// A pinned message, by its time.
#[derive(Debug, Deserialize)]
struct Pinned {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "type")]
    kind: String,
}

/// As `users.json` has it.
#[derive(Debug, Deserialize)]
struct User {
    id: String,
    #[serde(flatten)]
    names: message::UserNames,
    #[serde(default)]
    profile: message::UserNames,
}

impl SlackExport {
    /// Whether a file that begins so is a ZIP file.
    pub(super) fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
    }

    /// Refused where it is none, or its lists of people and channels can't be read.
    pub(super) fn open(file: File) -> Result<Self, Refusal> {
        let mut archive = Archive::open(file, CHANNELS)?;
        let mut channels: Vec<Channel> = archive.list::<CHANNELS_LISTED, _>(CHANNELS)?;
        let mut left_out = LeftOut::default();
        let users: Vec<User> = archive.list::<PEOPLE_LISTED, _>("users.json")?;
        let people = users.into_iter();
        let mut meanings = Meanings {
            people: people
                .map(|user| {
                    let name = user.profile.best().or_else(|| user.names.best());
                    let name = name.unwrap_or_else(|| user.id.clone());
                    (user.id, name)
                })
                .collect(),
            ..Meanings::default()
        };
        let mut folders: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for (at, name) in archive.parts() {
            match name.split_once('/') {
                Some((folder, day)) if is_day(day) => {
                    let days = folders.entry(folder.to_owned()).or_default();
                    days.insert(day.to_owned(), at);
                }
                None if BESIDE.contains(&name.as_str()) || PRIVATE.contains(&name.as_str()) => {}
                Some(_) | None => left_out.name(Reason::Stray, &name),
            }
        }
        for list in PRIVATE {
            for room in archive.list::<CHANNELS_LISTED, Channel>(list)? {
                left_out.name(Reason::PrivateRoom, &room.title(&meanings));
                // Its days are in a folder of its name, or of its id.
                folders.remove(&room.name);
                folders.remove(&room.id);
            }
        }
        let mut parts = 0;
        for channel in &mut channels {
            meanings
                .channels
                .insert(channel.id.clone(), channel.name.clone());
            channel.days = folders
                .remove(&channel.name)
                .unwrap_or_default()
                .into_values()
                .collect();
            parts += channel.days.len() as u64;
            if channel.is_archived {
                left_out.name(Reason::Archived, &channel.name);
            }
        }
        for folder in folders.keys() {
            left_out.name(Reason::Stray, folder);
        }
        Ok(Self {
            archive,
            channels: channels.into(),
            now: None,
            waiting: VecDeque::new(),
            meanings,
            left_out,
            parts,
            parts_read: 0,
        })
    }

    /// What comes next; `None` at the end.
    pub(super) fn step(&mut self) -> Result<Option<Step>, Refusal> {
        loop {
            if let Some(step) = self.waiting.pop_front() {
                return Ok(Some(step));
            }
            match self.now.as_mut().map(|channel| channel.days.pop_front()) {
                Some(Some(day)) => self.read_day(day),
                Some(None) => self.end_channel(),
                None => match self.channels.pop_front() {
                    Some(channel) => {
                        let topic = &channel.topic.value;
                        let topic = if topic.is_empty() {
                            &channel.purpose.value
                        } else {
                            topic
                        };
                        self.waiting.push_back(Step::Room(NewRoom {
                            name: message::clean_name(&channel.name).unwrap_or_default(),
                            topic: in_one_line(&text::to_markdown(topic, &self.meanings)),
                            private: false,
                            mark: mark_of(&channel.id),
                        }));
                        self.now = Some(channel);
                    }
                    None => return Ok(None),
                },
            }
        }
    }

    /// What there was and is left out, so far.
    pub(super) const fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// How many of how many days are read.
    pub(super) const fn progress(&self) -> (u64, u64) {
        (self.parts_read, self.parts)
    }

    /// A day that can't be read is told and passed over; the others are whole.
    fn read_day(&mut self, at: usize) {
        self.parts_read += 1;
        let number = self.parts_read;
        let Some(channel) = &self.now else { return };
        let bytes = match self.archive.read(at) {
            Ok(bytes) => bytes,
            Err(refusal) => return self.waiting.push_back(Step::Bad(number, refusal)),
        };
        let messages: Vec<&RawValue> = match listed::<DAY_MESSAGES, _>(&bytes) {
            Ok(messages) => messages,
            Err(error) => {
                let words = format!("a day of {} can't be read: {error}", channel.name);
                let refusal = Refusal::bad_request(words);
                return self.waiting.push_back(Step::Bad(number, refusal));
            }
        };
        // Only their times are held of all at once. One without a time is told first.
        let mut timed: Vec<(Option<i64>, &RawValue)> = messages
            .into_iter()
            .map(|message| (Posted::moment_of(message), message))
            .collect();
        timed.sort_by_key(|(moment, _)| *moment);
        for (line, (_, message)) in (1..).zip(timed) {
            if self.waiting.len() >= DAY_STEPS {
                let words = format!(
                    "a day of {} has more than {DAY_STEPS} messages, edits and reactions; the rest of it is passed over",
                    channel.name
                );
                self.waiting
                    .push_back(Step::Bad(number, Refusal::too_large(words)));
                return;
            }
            match Posted::read(message) {
                Ok(posted) => {
                    let steps = posted.steps(line, &channel.id, &self.meanings, &mut self.left_out);
                    self.waiting.extend(steps);
                }
                Err(refusal) => self.waiting.push_back(Step::Bad(line, refusal)),
            }
        }
    }

    fn end_channel(&mut self) {
        let Some(channel) = self.now.take() else {
            return;
        };
        let pins = channel.pins.iter().filter(|pin| pin.kind == "C");
        for (target, line) in pins.filter_map(|pin| origin(&channel.id, &pin.id)).zip(1..) {
            self.waiting.push_back(Step::Change(ImportChange {
                line,
                target,
                kind: ChangeKind::Pin,
            }));
        }
    }
}

impl Channel {
    /// What people call it: one without a name is called by its people.
    fn title(&self, meanings: &Meanings) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let people = self.members.iter().map(|id| {
            let name = meanings.people.get(id).unwrap_or(id);
            format!("@{name}")
        });
        people.collect::<Vec<_>>().join(", ")
    }
}

/// `2017-12-01.json`
fn is_day(name: &str) -> bool {
    name.strip_suffix(".json")
        .is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok())
}

/// As long as a topic may be.
fn in_one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean = words.chars().filter(|c| !c.is_control());
    clean.take(TOPIC_CHARS).collect()
}
