//! Who hears what: the sessions that listen to each room.
//!
//! A broadcast goes through socketioxide's room, where the packet is written once and shared. It
//! does not say whose queue was full, so the sessions of each room are known here too.

use std::collections::HashMap;

use landline_protocol::RoomId;
use landline_protocol::down::{Head, Heads};
use serde::Serialize;
use serde_json::value::to_raw_value;
use socketioxide::SocketIo;
use tracing::{debug, error};

use crate::session::{Outlet, SessionId};

/// The sessions that listen to each room.
#[derive(Debug)]
pub(super) struct Audience {
    io: SocketIo,
    rooms: HashMap<RoomId, HashMap<SessionId, Outlet>>,
    by_session: HashMap<SessionId, Vec<RoomId>>,
}

impl Audience {
    pub(super) fn new(io: SocketIo) -> Self {
        Self {
            io,
            rooms: HashMap::new(),
            by_session: HashMap::new(),
        }
    }

    pub(super) fn listens(&mut self, room: RoomId, outlet: &Outlet) {
        let id = outlet.session.id;
        if self
            .rooms
            .entry(room)
            .or_default()
            .insert(id, outlet.clone())
            .is_none()
        {
            outlet.socket.join(room.to_string());
            self.by_session.entry(id).or_default().push(room);
        }
    }

    pub(super) fn stops(&mut self, room: RoomId, session: SessionId) {
        if let Some(outlet) = self.take(room, session) {
            outlet.socket.leave(room.to_string());
            if let Some(rooms) = self.by_session.get_mut(&session) {
                rooms.retain(|other| *other != room);
            }
        }
    }

    /// The session hears nothing any more.
    pub(super) fn ends(&mut self, session: SessionId) {
        for room in self.by_session.remove(&session).unwrap_or_default() {
            if let Some(outlet) = self.take(room, session) {
                outlet.socket.leave(room.to_string());
            }
        }
    }

    fn take(&mut self, room: RoomId, session: SessionId) -> Option<Outlet> {
        let listeners = self.rooms.get_mut(&room)?;
        let outlet = listeners.remove(&session);
        if listeners.is_empty() {
            self.rooms.remove(&room);
        }
        outlet
    }

    pub(super) fn of(&self, room: RoomId) -> impl Iterator<Item = &Outlet> {
        self.rooms.get(&room).into_iter().flat_map(HashMap::values)
    }

    /// Sends a packet to all who listen to the room. Where it found no place, `head` goes to each
    /// alone: who can't take even that is cut, and whoever has made place meanwhile sees from it
    /// that something is missing, and fetches. Without a `head` it may be dropped.
    pub(super) async fn tell<T: Serialize>(
        &mut self,
        room: RoomId,
        event: &'static str,
        payload: &T,
        head: Option<Head>,
    ) {
        if !self.rooms.contains_key(&room) {
            return;
        }
        let raw = match to_raw_value(payload) {
            Ok(raw) => raw,
            Err(error) => {
                error!(%error, event, "a packet can't be written");
                return;
            }
        };
        let told = self.io.to(room.to_string()).emit(event, &*raw).await;
        for outlet in self.of(room) {
            outlet.count(event, raw.get().len());
        }
        if let (Err(error), Some(head)) = (told, head) {
            debug!(%room, %error, "a packet found no place at some sockets");
            for outlet in self.of(room) {
                outlet.send("heads", &Heads { rooms: vec![head] });
            }
        }
        // Who is on the way out must not make every further packet fail until the connection ends.
        let leaving = self.of(room).filter(|outlet| outlet.session.is_leaving());
        let leaving: Vec<SessionId> = leaving.map(|outlet| outlet.session.id).collect();
        for session in leaving {
            self.ends(session);
        }
    }
}
