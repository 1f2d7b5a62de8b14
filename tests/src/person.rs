//! A person: a real client core with a data folder of their own, behind a proxy of their own, so
//! that their link can be cut.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use landline_client::command::{
    CreateRoom, GetPage, Join, LeaveRoom, Post, Read, RoomNamed, SetName, SetPresence, SetTyping,
};
use landline_client::link::Timing;
use landline_client::ui::{Item, ItemBody, ItemState, Part};
use landline_client::{
    Client, ClientConfig, Host, Notification, PlainHost, Random, SystemClock, TcpDial,
};
use landline_protocol::up::ClientInfo;
use landline_protocol::{EventId, MemberId, PresenceState, RoomId, RoomKind, SpaceId};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::deadline::{LONG, SOON, eventually, within};
use crate::desk::Desk;
use crate::logs::{self, Row};
use crate::proxy::{Proxy, Weather};
use crate::screen::{Screen, SpaceOnScreen};

/// Items of a timeline asked at once.
const PAGE_ITEMS: u32 = 200;

/// A person at a computer.
#[derive(Debug)]
pub struct Person {
    name: String,
    data: PathBuf,
    space: SpaceId,
    proxy: Proxy,
    client: Client,
    desk: Arc<Desk>,
    screen: watch::Receiver<Screen>,
    _watching: AbortOnDropHandle<()>,
}

impl Person {
    /// A first start, and a first join by address. Returns when signed in.
    pub async fn join(name: &str, data: &Path, node: SocketAddr) -> Self {
        let proxy = Proxy::start(node).await.unwrap();
        let desk = Arc::new(Desk::default());
        let client = start(name, data, desk.clone()).await;
        client
            .set_name(SetName {
                name: name.to_owned(),
            })
            .await
            .unwrap();
        let join = Join {
            space: None,
            address: Some(proxy.address().to_string()),
            passcode: None,
        };
        let space = client.join(join).await.unwrap().space;
        let (screen, watching) = watch_screen(&client).await;
        let person = Self {
            name: name.to_owned(),
            data: data.to_owned(),
            space,
            proxy,
            client,
            desk,
            screen,
            _watching: watching,
        };
        person.connected().await;
        person
    }

    pub fn me(&self) -> MemberId {
        self.client.me()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn space(&self) -> SpaceId {
        self.space
    }

    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Quits the program and starts it again on the same folder. Does not wait for the link.
    pub async fn start_again(&mut self) {
        self.client.stop().await;
        self.client = start(&self.name, &self.data, self.desk.clone()).await;
        (self.screen, self._watching) = watch_screen(&self.client).await;
    }

    // The network

    /// Nobody answers any more: what was sent and not yet answered may or may not have arrived.
    pub fn cut(&self) {
        self.proxy.set(Weather::Refuse);
        self.proxy.kill();
    }

    pub fn heal(&self) {
        self.proxy.set(Weather::Fair);
    }

    /// Every connection is reset once; the next one may be made at once.
    pub fn jolt(&self) {
        self.proxy.kill();
    }

    /// Resets each connection after so many more bytes from the node: in the midst of a frame.
    pub fn cut_after(&self, bytes: usize) {
        self.proxy.set(Weather::CutAfter { bytes });
    }

    // What the person does

    /// Writes a message; returns when it is safe on disk, whether or not there is a link.
    pub async fn write(&self, room: RoomId, text: &str) -> EventId {
        let post = Post {
            space: self.space,
            room,
            text: text.to_owned(),
            reply_to: None,
            thread: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
        };
        self.client.post(post).await.unwrap().id
    }

    pub async fn create_room(&self, kind: RoomKind, name: &str, members: &[MemberId]) -> RoomId {
        let create = CreateRoom {
            space: self.space,
            kind,
            name: name.to_owned(),
            topic: String::new(),
            members: members.to_vec(),
        };
        self.client.create_room(create).await.unwrap().room
    }

    /// Returns when the room is open.
    pub async fn join_room(&self, room: RoomId) {
        self.client.join_room(self.named(room)).await.unwrap();
        let open =
            |space: &SpaceOnScreen| space.rooms.get(&room).filter(|room| room.open).map(drop);
        self.sees("the room is open", open).await;
    }

    pub async fn leave_room(&self, room: RoomId) {
        let leave = LeaveRoom {
            space: self.space,
            room,
            forget: false,
        };
        self.client.leave_room(leave).await.unwrap();
    }

    pub async fn types(&self, room: RoomId, on: bool) {
        let typing = SetTyping {
            space: self.space,
            room,
            on,
        };
        self.client.typing(typing).await.unwrap();
    }

    pub async fn reads(&self, room: RoomId, seq: u64) {
        let read = Read {
            space: self.space,
            room,
            seq,
        };
        self.client.read(read).await.unwrap();
    }

    pub async fn is(&self, state: PresenceState) {
        let presence = SetPresence {
            state,
            text: String::new(),
        };
        self.client.set_presence(presence).await.unwrap();
    }

    pub fn named(&self, room: RoomId) -> RoomNamed {
        RoomNamed {
            space: self.space,
            room,
        }
    }

    // What the person sees

    /// Waits until the space on the screen shows it.
    pub async fn sees<T>(&self, what: &str, look: impl FnMut(&SpaceOnScreen) -> Option<T>) -> T {
        self.sees_within(SOON, what, look).await
    }

    /// [`Self::sees`] with more patience.
    pub async fn sees_in_the_end<T>(
        &self,
        what: &str,
        look: impl FnMut(&SpaceOnScreen) -> Option<T>,
    ) -> T {
        self.sees_within(LONG, what, look).await
    }

    async fn sees_within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut look: impl FnMut(&SpaceOnScreen) -> Option<T>,
    ) -> T {
        let mut screen = self.screen.clone();
        let seen = async {
            loop {
                let found = screen
                    .borrow_and_update()
                    .spaces
                    .get(&self.space)
                    .and_then(&mut look);
                match found {
                    Some(found) => return found,
                    None => screen.changed().await.expect("the client has ended"),
                }
            }
        };
        timeout(limit, seen).await.unwrap_or_else(|_| {
            let shown = &self.screen.borrow().spaces;
            panic!("{} waited in vain: {what}\n{shown:#?}", self.name)
        })
    }

    /// Waits until these notifications stand on the desktop, and no others.
    pub async fn is_told(&self, what: &str, so: impl Fn(&BTreeMap<RoomId, Notification>) -> bool) {
        let what = format!("{} is told: {what}", self.name);
        eventually(&what, async || so(&self.desk.shown()).then_some(())).await;
    }

    pub async fn connected(&self) {
        self.sees("connected", |space| space.connected().then_some(()))
            .await;
    }

    pub async fn disconnected(&self) {
        self.sees("not connected", |space| (!space.connected()).then_some(()))
            .await;
    }

    /// A room by its name, once it is there and open.
    pub async fn room(&self, name: &str) -> RoomId {
        self.sees(name, |space| {
            space
                .room(name)
                .filter(|room| room.open)
                .map(|room| room.room)
        })
        .await
    }

    pub fn now(&self) -> SpaceOnScreen {
        self.screen.borrow().spaces[&self.space].clone()
    }

    /// Waits until nothing of one's own is on its way: by the disk, since the screen may not show
    /// yet what was written a moment ago; and then by the screen.
    pub async fn all_sent(&self) {
        let what = format!("{}'s outbox is empty", self.name);
        let database = self.database();
        within(LONG, what, async || {
            (logs::outbox(&database) == 0).then_some(())
        })
        .await;
        self.sees_in_the_end("nothing queued", |space| {
            (space.view.queued == 0).then_some(())
        })
        .await;
    }

    /// The whole timeline of a room, as far as it is on this computer, by paging back.
    pub async fn timeline(&self, room: RoomId) -> Vec<Item> {
        let mut whole: Vec<Item> = Vec::new();
        let mut before = None;
        loop {
            let get = GetPage {
                space: self.space,
                room,
                part: Part::All,
                before,
                after: None,
                around: None,
                limit: PAGE_ITEMS,
            };
            let page = self.client.page(get).await.unwrap();
            before = page.items.iter().find_map(|item| item.seq);
            let more = page.more_before && !page.hole_before && before.is_some();
            whole.splice(0..0, page.items);
            if !more {
                return whole;
            }
        }
    }

    /// The texts of the messages in the timeline.
    pub async fn texts(&self, room: RoomId) -> Vec<String> {
        self.timeline(room).await.iter().filter_map(text).collect()
    }

    /// Waits until these are the texts of the room, no more, no fewer, in this order, all accepted.
    pub async fn reads_texts(&self, room: RoomId, expected: &[impl AsRef<str>]) {
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        let mut last = Vec::new();
        let look = async || {
            let timeline = self.timeline(room).await;
            let accepted = timeline
                .iter()
                .filter(|item| item.state == ItemState::Accepted);
            last = accepted.filter_map(text).collect();
            (last == expected).then_some(())
        };
        if timeout(SOON, within(LONG, "texts", look)).await.is_err() {
            panic!("{} reads {last:#?}\ninstead of {expected:#?}", self.name);
        }
    }

    /// Waits until the replica holds exactly these events of the rooms one is in.
    pub async fn holds(&self, stored: &[Row]) {
        let rooms = self.now().rooms;
        let mine = |row: &&Row| {
            let of_room = |id: &RoomId| row.room == id.as_bytes();
            rooms.keys().any(of_room) || row.room == self.space.directory().as_bytes()
        };
        let expected: Vec<&Row> = stored.iter().filter(mine).collect();
        let same = async || {
            self.replica()
                .iter()
                .eq(expected.iter().copied())
                .then_some(())
        };
        let what = format!("{}'s replica holds what the node holds", self.name);
        if timeout(SOON, within(LONG, &what, same)).await.is_err() {
            let held = self.replica();
            let missing = expected.iter().filter(|row| !held.contains(row));
            let missing: Vec<_> = missing.map(|row| row.in_short()).collect();
            let beyond = held.iter().filter(|row| !expected.contains(row));
            let beyond: Vec<_> = beyond.map(Row::in_short).collect();
            panic!("{what}; missing: {missing:#?}, too much: {beyond:#?}");
        }
    }

    /// The event tables of this person's replica.
    pub fn replica(&self) -> Vec<Row> {
        logs::events(&self.database())
    }

    fn database(&self) -> PathBuf {
        logs::replica(&self.data, self.space)
    }
}

/// The text of a message; else nothing.
pub fn text(item: &Item) -> Option<String> {
    match &item.body {
        ItemBody::Message(message) => Some(message.text.clone()),
        ItemBody::System { .. } => None,
    }
}

/// A client core in a data folder that may be fresh, dialling directly.
pub async fn client(name: &str, data: &Path) -> Client {
    start(name, data, Arc::new(PlainHost)).await
}

async fn start(name: &str, data: &Path, host: Arc<dyn Host>) -> Client {
    Client::start(config(name, data, Timing::default()), host)
        .await
        .unwrap()
}

/// What [`client`] is made of, with limits of its own.
pub fn config(name: &str, data: &Path, timing: Timing) -> ClientConfig {
    ClientConfig {
        data_dir: data.to_owned(),
        clock: Arc::new(SystemClock),
        random: Random::from_system().unwrap(),
        dial: Arc::new(TcpDial::new(timing)),
        discovery: None,
        client: ClientInfo {
            name: "landline-tests".into(),
            version: "1".into(),
        },
        suggested_name: name.to_owned(),
    }
}

/// Listens like a window for as long as the handle lives.
async fn watch_screen(client: &Client) -> (watch::Receiver<Screen>, AbortOnDropHandle<()>) {
    let mut batches = client.listen().await;
    let (shown, screen) = watch::channel(Screen::default());
    let watching = tokio::spawn(async move {
        while let Some(batch) = batches.recv().await {
            shown.send_modify(|screen| screen.take(batch));
        }
    });
    (screen, AbortOnDropHandle::new(watching))
}
