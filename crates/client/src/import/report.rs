//! What came of an import, room by room and reason by reason.

use landline_protocol::{Code, Refusal, RoomId, SpaceId};
use serde::Serialize;
use ts_rs::TS;

use super::{Imported, LeftOut, Reason};

/// How far an import is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct ImportProgress {
    /// Messages that are in the space now, new ones and those that were there before.
    pub messages: u64,
    /// How much of the file is read, and of how much: bytes, of Slack's files of days.
    pub read: u64,
    pub of: u64,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct ImportReport {
    pub space: SpaceId,
    /// The first of the rooms; null where there is none.
    pub room: Option<RoomId>,
    pub name: Option<String>,
    pub rooms: Vec<ImportedRoom>,
    /// Lines in the file that are not empty; of Slack's, messages.
    pub lines: u64,
    /// Messages that are new in the rooms.
    pub imported: u64,
    /// Messages that were there before, as far as this device knew when their room was begun.
    pub already: u64,
    /// Edits, reactions and pins that are new.
    pub changes: u64,
    /// Files that were brought along.
    pub files: u64,
    /// Messages that stand by themselves, since the one they answer is not there.
    pub alone: u64,
    pub refused: u64,
    /// Each refused line, of the first thousand.
    pub refusals: Vec<RefusedLine>,
    /// Each room that nothing was put into.
    pub refused_rooms: Vec<RefusedRoom>,
    /// What can't be said here.
    pub left_out: Vec<LeftOutLine>,
}

/// A room that something was put into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct ImportedRoom {
    pub room: RoomId,
    pub name: String,
    pub imported: u64,
    pub already: u64,
}

/// Why a line was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct RefusedLine {
    pub line: u64,
    pub code: Code,
    pub message: String,
}

/// A room that can't be made here, and what is not brought in for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct RefusedRoom {
    pub name: String,
    pub code: Code,
    pub message: String,
    /// Of it in the file.
    pub messages: u64,
}

/// How often something was left out for this reason, and the names of the first, where they have
/// any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct LeftOutLine {
    pub reason: Reason,
    pub count: u64,
    pub names: Vec<String>,
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
    pub(super) fn new(name: String, why: Refusal, messages: u64) -> Self {
        Self {
            name,
            code: why.code,
            message: why.message,
            messages,
        }
    }
}

impl ImportReport {
    /// `lines`: that were read.
    pub(super) fn new(
        space: SpaceId,
        lines: u64,
        done: Imported,
        rooms: Vec<ImportedRoom>,
        refused_rooms: Vec<RefusedRoom>,
        left_out: &LeftOut,
    ) -> Self {
        let refusals = done.refusals.into_iter();
        let left_out = left_out.each();
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
            refusals: refusals
                .map(|(line, refusal)| RefusedLine {
                    line,
                    code: refusal.code,
                    message: refusal.message,
                })
                .collect(),
            refused_rooms,
            left_out: left_out
                .map(|(reason, count, names)| LeftOutLine {
                    reason,
                    count,
                    names: names.to_vec(),
                })
                .collect(),
        }
    }

    /// Nothing was refused.
    pub fn is_whole(&self) -> bool {
        self.refused == 0 && self.refused_rooms.is_empty()
    }
}
