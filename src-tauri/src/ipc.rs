//! All that the window and the core say to each other: one stream of events, one way for
//! commands. Both are declared in `landline_client::{ui, command}`.

use std::sync::{Mutex, PoisonError};

use landline_client::command::Command;
use landline_client::ui::UiEvent;
use landline_protocol::Refusal;
use serde_json::Value;
use tauri::State;
use tauri::async_runtime::{self, JoinHandle};
use tauri::ipc::Channel;
use tokio::sync::mpsc;

use crate::core::Core;

/// The stream of the window. A window that was loaded anew opens another, which ends the first.
#[derive(Debug, Default)]
pub(crate) struct Stream(Mutex<Option<JoinHandle<()>>>);

impl Stream {
    fn replace(&self, task: JoinHandle<()>) {
        let old = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(task);
        if let Some(old) = old {
            old.abort();
        }
    }
}

/// Opens the stream of events; its first is a snapshot. Rejects with a [`Refusal`] where the core
/// could not start.
#[tauri::command]
pub(crate) async fn listen(
    core: State<'_, Core>,
    stream: State<'_, Stream>,
    channel: Channel<Vec<UiEvent>>,
) -> Result<(), Refusal> {
    let events = core.client().await?.listen().await;
    stream.replace(async_runtime::spawn(forward(events, channel)));
    Ok(())
}

/// Does what the window asks. Rejects with a [`Refusal`].
#[tauri::command]
pub(crate) async fn call(core: State<'_, Core>, command: Value) -> Result<Value, Refusal> {
    let command: Command = serde_json::from_value(command)
        .map_err(|error| Refusal::bad_request(format!("no such command: {error}")))?;
    core.client().await?.call(command).await
}

async fn forward(mut events: mpsc::Receiver<Vec<UiEvent>>, channel: Channel<Vec<UiEvent>>) {
    while let Some(mut batch) = events.recv().await {
        // What waits already goes along: fewer, larger messages cost the web view less.
        while let Ok(more) = events.try_recv() {
            batch.extend(more);
        }
        if let Err(error) = channel.send(batch) {
            tracing::debug!(%error, "the window takes no more events");
            return;
        }
    }
}
