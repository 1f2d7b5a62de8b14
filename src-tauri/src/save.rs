//! "Save as…": asks the person where to, then has the core write a file or an export there.

use landline_client::export::{ExportFormat, ExportTo, Exported};
use landline_client::safe_name;
use landline_protocol::{EventId, FileHash, Refusal, RoomId, SpaceId};
use serde::Deserialize;
use tauri::{AppHandle, State, WebviewWindow};

use crate::core::Core;
use crate::dialog::where_to;

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
    let Some(to) = where_to(&app, window, safe_name(&name)).await? else {
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
    let Some(path) = where_to(&app, window, safe_name(&name)).await? else {
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
