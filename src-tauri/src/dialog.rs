//! The system's own dialogs: for files, of which the window never learns a path, and for a start
//! that fails, when there is no window.

use std::path::PathBuf;

use anyhow::Context as _;
use landline_protocol::{Code, Refusal};
use rfd::{AsyncFileDialog, FileHandle, MessageDialog, MessageLevel};
use tauri::{AppHandle, WebviewWindow, async_runtime};
use tokio::sync::oneshot;

/// Where to save something that is called so at first; none where the person thought better of it.
pub(crate) async fn where_to(
    app: &AppHandle,
    window: WebviewWindow,
    name: String,
) -> Result<Option<PathBuf>, Refusal> {
    let save = |dialog: AsyncFileDialog| dialog.set_file_name(name).save_file();
    let chosen = ask(app, window, save).await;
    chosen
        .map_err(|error| Refusal::new(Code::Internal, format!("no place can be chosen: {error:#}")))
}

/// Which file to read; none where the person thought better of it.
pub(crate) async fn which_file(
    app: &AppHandle,
    window: WebviewWindow,
) -> Result<Option<PathBuf>, Refusal> {
    let chosen = ask(app, window, |dialog| dialog.pick_file()).await;
    chosen
        .map_err(|error| Refusal::new(Code::Internal, format!("no file can be chosen: {error:#}")))
}

/// Returns when the person has read it. There must be a display.
pub(crate) fn say_why_not_started(why: &str) {
    MessageDialog::new()
        .set_level(MessageLevel::Error)
        .set_title("Landline can't start")
        .set_description(why)
        .show();
}

async fn ask<A>(
    app: &AppHandle,
    window: WebviewWindow,
    show: impl FnOnce(AsyncFileDialog) -> A + Send + 'static,
) -> anyhow::Result<Option<PathBuf>>
where
    A: Future<Output = Option<FileHandle>> + Send + 'static,
{
    let (answer, chosen) = oneshot::channel();
    // Dialogs are made where windows are.
    app.run_on_main_thread(move || {
        let asking = show(AsyncFileDialog::new().set_parent(&window));
        async_runtime::spawn(async move {
            let path = asking.await.map(PathBuf::from);
            // Whoever asked may have gone.
            let _ = answer.send(path);
        });
    })?;
    chosen.await.context("the dialog went away")
}
