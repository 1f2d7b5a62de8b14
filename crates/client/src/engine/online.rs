//! A link that is signed in: requests and their answers, pushes.

use std::collections::{BTreeSet, HashMap};

use landline_protocol::down::{
    Events, Goodbye, Heads, MarkChanges, PresenceChanges, RoomClosed, RoomOpened, TypingNow,
};
use landline_protocol::limits::ROOMS_PAGE;
use landline_protocol::up::{Fetched, MarksPage, MyRooms, RoomInfo, RoomsPage, SignedIn, Watched};
use landline_protocol::{Code, Refusal, RoomId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::direct;
use super::linking::Wait;
use super::receive::Way;
use super::room::Room;
use super::{Engine, Phase};
use crate::ClientError;
use crate::command::{Answer, RoomsAnswer};
use crate::contact::{SIGN_IN_RID, to_json};
use crate::home::{AppendReply, Reply};
use crate::link::{Link, LinkEvent, LinkLoss};
use crate::sync::{NodeLog, Step, Sync};

/// One link, from sign-in to loss.
pub(super) struct Online {
    link: Box<dyn Link>,
    pub(super) events: mpsc::Receiver<LinkEvent>,
    /// The node's, as `welcome` said.
    pub(super) epoch: u64,
    pub(super) since: Instant,
    next_rid: u64,
    asked: HashMap<u64, Asked>,
    /// Fetches under way, over all rooms.
    pub(super) fetches: usize,
    /// The rooms that the node has listed so far; none once it has listed all.
    listing: Option<BTreeSet<RoomId>>,
    /// What the space calls me was compared with my name.
    pub(super) name_checked: bool,
}

/// What an answer will be about.
#[derive(Debug)]
pub(super) enum Asked {
    MyRooms,
    Fetch {
        room: RoomId,
        step: Step,
    },
    Append,
    /// An `append` past the outbox.
    Direct(AppendReply),
    Browse(Reply),
    Marks(RoomId),
    Mark(RoomId),
    Watch,
    /// Its answer says nothing.
    Nothing(&'static str),
}

impl Online {
    pub(super) fn new(link: Box<dyn Link>, events: mpsc::Receiver<LinkEvent>, epoch: u64) -> Self {
        Self {
            link,
            events,
            epoch,
            since: Instant::now(),
            next_rid: SIGN_IN_RID + 1,
            asked: HashMap::new(),
            fetches: 0,
            listing: Some(BTreeSet::new()),
            name_checked: false,
        }
    }

    /// Sends a request; `asked` comes back with the answer. Refused where the link can't take it.
    pub(super) fn ask<T: Serialize>(
        &mut self,
        event: &'static str,
        request: &T,
        asked: Asked,
    ) -> Result<(), Asked> {
        let rid = self.next_rid;
        let sent = to_json(request).and_then(|payload| self.link.send(event, Some(rid), payload));
        match sent {
            Ok(()) => {
                self.next_rid += 1;
                self.asked.insert(rid, asked);
                Ok(())
            }
            Err(loss) => {
                tracing::debug!(event, %loss, "not sent");
                Err(asked)
            }
        }
    }

    /// Asks for a sign of life; without one, the link ends.
    pub(super) fn probe(&self) {
        self.link.probe();
    }

    /// All rooms have been listed.
    pub(super) fn knows_its_rooms(&self) -> bool {
        self.listing.is_none()
    }

    /// Cuts the link; whoever waits for an answer is told.
    pub(super) fn end(&mut self) {
        self.link.cut();
        for (_, asked) in self.asked.drain() {
            asked.lost();
        }
    }
}

impl Asked {
    pub(super) fn lost(self) {
        let refusal = Refusal::new(
            Code::Unavailable,
            "The connection was lost; try again when it is back.",
        );
        match self {
            Self::Browse(reply) => drop(reply.send(Err(refusal))),
            Self::Direct(reply) => drop(reply.send(Err(refusal))),
            Self::MyRooms
            | Self::Fetch { .. }
            | Self::Append
            | Self::Marks(_)
            | Self::Mark(_)
            | Self::Watch
            | Self::Nothing(_) => {}
        }
    }
}

impl Engine {
    /// What the link has said, in order; emptied. New events that follow each other are stored
    /// in one transaction.
    pub(super) async fn on_link(
        &mut self,
        arrived: &mut Vec<LinkEvent>,
    ) -> Result<(), ClientError> {
        let mut new: Vec<Events> = Vec::new();
        for event in arrived.drain(..) {
            let event = match event {
                LinkEvent::Push { name, payload } if name == "events" => {
                    new.extend(self.read::<Events>(&name, payload));
                    continue;
                }
                other => other,
            };
            if !new.is_empty() {
                self.pushed(std::mem::take(&mut new)).await?;
            }
            if !matches!(self.phase, Phase::Online(_)) {
                return Ok(());
            }
            match event {
                LinkEvent::Reply { rid, answer } => self.on_answer(rid, answer).await?,
                LinkEvent::Push { name, payload } => self.on_push(&name, payload).await?,
                LinkEvent::Closed(loss) => {
                    let words = format!("{} {loss}.", self.host_words());
                    self.lose(Some(Refusal::new(Code::Unavailable, words)), Wait::Backoff);
                    return Ok(());
                }
                LinkEvent::Welcome(_) => self.strange("welcome", &"a second one"),
            }
        }
        if new.is_empty() {
            Ok(())
        } else {
            self.pushed(new).await
        }
    }

    async fn on_push(&mut self, name: &str, payload: Value) -> Result<(), ClientError> {
        match name {
            "heads" => {
                if let Some(heads) = self.read::<Heads>(name, payload) {
                    self.on_heads(&heads);
                }
            }
            "room_opened" => {
                if let Some(opened) = self.read::<RoomOpened>(name, payload) {
                    self.room_opened(opened.room).await?;
                }
            }
            "room_closed" => {
                if let Some(closed) = self.read::<RoomClosed>(name, payload) {
                    self.close_room(closed.room).await?;
                }
            }
            "presence" => {
                if let Some(presence) = self.read::<PresenceChanges>(name, payload) {
                    self.on_presence(presence.changes);
                }
            }
            "typing" => {
                if let Some(typing) = self.read::<TypingNow>(name, payload) {
                    self.on_typing(&typing);
                }
            }
            "marks" => {
                if let Some(marks) = self.read::<MarkChanges>(name, payload) {
                    self.on_marks(marks.room, &marks.changes).await;
                }
            }
            "goodbye" => {
                if let Some(goodbye) = self.read::<Goodbye>(name, payload) {
                    self.on_goodbye(goodbye).await;
                }
            }
            // Of a later version, or a `reply` to nobody.
            _ => tracing::debug!(name, "an unknown event"),
        }
        Ok(())
    }

    async fn on_answer(
        &mut self,
        rid: u64,
        answer: Result<Value, Refusal>,
    ) -> Result<(), ClientError> {
        let Phase::Online(online) = &mut self.phase else {
            return Ok(());
        };
        let Some(asked) = online.asked.remove(&rid) else {
            return Ok(());
        };
        if let Err(refusal) = &answer
            && refusal.code == Code::NotSignedIn
        {
            asked.lost();
            self.lose(Some(refusal.clone()), Wait::Backoff);
            return Ok(());
        }
        match asked {
            Asked::Fetch { room, step } => {
                online.fetches = online.fetches.saturating_sub(1);
                let answer = answer.map(|ok| self.read::<Fetched>("fetch", ok));
                self.fetched(room, step, answer).await
            }
            Asked::Append => {
                let answer = answer.map(|ok| self.read("append", ok));
                self.appended(answer).await
            }
            Asked::Direct(reply) => {
                direct::answered(answer.map(|ok| self.read("append", ok)), reply);
                Ok(())
            }
            Asked::MyRooms => match answer.map(|ok| self.read::<RoomsPage>("my_rooms", ok)) {
                Ok(Some(page)) => self.list(page.rooms, page.more).await,
                // Without its rooms there is nothing to do on this link.
                Ok(None) | Err(_) => {
                    self.lose(None, Wait::Backoff);
                    Ok(())
                }
            },
            Asked::Browse(reply) => {
                let answer = answer.and_then(|ok| {
                    let page = self.read::<RoomsPage>("rooms", ok);
                    page.ok_or_else(|| Refusal::new(Code::Internal, "The answer can't be read."))
                });
                let rooms = answer.map(|page| page.rooms.into_iter().map(Into::into).collect());
                let _ = reply.send(rooms.map(|rooms| Answer::browse_rooms(RoomsAnswer { rooms })));
                Ok(())
            }
            Asked::Marks(room) => {
                if let Ok(Some(page)) = answer.map(|ok| self.read::<MarksPage>("marks", ok)) {
                    self.on_marks(room, &page.changes).await;
                }
                Ok(())
            }
            Asked::Watch => {
                if let Ok(Some(watched)) = answer.map(|ok| self.read::<Watched>("watch", ok)) {
                    self.on_presence(watched.presence);
                }
                Ok(())
            }
            Asked::Mark(room) => {
                if let Err(refusal) = answer {
                    self.mark_refused(room, &refusal);
                }
                Ok(())
            }
            Asked::Nothing(what) => {
                if let Err(refusal) = answer {
                    tracing::debug!(what, code = %refusal.code, "refused");
                }
                Ok(())
            }
        }
    }

    /// The answer to `sign_in`: the directory and the first rooms.
    pub(super) async fn listed(&mut self, signed_in: SignedIn) -> Result<(), ClientError> {
        let directory = self.directory();
        if let Some(room) = self.rooms.get_mut(&directory) {
            let head = signed_in.directory_head;
            room.sync.told(NodeLog {
                first: 1,
                head,
                head_id: None,
            });
            room.listed = true;
            self.due.insert(directory);
        }
        self.list(signed_in.rooms, signed_in.more).await
    }

    /// A page of the rooms one is in; with the last one, those that are missing are closed.
    async fn list(&mut self, rooms: Vec<RoomInfo>, more: bool) -> Result<(), ClientError> {
        let last = rooms.last().map(|room| room.id);
        let ids: Vec<RoomId> = rooms.iter().map(|room| room.id).collect();
        self.rooms_told(rooms).await?;
        let Phase::Online(online) = &mut self.phase else {
            return Ok(());
        };
        let Some(listing) = &mut online.listing else {
            return Ok(());
        };
        listing.extend(ids);
        if more && last.is_some() {
            let next = MyRooms {
                after: last,
                limit: Some(ROOMS_PAGE as u64),
            };
            if online.ask("my_rooms", &next, Asked::MyRooms).is_err() {
                self.lose(None, Wait::Backoff);
            }
            return Ok(());
        }
        online.listing = None;
        self.close_unlisted().await?;
        // What others have read meanwhile is never pushed again.
        if let Some(room) = self.looked_at() {
            self.ask_marks(room);
        }
        Ok(())
    }

    async fn room_opened(&mut self, info: RoomInfo) -> Result<(), ClientError> {
        if let Phase::Online(online) = &mut self.phase
            && let Some(listing) = &mut online.listing
        {
            listing.insert(info.id);
        }
        let room = info.id;
        self.rooms_told(vec![info]).await?;
        if self.looked_at() == Some(room) {
            self.ask_marks(room);
        }
        Ok(())
    }

    /// Takes descriptions of rooms one is in, and starts to follow their logs. A description that
    /// this link's pushes have overtaken does not turn a log back.
    async fn rooms_told(&mut self, infos: Vec<RoomInfo>) -> Result<(), ClientError> {
        let infos: Vec<RoomInfo> = infos
            .into_iter()
            .filter(|info| {
                let overtaken = |room: &Room| {
                    room.listed
                        && room.open
                        && room.sync.known_head() >= info.head
                        && room.info.epoch == info.epoch
                };
                info.kind != landline_protocol::RoomKind::Unknown
                    && !self.rooms.get(&info.id).is_some_and(overtaken)
            })
            .collect();
        if infos.is_empty() {
            return Ok(());
        }
        self.keep_listing(&infos).await?;
        for info in infos {
            let id = info.id;
            let room = self
                .rooms
                .entry(id)
                .or_insert_with(|| Room::new(info.clone(), true, Sync::new(Vec::new(), None)));
            room.told(info);
            self.due.insert(id);
            self.out.room_changed(id);
        }
        Ok(())
    }

    fn on_heads(&mut self, heads: &Heads) {
        let epoch = match &self.phase {
            Phase::Online(online) => online.epoch,
            Phase::Looking { .. } | Phase::Dialling { .. } | Phase::Refused => return,
        };
        for head in &heads.rooms {
            if head.epoch > epoch {
                // The log is another one now: everything is compared anew at the next sign-in.
                self.lose(None, Wait::Not);
                return;
            }
            if let Some(room) = self.rooms.get_mut(&head.room) {
                room.sync.raised(head.head);
                self.due.insert(head.room);
            }
        }
    }

    /// Reads a payload; one that can't be read is skipped, as everything unknown is.
    fn read<T: DeserializeOwned>(&self, name: &str, payload: Value) -> Option<T> {
        match serde_json::from_value(payload) {
            Ok(read) => Some(read),
            Err(error) => {
                self.strange(name, &error);
                None
            }
        }
    }

    pub(super) fn strange(&self, name: &str, why: &dyn std::fmt::Display) {
        tracing::warn!(space = %self.space(), name, %why, "the node says something strange");
    }

    /// Events pushed by the node: those that join on to a log are taken, the others only say how
    /// far the node's log goes.
    async fn pushed(&mut self, packets: Vec<Events>) -> Result<(), ClientError> {
        let mut fresh = Vec::new();
        // What is taken in this round counts, so that two packets of a room are one.
        let mut heads: HashMap<RoomId, u64> = HashMap::new();
        for Events {
            room: id,
            mut events,
        } in packets
        {
            let Some(room) = self.rooms.get_mut(&id) else {
                continue;
            };
            let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
            let (Some(last), true) = (seqs.last(), crate::sync::without_holes(&seqs)) else {
                continue;
            };
            if events.iter().any(|event| event.room != id) {
                continue;
            }
            room.sync.raised(*last);
            self.due.insert(id);
            let head = heads.entry(id).or_insert_with(|| room.sync.head());
            events.retain(|event| event.seq > *head);
            if room.sync.is_checked() && events.first().is_some_and(|first| first.seq == *head + 1)
            {
                *head = *last;
                fresh.extend(events);
            }
        }
        self.take(fresh, Way::Pushed).await
    }
}

impl From<LinkLoss> for ClientError {
    fn from(loss: LinkLoss) -> Self {
        Self::Refused(Refusal::new(Code::Unavailable, loss.to_string()))
    }
}
