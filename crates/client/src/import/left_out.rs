//! What was there and could not be brought in, by its reason.

use std::collections::BTreeMap;

use serde::Serialize;
use ts_rs::TS;

/// Names kept for one reason; the others are only counted.
const NAMES: usize = 100;
/// Characters of a name that are kept.
const NAME_CHARS: usize = 120;

/// Why something was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, rename = "LeftOutReason")]
pub enum Reason {
    /// The bytes of a file are not in the export, or are others; the message names it.
    File,
    /// A room for some, in an export that says who may read it by keys that mean nothing here.
    PrivateRoom,
    /// Joined, left, a topic was set: what a room tells of itself.
    RoomChange,
    /// A message that was deleted before.
    Deleted,
    /// Of a reaction, who reacted: it stands under the name of whoever imports.
    Reactor,
    /// A reaction that is none here.
    Reaction,
    /// How a message read before its last edit.
    EarlierVersion,
    /// A room that was archived is open here.
    Archived,
    /// A kind of message or event that this version does not know.
    Unknown,
    /// A message without text and without files.
    Empty,
    /// A file in the export that is no part of one.
    Stray,
    /// The export ends before its end.
    CutShort,
    /// More reactions and pins than are kept for one room.
    TooMany,
}

impl Reason {
    /// In words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::File => {
                "files (their bytes are not in the export, or damaged; messages name them)"
            }
            Self::PrivateRoom => "private rooms and direct messages",
            Self::RoomChange => "joins, leaves and other changes of rooms",
            Self::Deleted => "messages that had been deleted",
            Self::Reactor => "who reacted (reactions stand under your name)",
            Self::Reaction => "reactions that can't be shown",
            Self::EarlierVersion => "earlier versions of edited messages",
            Self::Archived => "rooms were archived, and are open here",
            Self::Unknown => "messages of a kind that is not known",
            Self::Empty => "messages without a text",
            Self::Stray => "files in the export that are no part of one",
            Self::CutShort => "the end of the file is missing",
            Self::TooMany => "reactions and pins beyond the limit of one room",
        }
    }
}

/// How often, and of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    reasons: BTreeMap<Reason, (u64, Vec<String>)>,
}

impl LeftOut {
    /// One more, without a name.
    pub(crate) fn count(&mut self, reason: Reason) {
        self.count_many(reason, 1);
    }

    /// So many more, without names.
    pub(crate) fn count_many(&mut self, reason: Reason, more: u64) {
        let (count, _) = self.reasons.entry(reason).or_default();
        *count = count.saturating_add(more);
    }

    /// One more, by its name.
    pub(crate) fn name(&mut self, reason: Reason, name: &str) {
        let (count, names) = self.reasons.entry(reason).or_default();
        *count += 1;
        if names.len() < NAMES {
            names.push(name.chars().take(NAME_CHARS).collect());
        }
    }

    /// Each reason, how often it was one, and the names of the first hundred, where they have any.
    pub(super) fn each(&self) -> impl Iterator<Item = (Reason, u64, &[String])> {
        let reasons = self.reasons.iter();
        reasons.map(|(reason, (count, names))| (*reason, *count, names.as_slice()))
    }
}
