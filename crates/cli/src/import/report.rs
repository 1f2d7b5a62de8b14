//! What came of an import, for people and for scripts.

use std::fmt::{self, Display};

use landline_client::import::ImportReport;
use serde::Serialize;

use crate::output::count;

/// Refusals listed for people; the rest is counted.
const LISTED: usize = 20;
/// Names listed for people, for each reason.
const NAMED: usize = 5;

/// `import`: `{"space", "room", "name", "rooms", "lines", "imported", "already", "changes",
/// "files", "alone", "refused", "refusals", "refused_rooms", "left_out"}`
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Report(pub(super) ImportReport);

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &self.0;
        let into = match report.rooms.as_slice() {
            [one] => one.name.clone(),
            rooms => count(rooms.len() as u64, "room"),
        };
        writeln!(
            f,
            "{} imported into {into}, {} there before, {} refused",
            count(report.imported, "message"),
            report.already,
            report.refused
        )?;
        if report.changes > 0 {
            writeln!(f, "{} of edits, reactions and pins", report.changes)?;
        }
        if report.files > 0 {
            writeln!(f, "{} brought along", count(report.files, "file"))?;
        }
        if report.alone > 0 {
            let words = "stand by themselves: what they answer is not there";
            writeln!(f, "{} {words}", count(report.alone, "message"))?;
        }
        for left_out in &report.left_out {
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
        for room in report.refused_rooms.iter().take(LISTED) {
            let messages = count(room.messages, "message");
            writeln!(f, "  {}, with {messages}: {}", room.name, room.message)?;
        }
        match report.refused_rooms.len().saturating_sub(LISTED) {
            0 => {}
            more => writeln!(f, "  and {} more", count(more as u64, "room"))?,
        }
        for refused in report.refusals.iter().take(LISTED) {
            writeln!(f, "  line {}: {}", refused.line, refused.message)?;
        }
        match report.refused.saturating_sub(LISTED as u64) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}
