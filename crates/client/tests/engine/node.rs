//! A node that is not there: it keeps logs as a real one does, in memory, and misbehaves when told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use landline_client::LinkLoss;
use landline_client::link::Timing;
use landline_client::link::memory::{Call, MemoryDial, MemoryNode, MemorySession, Sent, network};
use landline_protocol::down::{NodeInfo, ProtocolRange, Welcome};
use landline_protocol::up::{
    Append, AppendResult, Fetch, Fetched, Mark, Me, RoomInfo, SignedIn, SpaceInfo,
};
use landline_protocol::{
    Admission, Admitted, Code, Content, Delete, Event, EventId, MemberId, Message, NewEvent,
    Refusal, Role, RoomCreated, RoomId, RoomKind, SpaceCreated, SpaceId,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How the node treats what comes.
#[derive(Debug, Default)]
pub(crate) struct Manners {
    /// Dials are refused.
    pub(crate) down: bool,
    pub(crate) refuse_sign_in: Option<Refusal>,
    /// The next appends are refused as a whole, one each.
    pub(crate) refuse_appends: VecDeque<Refusal>,
    /// So many appends are stored, and the link is cut before the answer.
    pub(crate) lose_answers: u32,
    /// Messages with this in them, and names, are refused for good.
    pub(crate) dislikes: Option<&'static str>,
    /// Such fetches are refused for now.
    pub(crate) holds: Option<fn(&Fetch) -> bool>,
    /// Answers are given, but nothing is pushed.
    pub(crate) mute: bool,
}

#[derive(Debug)]
struct State {
    space: SpaceId,
    manners: Manners,
    rooms: BTreeMap<RoomId, Log>,
    ids: HashMap<EventId, (RoomId, u64)>,
    member: Option<MemberId>,
    time: i64,
    made: u64,
    dials: u32,
    appended: Vec<Vec<EventId>>,
    requests: Vec<String>,
    /// How far the client says it is: delivered and read.
    mark: Option<(u64, u64)>,
    sessions: Vec<mpsc::Sender<(&'static str, Value)>>,
    links: CancellationToken,
}

#[derive(Debug, Clone)]
struct Log {
    kind: RoomKind,
    name: String,
    everyone: bool,
    members: Vec<MemberId>,
    events: Vec<Event>,
}

/// The node, as a test holds it.
#[derive(Debug, Clone)]
pub(crate) struct Node(Arc<Mutex<State>>);

/// Somebody who is in the space besides the client.
pub(crate) const ANA: MemberId = MemberId::from_bytes([1; 32]);
const NODE: MemberId = MemberId::from_bytes([2; 32]);

impl Node {
    /// A node with the room `general`, where `messages` by Ana are.
    pub(crate) fn start(messages: u64) -> (Self, MemoryDial) {
        let (dial, listener) = network(Timing::default());
        let space: SpaceId = "0193d3c0-7e5a-7000-8000-000000000001".parse().unwrap();
        let node = Self(Arc::new(Mutex::new(State {
            space,
            manners: Manners::default(),
            rooms: BTreeMap::new(),
            ids: HashMap::new(),
            member: None,
            time: std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64 - 10_000_000,
            made: 0,
            dials: 0,
            appended: Vec::new(),
            requests: Vec::new(),
            mark: None,
            sessions: Vec::new(),
            links: CancellationToken::new(),
        })));
        {
            let mut state = node.state();
            let log = |name: &str| Log {
                kind: RoomKind::Public,
                name: name.into(),
                everyone: true,
                members: Vec::new(),
                events: Vec::new(),
            };
            state.rooms.insert(space.directory(), log("Studio"));
            let general = state.general();
            state.rooms.insert(general, log("general"));
            state.write(
                space.directory(),
                NODE,
                &Content::SpaceCreated(SpaceCreated {
                    name: "Studio".into(),
                }),
            );
            state.admit(ANA, "Ana", Role::Owner);
            let created = RoomCreated {
                kind: RoomKind::Public,
                name: "general".into(),
                topic: String::new(),
                members: Vec::new(),
                everyone: true,
            };
            state.write(general, NODE, &Content::RoomCreated(created));
        }
        for n in 0..messages {
            node.say(&format!("old {n}"));
        }
        tokio::spawn(node.clone().listen(listener));
        (node, dial)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn space(&self) -> SpaceId {
        self.state().space
    }

    pub(crate) fn general(&self) -> RoomId {
        self.state().general()
    }

    pub(crate) fn manners<T>(&self, change: impl FnOnce(&mut Manners) -> T) -> T {
        change(&mut self.state().manners)
    }

    pub(crate) fn dials(&self) -> u32 {
        self.state().dials
    }

    /// The ids of each append that came, refused ones too.
    pub(crate) fn appended(&self) -> Vec<Vec<EventId>> {
        self.state().appended.clone()
    }

    pub(crate) fn mark(&self) -> Option<(u64, u64)> {
        self.state().mark
    }

    /// How many requests of this kind have come.
    pub(crate) fn asked(&self, event: &str) -> usize {
        self.state()
            .requests
            .iter()
            .filter(|name| *name == event)
            .count()
    }

    pub(crate) fn log(&self, room: RoomId) -> Vec<Event> {
        self.state()
            .rooms
            .get(&room)
            .map(|log| log.events.clone())
            .unwrap_or_default()
    }

    /// What people have said in a room.
    pub(crate) fn texts(&self, room: RoomId) -> Vec<String> {
        let log = self.log(room);
        let texts = log
            .iter()
            .filter_map(|event| match Content::read(&event.content) {
                Content::Message(message) => Some(message.text),
                _ => None,
            });
        texts.collect()
    }

    /// Ana says something in `general`.
    pub(crate) fn say(&self, text: &str) -> EventId {
        self.say_so(Message {
            text: text.into(),
            ..Message::default()
        })
    }

    /// Ana deletes what she said in the general room.
    pub(crate) fn delete(&self, target: EventId) {
        let mut state = self.state();
        let room = state.general();
        let event = state.write(room, ANA, &Content::Delete(Delete { target }));
        state.push("events", json!({ "room": room, "events": [event] }));
    }

    /// Ana says something in the general room, with whatever belongs to it.
    pub(crate) fn say_so(&self, message: Message) -> EventId {
        let mut state = self.state();
        let room = state.general();
        let event = state.write(room, ANA, &Content::Message(message));
        state.push("events", json!({ "room": room, "events": [event] }));
        event.id
    }

    /// Time passes at the node: its clock is that of this computer.
    pub(crate) fn move_clock(&self) {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
        let mut state = self.state();
        state.time = state.time.max(now);
    }

    pub(crate) fn push(&self, name: &'static str, payload: Value) {
        self.state().push(name, payload);
    }

    /// Every link ends.
    pub(crate) fn cut(&self) {
        let mut state = self.state();
        state.links.cancel();
        state.links = CancellationToken::new();
        state.sessions.clear();
    }

    /// Restored from a copy that has only the first `keep` events of a room.
    pub(crate) fn restored(&self, room: RoomId, keep: usize) {
        self.cut();
        let mut state = self.state();
        let Some(log) = state.rooms.get_mut(&room) else {
            return;
        };
        let gone = log.events.split_off(keep.min(log.events.len()));
        if log.events.is_empty() {
            state.rooms.remove(&room);
        }
        for event in gone {
            state.ids.remove(&event.id);
        }
    }

    /// The client is in this room no longer.
    pub(crate) fn close(&self, room: RoomId) {
        self.state().rooms.remove(&room);
    }

    /// The client is in this room no longer, and in the same breath again.
    pub(crate) fn close_and_open(&self, room: RoomId) {
        let mut state = self.state();
        let info = state.room_info(room, &state.rooms[&room]);
        state.push("room_closed", json!({ "room": room }));
        state.push("room_opened", json!({ "room": info }));
    }

    async fn listen(self, mut listener: MemoryNode) {
        while let Some(call) = listener.call().await {
            let down = {
                let mut state = self.state();
                state.dials += 1;
                state.manners.down
            };
            if down {
                call.refuse(LinkLoss::Unreachable("down".into()));
            } else {
                tokio::spawn(self.clone().serve(call));
            }
        }
    }

    async fn serve(self, call: Call) {
        let (pushes, mut pushed) = mpsc::channel(1024);
        let (mut session, links) = {
            let mut state = self.state();
            state.sessions.push(pushes);
            (call.accept(state.welcome()), state.links.clone())
        };
        loop {
            tokio::select! {
                biased;
                () = links.cancelled() => return,
                push = pushed.recv() => match push {
                    Some((name, payload)) => session.push(name, payload).await,
                    None => return,
                },
                sent = session.next() => match sent {
                    Some(sent) => if !self.answer(&session, sent).await { return },
                    None => return,
                },
            }
        }
    }

    /// Answers a request; false: the link is cut instead.
    async fn answer(&self, session: &MemorySession, sent: Sent) -> bool {
        let answer = {
            let mut state = self.state();
            state.requests.push(sent.event.to_owned());
            state.answer(&sent)
        };
        match (answer, sent.rid) {
            (Some(answer), Some(rid)) => {
                session.reply(&rid, answer).await;
                true
            }
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

impl State {
    fn general(&self) -> RoomId {
        "0193d3c0-7e5a-7000-8000-000000000002".parse().unwrap()
    }

    fn welcome(&self) -> Welcome {
        Welcome {
            protocol: ProtocolRange { min: 1, max: 1 },
            features: Vec::new(),
            node: NodeInfo {
                id: NODE,
                fingerprint: None,
                version: "test".into(),
                epoch: 1,
            },
            space: self.info(),
            nonce: "nonce".into(),
            server_time: self.time,
            limits: landline_protocol::Limits::default(),
        }
    }

    fn info(&self) -> SpaceInfo {
        SpaceInfo {
            id: self.space,
            name: "Studio".into(),
            admission: Admission::Open,
        }
    }

    fn admit(&mut self, member: MemberId, name: &str, role: Role) {
        let admitted = Admitted {
            member,
            name: name.into(),
            role,
            invite: None,
        };
        self.write(self.space.directory(), NODE, &Content::Admitted(admitted));
    }

    fn write(&mut self, room: RoomId, author: MemberId, content: &Content) -> Event {
        self.made += 1;
        let mut id = [7; 16];
        id[..8].copy_from_slice(&self.made.to_be_bytes());
        let new = NewEvent {
            id: EventId::from_bytes(id),
            room,
            sent_at: self.time,
            content: content.to_raw().unwrap(),
            sig: None,
        };
        self.store(new, author)
    }

    fn store(&mut self, new: NewEvent, author: MemberId) -> Event {
        self.time += 1;
        let log = self.rooms.get_mut(&new.room).unwrap();
        let event = Event::accepted(new, author, log.events.len() as u64 + 1, self.time);
        log.events.push(event.clone());
        self.ids.insert(event.id, (event.room, event.seq));
        event
    }

    fn push(&mut self, name: &'static str, payload: Value) {
        if !self.manners.mute {
            self.sessions
                .retain(|session| session.try_send((name, payload.clone())).is_ok());
        }
    }

    fn room_info(&self, id: RoomId, log: &Log) -> RoomInfo {
        let last = log.events.last().unwrap();
        RoomInfo {
            id,
            kind: log.kind,
            name: log.name.clone(),
            topic: String::new(),
            archived: false,
            everyone: log.everyone,
            member_count: 2,
            first: 1,
            head: last.seq,
            head_id: last.id,
            epoch: 1,
            read: 0,
            delivered: 0,
            members: (log.kind == RoomKind::Direct).then(|| log.members.clone()),
        }
    }

    fn answer(&mut self, sent: &Sent) -> Option<Result<Value, Refusal>> {
        let payload = sent.payload.clone();
        Some(match sent.event {
            "sign_in" => self.sign_in(&payload),
            "append" => return self.append(serde_json::from_value(payload).unwrap()),
            "fetch" => self.fetch(&serde_json::from_value(payload).unwrap()),
            "my_rooms" | "rooms" => Ok(json!({ "rooms": [], "more": false })),
            "mark" => {
                let mark: Mark = serde_json::from_value(payload).unwrap();
                self.mark = mark.delivered.zip(mark.read);
                Ok(json!({}))
            }
            "marks" => Ok(json!({ "changes": [] })),
            "watch" => Ok(json!({ "presence": [] })),
            _ => Ok(json!({})),
        })
    }

    fn sign_in(&mut self, payload: &Value) -> Result<Value, Refusal> {
        if let Some(refusal) = &self.manners.refuse_sign_in {
            return Err(refusal.clone());
        }
        let id: MemberId = payload["public_key"].as_str().unwrap().parse().unwrap();
        let name = payload["name"].as_str().unwrap().to_owned();
        if self.member.is_none() {
            self.member = Some(id);
            self.admit(id, &name, Role::Member);
        }
        let directory = self.space.directory();
        let rooms = self.rooms.iter().filter(|(room, _)| **room != directory);
        let signed_in = SignedIn {
            me: Me {
                id,
                name,
                role: Role::Member,
            },
            session: "token".into(),
            space: self.info(),
            rooms: rooms
                .map(|(room, log)| self.room_info(*room, log))
                .collect(),
            more: false,
            directory_head: self.rooms[&directory].events.len() as u64,
            server_time: self.time,
        };
        Ok(serde_json::to_value(signed_in).unwrap())
    }

    fn append(&mut self, append: Append) -> Option<Result<Value, Refusal>> {
        self.appended
            .push(append.events.iter().map(|event| event.id).collect());
        if let Some(refusal) = self.manners.refuse_appends.pop_front() {
            return Some(Err(refusal));
        }
        let member = self.member.unwrap();
        let mut results = Vec::new();
        let mut new: BTreeMap<RoomId, Vec<Event>> = BTreeMap::new();
        for event in append.events {
            let id = event.id;
            match self.accept(event, member, &mut new) {
                Ok((seq, accepted_at)) => results.push(AppendResult::Accepted {
                    id,
                    seq,
                    accepted_at,
                }),
                Err(error) => results.push(AppendResult::Refused { id, error }),
            }
        }
        if self.manners.lose_answers > 0 {
            self.manners.lose_answers -= 1;
            return None;
        }
        for (room, events) in new {
            if events.first().is_some_and(|event| event.seq == 1) {
                let info = self.room_info(room, &self.rooms[&room]);
                self.push("room_opened", json!({ "room": info }));
            }
            self.push("events", json!({ "room": room, "events": events }));
        }
        Some(Ok(json!({ "results": results })))
    }

    fn accept(
        &mut self,
        event: NewEvent,
        member: MemberId,
        new: &mut BTreeMap<RoomId, Vec<Event>>,
    ) -> Result<(u64, i64), Refusal> {
        if let Some((room, seq)) = self.ids.get(&event.id) {
            let known = &self.rooms[room].events[*seq as usize - 1];
            return Ok((*seq, known.accepted_at));
        }
        let content = Content::parse(&event.content)?;
        if let Content::RoomCreated(created) = &content {
            if self.rooms.contains_key(&event.room) {
                return Err(Refusal::new(Code::Conflict, "there is such a room"));
            }
            let log = Log {
                kind: created.kind,
                name: created.name.clone(),
                everyone: false,
                members: created.members.clone(),
                events: Vec::new(),
            };
            self.rooms.insert(event.room, log);
        }
        let words = match &content {
            Content::Message(message) => Some(&message.text),
            Content::Profile(profile) => profile.name.as_ref(),
            _ => None,
        };
        if let (Some(words), Some(word)) = (words, self.manners.dislikes)
            && words.contains(word)
        {
            return Err(Refusal::not_allowed("not here"));
        }
        if !self.rooms.contains_key(&event.room) {
            return Err(Refusal::not_found("no such room"));
        }
        if let Some(needed) = content.target()
            && !self.ids.contains_key(&needed)
        {
            return Err(Refusal::not_found("no such event"));
        }
        let event = self.store(event, member);
        let answer = (event.seq, event.accepted_at);
        new.entry(event.room).or_default().push(event);
        Ok(answer)
    }

    fn fetch(&mut self, fetch: &Fetch) -> Result<Value, Refusal> {
        if self.manners.holds.is_some_and(|holds| holds(fetch)) {
            self.requests.push("held".into());
            return Err(Refusal::new(Code::Unavailable, "later"));
        }
        let log = self
            .rooms
            .get(&fetch.room)
            .ok_or_else(|| Refusal::not_found("no such room"))?;
        let limit = fetch.limit as usize;
        let all = &log.events;
        let events = match (fetch.after, fetch.before) {
            (Some(after), _) => all
                .iter()
                .skip(after as usize)
                .take(limit)
                .cloned()
                .collect(),
            (None, before) => {
                let to = before
                    .map_or(all.len(), |before| before as usize - 1)
                    .min(all.len());
                all[to.saturating_sub(limit)..to].to_vec()
            }
        };
        let last = all.last().unwrap();
        let fetched = Fetched {
            events,
            first: 1,
            head: last.seq,
            head_id: last.id,
            epoch: 1,
        };
        Ok(serde_json::to_value(fetched).unwrap())
    }
}

/// A direct room with Ana that the client has not heard of: made by her at the same moment.
impl Node {
    pub(crate) fn make_direct(&self, room: RoomId, members: &[MemberId]) {
        let mut state = self.state();
        let log = Log {
            kind: RoomKind::Direct,
            name: String::new(),
            everyone: false,
            members: members.to_vec(),
            events: Vec::new(),
        };
        state.rooms.insert(room, log);
        let created = RoomCreated {
            kind: RoomKind::Direct,
            name: String::new(),
            topic: String::new(),
            members: members.to_vec(),
            everyone: false,
        };
        state.write(room, ANA, &Content::RoomCreated(created));
    }
}
