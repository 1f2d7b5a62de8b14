//! How things stand at this computer: who the person is, what they want, what they look at. Home
//! hands on the whole of it whenever any of it changes.

use landline_protocol::{EventId, PresenceState, RoomId};
use tokio::sync::watch;

use super::Engine;
use crate::ui::Settings;

/// How things stand at this computer. Of each, only the last counts, so that nothing of it is lost
/// on an engine that has much to do, or that is started later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Situation {
    /// The person's name.
    pub(crate) name: String,
    pub(crate) wishes: Wishes,
    /// What the person has chosen to be.
    pub(crate) presence: PresenceState,
    pub(crate) presence_text: String,
    /// The person has left this computer.
    pub(crate) away: bool,
    /// What of this space is on the screen.
    pub(crate) look: Looked,
    /// The loopback address of the node that runs in this program.
    pub(crate) hosted_here: Option<String>,
}

/// What the person looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) room: Option<RoomId>,
    pub(crate) thread: Option<EventId>,
    pub(crate) focused: bool,
}

/// What of the settings an engine goes by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Words that count as a mention, in lower case.
    pub(crate) keywords: Vec<String>,
    /// Nothing disturbs before this: milliseconds since 1970.
    pub(crate) quiet_until: Option<i64>,
    /// Others see how far one has read.
    pub(crate) receipts: bool,
}

impl From<&Settings> for Wishes {
    fn from(settings: &Settings) -> Self {
        let keywords = settings.keywords.iter();
        Self {
            keywords: keywords.map(|word| word.to_lowercase()).collect(),
            quiet_until: settings.quiet_until,
            receipts: settings.receipts,
        }
    }
}

impl Engine {
    /// Takes over what has changed at this computer.
    pub(super) async fn look_about(&mut self, situation: &mut watch::Receiver<Situation>) {
        if *situation.borrow_and_update() == self.config.situation {
            return;
        }
        let now = situation.borrow().clone();
        let before = std::mem::replace(&mut self.config.situation, now);
        self.noticed(&before);
        if self.config.situation.name != before.name
            && let Err(error) = self.say_name().await
        {
            self.failed(error).await;
        }
    }

    /// Things stood so until now.
    fn noticed(&mut self, before: &Situation) {
        let now = &self.config.situation;
        let (hosted, looks_elsewhere) = (
            now.hosted_here != before.hosted_here,
            now.look.room != before.look.room,
        );
        let presence = |of: &Situation| (of.presence, of.presence_text.clone(), of.away);
        if presence(now) != presence(before) {
            self.tell_presence();
        }
        self.notice_quiet();
        if hosted {
            self.hosting_changed();
        }
        if looks_elsewhere {
            self.looks_elsewhere();
        }
    }
}
