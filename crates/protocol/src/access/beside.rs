//! Who may do what beside appending.

use crate::{MemberId, Refusal, Role, RoomKind, RoomState, SpaceState};

use super::{muted, no_such_room, others_administer};

/// Whether this person may read the room's log, its members, marks and pins.
pub fn may_read(space: &SpaceState, room: &RoomState, member: &MemberId) -> Result<(), Refusal> {
    if room.has(space, member) {
        return Ok(());
    }
    if may_see(space, room, member) {
        return Err(Refusal::not_allowed("join the room first"));
    }
    Err(no_such_room())
}

/// Whether the room shows in this person's list of rooms to join, or would but for their removal.
pub fn may_see(space: &SpaceState, room: &RoomState, member: &MemberId) -> bool {
    room.has(space, member)
        || (room.kind == RoomKind::Public
            && space.is_here(member)
            && space.role(member).at_least(Role::Member))
}

/// Whether this person may join the room by themselves.
pub fn may_join(space: &SpaceState, room: &RoomState, member: &MemberId) -> bool {
    !room.has(space, member)
        && may_see(space, room, member)
        && !room.archived
        && !room.removed.contains(member)
}

/// Whether this person may let the room know that they type there.
pub fn may_type(
    space: &SpaceState,
    room: &RoomState,
    member: &MemberId,
    now: i64,
) -> Result<(), Refusal> {
    may_read(space, room, member)?;
    let to_those_who_help =
        room.kind == RoomKind::Direct && others_administer(space, member, room.members.iter());
    if to_those_who_help {
        return Ok(());
    }
    may_be_heard(space, member, now)
}

/// Whether this person may say something that all may see, such as how they are.
pub fn may_be_heard(space: &SpaceState, member: &MemberId, now: i64) -> Result<(), Refusal> {
    match space.people.get(member) {
        Some(person) if person.muted_until > now => Err(muted()),
        Some(_) | None => Ok(()),
    }
}

/// Whether this person may set the passcode.
pub fn may_set_passcode(space: &SpaceState, member: &MemberId, now: i64) -> Result<(), Refusal> {
    may_administer(space, member)?;
    may_be_heard(space, member, now)
}

/// Whether this person's role is an owner's or admin's.
pub(super) fn may_administer(space: &SpaceState, member: &MemberId) -> Result<(), Refusal> {
    if space.role(member).at_least(Role::Admin) {
        return Ok(());
    }
    Err(Refusal::not_allowed(
        "only an owner or admin of the space may do that",
    ))
}
