//! What the rules of access ask for, looked up beforehand: a lookup can fail, a rule can't.

use landline_protocol::access::{Facts, Place, Target};
use landline_protocol::{Content, EventId, FileHash, MemberId, Refusal, RoomId};
use landline_store::{StoreError, log, named, uploads};

use super::Decision;

/// The answers to what the rules may ask about one event.
pub(super) struct LookedUp<'d> {
    decision: &'d Decision<'d>,
    targets: Vec<(EventId, Target)>,
    /// Files that the content names and its author has uploaded or may read.
    files: Vec<FileHash>,
}

impl<'d> LookedUp<'d> {
    pub(super) fn of(
        decision: &'d Decision<'d>,
        room: RoomId,
        author: MemberId,
        content: &Content,
    ) -> Result<Self, StoreError> {
        let mut targets = Vec::new();
        for id in content.references() {
            let Some(event) = log::find(decision.c, id)?.filter(|event| event.room == room) else {
                continue;
            };
            let is_message = matches!(Content::read(&event.content), Content::Message(_));
            let deleted = is_message && log::is_deleted(decision.c, id)?;
            targets.push((
                id,
                Target {
                    author: event.author,
                    is_message,
                    deleted,
                },
            ));
        }
        let mut files = Vec::new();
        for hash in named::hashes(content) {
            if decision.has_file(author, hash)? {
                files.push(hash);
            }
        }
        Ok(Self {
            decision,
            targets,
            files,
        })
    }
}

impl Facts for LookedUp<'_> {
    fn target(&self, id: EventId) -> Option<Target> {
        self.targets
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, target)| *target)
    }

    fn rooms_of(&self, member: &MemberId) -> usize {
        self.decision.rooms_of(member)
    }

    fn may_name_file(&self, blake3: &str) -> bool {
        blake3
            .parse()
            .is_ok_and(|hash: FileHash| self.files.contains(&hash))
    }
}

impl Decision<'_> {
    /// The node has this file, and this member has uploaded it or is in a room where it is named.
    fn has_file(&self, member: MemberId, hash: FileHash) -> Result<bool, StoreError> {
        if uploads::bytes_of(self.c, hash)?.is_none() {
            return Ok(false);
        }
        if uploads::has_uploaded(self.c, member, hash)? {
            return Ok(true);
        }
        let rooms = named::rooms(self.c, hash)?;
        Ok(rooms.into_iter().any(|room| match self.place(room) {
            Place::Directory => true,
            Place::Room(room) => room.has(self.space(), &member),
            Place::Fresh => false,
        }))
    }

    /// A file of a message is as large as the message says: whoever fetches it goes by that.
    pub(super) fn files_are_as_large_as_told(
        &self,
        content: &Content,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let Content::Message(message) = content else {
            return Ok(Ok(()));
        };
        for file in &message.files {
            let Ok(hash) = file.blake3.parse() else {
                continue;
            };
            if let Some(bytes) = uploads::bytes_of(self.c, hash)?
                && bytes != file.bytes
            {
                let words = format!("the file has {bytes} bytes, not {}", file.bytes);
                return Ok(Err(Refusal::bad_request(words)));
            }
        }
        Ok(Ok(()))
    }
}
