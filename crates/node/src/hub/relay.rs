//! After the commit: answers to the authors, then the events to all who may see them.
//!
//! One packet per room and commit, split where somebody comes or goes: who is removed gets what
//! leads up to it and their `removed`, and then nothing; who comes is told of the room first and
//! then gets what follows, beginning with the event that let them in.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use landline_protocol::down::{Events, Head, RoomClosed, RoomOpened};
use landline_protocol::limits::{CONTENT_BYTES, ENVELOPE_BYTES, PACKET_FROM_NODE_BYTES};
use landline_protocol::{Content, Event, GoodbyeReason, MemberId, RoomId};

use super::Hub;
use super::batch::Outcome;

/// Bytes of the events in one packet, with their frames: under the protocol's limit.
pub(super) const PAGE_BYTES: usize = PACKET_FROM_NODE_BYTES - 16 * 1024;

impl Hub {
    /// Takes over the states that a stored batch has moved on.
    pub(super) fn move_on(&mut self, outcome: &mut Outcome) {
        if let Some(space) = outcome.space.take() {
            self.heads_changed.insert(space.id.directory());
            self.world.space_moves(space);
            self.tell_outside();
        }
        for room in mem::take(&mut outcome.rooms) {
            self.heads_changed.insert(room.id);
            self.world.room_moves(Arc::new(room));
        }
    }

    /// Sends what was accepted to those who may see it.
    pub(super) async fn relay(&mut self, accepted: Vec<(Event, Content)>) {
        let mut packets: BTreeMap<RoomId, Packet> = BTreeMap::new();
        for (event, content) in accepted {
            let room = event.room;
            if room == self.world.space.id.directory() {
                let packet = packets.entry(room).or_default();
                packet.push(event);
                let full = packet.is_full();
                let outcast = outcast(packet.events.last(), &content);
                if full || outcast.is_some() {
                    self.send(packets.remove(&room)).await;
                }
                if let Some((member, reason)) = outcast {
                    self.cast_out(&member, reason).await;
                }
                continue;
            }
            let moves = content.moves(event.author);
            let comes = moves.iter().any(|(_, comes)| *comes);
            if comes {
                self.send(packets.remove(&room)).await;
                for (member, _) in &moves {
                    self.open_room(room, member);
                }
            }
            let packet = packets.entry(room).or_default();
            packet.push(event);
            if packet.is_full() || (!comes && !moves.is_empty()) {
                self.send(packets.remove(&room)).await;
            }
            if !comes {
                for (member, _) in &moves {
                    self.close_room(room, member, &content);
                }
            }
        }
        for packet in packets.into_values() {
            self.send(Some(packet)).await;
        }
    }

    async fn send(&mut self, packet: Option<Packet>) {
        let Some(Packet { events, .. }) = packet else {
            return;
        };
        let Some(last) = events.last() else { return };
        let (room, head) = (last.room, last.seq);
        let head = Some(Head {
            room,
            head,
            epoch: self.world.epoch,
        });
        self.audience
            .tell(room, "events", &Events { room, events }, head)
            .await;
    }

    /// This person has become part of a room: their sessions hear of it and listen from now on.
    fn open_room(&mut self, room: RoomId, member: &MemberId) {
        let Some(state) = self.world.room(room) else {
            return;
        };
        let marks = self.marks.of(room, member);
        let opened = RoomOpened {
            room: self.world.room_info(state, marks),
        };
        for outlet in self.people.outlets(member) {
            outlet.send("room_opened", &opened);
            self.audience.listens(room, outlet);
        }
    }

    fn close_room(&mut self, room: RoomId, member: &MemberId, content: &Content) {
        let reason = match content {
            Content::Removed(removed) => removed
                .reason
                .clone()
                .unwrap_or_else(|| "removed".to_owned()),
            _ => "left".to_owned(),
        };
        let closed = RoomClosed { room, reason };
        for outlet in self.people.outlets(member) {
            outlet.send("room_closed", &closed);
            self.audience.stops(room, outlet.session.id);
        }
        self.typing.stops(room, member);
    }

    /// This person is no longer in the space.
    async fn cast_out(&mut self, member: &MemberId, reason: GoodbyeReason) {
        self.tokens.revoke(member);
        let outlets: Vec<_> = self.people.outlets(member).cloned().collect();
        for outlet in outlets {
            outlet.goodbye(reason);
            self.disconnected(outlet.session.id);
        }
    }
}

/// Who may no longer be in the space after this event of the directory, and why.
fn outcast(event: Option<&Event>, content: &Content) -> Option<(MemberId, GoodbyeReason)> {
    match content {
        Content::Banned(banned) if banned.on => Some((banned.member, GoodbyeReason::Banned)),
        Content::Left => event.map(|event| (event.author, GoodbyeReason::Removed)),
        _ => None,
    }
}

/// The events of one room that go out together.
#[derive(Default)]
struct Packet {
    events: Vec<Event>,
    bytes: usize,
}

impl Packet {
    fn push(&mut self, event: Event) {
        self.bytes += event.bytes();
        self.events.push(event);
    }

    /// Another event of the greatest size might not fit.
    const fn is_full(&self) -> bool {
        self.bytes + CONTENT_BYTES + ENVELOPE_BYTES > PAGE_BYTES
    }
}
