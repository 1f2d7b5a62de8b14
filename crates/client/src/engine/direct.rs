//! Events of ours that go past the outbox: an import has its own queue, the file.

use landline_protocol::up::{Append, Appended};
use landline_protocol::{Code, EventSignature, NewEvent, Refusal, sign_event};

use super::online::Asked;
use super::{Engine, Phase};
use crate::ClientError;
use crate::home::AppendReply;
use crate::import::Ready;

impl Engine {
    /// Signs and sends them as one `append`, whose answer goes to who asked.
    pub(super) fn append_directly(&mut self, events: &[Ready], reply: AppendReply) {
        let signed: Result<Vec<NewEvent>, ClientError> =
            events.iter().map(|event| self.signed(event)).collect();
        let events = match signed {
            Ok(events) => events,
            Err(error) => return drop(reply.send(Err(error.into()))),
        };
        let Phase::Online(online) = &mut self.phase else {
            return drop(reply.send(Err(no_link())));
        };
        if let Err(asked) = online.ask("append", &Append { events }, Asked::Direct(reply)) {
            asked.lost();
        }
    }

    fn signed(&self, event: &Ready) -> Result<NewEvent, ClientError> {
        let Ready {
            id,
            room,
            sent_at,
            content,
            ..
        } = event;
        let of = EventSignature {
            space: self.space(),
            room: *room,
            id: *id,
            author: &self.config.identity.member,
            sent_at: *sent_at,
        };
        let sig = Some(sign_event(self.config.identity.key(), &of, content)?);
        Ok(NewEvent {
            id: *id,
            room: *room,
            sent_at: *sent_at,
            content: content.clone(),
            sig,
        })
    }
}

/// Hands the node's answer on.
pub(super) fn answered(answer: Result<Option<Appended>, Refusal>, reply: AppendReply) {
    let results = answer.and_then(|read| {
        read.map(|appended| appended.results)
            .ok_or_else(|| Refusal::new(Code::Unavailable, "the host's answer can't be read"))
    });
    // Whoever asked may have been interrupted.
    let _ = reply.send(results);
}

fn no_link() -> Refusal {
    Refusal::new(Code::Unavailable, "the space can't be reached now")
}
