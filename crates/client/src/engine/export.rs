//! What an export needs of a space: its replica, and what is known of its rooms and people.

use landline_protocol::{Refusal, RoomId, RoomKind};

use super::Engine;
use super::marks::no_room;
use super::room::Room;
use crate::ClientError;
use crate::export::{self, Names, Source};

impl Engine {
    /// These rooms, or all of them: by name, direct ones last.
    pub(super) async fn export_source(&self, rooms: &[RoomId]) -> Result<Source, Refusal> {
        let mut chosen = Vec::new();
        if rooms.is_empty() {
            let all = self.rooms.iter();
            chosen.extend(all.filter(|(id, _)| **id != self.directory()));
        }
        for id in rooms {
            let room = self.rooms.get(id).filter(|_| *id != self.directory());
            chosen.push((id, room.ok_or_else(no_room)?));
        }
        let space = self.space();
        let names = self.config.store.read(move |c| Names::of(c, space)).await;
        let names = names.map_err(ClientError::from)?;
        let mut rooms: Vec<_> = chosen
            .into_iter()
            .map(|(id, room)| self.exported(*id, room, &names))
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
            space,
            space_name: self.config.known.name.clone(),
            me: self.me(),
            rooms,
            shelf: self.shelf.clone(),
            now: self.config.clock.now(),
        })
    }

    fn exported(&self, id: RoomId, room: &Room, names: &Names) -> export::Room {
        let info = &room.info;
        let mut name = info.name.clone();
        if info.kind == RoomKind::Direct {
            let others = info.members.iter().flatten();
            let others = others.filter(|member| **member != self.me());
            // Who has left the space is called as they were.
            let mut others: Vec<String> = others.map(|member| names.get(*member)).collect();
            others.sort();
            name = others.join(", ");
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
