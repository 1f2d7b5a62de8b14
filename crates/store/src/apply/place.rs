//! Fields of rooms, their members, people and the space: the event with the highest `seq` wins.

use landline_protocol::{
    Admitted, Event, MemberId, Muted, Profile, RoleChanged, RoomChanged, RoomCreated,
    SettingsChanged, SpaceCreated,
};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::bytes::{Blob, seq, sql_seq};

pub(super) fn created(
    c: &Connection,
    event: &Event,
    created: &RoomCreated,
) -> Result<(), StoreError> {
    // A room is created once, by its first event.
    if event.seq != 1 {
        return Ok(());
    }
    c.prepare_cached(
        "INSERT INTO room (room, kind, everyone, creator) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (room) DO UPDATE
         SET kind = excluded.kind, everyone = excluded.everyone, creator = excluded.creator",
    )?
    .execute(params![
        Blob(event.room),
        created.kind.as_str(),
        created.everyone,
        Blob(event.author)
    ])?;
    set(c, event, "room", "name", &created.name.trim())?;
    set(c, event, "room", "topic", &created.topic)?;
    for member in &created.members {
        comes(c, event, *member)?;
    }
    if created.everyone {
        Ok(())
    } else {
        comes(c, event, event.author)
    }
}

pub(super) fn changed(
    c: &Connection,
    event: &Event,
    changed: &RoomChanged,
) -> Result<(), StoreError> {
    if let Some(name) = &changed.name {
        set(c, event, "room", "name", &name.trim())?;
    }
    if let Some(topic) = &changed.topic {
        set(c, event, "room", "topic", topic)?;
    }
    if let Some(archived) = changed.archived {
        set(c, event, "room", "archived", &archived)?;
    }
    Ok(())
}

/// Is in the room from now on; in the directory: in the space.
pub(super) fn comes(c: &Connection, event: &Event, member: MemberId) -> Result<(), StoreError> {
    stays(c, event, member, true, false)
}

/// Is no longer in the room; `removed`: comes back by invitation only.
pub(super) fn goes(
    c: &Connection,
    event: &Event,
    member: MemberId,
    removed: bool,
) -> Result<(), StoreError> {
    stays(c, event, member, false, removed)
}

pub(super) fn space_created(
    c: &Connection,
    event: &Event,
    created: &SpaceCreated,
) -> Result<(), StoreError> {
    set(c, event, "space", "name", &created.name.trim())
}

pub(super) fn settings(
    c: &Connection,
    event: &Event,
    settings: &SettingsChanged,
) -> Result<(), StoreError> {
    if let Some(name) = &settings.name {
        set(c, event, "space", "name", &name.trim())?;
    }
    if let Some(admission) = settings.admission {
        set(c, event, "space", "admission", &admission.as_str())?;
    }
    if let Some(bytes) = settings.max_file_bytes {
        set(c, event, "space", "max_file_bytes", &sql_seq(bytes))?;
    }
    Ok(())
}

pub(super) fn admitted(
    c: &Connection,
    event: &Event,
    admitted: &Admitted,
) -> Result<(), StoreError> {
    let member = admitted.member;
    comes(c, event, member)?;
    set_of(c, event, member, "name", &admitted.name.trim())?;
    set_of(c, event, member, "role", &admitted.role.as_str())?;
    banned(c, event, member, false)
}

pub(super) fn profile(c: &Connection, event: &Event, profile: &Profile) -> Result<(), StoreError> {
    if let Some(name) = &profile.name {
        set_of(c, event, event.author, "name", &name.trim())?;
    }
    if let Some(about) = &profile.about {
        set_of(c, event, event.author, "about", about)?;
    }
    if let Some(avatar) = &profile.avatar {
        set_of(c, event, event.author, "avatar", avatar)?;
    }
    Ok(())
}

/// The `seq` of what set the avatar of an event's author; 0 where nothing has.
pub(super) fn avatar_seq(c: &Connection, event: &Event) -> Result<u64, StoreError> {
    let known = c
        .prepare_cached("SELECT avatar_seq FROM person WHERE space = ?1 AND member = ?2")?
        .query_row(params![Blob(event.room), Blob(event.author)], |row| {
            seq(row, 0)
        })
        .optional()?;
    Ok(known.unwrap_or(0))
}

pub(super) fn role(c: &Connection, event: &Event, changed: &RoleChanged) -> Result<(), StoreError> {
    set_of(c, event, changed.member, "role", &changed.role.as_str())
}

pub(super) fn muted(c: &Connection, event: &Event, muted: &Muted) -> Result<(), StoreError> {
    set_of(c, event, muted.member, "muted_until", &muted.until)
}

pub(super) fn banned(
    c: &Connection,
    event: &Event,
    member: MemberId,
    on: bool,
) -> Result<(), StoreError> {
    set_of(c, event, member, "banned", &on)
}

/// Sets a field of the room or space that the event is in: `<name>` beside `<name>_seq`.
fn set(
    c: &Connection,
    event: &Event,
    table: &'static str,
    name: &'static str,
    value: &dyn ToSql,
) -> Result<(), StoreError> {
    c.prepare_cached(&format!(
        "INSERT INTO {table} ({table}, {name}, {name}_seq) VALUES (?1, ?2, ?3)
         ON CONFLICT ({table}) DO UPDATE
         SET {name} = excluded.{name}, {name}_seq = excluded.{name}_seq
         WHERE excluded.{name}_seq > {name}_seq"
    ))?
    .execute(params![Blob(event.room), value, sql_seq(event.seq)])?;
    Ok(())
}

/// Sets a field of a person.
fn set_of(
    c: &Connection,
    event: &Event,
    member: MemberId,
    name: &'static str,
    value: &dyn ToSql,
) -> Result<(), StoreError> {
    c.prepare_cached(&format!(
        "INSERT INTO person (space, member, {name}, {name}_seq) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (space, member) DO UPDATE
         SET {name} = excluded.{name}, {name}_seq = excluded.{name}_seq
         WHERE excluded.{name}_seq > {name}_seq"
    ))?
    .execute(params![
        Blob(event.room),
        Blob(member),
        value,
        sql_seq(event.seq)
    ])?;
    Ok(())
}

fn stays(
    c: &Connection,
    event: &Event,
    member: MemberId,
    present: bool,
    removed: bool,
) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO member (room, member, present, removed, seq) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (room, member) DO UPDATE
         SET present = excluded.present, removed = excluded.removed, seq = excluded.seq
         WHERE excluded.seq > seq",
    )?
    .execute(params![
        Blob(event.room),
        Blob(member),
        present,
        removed,
        sql_seq(event.seq)
    ])?;
    Ok(())
}
