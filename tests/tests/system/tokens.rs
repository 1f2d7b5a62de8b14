//! Files go and come whatever the host's clock does to the tokens that they need.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use landline_client::export::{ExportFormat, ExportTo};
use landline_client::import::ImportSource;
use landline_node::{Clock, NodeConfig, Rates};
use landline_protocol::RoomKind;
use landline_tests::Person;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::files::{accepted, hash, noise, sees_files};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A host whose clock the test moves.
struct Host {
    node: landline_node::Node,
    ahead: Arc<AtomicI64>,
    folder: TempDir,
}

impl Host {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ahead = Arc::new(AtomicI64::new(0));
        let (true_time, moved) = (Clock::system(), ahead.clone());
        let config = NodeConfig {
            name: Some("Test Lab".to_owned()),
            rates: Rates {
                append: 0,
                request: 0,
                join: 0,
            },
            advertise: false,
            clock: Clock::new(move || true_time.now() + moved.load(Ordering::SeqCst)),
            ..NodeConfig::new(folder.path().join("node"))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = landline_node::Node::start(config, listener, std::future::pending());
        Self {
            node: node.await.unwrap(),
            ahead,
            folder,
        }
    }

    async fn person(&self, name: &str) -> Person {
        Person::join(name, &self.folder.path().join(name), self.node.address()).await
    }

    /// All tokens given so far are good no longer; the links stay.
    fn a_day_passes(&self) {
        self.ahead.fetch_add(25 * HOUR_MS, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_right_by_a_day_soon_after_the_sign_in_does_not_stop_files() {
    let host = Host::start().await;
    let (ana, ben) = (host.person("ana").await, host.person("ben").await);
    let general = ana.room("general").await;
    host.a_day_passes();
    let bytes = noise(100_000, "late");
    let event = ana.sends_file(general, "late.bin", &bytes).await;
    accepted(&ana, event).await;
    sees_files(&ben, event, 1).await;
    assert_eq!(ben.reads_file(event, hash(&bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn an_import_with_files_goes_on_when_the_token_has_come_of_age() {
    let host = Host::start().await;
    let ana = host.person("ana").await;
    let aside = ana.create_room(RoomKind::Public, "aside", &[]).await;
    let bytes = noise(100_000, "imported");
    let event = ana.sends_file(aside, "a.bin", &bytes).await;
    accepted(&ana, event).await;
    let path = host.folder.path().join("aside.jsonl");
    let to = ExportTo {
        space: ana.space(),
        rooms: vec![aside],
        path: path.clone(),
        format: ExportFormat::Jsonl,
        replace: false,
    };
    ana.client().export(to, |_| {}).await.unwrap();
    host.a_day_passes();
    let source = ImportSource::open(path, Some("elsewhere".to_owned()));
    let import = ana
        .client()
        .import(ana.space(), source.await.unwrap(), |_| {});
    let report = import.await.unwrap();
    assert_eq!((report.imported, report.files, report.refused), (1, 1, 0));
}
