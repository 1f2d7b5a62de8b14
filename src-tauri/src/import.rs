//! "Import…": asks the person which file, then has the core bring it in.
//!
//! ```text
//! choose_import ─► Chosen ── start_import ─► Running ── ends, fails, cancel_import ─► Chosen
//! ```
//!
//! One at a time for each space. The file stays chosen, so that what was cut off can go on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use landline_client::import::{ImportAbout, ImportProgress, ImportReport, ImportSource};
use landline_protocol::{Code, Refusal, SpaceId};
use tauri::ipc::Channel;
use tauri::{AppHandle, State, WebviewWindow};
use tokio_util::sync::CancellationToken;

use crate::core::Core;
use crate::dialog::which_file;

/// What is being imported, or was chosen for it.
#[derive(Debug, Default)]
pub(crate) struct Imports(Mutex<BTreeMap<SpaceId, Import>>);

#[derive(Debug)]
enum Import {
    Chosen(PathBuf),
    Running(CancellationToken),
}

/// Asks which file to import into a space. Answers what it is; none where the person thought
/// better of it. Refused where it is nothing that can be imported.
#[tauri::command]
pub(crate) async fn choose_import(
    app: AppHandle,
    window: WebviewWindow,
    imports: State<'_, Imports>,
    space: SpaceId,
) -> Result<Option<ImportAbout>, Refusal> {
    imports.must_rest(space)?;
    let Some(path) = which_file(&app, window).await? else {
        return Ok(None);
    };
    let about = ImportSource::open(path.clone(), None).await?.about();
    imports.choose(space, path)?;
    Ok(Some(about))
}

/// Imports the file that was chosen last for a space. `into`: all of it into the room of that
/// name. Answers what came of it; none where it was cancelled: what is in stays.
#[tauri::command]
pub(crate) async fn start_import(
    core: State<'_, Core>,
    imports: State<'_, Imports>,
    space: SpaceId,
    into: Option<String>,
    channel: Channel<ImportProgress>,
) -> Result<Option<ImportReport>, Refusal> {
    let running = imports.start(space)?;
    let work = async {
        let source = ImportSource::open(running.path.clone(), into).await?;
        let client = core.client().await?;
        client
            .import(space, source, move |so_far| {
                // A window that was loaded anew takes no more of it.
                let _ = channel.send(so_far);
            })
            .await
    };
    match running.cancelled.run_until_cancelled(work).await {
        Some(done) => Ok(Some(done?)),
        None => Ok(None),
    }
}

/// Ends the import into a space, where there is one.
#[tauri::command]
pub(crate) fn cancel_import(imports: State<'_, Imports>, space: SpaceId) {
    if let Some(Import::Running(cancelled)) = imports.state().get(&space) {
        cancelled.cancel();
    }
}

impl Imports {
    fn state(&self) -> MutexGuard<'_, BTreeMap<SpaceId, Import>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refused while something is imported into the space.
    fn must_rest(&self, space: SpaceId) -> Result<(), Refusal> {
        match self.state().get(&space) {
            Some(Import::Running(_)) => Err(under_way()),
            Some(Import::Chosen(_)) | None => Ok(()),
        }
    }

    fn choose(&self, space: SpaceId, path: PathBuf) -> Result<(), Refusal> {
        self.must_rest(space)?;
        self.state().insert(space, Import::Chosen(path));
        Ok(())
    }

    fn start(&self, space: SpaceId) -> Result<Running<'_>, Refusal> {
        let mut state = self.state();
        match state.get(&space) {
            Some(Import::Chosen(path)) => {
                let (path, cancelled) = (path.clone(), CancellationToken::new());
                state.insert(space, Import::Running(cancelled.clone()));
                Ok(Running {
                    imports: self,
                    space,
                    path,
                    cancelled,
                })
            }
            Some(Import::Running(_)) => Err(under_way()),
            None => Err(Refusal::bad_request("no file was chosen")),
        }
    }
}

/// Dropped, it lets the next one begin.
struct Running<'i> {
    imports: &'i Imports,
    space: SpaceId,
    path: PathBuf,
    cancelled: CancellationToken,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.path);
        let mut state = self.imports.state();
        state.insert(self.space, Import::Chosen(path));
    }
}

fn under_way() -> Refusal {
    let words = "something is being imported into this space already";
    Refusal::new(Code::Conflict, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(byte: u8) -> SpaceId {
        SpaceId::from_bytes([byte; 16])
    }

    #[test]
    fn one_import_at_a_time_runs_for_each_space_and_its_file_stays_chosen() {
        let imports = Imports::default();
        assert!(imports.start(space(1)).is_err(), "nothing was chosen");
        imports.choose(space(1), "/a".into()).unwrap();
        imports.choose(space(2), "/b".into()).unwrap();
        let running = imports.start(space(1)).unwrap();
        assert_eq!(running.path, PathBuf::from("/a"));
        let refusal = imports.start(space(1)).err().unwrap();
        assert_eq!(refusal.code, Code::Conflict);
        let refusal = imports.choose(space(1), "/c".into()).unwrap_err();
        assert_eq!(refusal.code, Code::Conflict);
        assert_eq!(imports.start(space(2)).unwrap().path, PathBuf::from("/b"));
        drop(running);
        assert_eq!(imports.start(space(1)).unwrap().path, PathBuf::from("/a"));
    }
}
