//! One real app in its own data folder, driven through WebKitWebDriver as a person would.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::bus::Bus;
use super::screen::Screen;
use crate::deadline::{eventually, soon};
use crate::programs;

/// The keyboard's Enter, in WebDriver's words.
const ENTER: &str = "\u{e007}";
/// For a script in the page.
const SCRIPT_LIMIT: Duration = Duration::from_secs(120);

/// A line of the timeline as the window shows it.
#[derive(Debug, Deserialize)]
pub struct Item {
    pub text: String,
    pub state: String,
    pub ticks: Option<String>,
    pub seq: Option<u64>,
}

/// A person with the app. Their computer has a screen of its own: there the window has the focus.
#[derive(Debug)]
pub struct App {
    pub name: &'static str,
    folder: TempDir,
    screen: Screen,
    dark: bool,
    driver: Child,
    window: Client,
}

impl App {
    /// Starts the app for somebody new.
    pub async fn start(name: &'static str, bus: &Bus, dark: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let screen = Screen::open().await;
        let (driver, window) = open(folder.path(), &screen, bus, dark).await;
        screen.focus().await;
        Self {
            name,
            folder,
            screen,
            dark,
            driver,
            window,
        }
    }

    /// Starts it again on what is in its folder. The focus stays where it is.
    pub async fn start_again(&mut self, bus: &Bus) {
        (self.driver, self.window) = open(self.folder.path(), &self.screen, bus, self.dark).await;
    }

    /// Gives its window the keyboard, as a window manager would.
    pub async fn focus(&self) {
        self.screen.focus().await;
    }

    /// `kill -9` of the app itself, in the midst of whatever it does; then its driver has no use.
    pub async fn kill(&mut self) {
        kill(self.process(), Signal::SIGKILL).unwrap();
        self.end_driver().await;
    }

    /// Asks it to end, as the system does when a session ends, and waits until it has.
    pub async fn quit(&mut self) {
        let process = self.process();
        kill(process, Signal::SIGTERM).unwrap();
        eventually("the app ends", async || {
            (!is_app(process.as_raw())).then_some(())
        })
        .await;
        self.end_driver().await;
    }

    /// The app's own process: shell and client core. The web view's are others.
    pub fn process(&self) -> Pid {
        process_of(self.folder.path())
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a script in the page, as the body of a function whose last argument takes the answer.
    /// Within [`SCRIPT_LIMIT`].
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let answer = self.window.execute_async(script, arguments);
        let answer = timeout(SCRIPT_LIMIT, answer).await;
        let answer = answer.unwrap_or_else(|_| panic!("a script in {}'s page hangs", self.name));
        answer.unwrap_or_else(|error| panic!("a script in {}'s page: {error}", self.name))
    }

    /// Turns the wheel over the middle of the timeline, up or down, so many times.
    pub async fn wheel(&self, up: bool, times: u32, every: Duration) {
        self.screen.wheel(up, times, every).await;
    }

    pub async fn close(mut self) {
        let _ = self.window.clone().close().await;
        self.end_driver().await;
    }

    async fn end_driver(&mut self) {
        if let Some(id) = self.driver.id() {
            // The driver leads a group with all that it has started.
            let _ = killpg(Pid::from_raw(i32::try_from(id).unwrap()), Signal::SIGKILL);
        }
        let _ = self.driver.wait().await;
    }

    pub async fn see(&self, testid: &str) -> Element {
        eventually(format!("{} sees {testid}", self.name), async || {
            self.find(testid).await
        })
        .await
    }

    async fn find(&self, testid: &str) -> Option<Element> {
        self.window
            .find(Locator::Css(&format!("[data-testid={testid}]")))
            .await
            .ok()
    }

    /// Clicks as soon as it can be clicked.
    pub async fn click(&self, testid: &str) {
        eventually(format!("{} clicks {testid}", self.name), async || {
            self.find(testid).await?.click().await.ok()
        })
        .await;
    }

    /// Puts this text in place of what is in a field.
    pub async fn fill(&self, testid: &str, text: &str) {
        let field = self.see(testid).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn type_in(&self, testid: &str, text: &str) {
        let field = self.see(testid).await;
        let typed = field.send_keys(text);
        soon(format!("{} types {text:?}", self.name), typed)
            .await
            .unwrap();
    }

    /// Adds this to what is in the composer and sends it.
    pub async fn say(&self, text: &str) {
        self.type_in("composer-input", &format!("{text}{ENTER}"))
            .await;
    }

    /// Goes to a room by its name in the sidebar.
    pub async fn look_at(&self, room: &str) {
        let row = format!("[data-testid=room-list-item][data-room-name='{room}']");
        eventually(format!("{} goes to {room}", self.name), async || {
            let found = self.window.find(Locator::Css(&row)).await.ok()?;
            found.click().await.ok()?;
            self.text("room-name")
                .await
                .filter(|shown| shown == room)
                .map(drop)
        })
        .await;
    }

    /// Sees an element by its selector.
    pub async fn sees(&self, what: &str, selector: &str) {
        eventually(format!("{} sees {what}", self.name), async || {
            self.window.find(Locator::Css(selector)).await.ok()
        })
        .await;
    }

    /// Clicks as soon as it can be clicked.
    pub async fn click_on(&self, selector: &str) {
        eventually(format!("{} clicks {selector}", self.name), async || {
            let found = self.window.find(Locator::Css(selector)).await.ok()?;
            found.click().await.ok()
        })
        .await;
    }

    /// What this function of the first such element answers.
    pub async fn evaluate(&self, function: &str, selector: &str) -> Value {
        let script = format!("return ({function})(document.querySelector(arguments[0]));");
        let asked = self.window.execute(&script, vec![Value::from(selector)]);
        let answer = soon(format!("{} looks at {selector}", self.name), asked).await;
        answer.unwrap()
    }

    /// Chooses these files in the dialog of the button beside the composer.
    pub async fn choose_files(&self, files: &[PathBuf]) {
        let names: Vec<_> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        let field = self.see("file-input").await;
        field.send_keys(&names.join("\n")).await.unwrap();
    }

    /// Types where to into the dialog for it, and confirms.
    pub async fn save_as(&self, to: &Path) {
        self.screen.type_in("Save", &to.display().to_string()).await;
    }

    /// The text of the first element of that name.
    pub async fn text(&self, testid: &str) -> Option<String> {
        let script = "return document.querySelector(arguments[0])?.textContent?.trim() ?? null;";
        let element = Value::from(format!("[data-testid={testid}]"));
        let text = self.window.execute(script, vec![element]);
        let text = soon(format!("{} reads {testid}", self.name), text).await;
        let text = text.unwrap();
        text.as_str().map(str::to_owned)
    }

    pub async fn items(&self) -> Vec<Item> {
        let script = "return [...document.querySelectorAll('[data-testid=item]')].map((item) => ({
            text: (item.querySelector('[data-testid=item-text]')?.textContent ?? '').trim(),
            state: item.dataset.state,
            ticks: item.dataset.ticks ?? null,
            seq: item.dataset.seq ? Number(item.dataset.seq) : null,
        }));";
        let items = self.window.execute(script, Vec::new());
        let items = soon(format!("{} reads the timeline", self.name), items).await;
        serde_json::from_value(items.unwrap()).unwrap()
    }

    /// Waits for a message in this state. A queued one may be on its way already.
    pub async fn sees_item(&self, text: &str, state: &str) {
        eventually(format!("{} sees {text:?} {state}", self.name), async || {
            let items = self.items().await;
            items
                .iter()
                .any(|item| item.text == text && item.state == state)
                .then_some(())
        })
        .await;
    }

    pub async fn link_state(&self) -> Option<String> {
        self.find("connection-line")
            .await?
            .attr("data-state")
            .await
            .ok()?
    }

    pub async fn see_connected(&self) {
        eventually(format!("{} is connected", self.name), async || {
            (self.link_state().await.as_deref() == Some("connected")).then_some(())
        })
        .await;
    }

    /// The presence that the list of people shows of somebody.
    pub async fn presence_of(&self, name: &str) -> Option<String> {
        let row = format!("[data-testid=person][data-name='{name}']");
        self.window
            .find(Locator::Css(&row))
            .await
            .ok()?
            .attr("data-state")
            .await
            .ok()?
    }

    /// A picture of what is on this person's screen, in the target folder's `tmp/desktop`.
    pub async fn picture(&self, name: &str) {
        let folder = programs::target().join("tmp/desktop");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}-{}.png", self.name.to_lowercase()));
        // What has just come fades in.
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.screen.picture(&file).await;
        println!("{}", file.display());
    }
}

async fn open(folder: &Path, screen: &Screen, bus: &Bus, dark: bool) -> (Child, Client) {
    let [port, native_port] = free_ports();
    let mut driver = Command::new(tool("LANDLINE_TAURI_DRIVER"));
    driver.args([
        "--port",
        &port.to_string(),
        "--native-port",
        &native_port.to_string(),
    ]);
    driver
        .env("DISPLAY", &screen.display)
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
        .env("LANDLINE_DATA_DIR", folder)
        .env_remove("WAYLAND_DISPLAY")
        // Without a graphics card, the web view's own compositor only costs time.
        .env("WEBKIT_DISABLE_COMPOSITING_MODE", "1")
        .env("NO_AT_BRIDGE", "1")
        .env("LC_ALL", "C.UTF-8")
        .process_group(0)
        .stdin(Stdio::null())
        // It says at length that it waits for WebKitWebDriver.
        .stdout(Stdio::null())
        .kill_on_drop(true);
    if dark {
        driver.env("GTK_THEME", "Adwaita:dark");
    }
    let driver = driver.spawn().expect("tauri-driver can be started");
    let mut capabilities = Capabilities::new();
    let options = json!({ "application": tool("LANDLINE_APP") });
    capabilities.insert("tauri:options".to_owned(), options);
    capabilities.insert("browserName".to_owned(), Value::from("wry"));
    let script_limit = u64::try_from(SCRIPT_LIMIT.as_millis()).unwrap();
    capabilities.insert("timeouts".to_owned(), json!({ "script": script_limit }));
    let address = format!("http://127.0.0.1:{port}");
    let window = eventually("the app's window opens", async || {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.clone());
        match builder.connect(&address).await {
            Ok(window) => Some(window),
            Err(fantoccini::error::NewSessionError::NotW3C(answer)) => {
                panic!("no session: {answer}")
            }
            Err(_) => None,
        }
    })
    .await;
    (driver, window)
}

/// The app's own process: the one with our program whose data folder this is.
fn process_of(folder: &Path) -> Pid {
    let wanted = format!("LANDLINE_DATA_DIR={}", folder.display());
    let processes = std::fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let mut ours = ids.filter(|id| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        is_app(*id)
            && environment
                .split(|byte| *byte == 0)
                .any(|line| line == wanted.as_bytes())
    });
    Pid::from_raw(ours.next().expect("the app runs"))
}

/// Whether this process runs our program.
fn is_app(process: i32) -> bool {
    let app = std::fs::canonicalize(tool("LANDLINE_APP")).unwrap();
    std::fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|exe| exe == app)
}

/// A program that this variable of the environment names.
pub fn tool(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    let words = "is set by `cargo xtask test --only desktop` and `cargo xtask bench window`";
    path.unwrap_or_else(|| panic!("{variable} {words}")).into()
}

/// Two ports that nobody listens on. Held open at once, so that they differ.
fn free_ports() -> [u16; 2] {
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
