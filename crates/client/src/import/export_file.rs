//! What an export of ours holds (`docs/export.md`), read line by line.
//!
//! Messages and edits follow each other as in the log. Reactions and pins come at the end of their
//! room, as they stood in the end: all of them will be under one name.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use landline_protocol::limits::{NAME_CHARS, TEXT_BYTES};
use landline_protocol::{Content, EventId, MemberId, Message, Refusal, RoomId, RoomKind};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    ChangeKind, ImportChange, ImportFile, ImportMessage, LeftOut, Lines, NewRoom, Origin, Reason,
    Step, mark_of,
};
use crate::export::FORMAT;
use crate::export::attachments::{beside_lines, find};

/// Reactions and pins, and deleted messages, that are remembered of one room.
const REMEMBERED: usize = 500_000;

/// An export that is being read.
#[derive(Debug)]
pub(super) struct ExportFile {
    lines: Lines,
    /// The folder with the files of its messages.
    files: PathBuf,
    /// The room whose events are read.
    room: Option<RoomId>,
    /// What is known of it so far.
    so_far: SoFar,
    waiting: VecDeque<Step>,
    left_out: LeftOut,
    ended: bool,
}

/// What of a room must be known to its end.
#[derive(Debug, Default)]
struct SoFar {
    deleted: HashSet<EventId>,
    /// Who reacts to what with what, and the line that said so.
    reactions: BTreeMap<(EventId, String), (u64, BTreeSet<MemberId>)>,
    pins: BTreeMap<EventId, u64>,
}

/// Which line it is.
#[derive(Deserialize)]
struct Which {
    line: String,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Deserialize)]
struct RoomLine {
    id: RoomId,
    kind: RoomKind,
    name: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    archived: bool,
}

#[derive(Deserialize)]
struct EventLine {
    room: RoomId,
    id: EventId,
    author: MemberId,
    name: String,
    accepted_at: i64,
    content: Box<RawValue>,
}

impl ExportFile {
    /// Whether this is the first line of such a file.
    pub(super) fn begins(line: &[u8]) -> bool {
        serde_json::from_slice::<Which>(line).is_ok_and(|which| which.line == "export")
    }

    /// Refused where it is none, or one that a newer version has written. `path`: of the file; those
    /// of its messages stand beside it.
    pub(super) fn read(mut lines: Lines, path: &Path) -> Result<Self, Refusal> {
        let head: Option<Head> = match lines.next().map_err(|error| unreadable(&error))? {
            Some((_, Ok(line))) if Self::begins(line) => serde_json::from_slice(line).ok(),
            Some(_) | None => None,
        };
        match head {
            Some(head) if head.format <= FORMAT => Ok(Self {
                lines,
                files: beside_lines(path),
                room: None,
                so_far: SoFar::default(),
                waiting: VecDeque::new(),
                left_out: LeftOut::default(),
                ended: false,
            }),
            Some(_) => Err(Refusal::bad_request(
                "a newer Landline has written this export; update Landline on this computer",
            )),
            None => Err(Refusal::bad_request("the file is no export of Landline")),
        }
    }

    /// What comes next; `None` at the end.
    pub(super) fn step(&mut self) -> Result<Option<Step>, Refusal> {
        loop {
            if let Some(step) = self.waiting.pop_front() {
                return Ok(Some(step));
            }
            if self.ended {
                return Ok(None);
            }
            match self.lines.next().map_err(|error| unreadable(&error))? {
                Some((number, Ok(line))) => {
                    let line = line.to_owned();
                    if let Err(refusal) = self.take(number, &line) {
                        self.waiting.push_back(Step::Bad(number, refusal));
                    }
                }
                Some((number, Err(refusal))) => self.waiting.push_back(Step::Bad(number, refusal)),
                None => {
                    self.left_out.count(Reason::CutShort);
                    self.end_room();
                    self.ended = true;
                }
            }
        }
    }

    /// What there was and is left out, so far.
    pub(super) const fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    fn take(&mut self, number: u64, line: &[u8]) -> Result<(), Refusal> {
        let which: Which = parse(line)?;
        match which.line.as_str() {
            "room" => {
                let room: RoomLine = parse(line)?;
                self.end_room();
                if room.archived {
                    self.left_out.name(Reason::Archived, &room.name);
                }
                self.room = Some(room.id);
                let mut new = NewRoom {
                    mark: mark_of(&room.id.to_string()),
                    name: room.name,
                    topic: room.topic,
                    private: room.kind != RoomKind::Public,
                };
                // That of a direct room is all its people.
                if new.name.chars().count() > NAME_CHARS {
                    new.name = new.marked_name();
                }
                self.waiting.push_back(Step::Room(new));
            }
            "event" => {
                let event: EventLine = parse(line)?;
                if self.room != Some(event.room) {
                    return Err(Refusal::bad_request("it is not of the room before it"));
                }
                self.event(number, event);
            }
            "end" => {
                self.end_room();
                self.ended = true;
            }
            _ => self.left_out.count(Reason::Unknown),
        }
        Ok(())
    }

    fn event(&mut self, line: u64, event: EventLine) {
        match Content::read(&event.content) {
            Content::Message(message) if message.text.is_empty() && message.files.is_empty() => {
                self.left_out.count(Reason::Deleted);
                if self.so_far.deleted.len() < REMEMBERED {
                    self.so_far.deleted.insert(event.id);
                }
            }
            Content::Message(message) => {
                let step = self.message(line, event, message);
                self.waiting.push_back(step);
            }
            Content::Edit(edit)
                if !edit.text.is_empty() && !self.so_far.deleted.contains(&edit.target) =>
            {
                self.waiting.push_back(Step::Change(ImportChange {
                    line,
                    target: origin(edit.target),
                    kind: ChangeKind::Edit {
                        origin: origin(event.id),
                        text: edit.text,
                        mentions: edit.mentions,
                    },
                }));
            }
            Content::Edit(_) | Content::Delete(_) => {}
            Content::Reaction(reaction) => {
                let key = (reaction.target, reaction.emoji);
                if !reaction.on {
                    if let Some((_, who)) = self.so_far.reactions.get_mut(&key) {
                        who.remove(&event.author);
                    }
                } else if self.has_room() {
                    let (at, who) = self.so_far.reactions.entry(key).or_default();
                    *at = line;
                    who.insert(event.author);
                }
            }
            Content::Pin(pin) if pin.on => {
                if self.has_room() {
                    self.so_far.pins.insert(pin.target, line);
                }
            }
            Content::Pin(pin) => drop(self.so_far.pins.remove(&pin.target)),
            Content::Unknown => self.left_out.count(Reason::Unknown),
            _ => self.left_out.count(Reason::RoomChange),
        }
    }

    fn message(&mut self, line: u64, event: EventLine, message: Message) -> Step {
        let deleted = |id: &EventId| self.so_far.deleted.contains(id);
        let (author, at) = match message.imported {
            Some(imported) => (imported.name, imported.at),
            None => (event.name, event.accepted_at),
        };
        // Of a thread whose first message is gone, the next one becomes the first.
        let headless = message.thread.filter(deleted);
        let thread = message.thread.filter(|head| !deleted(head));
        let reply_to = message.reply_to.filter(|answered| !deleted(answered));
        let mut text = message.text;
        let mut files = Vec::new();
        for file in message.files {
            match find(&self.files, &file) {
                Some(from) => files.push(ImportFile { file, from }),
                None => {
                    self.left_out.name(Reason::File, &file.name);
                    name_file(&mut text, &file.name);
                }
            }
        }
        Step::Message(ImportMessage {
            line,
            origin: Some(origin(event.id)),
            topic: headless.map(|head| head.to_string()),
            thread: thread.map(origin),
            reply_to: reply_to.map(origin),
            author,
            at,
            text,
            mentions: message.mentions,
            files,
        })
    }

    fn has_room(&mut self) -> bool {
        let room = self.so_far.reactions.len() + self.so_far.pins.len() < REMEMBERED;
        if !room {
            self.left_out.count(Reason::TooMany);
        }
        room
    }

    /// How its messages stood in the end.
    fn end_room(&mut self) {
        let SoFar {
            deleted,
            reactions,
            pins,
        } = std::mem::take(&mut self.so_far);
        for ((target, emoji), (line, who)) in reactions {
            if deleted.contains(&target) || who.is_empty() {
                continue;
            }
            self.left_out.count_many(Reason::Reactor, who.len() as u64);
            self.waiting.push_back(Step::Change(ImportChange {
                line,
                target: origin(target),
                kind: ChangeKind::Reaction(emoji),
            }));
        }
        let pins = pins.into_iter();
        for (target, line) in pins.filter(|(target, _)| !deleted.contains(target)) {
            self.waiting.push_back(Step::Change(ImportChange {
                line,
                target: origin(target),
                kind: ChangeKind::Pin,
            }));
        }
    }
}

/// Names a file in the text of the message that had it.
pub(super) fn name_file(text: &mut String, name: &str) {
    let line = format!("📎 {}", as_words(name));
    if text.len() + line.len() < TEXT_BYTES {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&line);
    }
}

/// A name that somebody gave, as Markdown that shows it and is no markup.
pub(super) fn as_words(name: &str) -> String {
    let mut words = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() {
            words.push(' ');
            continue;
        }
        // The rest marks nothing within a line, and stays as people read and search it.
        if "\\`*_~[]<>&|".contains(c) {
            words.push('\\');
        }
        words.push(c);
    }
    words
}

/// An event's id is a time and a number: both are kept.
fn origin(id: EventId) -> Origin {
    let millis = id.as_bytes().iter().take(6);
    Origin {
        at: millis.fold(0, |at, byte| at << 8 | i64::from(*byte)),
        name: id.to_string(),
    }
}

fn parse<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(line)
        .map_err(|error| Refusal::bad_request(format!("not a line of an export: {error}")))
}

fn unreadable(error: &std::io::Error) -> Refusal {
    Refusal::bad_request(format!("the file can't be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_is_no_markup() {
        let mut text = "look".to_owned();
        name_file(&mut text, "a_b *c*\n# <img> [x](y) &amp; v1.2-3.pdf");
        assert_eq!(
            text,
            "look\n\n📎 a\\_b \\*c\\* # \\<img\\> \\[x\\](y) \\&amp; v1.2-3.pdf"
        );
    }
}
