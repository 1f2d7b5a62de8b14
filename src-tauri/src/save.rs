//! "Save as…": asks the person where to with the system's own dialog, then has the core write a
//! file or an export there. The window never learns of a path.

use std::path::PathBuf;

use anyhow::Context as _;
use landline_client::export::{ExportFormat, ExportTo, Exported};
use landline_client::safe_name;
use landline_protocol::{Code, EventId, FileHash, Refusal, RoomId, SpaceId};
use rfd::AsyncFileDialog;
use serde::Deserialize;
use tauri::{AppHandle, State, WebviewWindow, async_runtime};
use tokio::sync::oneshot;

use crate::core::Core;

/// A file of a message.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct FileOfMessage {
    space: SpaceId,
    event: EventId,
    blake3: FileHash,
}

/// Answers whether it was saved: the person may think better of it.
#[tauri::command]
pub(crate) async fn save_file(
    app: AppHandle,
    window: WebviewWindow,
    core: State<'_, Core>,
    file: FileOfMessage,
    name: String,
) -> Result<bool, Refusal> {
    let FileOfMessage {
        space,
        event,
        blake3,
    } = file;
    let Some(to) = ask(&app, window, safe_name(&name)).await? else {
        return Ok(false);
    };
    core.client()
        .await?
        .save_file(space, event, blake3, to)
        .await?;
    Ok(true)
}

/// Rooms to be exported; none: all.
#[derive(Debug, Deserialize)]
pub(crate) struct Rooms {
    space: SpaceId,
    rooms: Vec<RoomId>,
    format: ExportFormat,
}

/// Answers what was exported; none where the person thought better of it. The dialog has asked
/// whether a file that is there may go.
#[tauri::command]
pub(crate) async fn save_export(
    app: AppHandle,
    window: WebviewWindow,
    core: State<'_, Core>,
    rooms: Rooms,
    name: String,
) -> Result<Option<Exported>, Refusal> {
    let Some(path) = ask(&app, window, safe_name(&name)).await? else {
        return Ok(None);
    };
    let Rooms {
        space,
        rooms,
        format,
    } = rooms;
    let to = ExportTo {
        space,
        rooms,
        path,
        format,
        replace: true,
    };
    core.client().await?.export(to, |_| {}).await.map(Some)
}

async fn ask(
    app: &AppHandle,
    window: WebviewWindow,
    name: String,
) -> Result<Option<PathBuf>, Refusal> {
    choose(app, window, name)
        .await
        .map_err(|error| Refusal::new(Code::Internal, format!("no place can be chosen: {error:#}")))
}

async fn choose(
    app: &AppHandle,
    window: WebviewWindow,
    name: String,
) -> anyhow::Result<Option<PathBuf>> {
    let (answer, chosen) = oneshot::channel();
    // Dialogs are made where windows are.
    app.run_on_main_thread(move || {
        let dialog = AsyncFileDialog::new()
            .set_parent(&window)
            .set_file_name(name);
        let asking = dialog.save_file();
        async_runtime::spawn(async move {
            let path = asking.await.map(PathBuf::from);
            // Whoever asked may have gone.
            let _ = answer.send(path);
        });
    })?;
    chosen.await.context("the dialog went away")
}
