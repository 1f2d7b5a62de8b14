//! A private session bus with a notification service that records, and clicks or answers when told
//! to, as Plasma does.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use zbus::message::Header;
use zbus::names::UniqueName;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedVariant, interface};

use crate::deadline::soon;

const IDLE_PATH: &str = "/org/gnome/Mutter/IdleMonitor/Core";
const IDLE_NAME: &str = "org.gnome.Mutter.IdleMonitor";
const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";
/// Notifications that wait to be looked at.
const WAITING: usize = 64;

/// One call of `Notify`.
#[derive(Debug, Clone)]
pub struct Notification {
    id: u32,
    pub summary: String,
    pub body: String,
    actions: Vec<String>,
    /// Who showed it.
    sender: UniqueName<'static>,
}

/// A running bus; it ends with this value.
#[derive(Debug)]
pub struct Bus {
    /// As in `DBUS_SESSION_BUS_ADDRESS`.
    pub address: String,
    connection: Connection,
    notifications: mpsc::Receiver<Notification>,
    /// Those that the programs closed, by their number.
    closed: mpsc::Receiver<u32>,
    takes_replies: Arc<AtomicBool>,
    /// Milliseconds since the last key.
    idle: Arc<AtomicU64>,
    _daemon: Child,
    _folder: TempDir,
}

impl Bus {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .arg(format!(
                "--address=unix:path={}",
                folder.path().join("bus").display()
            ))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("dbus-daemon is installed");
        let output = daemon.stdout.take().unwrap();
        let address = BufReader::new(output)
            .lines()
            .next_line()
            .await
            .unwrap()
            .unwrap();
        let (record, notifications) = mpsc::channel(WAITING);
        let (close, closed) = mpsc::channel(WAITING);
        let takes_replies = Arc::new(AtomicBool::new(false));
        let service = Service {
            takes_replies: takes_replies.clone(),
            record,
            close,
            last: 0,
        };
        let idle = Arc::new(AtomicU64::new(0));
        let connection = zbus::connection::Builder::address(address.as_str())
            .serve_at(PATH, service)
            .name(NAME)
            .serve_at(IDLE_PATH, Keys(idle.clone()))
            .name(IDLE_NAME)
            .build()
            .await
            .unwrap();
        Self {
            address,
            connection,
            notifications,
            closed,
            takes_replies,
            idle,
            _daemon: daemon,
            _folder: folder,
        }
    }

    /// The next notification with this text in its body.
    pub async fn next_about(&mut self, text: &str) -> Notification {
        soon(format!("a notification about {text:?}"), async {
            loop {
                let notification = self.notifications.recv().await.unwrap();
                if notification.body.contains(text) {
                    return notification;
                }
            }
        })
        .await
    }

    /// So long nobody has pressed a key, says the desktop.
    pub fn idles(&self, idle: Duration) {
        let millis = u64::try_from(idle.as_millis()).unwrap();
        self.idle.store(millis, Ordering::Relaxed);
    }

    /// From now on the desktop has a field for a reply, as Plasma has; before, it is like GNOME.
    pub fn takes_replies(&self) {
        self.takes_replies.store(true, Ordering::Relaxed);
    }

    /// Clicks on the notification itself, as a person does: some time after it has appeared.
    pub async fn click(&self, notification: &Notification) {
        assert!(notification.has("default"), "it can be clicked");
        // notify-rust listens only once `Notify` has returned, and a person reads before the click.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let emitter = SignalEmitter::new(&self.connection, PATH).unwrap();
        Service::action_invoked(&emitter, notification.id, "default")
            .await
            .unwrap();
        Service::notification_closed(&emitter, notification.id, 2)
            .await
            .unwrap();
    }

    /// Writes into the notification. As on Plasma, only the connection that showed it is told.
    pub async fn reply(&self, notification: &Notification, text: &str) {
        assert!(notification.has("inline-reply"), "it can be answered");
        let to_all = SignalEmitter::new(&self.connection, PATH).unwrap();
        // Somebody else's has another number.
        Service::notification_replied(&to_all, notification.id + 1_000, "not this one")
            .await
            .unwrap();
        let to_sender = to_all.set_destination(notification.sender.clone().into());
        Service::notification_replied(&to_sender, notification.id, text)
            .await
            .unwrap();
    }

    /// Waits until the program has closed it.
    pub async fn sees_closed(&mut self, notification: &Notification) {
        soon("the notification is closed", async {
            while self.closed.recv().await.unwrap() != notification.id {}
        })
        .await;
    }
}

/// What GNOME tells of keys and the pointer.
struct Keys(Arc<AtomicU64>);

#[interface(name = "org.gnome.Mutter.IdleMonitor")]
impl Keys {
    #[zbus(name = "GetIdletime")]
    fn idle_time(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Notification {
    fn has(&self, action: &str) -> bool {
        // Each with the words for it.
        self.actions.chunks(2).any(|pair| pair[0] == action)
    }
}

struct Service {
    takes_replies: Arc<AtomicBool>,
    record: mpsc::Sender<Notification>,
    close: mpsc::Sender<u32>,
    last: u32,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[allow(
        clippy::too_many_arguments,
        reason = "the signature of the Desktop Notifications Specification"
    )]
    async fn notify(
        &mut self,
        _app_name: String,
        replaces_id: u32,
        _app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedVariant>,
        _expire_timeout: i32,
        #[zbus(header)] header: Header<'_>,
    ) -> u32 {
        let id = if replaces_id == 0 {
            self.last += 1;
            self.last
        } else {
            replaces_id
        };
        let _ = self
            .record
            .send(Notification {
                id,
                summary,
                body,
                actions,
                sender: header.sender().unwrap().to_owned(),
            })
            .await;
        id
    }

    async fn close_notification(&self, id: u32) {
        let _ = self.close.send(id).await;
    }

    fn get_capabilities(&self) -> Vec<String> {
        let mut capabilities = vec!["actions", "body", "body-markup"];
        if self.takes_replies.load(Ordering::Relaxed) {
            capabilities.push("inline-reply");
        }
        capabilities.into_iter().map(str::to_owned).collect()
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        let words = ["landline-test", "landline", "1", "1.2"].map(str::to_owned);
        let [name, vendor, version, specification] = words;
        (name, vendor, version, specification)
    }

    #[zbus(signal)]
    async fn action_invoked(
        emitter: &SignalEmitter<'_>,
        id: u32,
        action_key: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_replied(
        emitter: &SignalEmitter<'_>,
        id: u32,
        text: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        reason: u32,
    ) -> zbus::Result<()>;
}
