//! What is attached to drafts, and files that are on this device.

use std::collections::BTreeSet;

use landline_protocol::limits::FILES_PER_MESSAGE;
use landline_protocol::{
    AttachmentId, Code, Content, EventId, File, FileHash, NewEvent, Refusal, RoomId,
};
use landline_store::attachments::{self, Attachment};
use landline_store::messages::{self, Line};
use landline_store::transfers::{self, State, Transfer, Way};
use landline_store::{Connection, StoreError, local_files, outbox, rooms};

use super::Engine;
use crate::ClientError;
use crate::command::{Detach, Nothing, Post};
use crate::files::shelf::Shelf;
use crate::files::{FileWish, LocalFile, Place, Taken, half, too_large};
use crate::home::blocking;
use crate::ui::{AttachmentView, UiEvent};

impl Engine {
    /// At the start: what is attached is told, what a crash has left over taken away, and what it
    /// has left half done begun again.
    pub(super) async fn read_files(&mut self) -> Result<(), ClientError> {
        if let Err(error) = self.config.store.write(transfers::try_stranded).await {
            tracing::warn!(%error, "uploads without their messages are left as they are");
        }
        let (attached, local, coming) = self
            .config
            .store
            .read(|c| {
                let coming = transfers::open(c)?.into_iter().map(|t| t.blake3);
                let coming: BTreeSet<FileHash> = coming.collect();
                Ok::<_, ClientError>((attachments::all(c)?, local_files::all(c)?, coming))
            })
            .await?;
        let drafts: BTreeSet<_> = attached.iter().map(|a| (a.room, a.thread)).collect();
        for (room, thread) in drafts {
            self.tell_attachments(room, thread).await?;
        }
        let shelf = self.shelf.clone();
        let cleared = blocking(move || {
            let known = |hash| local.contains(&hash);
            let coming = |hash| coming.contains(&hash);
            if let Err(error) = shelf.make().and_then(|()| shelf.clear(known, coming)) {
                tracing::warn!(%error, "files could not be looked over");
            }
            Ok(())
        });
        cleared.await?;
        // Not waited for: they may be on a disk that is far away.
        let shelf = self.shelf.clone();
        let left = tokio::task::spawn_blocking(move || match shelf.notes() {
            Ok(notes) => notes.iter().for_each(|note| half::forget(note)),
            Err(error) => tracing::warn!(%error, "what a crash left can't be found"),
        });
        drop(left);
        self.transfers.have_changed();
        Ok(())
    }

    pub(super) async fn on_file_wish(&mut self, wish: FileWish) {
        // Whoever asked may have gone.
        match wish {
            FileWish::Place(reply) => {
                let place = Place {
                    shelf: self.shelf.clone(),
                    path: self.shelf.fresh(self.config.random.bytes()),
                    most: self.max_file_bytes().await,
                };
                let _ = reply.send(place);
            }
            FileWish::Attach {
                room,
                thread,
                taken,
                reply,
            } => {
                let _ = reply.send(self.attach(room, thread, *taken).await);
            }
            FileWish::Attached { id, reply } => {
                let shelf = self.shelf.clone();
                let found = self.config.store.read(move |c| {
                    let hash = attachments::get(c, id)?.and_then(|a| a.file.blake3.parse().ok());
                    hash.map_or(Ok(None), |hash| local(c, &shelf, hash))
                });
                let _ = reply.send(found.await.ok().flatten());
            }
            FileWish::Local {
                event,
                blake3,
                reply,
            } => {
                let _ = reply.send(self.local_file(event, blake3).await.ok().flatten());
            }
            FileWish::Await {
                event,
                blake3,
                reply,
            } => self.await_file(event, blake3, reply).await,
            FileWish::Bring {
                of,
                file,
                from,
                reply,
            } => {
                let _ = reply.send(self.job_for(of, *file, from));
            }
            FileWish::TokenRefused(job) => self.job_refused(&job),
        }
    }

    /// A file that this message names, where it is here.
    pub(super) async fn local_file(
        &self,
        event: EventId,
        blake3: FileHash,
    ) -> Result<Option<LocalFile>, ClientError> {
        let shelf = self.shelf.clone();
        self.config
            .store
            .read(move |c| match file_of(c, event, blake3)? {
                Some(_) => Ok(local(c, &shelf, blake3)?),
                None => Ok(None),
            })
            .await
    }

    async fn max_file_bytes(&self) -> u64 {
        let space = self.space();
        let row = self.config.store.read(move |c| rooms::space(c, space));
        let most = row.await.ok().flatten().and_then(|row| row.max_file_bytes);
        most.unwrap_or(landline_protocol::limits::MAX_FILE_BYTES)
    }

    async fn attach(
        &mut self,
        room: RoomId,
        thread: Option<EventId>,
        taken: Taken,
    ) -> Result<AttachmentView, Refusal> {
        self.may_write(room)?;
        let Taken {
            path,
            hash,
            file,
            shown_as,
        } = taken;
        let id = self.config.random.attachment_id(self.config.clock.now());
        let attachment = Attachment {
            id,
            room,
            thread,
            file,
        };
        let view = view(&attachment, None);
        let shelf = self.shelf.clone();
        // Here, so that nothing takes it away in between as a file that nobody names.
        let placed = blocking(move || {
            shelf
                .place(&path, hash)
                .map_err(|error| ClientError::Folder { path, error })
        });
        placed.await?;
        let local = local_files::LocalFile {
            bytes: attachment.file.bytes,
            media_type: shown_as,
        };
        let stored = self.config.store.write(move |c| {
            if attachments::of_draft(c, room, thread)?.len() >= FILES_PER_MESSAGE {
                let words = format!("a message takes at most {FILES_PER_MESSAGE} files");
                return Err(ClientError::Refused(Refusal::too_large(words)));
            }
            local_files::add(c, hash, &local)?;
            Ok(attachments::add(c, &attachment, hash)?)
        });
        if let Err(error) = stored.await {
            self.remove_unknown(hash).await?;
            return Err(error.into());
        }
        self.attachments_changed(room, thread).await;
        Ok(view)
    }

    /// Takes away bytes that were placed, unless something else had placed the same before.
    async fn remove_unknown(&self, hash: FileHash) -> Result<(), ClientError> {
        let store = &self.config.store;
        if store
            .read(move |c| local_files::get(c, hash))
            .await?
            .is_none()
        {
            let shelf = self.shelf.clone();
            blocking(move || {
                shelf.remove(hash);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    pub(super) async fn detach(&mut self, request: Detach) -> Result<Nothing, Refusal> {
        let Detach { room, id, .. } = request;
        let gone = self
            .config
            .store
            .write(move |c| {
                let attachment = attachments::get(c, id)?.filter(|a| a.room == room);
                if attachment.is_some() {
                    attachments::remove(c, id)?;
                }
                Ok::<_, ClientError>(attachment)
            })
            .await?;
        if let Some(attachment) = gone {
            self.transfers.may_be_unnamed();
            self.attachments_changed(room, attachment.thread).await;
        }
        Ok(Nothing {})
    }

    /// The files of a draft that is posted, in the order asked for.
    pub(super) async fn attached(&self, request: &Post) -> Result<Vec<Attachment>, Refusal> {
        if request.attachments.is_empty() {
            return Ok(Vec::new());
        }
        let (room, thread) = (request.room, request.thread);
        let ids = request.attachments.clone();
        let shelf = self.shelf.clone();
        let most = self.max_file_bytes().await;
        let found = self.config.store.read(move |c| {
            let mut attached: Vec<Attachment> = Vec::with_capacity(ids.len());
            for id in ids {
                let one = attachments::get(c, id)?.filter(|a| a.room == room && a.thread == thread);
                let again = attached.iter().any(|earlier| earlier.id == id);
                let Some(one) = one.filter(|_| !again) else {
                    let words = "a file is no longer attached; attach it again";
                    return Err(ClientError::Refused(Refusal::not_found(words)));
                };
                if let Some(words) = trouble(c, &shelf, &one.file, most)? {
                    return Err(ClientError::Refused(Refusal::new(Code::Conflict, words)));
                }
                attached.push(one);
            }
            Ok(attached)
        });
        Ok(found.await?)
    }

    /// Queues a message that waits for the upload of its files; they leave the draft.
    pub(super) async fn queue_with_files(
        &mut self,
        room: RoomId,
        thread: Option<EventId>,
        event: NewEvent,
        attached: Vec<Attachment>,
    ) -> Result<(), ClientError> {
        let uploads = self.uploads(room, event.id, attached.iter().map(|one| &one.file));
        let ids: Vec<AttachmentId> = attached.iter().map(|one| one.id).collect();
        self.queue_with(vec![event], move |c| {
            for upload in &uploads {
                transfers::begin(c, upload)?;
            }
            ids.into_iter()
                .try_for_each(|id| attachments::remove(c, id))
        })
        .await?;
        self.transfers.have_changed();
        self.attachments_changed(room, thread).await;
        Ok(())
    }

    /// Uploads of the files of a message, each once.
    pub(super) fn uploads<'f>(
        &self,
        room: RoomId,
        event: EventId,
        files: impl Iterator<Item = &'f File>,
    ) -> Vec<Transfer> {
        let now = self.config.clock.now();
        files
            .filter_map(|file| {
                Some(Transfer {
                    id: self.config.random.transfer_id(now),
                    room,
                    event,
                    blake3: file.blake3.parse().ok()?,
                    bytes: file.bytes,
                    way: Way::Up,
                    state: State::Waiting,
                    done: 0,
                    url: None,
                    words: None,
                })
            })
            .collect()
    }

    /// Tells what is attached now. What was done is done, whether or not that can be read: else a
    /// person who is told of a failure does it twice.
    async fn attachments_changed(&mut self, room: RoomId, thread: Option<EventId>) {
        if let Err(error) = self.tell_attachments(room, thread).await {
            tracing::warn!(%error, "what is attached to a draft could not be read");
        }
    }

    async fn tell_attachments(
        &mut self,
        room: RoomId,
        thread: Option<EventId>,
    ) -> Result<(), ClientError> {
        let shelf = self.shelf.clone();
        let most = self.max_file_bytes().await;
        let read = self.config.store.read(move |c| {
            let mut views = Vec::new();
            for attachment in attachments::of_draft(c, room, thread)? {
                let words = trouble(c, &shelf, &attachment.file, most)?;
                views.push(view(&attachment, words));
            }
            Ok::<_, ClientError>(views)
        });
        let attachments = read.await?;
        self.out.say(UiEvent::Attachments {
            space: self.space(),
            room,
            thread,
            attachments,
        });
        Ok(())
    }
}

/// The file that a message names by this hash, and its room; in the log, or waiting.
pub(super) fn file_of(
    c: &Connection,
    event: EventId,
    blake3: FileHash,
) -> Result<Option<(RoomId, File)>, ClientError> {
    let (room, files) = match messages::find(c, event)? {
        Some(Line::Message(row)) => (row.room, row.files),
        Some(Line::System(_)) => return Ok(None),
        None => match outbox::get(c, event)? {
            Some(waiting) => match Content::read(&waiting.event.content) {
                Content::Message(message) => (waiting.event.room, message.files),
                _ => return Ok(None),
            },
            None => return Ok(None),
        },
    };
    let name = blake3.to_string();
    let file = files.into_iter().find(|file| file.blake3 == name);
    Ok(file.map(|file| (room, file)))
}

/// The bytes of this hash, where they are here and whole.
pub(super) fn local(
    c: &Connection,
    shelf: &Shelf,
    blake3: FileHash,
) -> Result<Option<LocalFile>, StoreError> {
    let Some(known) = local_files::get(c, blake3)? else {
        return Ok(None);
    };
    Ok(shelf.has(blake3, known.bytes).then(|| LocalFile {
        path: shelf.file(blake3),
        media_type: known.media_type,
        bytes: known.bytes,
    }))
}

/// Why a file of a draft can't be sent.
fn trouble(
    c: &Connection,
    shelf: &Shelf,
    file: &File,
    most: u64,
) -> Result<Option<String>, ClientError> {
    let name = &file.name;
    if file.bytes > most {
        return Ok(Some(too_large(name, most)));
    }
    let here = match file.blake3.parse() {
        Ok(hash) => local(c, shelf, hash)?.is_some(),
        Err(_) => false,
    };
    let gone = || format!("{name} is no longer on this computer; attach it again.");
    Ok((!here).then(gone))
}

fn view(attachment: &Attachment, words: Option<String>) -> AttachmentView {
    let file = &attachment.file;
    AttachmentView {
        id: attachment.id,
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        bytes: file.bytes,
        width: file.width,
        height: file.height,
        preview: file.preview.clone(),
        words,
    }
}
