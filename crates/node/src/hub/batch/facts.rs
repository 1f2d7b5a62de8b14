//! What the rules of access ask for, looked up beforehand: a lookup can fail, a rule can't.

use landline_protocol::access::{Facts, Target};
use landline_protocol::{Content, EventId, MemberId, RoomId};
use landline_store::{StoreError, log};

use super::Decision;

/// The answers to what the rules may ask about one event.
pub(super) struct LookedUp<'d> {
    decision: &'d Decision<'d>,
    targets: Vec<(EventId, Target)>,
}

impl<'d> LookedUp<'d> {
    pub(super) fn of(
        decision: &'d Decision<'d>,
        room: RoomId,
        content: &Content,
    ) -> Result<Self, StoreError> {
        let mut ids: Vec<EventId> = content.target().into_iter().collect();
        if let Content::Message(message) = content {
            ids.extend(message.reply_to.iter().chain(&message.thread));
        }
        let mut targets = Vec::with_capacity(ids.len());
        for id in ids {
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
        Ok(Self { decision, targets })
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

    /// There are no files yet, so nobody may name one.
    fn may_name_file(&self, _blake3: &str) -> bool {
        false
    }
}
