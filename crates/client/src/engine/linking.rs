//! Getting a link, and losing it.

use landline_discovery::SpaceSeen;
use landline_protocol::down::Goodbye;
use landline_protocol::{Code, GoodbyeReason, Refusal};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

use super::online::Online;
use super::transfers::Way;
use super::{Engine, Phase};
use crate::ClientError;
use crate::contact::{BANNED, Contact, Credentials, NoContact, REMOVED, contact};
use crate::home::Note;
use crate::known::to_dial;
use crate::link::{LinkEvent, Target, spread};

/// Between two dials that the same advert asks for.
const SEEN_EVERY: Duration = Duration::from_secs(1);
/// A node that comes back is seen by everybody at one moment: they come within this time, not all
/// at once.
const SEEN_SPREAD: Duration = Duration::from_millis(300);
/// After a node said that this member has too many connections: the other one is left in peace.
const CROWDED: Duration = Duration::from_secs(15);

/// A link that lasted this long was a good one: the back-off begins anew after it.
const STEADY: Duration = Duration::from_secs(5);
/// A node can't send us away for longer than this.
const LONGEST: Duration = Duration::from_secs(600);

/// How long to wait before dialling again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wait {
    Not,
    Backoff,
    /// As the back-off says, but no less than this.
    AtLeast(Duration),
    /// Until the person tries again.
    ForEver,
}

impl Engine {
    /// Dials now, where there is no link and none is being made.
    pub(super) fn dial(&mut self) {
        match self.phase {
            Phase::Dialling { .. } | Phase::Online(_) => return,
            Phase::Looking { .. } | Phase::Refused => {}
        }
        let seen = self
            .seen
            .as_ref()
            .map(|seen| seen.addresses.as_slice())
            .unwrap_or_default();
        let addresses = to_dial(
            self.config.situation.hosted_here.iter().chain(seen),
            &self.config.known.addresses,
        );
        let target = Target {
            addresses,
            fingerprint: self.config.known.fingerprint.clone(),
        };
        let credentials = Credentials {
            identity: self.config.identity.clone(),
            name: self.config.situation.name.clone(),
            client: self.config.client.clone(),
            // Who is a member already needs neither.
            passcode: None,
            invite: None,
        };
        let (dial, space) = (self.config.dial.clone(), self.space());
        let mut task = JoinSet::new();
        task.spawn(async move { contact(&*dial, target, Some(space), &credentials).await });
        self.dialled_at = Some(Instant::now());
        self.phase = Phase::Dialling { contact: task };
        self.out.space_changed();
    }

    /// Its advert was seen: dial in a moment, unless the same one has just led nowhere.
    pub(super) fn on_seen(&mut self, seen: SpaceSeen) {
        let news = self.seen.as_ref() != Some(&seen);
        let rested = self.dialled_at.is_none_or(|at| at.elapsed() >= SEEN_EVERY);
        self.config.known.host = Some(seen.host.clone());
        self.seen = Some(seen);
        if let Phase::Looking { next_try, .. } = &mut self.phase
            && (news || rested)
        {
            let soon = SEEN_SPREAD.mul_f64(self.config.random.fraction());
            *next_try = (*next_try).min(Instant::now() + soon);
        }
    }

    /// The computer has slept: is the link still there, is the node?
    pub(super) fn woke(&mut self) {
        match &self.phase {
            Phase::Online(online) => online.probe(),
            Phase::Looking { .. } => {
                self.backoff.reset();
                self.dial();
            }
            Phase::Dialling { .. } | Phase::Refused => {}
        }
    }

    /// The node runs in this program now, or does no longer.
    pub(super) fn hosting_changed(&mut self) {
        self.out.space_changed();
        let here = self.config.situation.hosted_here.is_some();
        if here && matches!(self.phase, Phase::Looking { .. }) {
            self.dial();
        }
    }

    pub(super) async fn on_dialled(
        &mut self,
        result: Result<Contact, NoContact>,
    ) -> Result<(), ClientError> {
        match result {
            Ok(contact) => self.contacted(contact).await?,
            Err(NoContact::Refused(refusal)) if refusal.code.may_be_tried_again() => {
                let wait = Duration::from_millis(refusal.retry_after_ms.unwrap_or(0));
                self.lose(Some(refusal), Wait::AtLeast(wait));
            }
            Err(NoContact::Refused(refusal)) => self.lose(Some(refusal), Wait::ForEver),
            Err(NoContact::Lost(loss)) => {
                let words = format!("{} {loss}.", self.host_words());
                self.lose(Some(Refusal::new(Code::Unavailable, words)), Wait::Backoff);
                self.note(Note::Unreachable(self.space())).await;
            }
        }
        Ok(())
    }

    /// Signed in: the rooms of the answer are compared with ours, and the rest follows.
    pub(super) async fn contacted(&mut self, contact: Contact) -> Result<(), ClientError> {
        let Contact {
            link,
            peer,
            events,
            welcome,
            signed_in,
            early,
        } = contact;
        tracing::info!(space = %self.space(), address = %peer.address, "signed in");
        self.problem = None;
        let known = &mut self.config.known;
        let now = self.config.clock.now();
        // By the node's clock, as the times in its logs are.
        let ahead = signed_in.server_time.saturating_sub(now);
        self.away_since = known.last_connected.map(|last| last.saturating_add(ahead));
        known.last_connected = Some(now);
        known.reached_at(&peer.address);
        known.name.clone_from(&signed_in.space.name);
        known.admission = signed_in.space.admission;
        known.role = signed_in.me.role;
        if peer.fingerprint != "-" {
            known.fingerprint = Some(peer.fingerprint);
        }
        self.note(Note::Known(Box::new(self.config.known.clone())))
            .await;
        self.out.space_changed();
        self.transfers.linked(Way {
            target: Target {
                addresses: vec![peer.address],
                fingerprint: self.config.known.fingerprint.clone(),
            },
            token: signed_in.session.clone(),
        });
        self.phase = Phase::Online(Box::new(Online::new(link, events, welcome.node.epoch)));
        self.listed(signed_in).await?;
        self.say_presence();
        let mut early: Vec<LinkEvent> = early;
        self.on_link(&mut early).await
    }

    /// The node says goodbye: no need to wait for the end of the connection.
    pub(super) async fn on_goodbye(&mut self, goodbye: Goodbye) {
        let after = Duration::from_millis(goodbye.retry_after_ms.unwrap_or(0));
        let words = |words: String| Some(Refusal::new(Code::Unavailable, words));
        let host = self.host_words();
        tracing::info!(space = %self.space(), reason = %goodbye.reason, "the node says goodbye");
        match goodbye.reason {
            GoodbyeReason::Banned => {
                self.lose(Some(Refusal::new(Code::Banned, BANNED)), Wait::ForEver)
            }
            GoodbyeReason::Removed => {
                self.lose(
                    Some(Refusal::new(Code::NotAdmitted, REMOVED)),
                    Wait::ForEver,
                );
            }
            GoodbyeReason::Moved => {
                for address in goodbye.addresses.iter().rev() {
                    self.config.known.reached_at(address);
                }
                let wait = if goodbye.addresses.is_empty() {
                    Wait::AtLeast(after)
                } else {
                    Wait::Not
                };
                self.lose(
                    words(format!("{host} is moving to another computer.")),
                    wait,
                );
                self.note(Note::Known(Box::new(self.config.known.clone())))
                    .await;
            }
            GoodbyeReason::TooManyConnections => self.lose(
                words("You are connected from too many windows at once.".into()),
                Wait::AtLeast(CROWDED.max(after)),
            ),
            GoodbyeReason::ShuttingDown => {
                self.lose(
                    words(format!("{host} has stopped hosting.")),
                    Wait::AtLeast(after),
                );
            }
            GoodbyeReason::TooSlow | GoodbyeReason::ProtocolError | GoodbyeReason::Unknown => {
                self.lose(None, Wait::AtLeast(after));
            }
        }
    }

    /// There is no link any more (or none came about): everything that hung on it ends.
    pub(super) fn lose(&mut self, problem: Option<Refusal>, wait: Wait) {
        if let Phase::Online(online) = &mut self.phase {
            online.end();
            // A node that lets us in only to lose us at once is not dialled faster for it.
            if online.since.elapsed() >= STEADY {
                self.backoff.reset();
            }
            self.config.known.last_connected = Some(self.config.clock.now());
            self.out.known_changed();
        }
        let mut backoff = || self.backoff.next(self.config.random.fraction());
        let pause = match wait {
            Wait::Not => Some(Duration::ZERO),
            Wait::Backoff => Some(backoff()),
            Wait::AtLeast(least) => {
                let least = spread(least.min(LONGEST), self.config.random.fraction());
                Some(backoff().max(least))
            }
            Wait::ForEver => None,
        };
        self.phase = match pause {
            None => Phase::Refused,
            Some(pause) => {
                let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                Phase::Looking {
                    next_try: Instant::now() + pause,
                    next_try_at: self.config.clock.now().saturating_add(millis),
                }
            }
        };
        self.problem = problem;
        self.fetch_after = None;
        self.due.clear();
        self.appending.lost();
        self.transfers.lost();
        self.everybody_offline();
        for room in self.rooms.values_mut() {
            room.lost();
        }
        self.out.space_changed();
    }

    /// Who hosts it, to begin a sentence with.
    pub(super) fn host_words(&self) -> String {
        self.config
            .known
            .host
            .clone()
            .unwrap_or_else(|| "The host".to_owned())
    }
}
