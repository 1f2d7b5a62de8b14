//! What becomes of a transfer that has come to its end, well or not.

use landline_protocol::{FileHash, Refusal};
use landline_store::transfers::{self, State, Transfer, Way};
use landline_store::{Connection, local_files};
use tokio::time::{Duration, Instant};

use super::super::Engine;
use super::{Ended, Running, Transfers};
use crate::ClientError;
use crate::files::http::Trouble;
use crate::files::{LocalFile, kind};
use crate::home::blocking;
use crate::link::spread;
use crate::ui::{TransferState, TransferView};

impl Engine {
    pub(in super::super) async fn transfer_ended(
        &mut self,
        ended: Ended,
    ) -> Result<(), ClientError> {
        let Some(running) = self.transfers.take_ended(&ended) else {
            return Ok(());
        };
        let Ended { id, result, .. } = ended;
        let Some(row) = self.transfers.row(id).cloned() else {
            return Ok(());
        };
        self.transfers.have_changed();
        match result {
            Ok(()) => {
                self.transfers.later.remove(&id);
                self.transfers.sign_ins = 0;
                match row.way {
                    Way::Up => self.uploaded(row).await,
                    Way::Down => self.downloaded(row).await,
                }
            }
            Err(Trouble::Later { words, after }) => {
                self.try_later(&row, &running, words, after).await
            }
            Err(Trouble::Session) => {
                self.try_later(&row, &running, None, None).await?;
                self.token_refused();
                Ok(())
            }
            Err(Trouble::Never(refusal)) => self.transfer_failed(row, refusal).await,
        }
    }

    async fn try_later(
        &mut self,
        row: &Transfer,
        running: &Running,
        words: Option<String>,
        after: Option<Duration>,
    ) -> Result<(), ClientError> {
        let random = self.config.random.fraction();
        let later = self.transfers.later.entry(row.id).or_default();
        let moved = running.progress.load(std::sync::atomic::Ordering::Relaxed);
        if moved > row.done {
            later.backoff.reset();
        }
        let pause = later.backoff.next(random);
        let pause = after.map_or(pause, |after| pause.max(spread(after, random)));
        later.at = Some(Instant::now() + pause);
        later.words = words;
        let id = row.id;
        let keep = self
            .config
            .store
            .write(move |c| transfers::set_done(c, id, moved));
        Ok(keep.await?)
    }

    async fn uploaded(&mut self, row: Transfer) -> Result<(), ClientError> {
        let (id, bytes) = (row.id, row.bytes);
        self.config
            .store
            .write(move |c| {
                transfers::set_done(c, id, bytes)?;
                transfers::set_state(c, id, State::Done, None)
            })
            .await?;
        self.finished(&row);
        self.appending.wake();
        Ok(())
    }

    async fn downloaded(&mut self, row: Transfer) -> Result<(), ClientError> {
        let hash = row.blake3;
        let shelf = self.shelf.clone();
        let placed = blocking(move || {
            let part = shelf.part(hash);
            let look = kind::look(&part, false).and_then(|look| {
                shelf.place(&part, hash)?;
                Ok(look)
            });
            look.map_err(|error| ClientError::Folder { path: part, error })
        });
        let look = match placed.await {
            Ok(look) => look,
            Err(error) => return self.transfer_failed(row, error.into()).await,
        };
        let local = local_files::LocalFile {
            bytes: row.bytes,
            media_type: look.shown_as,
        };
        let file = LocalFile {
            path: self.shelf.file(hash),
            media_type: local.media_type.clone(),
            bytes: local.bytes,
        };
        self.config
            .store
            .write(move |c| {
                local_files::add(c, hash, &local)?;
                transfers::arrived(c, hash)
            })
            .await?;
        let rows = self.transfers.rows.clone();
        let same = rows
            .iter()
            .filter(|row| row.way == Way::Down && row.blake3 == hash);
        same.for_each(|row| self.finished(row));
        self.answer_waiters(hash, &Ok(file));
        Ok(())
    }

    fn finished(&mut self, row: &Transfer) {
        let view = self.transfers.view(self.space(), row);
        self.transfers.finished.push(TransferView {
            state: TransferState::Done,
            done: row.bytes,
            words: None,
            ..view
        });
    }

    /// Refused for good: of an upload, its message has failed, too.
    async fn transfer_failed(
        &mut self,
        row: Transfer,
        refusal: Refusal,
    ) -> Result<(), ClientError> {
        self.transfers.later.remove(&row.id);
        let (id, words) = (row.id, refusal.message.clone());
        let failed = move |c: &Connection| transfers::set_state(c, id, State::Failed, Some(&words));
        match row.way {
            Way::Up => {
                let message = vec![(row.event, refusal)];
                self.settle_with(Vec::new(), message, failed).await?;
                // What was behind it may go now.
                self.appending.wake();
            }
            Way::Down => {
                self.config.store.write(failed).await?;
                self.answer_waiters(row.blake3, &Err(refusal));
            }
        }
        Ok(())
    }

    pub(super) fn answer_waiters(&mut self, blake3: FileHash, answer: &Result<LocalFile, Refusal>) {
        let waiters = std::mem::take(&mut self.transfers.waiters);
        for waiter in waiters {
            if waiter.blake3 == blake3 {
                // Whoever waited may have gone.
                let _ = waiter.reply.send(answer.clone());
            } else if !waiter.reply.is_closed() {
                self.transfers.waiters.push(waiter);
            }
        }
    }

    /// No message here names their file any more: their transfers are gone.
    pub(super) fn answer_forgotten(&mut self) {
        let Transfers { waiters, rows, .. } = &mut self.transfers;
        let gone = waiters.extract_if(.., |waiter| {
            !rows
                .iter()
                .any(|row| row.way == Way::Down && row.blake3 == waiter.blake3)
        });
        for waiter in gone {
            let words = "no message here names that file any more";
            // Whoever waited may have gone.
            let _ = waiter.reply.send(Err(Refusal::not_found(words)));
        }
    }

    /// Takes away the bytes that no message, draft or transfer needs.
    pub(super) async fn clear_unnamed(&mut self) -> Result<(), ClientError> {
        let gone = self.config.store.write(local_files::remove_unnamed).await?;
        if gone.is_empty() {
            return Ok(());
        }
        let shelf = self.shelf.clone();
        blocking(move || {
            gone.into_iter().for_each(|hash| shelf.remove(hash));
            Ok(())
        })
        .await
    }
}
