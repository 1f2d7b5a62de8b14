//! A computer with real nodes and a real client, without a window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use landline_client::command::{GetPage, Host as HostSpace, Post, SetHosting, SetName, SpaceNamed};
use landline_client::ui::{ItemBody, ItemState, Page, Part, Snapshot, UiEvent};
use landline_client::{
    Client, ClientConfig, Host, HostRequest, Hosted, Notification, Picture, Random, SystemClock,
    TcpDial,
};
use landline_node::NodeConfig;
use landline_protocol::up::ClientInfo;
use landline_protocol::{Admission, Code, Refusal, RoomId, SpaceId};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Hosting;
use crate::core::Core;

/// For anything that must happen: generous, since the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Desk(Hosting);

impl Host for Desk {
    fn notify(&self, _: Notification) {}

    fn clear_notifications(&self, _: SpaceId, _: RoomId) {}

    fn host_space(&self, request: HostRequest) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        let hosting = self.0.clone();
        Box::pin(async move { hosting.host(request).await })
    }

    fn set_hosting(&self, space: SpaceId, on: bool) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        let hosting = self.0.clone();
        Box::pin(async move { hosting.set(space, on).await })
    }

    fn open_link(&self, _: &str) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The network is not told of it.
fn quiet(data_dir: PathBuf) -> NodeConfig {
    NodeConfig {
        advertise: false,
        ..NodeConfig::new(data_dir)
    }
}

struct Computer {
    hosting: Hosting,
    client: Client,
    window: mpsc::Receiver<Vec<UiEvent>>,
    picture: Picture,
}

impl Computer {
    async fn start(data: &Path) -> Self {
        let core = Core::default();
        let hosting = Hosting::start_with(data, core.clone(), quiet);
        let config = ClientConfig {
            data_dir: data.to_owned(),
            clock: Arc::new(SystemClock),
            random: Random::from_system().unwrap(),
            dial: Arc::new(TcpDial::default()),
            discovery: None,
            client: ClientInfo {
                name: "test".into(),
                version: "0".into(),
            },
            suggested_name: String::new(),
        };
        let client = Client::start(config, Arc::new(Desk(hosting.clone())))
            .await
            .unwrap();
        core.set(Ok(client.clone()));
        let name = "Ana".into();
        client.set_name(SetName { name }).await.unwrap();
        let mut window = client.listen().await;
        let first = window.recv().await.unwrap().into_iter().next();
        let Some(UiEvent::Snapshot(snapshot)) = first else {
            panic!("{first:?}");
        };
        let picture = Picture::new(snapshot);
        Self {
            hosting,
            client,
            window,
            picture,
        }
    }

    async fn stop(self) {
        self.client.stop().await;
        self.hosting.stop().await;
    }

    async fn until(&mut self, what: &str, fits: impl Fn(&Snapshot) -> bool) {
        let happens = async {
            while !fits(self.picture.now()) {
                for event in self.window.recv().await.unwrap() {
                    self.picture.take(&event);
                }
            }
        };
        if timeout(DEADLINE, happens).await.is_err() {
            panic!("not {what}: {:#?}", self.picture.now());
        }
    }

    async fn host(&self, name: &str) -> Result<SpaceId, Refusal> {
        let request = HostSpace {
            name: name.into(),
            admission: Admission::Open,
            passcode: None,
        };
        Ok(self.client.host(request).await?.space)
    }

    async fn set(&self, space: SpaceId, on: bool) -> Result<(), Refusal> {
        let set = self.client.set_hosting(SetHosting { space, on }).await;
        set.map(|_| ())
    }

    /// The names of what can be hosted, with whether it is on.
    fn hosting(&self) -> Vec<(&str, bool)> {
        let hosting = self.picture.now().hosting.iter();
        hosting
            .map(|space| (space.name.as_str(), space.on))
            .collect()
    }

    async fn until_hosting(&mut self, wanted: &[(&str, bool)]) {
        let fits = |now: &Snapshot| {
            let hosting = now.hosting.iter();
            hosting
                .map(|space| (space.name.as_str(), space.on))
                .eq(wanted.iter().copied())
        };
        self.until(&format!("{wanted:?}"), fits).await;
    }

    /// The room that everybody of a space is in, once it is here.
    async fn general(&mut self, space: SpaceId) -> RoomId {
        let general = |now: &Snapshot| {
            let state = now.spaces.iter().find(|state| state.space.space == space)?;
            state.rooms.first().map(|room| room.room)
        };
        self.until("a room", |now| general(now).is_some()).await;
        general(self.picture.now()).unwrap()
    }

    async fn page(&self, space: SpaceId, room: RoomId) -> Page {
        let part = Part::All;
        let (before, after, around, limit) = (None, None, None, 50);
        let request = GetPage {
            space,
            room,
            part,
            before,
            after,
            around,
            limit,
        };
        self.client.page(request).await.unwrap()
    }

    /// Until the host has it, or it has come from there.
    async fn until_there(&mut self, space: SpaceId, words: &str) {
        let room = self.general(space).await;
        let there = async {
            loop {
                let page = self.page(space, room).await;
                let mut items = page.items.iter();
                let is_there = items.any(|item| {
                    item.state == ItemState::Accepted
                        && matches!(&item.body, ItemBody::Message(said) if said.text == words)
                });
                if is_there {
                    return;
                }
                // Something is told when it comes.
                self.window.recv().await.unwrap();
            }
        };
        timeout(DEADLINE, there).await.expect(words);
    }

    async fn write(&mut self, space: SpaceId, words: &str) {
        let room = self.general(space).await;
        let post = Post {
            space,
            room,
            text: words.into(),
            reply_to: None,
            thread: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
        };
        self.client.post(post).await.unwrap();
        self.until_there(space, words).await;
    }
}

#[tokio::test]
async fn every_space_that_was_hosted_here_can_be_hosted_again_with_what_is_in_it() {
    let data = tempfile::tempdir().unwrap();
    let mut ana = Computer::start(data.path()).await;
    let studio = ana.host("Studio").await.unwrap();
    ana.write(studio, "The kiln is free from noon.").await;
    ana.set(studio, false).await.unwrap();
    let harbour = ana.host("Harbour").await.unwrap();
    ana.write(harbour, "Ebb is at four.").await;
    ana.until_hosting(&[("Studio", false), ("Harbour", true)])
        .await;
    ana.set(harbour, false).await.unwrap();
    ana.client
        .leave_space(SpaceNamed { space: studio })
        .await
        .unwrap();
    ana.set(studio, true).await.unwrap();
    ana.until_there(studio, "The kiln is free from noon.").await;
    ana.write(studio, "And on Tuesday.").await;
    ana.stop().await;

    let mut ana = Computer::start(data.path()).await;
    ana.until_hosting(&[("Studio", true), ("Harbour", false)])
        .await;
    ana.until_there(studio, "And on Tuesday.").await;
    ana.stop().await;
}

#[tokio::test]
async fn a_second_space_is_refused_by_the_name_of_the_first_and_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut ana = Computer::start(data.path()).await;
    let studio = ana.host("Studio").await.unwrap();
    ana.set(studio, false).await.unwrap();
    let harbour = ana.host("Harbour").await.unwrap();
    for refused in [
        ana.set(studio, true).await,
        ana.host("Quay").await.map(|_| ()),
    ] {
        let refusal = refused.unwrap_err();
        assert_eq!(refusal.code, Code::Conflict);
        assert_eq!(
            refusal.message,
            "this computer hosts Harbour: stop that first"
        );
    }
    // That one is off already.
    ana.set(studio, false).await.unwrap();
    let unknown = SpaceId::from_bytes([7; 16]);
    let refusal = ana.set(unknown, true).await.unwrap_err();
    assert_eq!(refusal.code, Code::Conflict);
    ana.write(harbour, "Ebb is at four.").await;
    assert_eq!(ana.hosting(), [("Studio", false), ("Harbour", true)]);
    ana.set(harbour, false).await.unwrap();
    let refusal = ana.set(unknown, true).await.unwrap_err();
    assert_eq!(refusal.message, "this computer has not hosted that space");
    ana.stop().await;
}

#[tokio::test]
async fn a_new_space_that_is_refused_leaves_nothing_to_host_again() {
    let data = tempfile::tempdir().unwrap();
    let ana = Computer::start(data.path()).await;
    let request = HostSpace {
        name: "Studio".into(),
        admission: Admission::Passcode,
        passcode: None,
    };
    ana.client.host(request).await.unwrap_err();
    ana.stop().await;
    let mut ana = Computer::start(data.path()).await;
    ana.host("Harbour").await.unwrap();
    ana.until_hosting(&[("Harbour", true)]).await;
    ana.stop().await;
}
