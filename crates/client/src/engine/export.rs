//! What an export needs of a space: its replica, and what is known of its rooms and people.

use landline_protocol::{Refusal, RoomId, RoomKind};

use super::Engine;
use super::marks::no_room;
use super::room::Room;
use crate::export::{self, Source};

impl Engine {
    /// These rooms, or all of them: by name, direct ones last.
    pub(super) fn export_source(&self, rooms: &[RoomId]) -> Result<Source, Refusal> {
        let mut chosen = Vec::new();
        if rooms.is_empty() {
            let all = self.rooms.iter();
            chosen.extend(all.filter(|(id, _)| **id != self.directory()));
        }
        for id in rooms {
            let room = self.rooms.get(id).filter(|_| *id != self.directory());
            chosen.push((id, room.ok_or_else(no_room)?));
        }
        let mut rooms: Vec<_> = chosen
            .into_iter()
            .map(|(id, room)| self.exported(*id, room))
            .collect();
        rooms.sort_by_cached_key(|room| {
            (
                room.kind == RoomKind::Direct,
                room.name.to_lowercase(),
                room.id,
            )
        });
        rooms.dedup_by_key(|room| room.id);
        Ok(Source {
            store: self.config.store.clone(),
            space: self.space(),
            space_name: self.config.known.name.clone(),
            me: self.me(),
            rooms,
            shelf: self.shelf.clone(),
            now: self.config.clock.now(),
        })
    }

    fn exported(&self, id: RoomId, room: &Room) -> export::Room {
        let info = &room.info;
        let mut name = info.name.clone();
        if info.kind == RoomKind::Direct {
            let others = info.members.iter().flatten();
            let others = others.filter(|member| **member != self.me());
            let mut names: Vec<String> = others
                .map(|member| self.people.name(*member).to_owned())
                .collect();
            names.sort();
            name = names.join(", ");
        }
        export::Room {
            id,
            kind: info.kind,
            name,
            topic: info.topic.clone(),
            archived: info.archived,
            complete: room.sync.missing() == 0,
        }
    }
}
