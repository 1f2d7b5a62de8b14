//! What came of an import, for people and for scripts.

use std::fmt::{self, Display};

use landline_client::import::{Imported, LeftOut, Reason};
use landline_protocol::{Code, Refusal, RoomId, SpaceId};
use serde::Serialize;

use crate::output::count;

/// Refusals listed for people; the rest is counted.
const LISTED: usize = 20;
/// Names listed for people, for each reason.
const NAMED: usize = 5;

/// `import`: `{"space", "room", "name", "rooms", "lines", "imported", "already", "changes",
/// "files", "alone", "refused", "refusals", "refused_rooms", "left_out"}`
#[derive(Debug, Serialize)]
pub(super) struct Report {
    space: SpaceId,
    /// The first of the rooms; null where there is none.
    room: Option<RoomId>,
    name: Option<String>,
    rooms: Vec<ImportedRoom>,
    /// Lines in the file that are not empty; of Slack's, messages.
    lines: u64,
    /// Messages that are new in the rooms.
    imported: u64,
    /// Messages that were there before.
    already: u64,
    /// Edits, reactions and pins that are new.
    changes: u64,
    /// Files that were brought along.
    files: u64,
    /// Messages that stand by themselves, since the one they answer is not there.
    alone: u64,
    refused: u64,
    /// `{"line", "code", "message"}` of each refused line, of the first thousand.
    refusals: Vec<RefusedLine>,
    /// `{"name", "code", "message", "messages"}` of each room that nothing was put into.
    refused_rooms: Vec<RefusedRoom>,
    /// `{"reason", "count", "names"}`: what can't be said here.
    left_out: Vec<LeftOutLine>,
}

/// `{"room", "name", "imported", "already"}`
#[derive(Debug, Serialize)]
pub(super) struct ImportedRoom {
    room: RoomId,
    name: String,
    imported: u64,
    already: u64,
}

#[derive(Debug, Serialize)]
struct RefusedLine {
    line: u64,
    code: Code,
    message: String,
}

/// A room that can't be made here, and what is not brought in for it.
#[derive(Debug, Serialize)]
pub(super) struct RefusedRoom {
    name: String,
    code: Code,
    message: String,
    /// Of it in the file.
    pub(super) messages: u64,
}

#[derive(Debug, Serialize)]
struct LeftOutLine {
    reason: Reason,
    count: u64,
    names: Vec<String>,
}

impl ImportedRoom {
    pub(super) fn new(room: RoomId, name: String, done: &Imported) -> Self {
        Self {
            room,
            name,
            imported: done.imported,
            already: done.already,
        }
    }
}

impl RefusedRoom {
    pub(super) fn new(name: String, why: Refusal) -> Self {
        Self {
            name,
            code: why.code,
            message: why.message,
            messages: 0,
        }
    }
}

impl Report {
    pub(super) fn new(
        space: SpaceId,
        rooms: Vec<ImportedRoom>,
        lines: u64,
        done: Imported,
    ) -> Self {
        let refusals = done
            .refusals
            .into_iter()
            .map(|(line, refusal)| RefusedLine {
                line,
                code: refusal.code,
                message: refusal.message,
            })
            .collect();
        Self {
            space,
            room: rooms.first().map(|room| room.room),
            name: rooms.first().map(|room| room.name.clone()),
            rooms,
            lines,
            imported: done.imported,
            already: done.already,
            changes: done.changes,
            files: done.files,
            alone: done.alone,
            refused: done.refused,
            refusals,
            refused_rooms: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Nothing was refused.
    pub(super) fn is_whole(&self) -> bool {
        self.refused == 0 && self.refused_rooms.is_empty()
    }

    pub(super) fn without(mut self, refused_rooms: Vec<RefusedRoom>) -> Self {
        self.refused_rooms = refused_rooms;
        self
    }

    pub(super) fn leaving_out(mut self, left_out: &LeftOut) -> Self {
        let each = left_out.each().map(|(reason, count, names)| LeftOutLine {
            reason,
            count,
            names: names.to_vec(),
        });
        self.left_out = each.collect();
        self
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let into = match self.rooms.as_slice() {
            [one] => one.name.clone(),
            rooms => count(rooms.len() as u64, "room"),
        };
        writeln!(
            f,
            "{} imported into {into}, {} there before, {} refused",
            count(self.imported, "message"),
            self.already,
            self.refused
        )?;
        if self.changes > 0 {
            writeln!(f, "{} of edits, reactions and pins", self.changes)?;
        }
        if self.files > 0 {
            writeln!(f, "{} brought along", count(self.files, "file"))?;
        }
        if self.alone > 0 {
            let words = "stand by themselves: what they answer is not there";
            writeln!(f, "{} {words}", count(self.alone, "message"))?;
        }
        for left_out in &self.left_out {
            let words = left_out.reason.words();
            write!(f, "left out: {} {words}", left_out.count)?;
            let names = left_out.names.iter().take(NAMED);
            let names = names.map(String::as_str).collect::<Vec<_>>().join(", ");
            match (names.is_empty(), left_out.names.len() > NAMED) {
                (true, _) => writeln!(f)?,
                (false, false) => writeln!(f, ": {names}")?,
                (false, true) => writeln!(f, ": {names}, …")?,
            }
        }
        for room in self.refused_rooms.iter().take(LISTED) {
            let messages = count(room.messages, "message");
            writeln!(f, "  {}, with {messages}: {}", room.name, room.message)?;
        }
        match self.refused_rooms.len().saturating_sub(LISTED) {
            0 => {}
            more => writeln!(f, "  and {} more", count(more as u64, "room"))?,
        }
        for refused in self.refusals.iter().take(LISTED) {
            writeln!(f, "  line {}: {}", refused.line, refused.message)?;
        }
        match self.refused.saturating_sub(LISTED as u64) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}
