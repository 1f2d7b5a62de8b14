//! The app's life: start, the window's close button, quit.
//!
//! ```text
//! close button ── hosting? ─ yes ─▶ hidden, goes on      Show, the Dock, a second start ─▶ shown
//!                     └───── no ──▶ quit ◀── Quit in the tray, --quit, Ctrl-C, SIGTERM
//! quit: hide ─▶ client stops ─▶ node stops ─▶ notifications go ─▶ exit
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Result, bail};
use landline_client::{Client, ClientConfig, ClientError, Random, Replied, SystemClock, TcpDial};
use landline_discovery::Discovery;
use landline_protocol::EventId;
use landline_protocol::up::ClientInfo;
use tauri::utils::config::CspDirectiveSources;
use tauri::{AppHandle, Context, Manager, RunEvent, Window, WindowEvent, async_runtime};

use crate::core::Core;
use crate::files::FileServer;
use crate::hosting::Hosting;
use crate::import::{self, Imports};
use crate::instance::Instance;
use crate::ipc::{self, Stream};
use crate::notices::{About, Notice, Notices, Response};
use crate::shell::Shell;
use crate::{away, person, save, tray, window};

/// Time for goodbyes and databases at the end. Nothing is lost past it: it is all on disk.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// What the end needs.
#[derive(Debug)]
struct Running {
    data: PathBuf,
    core: Core,
    shell: Arc<Shell>,
    is_quitting: AtomicBool,
    /// The person was told once that the app goes on without a window.
    has_told_of_hosting: AtomicBool,
}

/// Runs the app until it is quit.
pub(crate) fn run(data: PathBuf, instance: Instance) -> Result<()> {
    let instance = Arc::new(instance);
    let door = instance.clone();
    let files = FileServer::open()?;
    let mut context = tauri::generate_context!();
    allow(&mut context, &files.origin());
    let mut files = Some(files);
    let (fails, failure) = mpsc::sync_channel(1);
    let app = tauri::Builder::default()
        .manage(Core::default())
        .manage(Stream::default())
        .manage(Imports::default())
        .invoke_handler(tauri::generate_handler![
            ipc::listen,
            ipc::call,
            save::save_file,
            save::save_export,
            import::choose_import,
            import::start_import,
            import::cancel_import
        ])
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { api, .. } = event {
                api.prevent_close();
                close(window);
            }
        })
        .setup(move |app| {
            // An error that leaves here would be a panic.
            if let Some(files) = files.take()
                && let Err(error) = start(app.handle(), &data, &door, files)
            {
                // It is the first: there is room.
                let _ = fails.try_send(error);
                app.handle().exit(1);
            }
            Ok(())
        })
        .build(context)?;

    let code = app.run_return(|app, event| match event {
        // The last window is gone, or the system ends the session.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => {
            api.prevent_exit();
            quit(app);
        }
        // A click on the icon in the Dock: macOS starts no second program.
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => show(app),
        _ => {}
    });
    tracing::info!("ended");
    drop(instance);
    match failure.try_recv() {
        Ok(error) => Err(error),
        Err(_) if code != 0 => bail!("the window ended with {code}"),
        Err(_) => Ok(()),
    }
}

/// The window may also show, play and send what is at `origin`.
fn allow(context: &mut Context, origin: &str) {
    let policy = &mut context.config_mut().app.security.csp;
    let mut directives: HashMap<String, CspDirectiveSources> =
        policy.take().map(Into::into).unwrap_or_default();
    for directive in ["img-src", "media-src", "connect-src"] {
        let sources = directives.entry(directive.to_owned()).or_default();
        sources.push(origin);
    }
    *policy = Some(directives.into());
}

fn start(app: &AppHandle, data: &Path, instance: &Instance, files: FileServer) -> Result<()> {
    tracing::info!(data = %data.display(), version = env!("CARGO_PKG_VERSION"), "starting");
    let core = app.state::<Core>().inner().clone();
    let shell = Arc::new(Shell {
        notices: Notices::start(on_response(app, &core)),
        hosting: Hosting::start(data, core.clone()),
    });
    app.manage(Running {
        data: data.to_owned(),
        core: core.clone(),
        shell: shell.clone(),
        is_quitting: AtomicBool::new(false),
        has_told_of_hosting: AtomicBool::new(false),
    });
    async_runtime::spawn(start_core(core.clone(), shell, data.to_owned()));
    async_runtime::spawn(quit_on_signal(app.clone()));
    window::open(app, data, &files.script())?;
    files.serve(core.clone());
    away::watch(core);
    tray::place(app);
    let app = app.clone();
    instance.listen(
        move |launch| {
            if launch.quit { quit(&app) } else { show(&app) }
        },
    )?;
    Ok(())
}

async fn start_core(core: Core, shell: Arc<Shell>, data: PathBuf) {
    let started = start_client(data, shell).await;
    if let Err(error) = &started {
        // The window says it to the person.
        tracing::error!(%error, "the client core can't start");
    }
    core.set(started.map_err(Into::into));
}

async fn start_client(data: PathBuf, shell: Arc<Shell>) -> Result<Client, ClientError> {
    let config = ClientConfig {
        data_dir: data,
        clock: Arc::new(SystemClock),
        random: Random::from_system()?,
        dial: Arc::new(TcpDial::default()),
        discovery: Some(Discovery::start()),
        client: ClientInfo {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        suggested_name: person::suggested_name(),
    };
    Client::start(config, shell).await
}

/// A click on a notification brings the window to the front and goes to what it is about; so does a
/// reply that can't be sent.
fn on_response(
    app: &AppHandle,
    core: &Core,
) -> impl Fn(About, Option<EventId>, Response) + Send + Sync + 'static {
    let (app, core) = (app.clone(), core.clone());
    move |about, item, response| {
        let About::Room { space, room } = about else {
            return window::show(&app);
        };
        let (app, core) = (app.clone(), core.clone());
        async_runtime::spawn(async move {
            let Ok(client) = core.client().await else {
                // The window says why.
                return window::show(&app);
            };
            if let Response::Replied(text) = response
                && !text.trim().is_empty()
            {
                let replied = client.reply(space, room, item, &text).await;
                match replied {
                    Ok(Replied::Queued) => return,
                    Ok(Replied::Drafted) => {}
                    Err(refusal) => {
                        let words = format!("Your reply was not sent: {}. {text}", refusal.message);
                        client.notice(words).await;
                    }
                }
            }
            window::show(&app);
            client.open(space, room, item).await;
        });
    }
}

/// Somebody who hosts closes the window, not the space.
fn close(window: &Window) {
    let app = window.app_handle();
    let running = app.state::<Running>();
    let Some(name) = running.shell.hosting.hosted_name() else {
        return quit(app);
    };
    window::keep_size(app, &running.data);
    window::hide(app);
    if !running.has_told_of_hosting.swap(true, Ordering::Relaxed) {
        running.shell.notices.show(Notice {
            about: About::Hosting,
            item: None,
            title: format!("Still hosting {name}"),
            body: "Landline goes on without its window. Start it again to bring the window back; \
                   stop hosting, or choose Quit in the tray, to end it."
                .to_owned(),
            personal: false,
            sound: false,
        });
    }
}

/// Brings the window back.
pub(crate) fn show(app: &AppHandle) {
    window::show(app);
    let running = app.state::<Running>();
    running.shell.notices.clear(About::Hosting);
}

/// Ends the app: at once to look at, then in good order.
pub(crate) fn quit(app: &AppHandle) {
    let running = app.state::<Running>();
    if running.is_quitting.swap(true, Ordering::Relaxed) {
        return;
    }
    tracing::info!("quitting");
    window::keep_size(app, &running.data);
    window::hide(app);
    let (app, core, shell) = (app.clone(), running.core.clone(), running.shell.clone());
    async_runtime::spawn(async move {
        let stopping = async {
            if let Some(client) = core.running() {
                client.stop().await;
            }
            shell.hosting.stop().await;
            shell.notices.end().await;
        };
        if tokio::time::timeout(STOP_LIMIT, stopping).await.is_err() {
            tracing::warn!("the end takes too long: not waited for");
        }
        app.exit(0);
    });
}

async fn quit_on_signal(app: AppHandle) {
    if let Err(error) = signal().await {
        return tracing::warn!(%error, "signals can't be heard");
    }
    quit(&app);
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
async fn signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
