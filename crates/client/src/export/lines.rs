//! JSON Lines: every event as the node accepted it, one on a line, so that nothing is lost.
//! `docs/export.md` describes them for other programs.

use landline_protocol::{Content, EventId, MemberId, Refusal, RoomId, RoomKind, SpaceId};
use landline_store::log;
use serde::Serialize;
use serde_json::value::RawValue;

use super::attachments::Attachments;
use super::{PAGE_BYTES, PAGE_EVENTS, Progress, Writing, not_written};
use crate::ClientError;

/// What the first line says; a reader that knows a lower one only can't read the file.
pub(crate) const FORMAT: u32 = 1;

/// A line of an export. An import reads them into what is its own.
#[derive(Debug, Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(crate) enum Line<'l> {
    /// The first.
    Export {
        format: u32,
        space: Named<SpaceId>,
        by: Named<MemberId>,
        /// When: milliseconds since 1970.
        at: i64,
    },
    /// A room, whose events follow.
    Room {
        id: RoomId,
        kind: RoomKind,
        name: &'l str,
        topic: &'l str,
        archived: bool,
        /// All that the space has of it was there to be exported.
        complete: bool,
    },
    /// As on the wire, and the author's name.
    Event {
        room: RoomId,
        seq: u64,
        id: EventId,
        author: MemberId,
        name: String,
        sent_at: i64,
        accepted_at: i64,
        content: &'l RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        sig: Option<&'l str>,
    },
    /// The last: a file without it was cut short.
    End { rooms: u64, events: u64 },
}

/// An id with its name, for people.
#[derive(Debug, Serialize)]
pub(crate) struct Named<Id> {
    id: Id,
    name: String,
}

pub(super) fn write<P: FnMut(Progress)>(
    to: &mut Writing<'_, P>,
    files: &mut Attachments,
) -> Result<(), Refusal> {
    let source = to.source;
    put(
        to,
        &Line::Export {
            format: FORMAT,
            space: Named {
                id: source.space,
                name: source.space_name.clone(),
            },
            by: Named {
                id: source.me,
                name: to.names.get(source.me),
            },
            at: source.now,
        },
    )?;
    let mut events = 0;
    for room in &source.rooms {
        put(
            to,
            &Line::Room {
                id: room.id,
                kind: room.kind,
                name: &room.name,
                topic: &room.topic,
                archived: room.archived,
                complete: room.complete,
            },
        )?;
        events += log_of(to, files, room.id)?;
    }
    let rooms = source.rooms.len() as u64;
    put(to, &Line::End { rooms, events })
}

/// Writes the log of a room. How many events it had.
fn log_of<P: FnMut(Progress)>(
    to: &mut Writing<'_, P>,
    files: &mut Attachments,
    room: RoomId,
) -> Result<u64, Refusal> {
    let (mut after, mut count) = (0, 0);
    loop {
        let page = to.read(move |c| log::page_after(c, room, after, PAGE_EVENTS, PAGE_BYTES))?;
        let Some(last) = page.last() else {
            return Ok(count);
        };
        after = last.seq;
        for event in &page {
            if let Content::Message(message) = Content::read(&event.content) {
                to.messages += 1;
                for file in &message.files {
                    let put = files.put(file);
                    put.map_err(|error| not_written(files.folder(), &error))?;
                }
            }
            let name = to.names.get(event.author);
            put(
                to,
                &Line::Event {
                    room: event.room,
                    seq: event.seq,
                    id: event.id,
                    author: event.author,
                    name,
                    sent_at: event.sent_at,
                    accepted_at: event.accepted_at,
                    content: &event.content,
                    sig: event.sig.as_deref(),
                },
            )?;
        }
        count += page.len() as u64;
        to.step(page.len())?;
    }
}

fn put<P: FnMut(Progress)>(to: &mut Writing<'_, P>, line: &Line<'_>) -> Result<(), Refusal> {
    let mut line = serde_json::to_string(line).map_err(ClientError::from)?;
    line.push('\n');
    to.put(&line)
}
