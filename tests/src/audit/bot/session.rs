//! One connection of a bot: signs in, follows its rooms, empties its outbox.

use super::*;

/// Silence after which it asks for its rooms, and so for a sign of life.
const SILENCE: Duration = Duration::from_secs(3);
/// How often it looks into its outbox.
const LOOK: Duration = Duration::from_millis(20);
/// Events of a page, and answered ones that are remembered.
const PAGE: usize = 500;

/// What it has asked and awaits the answer of.
#[derive(Debug)]
enum Asked {
    Append(Vec<NewEvent>),
    Fetch(RoomId),
    Rooms,
    Search,
}

/// One connection.
pub(super) struct Session<'a> {
    life: &'a Life,
    raw: Raw,
    asked: BTreeMap<u64, (Asked, Instant)>,
    next: u64,
    fetching: BTreeSet<RoomId>,
    /// The node has asked for patience.
    not_before: Instant,
    heard: Instant,
}

impl<'a> Session<'a> {
    pub(super) fn new(life: &'a Life, raw: Raw) -> Self {
        Self {
            life,
            raw,
            asked: BTreeMap::new(),
            next: 1,
            fetching: BTreeSet::new(),
            not_before: Instant::now(),
            heard: Instant::now(),
        }
    }

    pub(super) async fn sign_in(&mut self) -> Option<()> {
        self.raw.connect().await.ok()?;
        let welcome: Welcome = self.packet_named("welcome").await?;
        self.see_epoch(welcome.node.epoch);
        let request = sign_in_request(&self.life.key, &self.life.name, &welcome);
        let mut request = request;
        request["rid"] = "0".into();
        self.raw.emit("sign_in", &request).await.ok()?;
        let mut reply: Value = self.packet_named("reply").await?;
        let Ok(signed_in) = serde_json::from_value::<SignedIn>(reply["ok"].take()) else {
            sleep(AGAIN).await;
            return None;
        };
        let directory = signed_in.space.id.directory();
        self.take_rooms(signed_in.rooms);
        self.catch_up(directory, signed_in.directory_head).await
    }

    async fn packet_named<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        loop {
            let (of, payload) = self.raw.packet().await?;
            if of == name {
                return serde_json::from_value(payload).ok();
            }
        }
    }

    fn see_epoch(&self, epoch: u64) {
        let before = *self.life.state().epoch.get_or_insert(epoch);
        if before != epoch {
            let what = format!(
                "{} was told of epoch {epoch} after {before}",
                self.life.name
            );
            self.life.ledger.broken(Broken::Otherwise, what);
        }
    }

    fn take_rooms(&self, rooms: Vec<RoomInfo>) {
        let rooms = rooms.into_iter().map(|room| (room.id, room.head));
        self.life.state().rooms = rooms.collect();
    }

    pub(super) async fn run(&mut self) -> Option<()> {
        let rooms = self.life.state().rooms.clone();
        for (room, head) in rooms {
            self.catch_up(room, head).await?;
        }
        loop {
            let look = Instant::now() + LOOK;
            tokio::select! {
                packet = self.raw.packet() => {
                    let (name, payload) = packet?;
                    self.heard = Instant::now();
                    self.hear(&name, payload).await?;
                }
                () = sleep_until(look) => self.look().await?,
            }
        }
    }

    /// Sends what waits; ends the connection when nothing is heard any more.
    async fn look(&mut self) -> Option<()> {
        let now = Instant::now();
        if self
            .asked
            .values()
            .any(|(_, since)| now - *since > PATIENCE)
        {
            return None;
        }
        if now - self.heard > SILENCE && !self.asked.values().any(is_rooms) {
            let request = json!({ "limit": 200 });
            self.ask("my_rooms", request, Asked::Rooms).await?;
        }
        let query = self.life.state().searches.pop_front();
        if let Some(query) = query {
            let request = json!({ "query": query, "limit": 20 });
            self.ask("search", request, Asked::Search).await?;
        }
        let appending = |(asked, _): &(Asked, Instant)| matches!(asked, Asked::Append(_));
        if now < self.not_before || self.asked.values().any(appending) {
            return Some(());
        }
        let batch: Vec<NewEvent> = {
            let state = self.life.state();
            state.outbox.iter().take(APPEND_EVENTS).cloned().collect()
        };
        if batch.is_empty() {
            return Some(());
        }
        let request = json!({ "events": batch });
        self.ask("append", request, Asked::Append(batch)).await
    }

    async fn ask(&mut self, event: &str, mut request: Value, asked: Asked) -> Option<()> {
        let rid = self.next;
        self.next += 1;
        request["rid"] = rid.to_string().into();
        self.asked.insert(rid, (asked, Instant::now()));
        timeout(PATIENCE, self.raw.emit(event, &request))
            .await
            .ok()?
            .ok()
    }

    async fn hear(&mut self, name: &str, payload: Value) -> Option<()> {
        match name {
            "events" => {
                let Events { room, events } = serde_json::from_value(payload).ok()?;
                let head = events.last()?.seq;
                for event in events {
                    self.life.take(room, event);
                }
                self.catch_up(room, head).await?;
            }
            "heads" => {
                let Heads { rooms } = serde_json::from_value(payload).ok()?;
                for head in rooms {
                    self.see_epoch(head.epoch);
                    self.catch_up(head.room, head.head).await?;
                }
            }
            "room_opened" => {
                let RoomOpened { room } = serde_json::from_value(payload).ok()?;
                self.life.state().rooms.insert(room.id, room.head);
                self.catch_up(room.id, room.head).await?;
            }
            "room_closed" => {
                let RoomClosed { room, .. } = serde_json::from_value(payload).ok()?;
                self.life.state().rooms.remove(&room);
            }
            "reply" => return self.hear_answer(payload).await,
            "goodbye" => return None,
            _ => {}
        }
        Some(())
    }

    async fn hear_answer(&mut self, mut reply: Value) -> Option<()> {
        let rid: u64 = reply["rid"].as_str()?.parse().ok()?;
        let (asked, _) = self.asked.remove(&rid)?;
        let error = reply.get("error").cloned();
        if let Some(error) = &error {
            let pause = error["retry_after_ms"].as_u64().unwrap_or(500);
            self.not_before = Instant::now() + Duration::from_millis(pause);
        }
        let ok = reply["ok"].take();
        match (asked, error) {
            (Asked::Append(events), None) => {
                let appended: Appended = serde_json::from_value(ok).ok()?;
                self.settle(&events, appended.results);
            }
            (Asked::Fetch(room), None) => {
                self.fetching.remove(&room);
                let fetched: Fetched = serde_json::from_value(ok).ok()?;
                self.see_epoch(fetched.epoch);
                for event in fetched.events {
                    self.life.take(room, event);
                }
                self.catch_up(room, fetched.head).await?;
            }
            (Asked::Rooms, None) => {
                let rooms: Vec<RoomInfo> = serde_json::from_value(ok["rooms"].clone()).ok()?;
                let heads: Vec<_> = rooms.iter().map(|room| (room.id, room.head)).collect();
                self.take_rooms(rooms);
                for (room, head) in heads {
                    self.catch_up(room, head).await?;
                }
            }
            (Asked::Search, _) => {}
            (Asked::Append(_), Some(error)) => {
                let code = error["code"].as_str()?;
                if !["too_many_requests", "unavailable", "internal"].contains(&code) {
                    let what = format!("{}'s append was refused: {error}", self.life.name);
                    self.life.ledger.broken(Broken::Otherwise, what);
                }
            }
            // Left meanwhile, or a full disk: a head that is heard of later asks again.
            (Asked::Fetch(room), Some(_)) => {
                self.fetching.remove(&room);
            }
            (Asked::Rooms, Some(_)) => {}
        }
        Some(())
    }

    /// What an append's answer means for the outbox.
    fn settle(&mut self, events: &[NewEvent], results: Vec<AppendResult>) {
        let mut state = self.life.state();
        for (event, result) in events.iter().zip(results) {
            match result {
                AppendResult::Accepted { id, seq, .. } => {
                    self.life
                        .ledger
                        .answered(&self.life.name, event.room, seq, id);
                    state.outbox.retain(|waiting| waiting.id != id);
                    if matches!(Content::read(&event.content), Content::Message(_)) {
                        state.mine.push((event.room, id));
                    }
                    state.answered.push_back(event.clone());
                    if state.answered.len() > PAGE {
                        state.answered.pop_front();
                    }
                }
                AppendResult::Refused { id, error } => {
                    let code = json!(error.code);
                    let code = code.as_str().unwrap_or_default();
                    if ["too_many_requests", "unavailable", "internal"].contains(&code) {
                        let pause = error.retry_after_ms.unwrap_or(500);
                        self.not_before = Instant::now() + Duration::from_millis(pause);
                    } else {
                        self.life.ledger.refused(id, code, &error.message);
                        state.outbox.retain(|waiting| waiting.id != id);
                    }
                }
            }
        }
    }

    /// Asks for what of a room's log is missing up to this head.
    async fn catch_up(&mut self, room: RoomId, head: u64) -> Option<()> {
        let has = {
            let mut state = self.life.state();
            if let Some(known) = state.rooms.get_mut(&room) {
                *known = head.max(*known);
            }
            state.logs.get(&room).map_or(0, Vec::len) as u64
        };
        if has >= head || !self.fetching.insert(room) {
            return Some(());
        }
        let request = json!({ "room": room, "after": has, "limit": PAGE });
        self.ask("fetch", request, Asked::Fetch(room)).await
    }
}

fn is_rooms((asked, _): &(Asked, Instant)) -> bool {
    matches!(asked, Asked::Rooms)
}
