//! What somebody may do in a room they are in, in short: for a window, which offers nothing that
//! would be refused. The node decides by [`super::may_append`]; a test holds the two together.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Role, RoomKind};

/// What of a room the rights of those in it depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomTraits {
    pub kind: RoomKind,
    pub everyone: bool,
    pub archived: bool,
    /// It was made by the person in question, or who made it is no longer in it.
    pub kept: bool,
}

/// What one may do in a room, beside what everybody in it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoomRights {
    /// Write, react, edit and delete one's own.
    pub write: bool,
    pub pin: bool,
    /// Delete what others have written.
    pub delete_others: bool,
    pub invite: bool,
    /// Rename it, set its topic, archive it and bring it back.
    pub change: bool,
    pub remove: bool,
    pub leave: bool,
}

/// The rights of one who is in the room and not muted.
pub fn room_rights(role: Role, room: RoomTraits) -> RoomRights {
    let member = role.at_least(Role::Member);
    let admin = role.at_least(Role::Admin);
    let direct = room.kind == RoomKind::Direct;
    let keeps = admin || (member && room.kept && !room.everyone);
    RoomRights {
        write: !room.archived,
        pin: member && !room.archived,
        delete_others: admin && !room.archived,
        invite: member && !direct && !room.everyone && !room.archived,
        change: keeps && !direct,
        remove: keeps && !direct && !room.everyone && !room.archived,
        leave: !direct && !room.everyone,
    }
}
