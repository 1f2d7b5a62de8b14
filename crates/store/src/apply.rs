//! Keeps the tables that follow from the log.
//!
//! Every row is a function of the log alone, whatever order its events came in:
//! - a *message* row is made anew from the log by each event that is about it ([`message`]), so an
//!   edit may come before its message while old history is being fetched;
//! - every other field is last-writer-wins by `seq` ([`place`]).
//!
//! So an event may be applied twice, a rebuild gives the same rows, and an event of a type that
//! this version does not know is kept in the log and skipped here.

mod index;
mod message;
mod place;

use std::borrow::Borrow;
use std::collections::HashSet;

use landline_protocol::{Content, Delete, Edit, Event, EventId, Pin, RoomId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::bytes::{Blob, sql_limit};
use crate::{StoreError, log, named};
pub(crate) use message::first_docid;

/// Events that a rebuild reads at once.
const PAGE: usize = 500;

/// Brings the tables up to date with one event of the log: [`apply_all`] of it alone.
pub fn apply(c: &Connection, event: &Event) -> Result<(), StoreError> {
    apply_all(c, &[event])
}

/// Brings the tables up to date with events of the log. Quickest with many at a time.
///
/// [`StoreError::NotLogged`] where one has not been written with [`log::insert`] before: what is
/// about a message is read from the log. Nothing is applied then.
pub fn apply_all<E: Borrow<Event>>(c: &Connection, events: &[E]) -> Result<(), StoreError> {
    let mut logged = c.prepare_cached("SELECT 1 FROM event WHERE id = ?1")?;
    for event in events {
        let id = event.borrow().id;
        if !logged.exists([Blob(id)])? {
            return Err(StoreError::NotLogged(id));
        }
    }
    apply_logged(c, events)
}

/// Applies the next events that were logged and not applied yet, in the order in which they were
/// logged; answers whether there are more. For a node, which writes its log first and alone. The
/// mark of how far it is moves in the same transaction.
pub fn catch_up(c: &Connection, limit: usize) -> Result<bool, StoreError> {
    let from: i64 = c
        .prepare_cached("SELECT ref FROM applied")?
        .query_row([], |row| row.get(0))?;
    let mut statement = c.prepare_cached(
        "SELECT seq, id, room, author, sent_at, accepted_at, content, sig, ref
         FROM event WHERE ref > ?1 ORDER BY ref LIMIT ?2",
    )?;
    let (events, places): (Vec<Event>, Vec<i64>) = statement
        .query_map(params![from, sql_limit(limit)], |row| {
            Ok((log::event(row)?, row.get(8)?))
        })?
        .collect::<Result<Vec<(Event, i64)>, _>>()?
        .into_iter()
        .unzip();
    apply_logged(c, &events)?;
    let Some(to) = places.last() else {
        return Ok(false);
    };
    c.prepare_cached("UPDATE applied SET ref = ?1")?
        .execute([to])?;
    let more = c
        .prepare_cached("SELECT 1 FROM event WHERE ref > ?1 LIMIT 1")?
        .exists([to])?;
    Ok(more)
}

/// Makes all tables anew from the log; events that an earlier version did not know are read again.
pub fn rebuild(c: &Connection) -> Result<(), StoreError> {
    read_unknown_again(c)?;
    c.execute_batch(
        "INSERT INTO message_fts (message_fts) VALUES ('delete-all');
         DELETE FROM message;
         DELETE FROM mention;
         DELETE FROM named;
         DELETE FROM reaction;
         DELETE FROM room;
         DELETE FROM member;
         DELETE FROM person;
         DELETE FROM space;
         UPDATE applied SET ref = 0;",
    )?;
    while catch_up(c, PAGE)? {}
    Ok(())
}

/// Takes the messages of a room, whose log is gone, out of the tables and the index.
pub(crate) fn remove_messages(c: &Connection, room: RoomId) -> Result<(), StoreError> {
    index::remove_orphans(c, room)
}

/// Makes the rows of one room (or of the directory) anew from its log, after a fork.
pub fn rebuild_room(c: &Connection, room: RoomId) -> Result<(), StoreError> {
    // Rows of messages are made anew in place, which spares the index those that stay the same.
    index::remove_orphans(c, room)?;
    for table in ["mention", "named", "reaction", "room", "member"] {
        c.prepare_cached(&format!("DELETE FROM {table} WHERE room = ?1"))?
            .execute([Blob(room)])?;
    }
    for table in ["person", "space"] {
        c.prepare_cached(&format!("DELETE FROM {table} WHERE space = ?1"))?
            .execute([Blob(room)])?;
    }
    let mut after = 0;
    loop {
        let events = log::page_after(c, room, after, PAGE, usize::MAX)?;
        let Some(last) = events.last() else {
            return Ok(());
        };
        after = last.seq;
        apply_logged(c, &events)?;
    }
}

/// The rows of messages first, each made once however many of these events are about it; those of
/// earlier messages before those of new ones. So the index over the words is written in rising
/// order, and no other statement makes FTS5 write out what it has gathered: each time it does so is
/// one more little index to merge.
fn apply_logged<E: Borrow<Event>>(c: &Connection, events: &[E]) -> Result<(), StoreError> {
    let events: Vec<(&Event, Content)> = events
        .iter()
        .map(|event| (event.borrow(), Content::read(&event.borrow().content)))
        .collect();
    for (room, message) in messages_of(&events) {
        message::follow(c, room, message)?;
    }
    events
        .iter()
        .try_for_each(|(event, content)| apply_fact(c, event, content))
}

/// The messages whose rows these events change, each once.
fn messages_of(events: &[(&Event, Content)]) -> Vec<(RoomId, EventId)> {
    let said = events
        .iter()
        .filter(|(_, content)| matches!(content, Content::Message(_)))
        .map(|(event, _)| (event.room, event.id));
    let new: HashSet<(RoomId, EventId)> = said.clone().collect();
    let about = events.iter().filter_map(|(event, content)| match content {
        Content::Edit(Edit { target, .. })
        | Content::Delete(Delete { target })
        | Content::Pin(Pin { target, .. }) => Some((event.room, *target)),
        _ => None,
    });
    let mut seen = HashSet::new();
    about
        .filter(|message| !new.contains(message))
        .chain(said)
        .filter(|message| seen.insert(*message))
        .collect()
}

/// What follows from an event but for the row of a message.
fn apply_fact(c: &Connection, event: &Event, content: &Content) -> Result<(), StoreError> {
    match content {
        Content::Message(_) | Content::Edit(_) | Content::Delete(_) | Content::Pin(_) => Ok(()),
        Content::Reaction(reaction) => message::react(c, event, reaction),
        Content::RoomCreated(created) => place::created(c, event, created),
        Content::RoomChanged(changed) => place::changed(c, event, changed),
        Content::Joined => place::comes(c, event, event.author),
        Content::Left => place::goes(c, event, event.author, false),
        Content::Invited(invited) => place::comes(c, event, invited.member),
        Content::Removed(removed) => place::goes(c, event, removed.member, true),
        Content::SpaceCreated(created) => place::space_created(c, event, created),
        Content::Admitted(admitted) => place::admitted(c, event, admitted),
        Content::Profile(profile) => {
            if profile.avatar.is_some() {
                name_avatar(c, event, content)?;
            }
            place::profile(c, event, profile)
        }
        Content::Role(changed) => place::role(c, event, changed),
        Content::Muted(muted) => place::muted(c, event, muted),
        Content::Banned(banned) => place::banned(c, event, banned.member, banned.on),
        Content::Settings(settings) => place::settings(c, event, settings),
        Content::Unknown => Ok(()),
    }
}

/// Of a person's avatars only the last is named: those before go like any file that nothing names.
fn name_avatar(c: &Connection, event: &Event, content: &Content) -> Result<(), StoreError> {
    let before = place::avatar_seq(c, event)?;
    if event.seq < before {
        // A node has noted it when it was said.
        return named::clear(c, event.id);
    }
    if let Some(replaced) = log::at(c, event.room, before)? {
        named::clear(c, replaced.id)?;
    }
    named::note(c, event, content)
}

fn read_unknown_again(c: &Connection) -> Result<(), StoreError> {
    let mut next = c.prepare_cached(
        "SELECT seq, id, room, author, sent_at, accepted_at, content, sig, ref
         FROM event WHERE type = 'unknown' AND ref > ?1 ORDER BY ref LIMIT 1",
    )?;
    let mut after = 0i64;
    loop {
        let found = next
            .query_row([after], |row| Ok((log::event(row)?, row.get(8)?)))
            .optional()?;
        let Some((event, at)) = found else {
            return Ok(());
        };
        after = at;
        let content = Content::read(&event.content);
        c.prepare_cached("UPDATE event SET type = ?2, target = ?3 WHERE ref = ?1")?
            .execute(params![at, content.type_name(), content.target().map(Blob)])?;
    }
}
