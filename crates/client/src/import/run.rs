//! A whole import: one room after the other, each into the room of its name.

use std::collections::{BTreeMap, BTreeSet};

use landline_protocol::{Code, Refusal, RoomId, SpaceId};

use super::place::{may_import, room_for};
use super::source::Steps;
use super::{
    ImportKind, ImportProgress, ImportReport, ImportSource, Imported, ImportedRoom, Importer,
    NewRoom, RefusedRoom, Step,
};
use crate::{Client, ClientError};

/// Steps between two tellings of how far it is.
const TELL_EVERY: u64 = 64;

impl Client {
    /// Brings in what a file holds: each of its rooms into the room of its name, which is made
    /// where it is not there, or all into the one that was named. `progress` is told how far it
    /// is. Given up when this is dropped: what is in stays, and running it again goes on.
    ///
    /// Refused with `not_allowed` for all but the owner and admins, and with `unavailable` where
    /// the space is not reached. A room that can't be had is told in the report; where there is no
    /// other, it is the refusal.
    pub async fn import(
        &self,
        space: SpaceId,
        source: ImportSource,
        progress: impl FnMut(ImportProgress),
    ) -> Result<ImportReport, ClientError> {
        if source.needs_room() {
            let words = "the file names no room; name the room to put it into";
            return Err(Refusal::bad_request(words).into());
        }
        may_import(self, space).await?;
        let run = Run {
            client: self,
            space,
            into: source.one_room().map(str::to_owned),
            of_one_room: source.kind() == ImportKind::Lines,
            steps: Steps::new(source),
            progress,
            taken: 0,
            heads: BTreeMap::new(),
            names: BTreeSet::new(),
            lines: 0,
            total: Imported::default(),
            rooms: Vec::new(),
            refused_rooms: Vec::new(),
        };
        run.finish().await
    }
}

/// An import under way.
struct Run<'c, P> {
    client: &'c Client,
    space: SpaceId,
    /// All goes into this room.
    into: Option<String>,
    of_one_room: bool,
    steps: Steps,
    progress: P,
    /// Steps so far.
    taken: u64,
    /// Where each log ended before anything was brought in.
    heads: BTreeMap<RoomId, u64>,
    /// What the rooms of the file are called so far, in lower case.
    names: BTreeSet<String>,
    /// Lines so far that were said in a room.
    lines: u64,
    /// Of the rooms that are done.
    total: Imported,
    rooms: Vec<ImportedRoom>,
    refused_rooms: Vec<RefusedRoom>,
}

impl<P: FnMut(ImportProgress)> Run<'_, P> {
    async fn finish(mut self) -> Result<ImportReport, ClientError> {
        let mut step = self.steps.next().await?;
        while let Some(now) = step {
            step = match now {
                Step::Room(room) => self.room(room).await?,
                // Before any room.
                Step::Bad(line, refusal) => {
                    self.total.refuse(line, refusal);
                    self.steps.next().await?
                }
                Step::Message(_) | Step::Change(_) => self.steps.next().await?,
            };
        }
        self.tell(&Imported::default());
        Ok(ImportReport::new(
            self.space,
            self.lines,
            self.total,
            self.rooms,
            self.refused_rooms,
            &self.steps.left_out(),
        ))
    }

    /// Brings in what was said in one room. What comes after it.
    async fn room(&mut self, wanted: NewRoom) -> Result<Option<Step>, ClientError> {
        let step = self.steps.next().await?;
        // Of a room without a message nothing is made.
        if matches!(step, None | Some(Step::Room(_))) {
            return Ok(step);
        }
        let wanted = match &self.into {
            Some(name) => NewRoom {
                name: name.clone(),
                private: false,
                ..wanted
            },
            None => self.told_apart(wanted),
        };
        let (room, head) = match room_for(self.client, self.space, &wanted).await {
            Ok(found) => found,
            Err(ClientError::Refused(why)) if !self.of_one_room && is_of_the_room(&why) => {
                let (step, messages) = self.pass_over(step).await?;
                let refused = RefusedRoom::new(wanted.name, why, messages);
                self.refused_rooms.push(refused);
                return Ok(step);
            }
            Err(error) => return Err(error),
        };
        let head = *self.heads.entry(room).or_insert(head);
        let importer = Importer::new(self.client.clone(), self.space, room, head);
        let (step, done) = self.fill(importer, step).await?;
        self.rooms.push(ImportedRoom::new(room, wanted.name, &done));
        self.total.add(done);
        Ok(step)
    }

    /// Of rooms of one file that are called the same, each after the first has a piece of its id in
    /// its name: direct ones are called by their people, and two people may have one name.
    fn told_apart(&mut self, wanted: NewRoom) -> NewRoom {
        if self.names.insert(wanted.name.to_lowercase()) {
            return wanted;
        }
        let name = wanted.marked_name();
        self.names.insert(name.to_lowercase());
        NewRoom { name, ..wanted }
    }

    /// What comes after what was said in one room, and what came of that.
    async fn fill(
        &mut self,
        mut importer: Importer,
        mut step: Option<Step>,
    ) -> Result<(Option<Step>, Imported), ClientError> {
        loop {
            match step {
                Some(Step::Message(message)) => {
                    self.lines += 1;
                    importer.add(message).await?;
                }
                Some(Step::Change(change)) => importer.change(change).await?,
                Some(Step::Bad(line, refusal)) => {
                    self.lines += 1;
                    importer.refuse(line, refusal);
                }
                Some(Step::Room(_)) | None => return Ok((step, importer.finish().await?)),
            }
            self.taken += 1;
            if self.taken.is_multiple_of(TELL_EVERY) {
                self.tell(importer.so_far());
            }
            step = self.steps.next().await?;
        }
    }

    /// What comes after what was said in one room, and how many messages that had.
    async fn pass_over(
        &mut self,
        mut step: Option<Step>,
    ) -> Result<(Option<Step>, u64), ClientError> {
        let mut messages = 0;
        while !matches!(step, None | Some(Step::Room(_))) {
            messages += u64::from(matches!(step, Some(Step::Message(_) | Step::Bad(..))));
            step = self.steps.next().await?;
        }
        self.lines += messages;
        Ok((step, messages))
    }

    /// `now`: what came so far of the room that is being filled.
    fn tell(&mut self, now: &Imported) {
        let (read, of) = self.steps.progress();
        let done = |what: &Imported| what.imported + what.already;
        (self.progress)(ImportProgress {
            messages: done(&self.total) + done(now),
            read,
            of,
        });
    }
}

/// The room can't be had, where another one may.
fn is_of_the_room(refusal: &Refusal) -> bool {
    matches!(
        refusal.code,
        Code::BadRequest | Code::Conflict | Code::NotAllowed | Code::NotFound | Code::TooLarge
    )
}
