//! The engine's transactions on its store. Plain functions on a connection.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use landline_protocol::up::RoomInfo;
use landline_protocol::{Content, Event, EventId, MemberId, NewEvent, RoomId, SpaceId};
use landline_store::segments::Segment;
use landline_store::shelf::open_end;
use landline_store::{
    Connection, StoreError, apply, choices, listing, log, marks, outbox, segments, threads,
};

use super::room::{Room, created};
use crate::ClientError;
use crate::sync::{Span, Sync};

/// Everything that is known of a space's rooms at a start, the directory among them.
pub(super) fn load(
    c: &Connection,
    space: SpaceId,
    me: MemberId,
) -> Result<BTreeMap<RoomId, Room>, ClientError> {
    let mut rooms = BTreeMap::new();
    let directory = space.directory();
    let (spans, head_id) = log_here(c, directory)?;
    let info = no_info(directory);
    rooms.insert(
        directory,
        Room::new(info, true, Sync::from_the_start(spans, head_id)),
    );
    for listed in listing::all(c)? {
        let id = listed.info.id;
        let (spans, head_id) = log_here(c, id)?;
        let mut room = Room::new(listed.info, listed.open, Sync::new(spans, head_id));
        let mark = marks::get(c, id, me)?;
        room.marks.read = room.marks.read.max(mark.read);
        room.marks.delivered = room.info.delivered.max(mark.delivered);
        room.have_received();
        rooms.insert(id, room);
    }
    // Rooms that were made here and that no node knows yet.
    for row in outbox::all(c)? {
        let event = row.event;
        if let Content::RoomCreated(content) = Content::read(&event.content) {
            rooms.entry(event.room).or_insert_with(|| {
                Room::new(
                    created(event.room, event.id, &content),
                    true,
                    Sync::new(Vec::new(), None),
                )
            });
        }
        if let Content::Left = Content::read(&event.content)
            && !matches!(row.state, outbox::State::Failed { .. })
            && let Some(room) = rooms.get_mut(&event.room)
        {
            room.leaving = true;
        }
    }
    for (id, choice) in choices::all(c)? {
        if let Some(room) = rooms.get_mut(&id) {
            room.choice = choice;
        }
    }
    Ok(rooms)
}

fn log_here(c: &Connection, room: RoomId) -> Result<(Vec<Span>, Option<EventId>), StoreError> {
    let spans: Vec<Span> = segments::all(c, room)?
        .into_iter()
        .map(|segment| Span {
            from: segment.from,
            to: segment.to,
        })
        .collect();
    let head_id = match spans.last() {
        Some(span) => log::at(c, room, span.to)?.map(|event| event.id),
        None => None,
    };
    Ok((spans, head_id))
}

/// The directory has no description; this stands in its place.
fn no_info(directory: RoomId) -> RoomInfo {
    RoomInfo {
        id: directory,
        kind: landline_protocol::RoomKind::Unknown,
        name: String::new(),
        topic: String::new(),
        archived: false,
        everyone: false,
        member_count: 0,
        first: 1,
        head: 0,
        head_id: EventId::from_bytes([0; 16]),
        epoch: 0,
        read: 0,
        delivered: 0,
        members: None,
    }
}

/// Stores runs of events, each without holes: the log, what follows from it, what is settled by
/// it, and what the rooms are like now. Gives back what in the outbox is tried again because of
/// them.
pub(super) fn take(
    c: &Connection,
    runs: &BTreeMap<RoomId, Vec<Event>>,
    infos: &[(RoomInfo, bool)],
    me: MemberId,
) -> Result<Vec<EventId>, ClientError> {
    let mut again = Vec::new();
    for (room, run) in runs {
        let failed = outbox::has_failed(c, *room)?;
        // All of it is logged before anything follows from it: a message and its edits are one row.
        let mut new = Vec::with_capacity(run.len());
        for event in run {
            match log::insert(c, event) {
                Ok(()) => new.push(event),
                // Where a hole's edge was fetched once more.
                Err(StoreError::Taken { .. }) if same_place(c, event)? => {}
                Err(error) => return Err(error.into()),
            }
        }
        apply::apply_all(c, &new)?;
        for event in new {
            if event.author == me {
                outbox::settle(c, event.id)?;
                follow_thread(c, event)?;
            }
            if failed {
                again.extend(outbox::retry_for(c, event.id)?);
            }
        }
        if let (Some(first), Some(last)) = (run.first(), run.last()) {
            segments::insert(
                c,
                *room,
                Segment {
                    from: first.seq,
                    to: last.seq,
                },
            )?;
        }
    }
    for (info, open) in infos {
        listing::open(c, info)?;
        if !open {
            listing::close(c, info.id)?;
        }
    }
    Ok(again)
}

/// Whoever writes in a thread has seen what was said in it.
fn follow_thread(c: &Connection, event: &Event) -> Result<(), StoreError> {
    match Content::read(&event.content) {
        Content::Message(message) => match message.thread {
            Some(thread) => threads::mark(c, event.room, thread, event.seq),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn same_place(c: &Connection, event: &Event) -> Result<bool, StoreError> {
    Ok(log::at(c, event.room, event.seq)?.is_some_and(|known| known.id == event.id))
}

/// What a step back came to.
#[derive(Debug)]
pub(super) struct SteppedBack {
    /// Of the event that is the newest now.
    pub(super) head_id: Option<EventId>,
    /// Events taken out of the log.
    pub(super) set_aside: usize,
    /// My own among them, which are appended again.
    pub(super) again: usize,
}

/// Takes what is beyond `to` out of a room's log and writes it to a file; my own events go to the
/// front of the outbox, in their order and with their ids.
pub(super) fn step_back(
    c: &Connection,
    room: RoomId,
    to: u64,
    me: MemberId,
    info: Option<&RoomInfo>,
    aside: &Path,
) -> Result<SteppedBack, ClientError> {
    let events = log::delete_after(c, room, to)?;
    segments::cut(c, room, to)?;
    marks::cut(c, room, to)?;
    threads::cut(c, room, to)?;
    apply::rebuild_room(c, room)?;
    keep_aside(aside, &events).map_err(|error| ClientError::Folder {
        path: aside.to_owned(),
        error,
    })?;
    let again = own_again(&events, me);
    outbox::restore(c, &again)?;
    if let Some(info) = info {
        listing::open(c, info)?;
    }
    Ok(SteppedBack {
        head_id: log::at(c, room, to)?.map(|event| event.id),
        set_aside: events.len(),
        again: again.len(),
    })
}

/// My events to append again. What was deleted since has no content to append any more; its
/// deletion goes with it.
fn own_again(events: &[Event], me: MemberId) -> Vec<NewEvent> {
    let mut dropped = Vec::new();
    let mut again = Vec::new();
    for event in events.iter().filter(|event| event.author == me) {
        let content = Content::read(&event.content);
        let empty = match &content {
            Content::Message(message) => message.text.trim().is_empty() && message.files.is_empty(),
            Content::Edit(edit) => edit.text.trim().is_empty(),
            Content::Delete(delete) => dropped.contains(&delete.target),
            Content::Reaction(_)
            | Content::Pin(_)
            | Content::RoomCreated(_)
            | Content::RoomChanged(_)
            | Content::Joined
            | Content::Left
            | Content::Invited(_)
            | Content::Removed(_)
            | Content::SpaceCreated(_)
            | Content::Admitted(_)
            | Content::Profile(_)
            | Content::Role(_)
            | Content::Muted(_)
            | Content::Banned(_)
            | Content::Settings(_)
            | Content::Unknown => false,
        };
        if empty {
            dropped.push(event.id);
        } else {
            again.push(as_new(event));
        }
    }
    again
}

fn as_new(event: &Event) -> NewEvent {
    NewEvent {
        id: event.id,
        room: event.room,
        sent_at: event.sent_at,
        content: event.content.clone(),
        sig: event.sig.clone(),
    }
}

/// A room of my own making that the node does not list: either I was removed from it, or the node
/// was restored from a copy that is older than the room. Its creation is appended again. A node
/// that knows it answers with its first place, and nothing changes; one that does not makes the
/// room anew and opens it, and the log is compared as any other.
pub(super) fn make_again(c: &Connection, room: RoomId, me: MemberId) -> Result<bool, StoreError> {
    let first = log::at(c, room, 1)?.filter(|event| event.author == me);
    let created =
        first.filter(|event| matches!(Content::read(&event.content), Content::RoomCreated(_)));
    match created {
        Some(event) if outbox::get(c, event.id)?.is_none() => {
            outbox::restore(c, &[as_new(&event)])?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// One event a line. Written before the transaction commits: twice after a crash, never lost.
fn keep_aside(path: &Path, events: &[Event]) -> std::io::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut file = open_end(path)?;
    let mut lines = Vec::new();
    for event in events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, author: u8, content: &str) -> Event {
        Event {
            seq,
            id: EventId::from_bytes([seq as u8; 16]),
            room: RoomId::from_bytes([9; 16]),
            author: MemberId::from_bytes([author; 32]),
            sent_at: 5,
            accepted_at: 6,
            content: serde_json::value::RawValue::from_string(content.to_owned()).unwrap(),
            sig: Some("sig".into()),
        }
    }

    #[test]
    fn own_events_come_again_in_order_without_what_was_deleted() {
        let gone = EventId::from_bytes([2; 16]);
        let events = [
            event(1, 1, r#"{"type":"message","text":"one"}"#),
            event(2, 1, r#"{"type":"message","text":""}"#),
            event(3, 2, r#"{"type":"message","text":"somebody else's"}"#),
            event(4, 1, &format!(r#"{{"type":"delete","target":"{gone}"}}"#)),
            event(5, 1, r#"{"type":"left"}"#),
        ];
        let again = own_again(&events, MemberId::from_bytes([1; 32]));
        let ids: Vec<_> = again.iter().map(|event| event.id.as_bytes()[0]).collect();
        assert_eq!(ids, [1, 5]);
        assert_eq!(again[0].sig.as_deref(), Some("sig"));
    }
}
