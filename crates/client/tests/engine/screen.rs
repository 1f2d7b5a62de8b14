//! A client with a window: everything a person would see.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use landline_client::command::{GetPage, Join, Post, SetName};
use landline_client::link::Dial;
use landline_client::link::memory::MemoryDial;
use landline_client::ui::{
    HostingView, Item, ItemBody, ItemState, LinkState, Page, Part, RoomView, Snapshot, SpaceView,
    UiEvent,
};
use landline_client::{
    Client, ClientConfig, Clock, Host, HostRequest, Hosted, Notification, Picture, PlainHost,
    Random, SystemClock,
};
use landline_protocol::up::ClientInfo;
use landline_protocol::{Admission, EventId, Refusal, RoomId, SpaceId};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// For anything that must happen: generous, since the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(30);

/// Surroundings that remember what was shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Vec<Notification>>>);

impl Desk {
    pub(crate) fn notifications(&self) -> Vec<Notification> {
        self.0.lock().unwrap().clone()
    }
}

impl Host for Desk {
    fn notify(&self, notification: Notification) {
        self.0.lock().unwrap().push(notification);
    }

    fn clear_notifications(&self, _: SpaceId, room: RoomId) {
        self.0
            .lock()
            .unwrap()
            .retain(|notification| notification.room != room);
    }

    fn host_space(&self, request: HostRequest) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        PlainHost.host_space(request)
    }

    fn set_hosting(&self, space: SpaceId, on: bool) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        Box::pin(async move { Ok(hosts(space, on)) })
    }

    fn open_link(&self, _: &str) -> Result<(), Refusal> {
        Ok(())
    }
}

/// A computer that has hosted one space. Whatever address is dialled leads to the node.
pub(crate) fn hosts(space: SpaceId, on: bool) -> Hosted {
    let addresses = on.then(|| "192.168.1.20:7717".to_owned());
    Hosted {
        spaces: vec![HostingView {
            space,
            name: "Studio".into(),
            on,
            addresses: addresses.into_iter().collect(),
            admission: Admission::Open,
            connected: u64::from(on),
        }],
        loopback: on.then(|| "127.0.0.1:7717".to_owned()),
    }
}

pub(crate) struct Screen {
    pub(crate) client: Client,
    pub(crate) desk: Desk,
    pub(crate) space: SpaceId,
    pub(crate) events: Vec<UiEvent>,
    picture: Picture,
    /// As the window has them, by id.
    pub(crate) items: HashMap<EventId, (RoomId, Item)>,
    window: mpsc::Receiver<Vec<UiEvent>>,
    pub(crate) data: PathBuf,
    _folder: Option<TempDir>,
}

impl Screen {
    /// Starts on a new data folder and joins the space.
    pub(crate) async fn join(dial: &MemoryDial, space: SpaceId) -> Self {
        Self::join_by(Arc::new(SystemClock), dial, space).await
    }

    /// [`Self::join`] by another clock.
    pub(crate) async fn join_by(clock: Arc<dyn Clock>, dial: &MemoryDial, space: SpaceId) -> Self {
        let mut screen = Self::start_by(clock, dial, space).await;
        screen.try_join(None).await.unwrap();
        screen.until_connected().await;
        screen
    }

    /// Starts on a data folder that is there.
    pub(crate) async fn start_at(dial: &MemoryDial, space: SpaceId, data: &Path) -> Self {
        Self::open(Arc::new(SystemClock), dial, space, data).await
    }

    /// The data folder is not removed with this.
    pub(crate) fn keep_folder(&mut self) -> TempDir {
        self._folder.take().unwrap()
    }

    /// [`Self::join`] over another way.
    pub(crate) async fn join_over(dial: Arc<dyn Dial>, space: SpaceId) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut screen = Self::open_over(Arc::new(SystemClock), dial, space, folder.path()).await;
        screen._folder = Some(folder);
        screen.takes_a_name().await;
        screen.try_join(None).await.unwrap();
        screen.until_connected().await;
        screen
    }

    async fn takes_a_name(&self) {
        let name = "Ben".into();
        self.client.set_name(SetName { name }).await.unwrap();
    }

    /// Starts on a new data folder.
    pub(crate) async fn start(dial: &MemoryDial, space: SpaceId) -> Self {
        Self::start_by(Arc::new(SystemClock), dial, space).await
    }

    async fn start_by(clock: Arc<dyn Clock>, dial: &MemoryDial, space: SpaceId) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut screen = Self::open(clock, dial, space, folder.path()).await;
        screen._folder = Some(folder);
        screen.takes_a_name().await;
        screen
    }

    async fn open(clock: Arc<dyn Clock>, dial: &MemoryDial, space: SpaceId, data: &Path) -> Self {
        Self::open_over(clock, Arc::new(dial.clone()), space, data).await
    }

    async fn open_over(
        clock: Arc<dyn Clock>,
        dial: Arc<dyn Dial>,
        space: SpaceId,
        data: &Path,
    ) -> Self {
        let config = ClientConfig {
            data_dir: data.to_owned(),
            clock,
            random: Random::from_system().unwrap(),
            dial,
            discovery: None,
            client: ClientInfo {
                name: "test".into(),
                version: "0".into(),
            },
            suggested_name: "Ben".into(),
        };
        let desk = Desk::default();
        let client = Client::start(config, Arc::new(desk.clone())).await.unwrap();
        let mut window = client.listen().await;
        let first = timeout(DEADLINE, window.recv()).await.unwrap().unwrap();
        let Some(UiEvent::Snapshot(snapshot)) = first.first().cloned() else {
            panic!("the first event is {first:?}");
        };
        Self {
            client,
            desk,
            space,
            events: first,
            picture: Picture::new(snapshot),
            items: HashMap::new(),
            window,
            data: data.to_owned(),
            _folder: None,
        }
    }

    pub(crate) async fn try_join(&mut self, passcode: Option<&str>) -> Result<SpaceId, Refusal> {
        let join = Join {
            space: None,
            address: Some("studio:7717".into()),
            passcode: passcode.map(str::to_owned),
        };
        self.client.join(join).await.map(|answer| answer.space)
    }

    /// The program ends and is started again on the same folder.
    pub(crate) async fn restart(self, dial: &MemoryDial) -> Self {
        self.restart_after(dial, |_| {}).await
    }

    /// Something happens to the data folder between the end and the start.
    pub(crate) async fn restart_after(
        mut self,
        dial: &MemoryDial,
        happens: impl FnOnce(&Path),
    ) -> Self {
        self.client.stop().await;
        happens(&self.data);
        let mut next = Self::start_at(dial, self.space, &self.data).await;
        next._folder = self._folder.take();
        next
    }

    /// What was told that belongs to no place on the screen.
    pub(crate) fn notices(&self) -> String {
        let notices = self.events.iter().filter_map(|event| match event {
            UiEvent::Notice { refusal } => Some(refusal.message.as_str()),
            _ => None,
        });
        notices.collect::<Vec<_>>().join("\n")
    }

    pub(crate) async fn until_told(&mut self, words: &str) {
        self.until(words, |screen| screen.notices().contains(words))
            .await;
    }

    pub(crate) fn replica(&self) -> PathBuf {
        replica(&self.data, self.space)
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        self.picture.now()
    }

    pub(crate) fn space_view(&self) -> Option<&SpaceView> {
        self.snapshot()
            .spaces
            .iter()
            .map(|state| &state.space)
            .find(|view| view.space == self.space)
    }

    pub(crate) fn room(&self, room: RoomId) -> Option<&RoomView> {
        self.snapshot()
            .spaces
            .iter()
            .flat_map(|state| &state.rooms)
            .find(|view| view.room == room)
    }

    pub(crate) fn link(&self) -> Option<LinkState> {
        self.space_view().map(|view| view.link.state)
    }

    pub(crate) fn state(&self, item: EventId) -> Option<&ItemState> {
        self.items.get(&item).map(|(_, item)| &item.state)
    }

    /// Takes what has arrived, without waiting.
    pub(crate) fn take(&mut self) {
        while let Ok(batch) = self.window.try_recv() {
            self.reduce(batch);
        }
    }

    fn reduce(&mut self, batch: Vec<UiEvent>) {
        for event in &batch {
            self.picture.take(event);
            match event {
                UiEvent::Items { room, items, .. } => {
                    for item in items {
                        self.items.insert(item.id, (*room, item.clone()));
                    }
                }
                UiEvent::ItemGone { id, .. } => drop(self.items.remove(id)),
                _ => {}
            }
        }
        self.events.extend(batch);
    }

    /// Waits until what is on the screen is so.
    pub(crate) async fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let waited = timeout(DEADLINE, async {
            while !so(self) {
                let batch = self.window.recv().await.expect("the core has ended");
                self.reduce(batch);
            }
        });
        let ended = waited.await.is_ok();
        assert!(ended, "not in time: {what}; {:?}", self.space_view());
    }

    pub(crate) async fn until_connected(&mut self) {
        self.until("connected", |screen| {
            let view = screen.space_view();
            view.is_some_and(|view| {
                view.link.state == LinkState::Connected && view.link.catching_up.is_none()
            })
        })
        .await;
    }

    pub(crate) async fn until_accepted(&mut self, item: EventId) {
        self.until("accepted", |screen| {
            screen.state(item) == Some(&ItemState::Accepted)
        })
        .await;
    }

    pub(crate) async fn post(&mut self, room: RoomId, text: &str) -> EventId {
        let post = Post {
            space: self.space,
            room,
            text: text.into(),
            reply_to: None,
            thread: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
        };
        self.client.post(post).await.unwrap().id
    }

    pub(crate) async fn page(&self, room: RoomId, before: Option<u64>, limit: u32) -> Page {
        let page = GetPage {
            space: self.space,
            room,
            part: Part::All,
            before,
            after: None,
            around: None,
            limit,
        };
        self.client.page(page).await.unwrap()
    }

    /// All that is here of a room, by paging back to its beginning.
    pub(crate) async fn history(&mut self, room: RoomId) -> Vec<Item> {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let page = self.page(room, before, 200).await;
            if page.hole_before {
                let reloads = self.reloads(room);
                self.until("the hole is filled", |screen| {
                    screen.reloads(room) > reloads
                })
                .await;
                all.clear();
                before = None;
                continue;
            }
            let more = page.more_before;
            before = page.items.first().and_then(|item| item.seq);
            all.splice(0..0, page.items);
            if !more {
                return all;
            }
        }
    }

    fn reloads(&self, of: RoomId) -> usize {
        self.events
            .iter()
            .filter(|event| matches!(event, UiEvent::Reload { room, .. } if *room == of))
            .count()
    }
}

pub(crate) fn replica(data: &Path, space: SpaceId) -> PathBuf {
    data.join("spaces")
        .join(space.to_string())
        .join("replica.db")
}

/// Waits until it is so, whatever is on the screen.
pub(crate) async fn eventually(what: &str, so: impl Fn() -> bool) {
    let waited = timeout(DEADLINE, async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "not in time: {what}");
}

/// What a message says; empty for other lines.
pub(crate) fn text(item: &Item) -> &str {
    match &item.body {
        ItemBody::Message(message) => &message.text,
        ItemBody::System { .. } => "",
    }
}
