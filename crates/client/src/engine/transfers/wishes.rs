//! What the person wants of files: fetch, pause, resume, cancel.

use landline_protocol::{Code, Content, EventId, FileHash, Message, NewEvent, Refusal, TransferId};
use landline_store::outbox;
use landline_store::transfers::{self, State, Transfer, Way};
use tokio::sync::oneshot;

use super::super::Engine;
use super::super::attach::{file_of, local};
use super::Waiter;
use crate::ClientError;
use crate::command::Nothing;
use crate::files::LocalFile;
use crate::files::up::withdraw;
use crate::ui::{TransferState, TransferView};

/// Who may wait for files at a time.
const WAITERS: usize = 256;

impl Engine {
    /// Brings a file here, unless it is or is on its way; what was paused or has failed goes on.
    pub(in super::super) async fn fetch_file(
        &mut self,
        event: EventId,
        blake3: FileHash,
    ) -> Result<TransferView, Refusal> {
        let shelf = self.shelf.clone();
        let found = self.config.store.read(move |c| {
            let file = file_of(c, event, blake3)?;
            Ok::<_, ClientError>((file, local(c, &shelf, blake3)?.is_some()))
        });
        let (Some((room, file)), here) = found.await? else {
            return Err(Refusal::not_found("no message here names that file"));
        };
        let row = Transfer {
            id: self.config.random.transfer_id(self.config.clock.now()),
            room,
            event,
            blake3,
            bytes: file.bytes,
            way: Way::Down,
            state: State::Waiting,
            done: 0,
            url: None,
            words: None,
        };
        if here {
            let view = self.transfers.view(self.space(), &row);
            return Ok(TransferView {
                state: TransferState::Done,
                done: file.bytes,
                ..view
            });
        }
        let begun = self.config.store.write(move |c| {
            transfers::begin(c, &row)?;
            let row = transfers::find(c, event, blake3, Way::Down)?.unwrap_or(row);
            if row.state != State::Waiting {
                transfers::set_state(c, row.id, State::Waiting, None)?;
            }
            Ok::<_, ClientError>(Transfer {
                state: State::Waiting,
                words: None,
                ..row
            })
        });
        let row = begun.await?;
        self.transfers.have_changed();
        Ok(self.transfers.view(self.space(), &row))
    }

    /// Answers once the file is here.
    pub(in super::super) async fn await_file(
        &mut self,
        event: EventId,
        blake3: FileHash,
        reply: oneshot::Sender<Result<LocalFile, Refusal>>,
    ) {
        self.transfers
            .waiters
            .retain(|waiter| !waiter.reply.is_closed());
        let answer = match self.local_file(event, blake3).await {
            Ok(Some(local)) => Some(Ok(local)),
            Ok(None) if self.transfers.waiters.len() >= WAITERS => {
                let words = "too many files are waited for";
                Some(Err(Refusal::new(Code::TooManyRequests, words)))
            }
            Ok(None) => self.fetch_file(event, blake3).await.err().map(Err),
            Err(error) => Some(Err(error.into())),
        };
        match answer {
            // Whoever asked may have gone.
            Some(answer) => drop(reply.send(answer)),
            None => self.transfers.waiters.push(Waiter { blake3, reply }),
        }
    }

    pub(in super::super) async fn pause_transfer(
        &mut self,
        id: TransferId,
    ) -> Result<Nothing, Refusal> {
        let row = self.transfer(id).await?;
        if row.state != State::Waiting {
            return Ok(Nothing {});
        }
        let done = self.transfers.view(self.space(), &row).done;
        let paused = self.config.store.write(move |c| {
            transfers::set_done(c, id, done)?;
            Ok::<_, ClientError>(transfers::set_state(c, id, State::Paused, None)?)
        });
        paused.await?;
        if row.way == Way::Down {
            let words = "the download is paused";
            let refusal = Refusal::new(Code::Unavailable, words);
            self.answer_waiters(row.blake3, &Err(refusal));
        }
        self.transfers.have_changed();
        Ok(Nothing {})
    }

    pub(in super::super) async fn resume_transfer(
        &mut self,
        id: TransferId,
    ) -> Result<Nothing, Refusal> {
        let row = self.transfer(id).await?;
        match (row.state, row.way) {
            (State::Waiting | State::Done, _) => {}
            // With its message.
            (State::Failed, Way::Up) => {
                self.retry(row.event).await?;
            }
            (State::Paused | State::Failed, _) => {
                let resumed = self.config.store.write(move |c| {
                    Ok::<_, ClientError>(transfers::set_state(c, id, State::Waiting, None)?)
                });
                resumed.await?;
            }
        }
        self.transfers.have_changed();
        Ok(Nothing {})
    }

    pub(in super::super) async fn cancel_transfer(
        &mut self,
        id: TransferId,
    ) -> Result<Nothing, Refusal> {
        let row = self.transfer(id).await?;
        if row.way == Way::Up && self.take_off(&row).await? == Left::Nothing {
            return Ok(Nothing {});
        }
        let removed = self
            .config
            .store
            .write(move |c| Ok::<_, ClientError>(transfers::remove(c, id)?));
        removed.await?;
        self.transfers.have_changed();
        self.withdraw(std::slice::from_ref(&row));
        if row.way == Way::Down {
            self.transfers
                .running
                .remove(&id)
                .inspect(|running| running.abort.abort());
            self.shelf.remove_part(row.blake3);
            let refusal = Refusal::new(Code::Unavailable, "the download was cancelled");
            self.answer_waiters(row.blake3, &Err(refusal));
        }
        Ok(Nothing {})
    }

    /// Has the node forget what it has of these uploads. Without a link, or where that fails, they
    /// expire there.
    pub(in super::super) fn withdraw(&mut self, gone: &[Transfer]) {
        let urls = gone.iter().filter_map(|row| row.url.clone());
        let urls: Vec<String> = urls.collect();
        let Some(way) = self.transfers.way.clone().filter(|_| !urls.is_empty()) else {
            return;
        };
        let dial = self.config.dial.clone();
        let withdrawing = &mut self.transfers.withdrawing;
        while withdrawing.try_join_next().is_some() {}
        withdrawing.spawn(async move {
            for url in urls {
                let (target, token) = (way.target.clone(), way.token.clone());
                if let Err(trouble) = withdraw(&*dial, target, token, &url).await {
                    tracing::debug!(?trouble, "an upload is left to expire");
                }
            }
        });
    }

    /// Takes a file off a message that waits for it.
    async fn take_off(&mut self, row: &Transfer) -> Result<Left, Refusal> {
        let event = row.event;
        let waiting = self.config.store.read(move |c| outbox::get(c, event)).await;
        let Some(waiting) = waiting.map_err(ClientError::from)? else {
            return Ok(Left::Something);
        };
        if waiting.state == outbox::State::Unsettled {
            let words = "the message is on its way already";
            return Err(Refusal::new(Code::Conflict, words));
        }
        let Content::Message(message) = Content::read(&waiting.event.content) else {
            return Ok(Left::Something);
        };
        let name = row.blake3.to_string();
        let mut files = message.files;
        files.retain(|file| file.blake3 != name);
        if files.is_empty() && message.text.trim().is_empty() {
            self.discard(event).await?;
            return Ok(Left::Nothing);
        }
        let content = Content::Message(Message { files, ..message });
        self.edit_waiting(&waiting, &content).await?;
        Ok(Left::Something)
    }

    /// The node says that it does not have a file that it had: it was put back from a copy, or has
    /// cleared the file away. What is here is uploaded again; what is not has failed.
    pub(in super::super) async fn upload_again(
        &mut self,
        failed: Vec<(NewEvent, Refusal)>,
    ) -> Result<Vec<(EventId, Refusal)>, ClientError> {
        let mut for_good = Vec::new();
        for (event, refusal) in failed {
            let id = event.id;
            let files = match Content::read(&event.content) {
                Content::Message(message) if refusal.code == Code::NotFound => {
                    self.uploads(event.room, id, message.files.iter())
                }
                _ => Vec::new(),
            };
            if files.is_empty() || !self.begin_uploads(id, files).await? {
                for_good.push((id, refusal));
            }
        }
        Ok(for_good)
    }

    /// `false`: they were uploaded anew for this message before, or are not here.
    async fn begin_uploads(
        &mut self,
        event: EventId,
        uploads: Vec<Transfer>,
    ) -> Result<bool, ClientError> {
        if !self.transfers.renewed.insert(event) {
            return Ok(false);
        }
        let shelf = self.shelf.clone();
        let begun = self.config.store.write(move |c| {
            for upload in &uploads {
                if local(c, &shelf, upload.blake3)?.is_none() {
                    return Ok(false);
                }
            }
            for upload in &uploads {
                transfers::begin(c, upload)?;
            }
            transfers::begin_again(c, event)?;
            Ok::<_, ClientError>(true)
        });
        let begun = begun.await?;
        self.transfers.have_changed();
        Ok(begun)
    }

    async fn transfer(&self, id: TransferId) -> Result<Transfer, Refusal> {
        let found = self.config.store.read(move |c| transfers::get(c, id)).await;
        let gone = || Refusal::not_found("that file is not on its way any more");
        found.map_err(ClientError::from)?.ok_or_else(gone)
    }
}

/// What is left of a message whose file was taken off.
#[derive(PartialEq, Eq)]
enum Left {
    Something,
    /// It is discarded.
    Nothing,
}
