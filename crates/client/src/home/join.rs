//! Coming into a space, and leaving it on this device.

use landline_protocol::{Code, Refusal, SpaceId};
use landline_store::{Check, make_folder};

use super::damage::{self, REPLICA};
use super::left::{Arrival, Asked, Leaving};
use super::{Home, Joined, Note, Reply, Running, blocking, kept};
use crate::ClientError;
use crate::command::{Answer, Join, Nothing, SpaceAnswer};
use crate::contact::{Contact, Credentials, NoContact, contact};
use crate::engine::{self, EngineConfig};
use crate::invitation::Invitation;
use crate::known::{KnownSpace, to_dial};
use crate::link::Target;
use crate::ui::UiEvent;

/// Where a join leads, and with what.
#[derive(Debug)]
pub(super) struct Way {
    target: Target,
    /// Where it is known which.
    space: Option<SpaceId>,
    passcode: Option<String>,
    invite: Option<String>,
}

impl Home {
    pub(super) fn join(&self, request: Join, reply: Reply) {
        match self.way_of(request) {
            Ok(way) => self.spawn_join(way, Answer::join, Some(reply)),
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    fn way_of(&self, request: Join) -> Result<Way, Refusal> {
        let mut invitation = match &request.address {
            Some(entered) => Invitation::parse(entered)?,
            None => Invitation::default(),
        };
        let space = request.space.or(invitation.space);
        // Addresses grow old: what is seen now comes first.
        if let Some(space) = space {
            let fingerprint = self
                .spaces
                .get(&space)
                .and_then(|joined| joined.known.fingerprint.as_deref())
                .or(invitation.fingerprint.as_deref());
            let seen = self.nearby.get(space, fingerprint);
            let known = self
                .spaces
                .get(&space)
                .map(|joined| joined.known.addresses.as_slice());
            invitation.addresses = to_dial(
                seen.map(|seen| seen.addresses.as_slice())
                    .unwrap_or_default()
                    .iter()
                    .chain(&invitation.addresses),
                known.unwrap_or_default(),
            );
            if invitation.fingerprint.is_none() {
                invitation.fingerprint = seen.and_then(|seen| seen.fingerprint.clone());
            }
        }
        if invitation.addresses.is_empty() {
            return Err(Refusal::not_found(
                "that space is not near now; ask whoever hosts it for its address",
            ));
        }
        let target = Target {
            addresses: invitation.addresses,
            fingerprint: invitation.fingerprint,
        };
        Ok(Way {
            target,
            space,
            passcode: request.passcode,
            invite: invitation.invite,
        })
    }

    fn spawn_join(&self, way: Way, answer: fn(SpaceAnswer) -> Answer, reply: Option<Reply>) {
        let name = match self.my_name() {
            Ok(name) => name,
            Err(refusal) => {
                if let Some(reply) = reply {
                    let _ = reply.send(Err(refusal));
                }
                return;
            }
        };
        let credentials = Credentials {
            identity: self.identity.clone(),
            name,
            client: self.config.client.clone(),
            passcode: way.passcode,
            invite: way.invite,
        };
        let (dial, notes) = (self.config.dial.clone(), self.notes.clone());
        tokio::spawn(async move {
            let result = Box::new(contact(&*dial, way.target, way.space, &credentials).await);
            let asked = Asked { answer, reply };
            let _ = notes.send(Note::Joined(Arrival { result, asked })).await;
        });
    }

    /// This computer's own node, over loopback like anybody else.
    pub(super) fn join_hosted(
        &self,
        space: SpaceId,
        loopback: String,
        answer: fn(SpaceAnswer) -> Answer,
        reply: Option<Reply>,
    ) {
        let way = Way {
            target: Target {
                addresses: vec![loopback],
                fingerprint: None,
            },
            space: Some(space),
            passcode: None,
            invite: None,
        };
        self.spawn_join(way, answer, reply);
    }

    /// Takes over a contact: starts the space's engine, or hands it to the one that is there.
    pub(super) async fn joined(
        &mut self,
        result: Result<Contact, NoContact>,
    ) -> Result<SpaceId, Refusal> {
        let contact = result.map_err(|no_contact| match no_contact {
            NoContact::Refused(refusal) => refusal,
            NoContact::Lost(loss) => Refusal::new(Code::Unavailable, format!("The host {loss}.")),
        })?;
        let space = contact.signed_in.space.clone();
        if let Some(joined) = self.spaces.get(&space.id) {
            joined.tell(engine::Input::Contact(Box::new(Ok(contact))));
            return Ok(space.id);
        }
        let fingerprint = Some(contact.peer.fingerprint.clone()).filter(|seen| seen != "-");
        let known = KnownSpace {
            space: space.id,
            name: space.name,
            admission: space.admission,
            role: contact.signed_in.me.role,
            addresses: vec![contact.peer.address.clone()],
            fingerprint,
            host: self
                .nearby
                .get(space.id, None)
                .map(|seen| seen.host.clone()),
            last_connected: None,
        };
        match self.start_engine(known.clone(), Some(contact)).await {
            // Left from an earlier stay; it is put right and then dials by itself.
            Err(error) if damage::is_damaged(&error) => self.without_engine(known, error),
            started => started?,
        }
        self.save_spaces().await?;
        self.tell_nearby();
        Ok(space.id)
    }

    pub(super) async fn start_engine(
        &mut self,
        known: KnownSpace,
        contact: Option<Contact>,
    ) -> Result<(), ClientError> {
        let space = known.space;
        let folder = self.data.space(space);
        let opened = folder.clone();
        let store = blocking(move || {
            make_folder(&opened).map_err(|error| ClientError::Folder {
                path: opened.clone(),
                error,
            })?;
            kept::open(&opened.join(REPLICA), Check::NotNow)
        })
        .await?;
        let checked = store.clone();
        let started = engine::start(
            EngineConfig {
                known: known.clone(),
                identity: self.identity.clone(),
                situation: self.situation(space),
                client: self.config.client.clone(),
                folder,
                store,
                clock: self.config.clock.clone(),
                random: self.config.random.clone(),
                dial: self.config.dial.clone(),
                notes: self.notes.clone(),
            },
            contact,
        )
        .await;
        let (engine, events) = match started {
            Ok(started) => started,
            Err(error) => {
                // Whoever puts it right must find nobody in it.
                if let Err(error) = checked.close().await {
                    tracing::warn!(%error, "closing a replica");
                }
                return Err(error);
            }
        };
        let engine = Running::Yes(engine);
        self.spaces.insert(space, Joined { known, engine });
        self.check_later(space, checked);
        self.tell(events);
        Ok(())
    }

    pub(super) async fn remember(&mut self, known: KnownSpace) {
        let Some(joined) = self.spaces.get_mut(&known.space) else {
            return;
        };
        if joined.known != known {
            joined.known = known;
            if let Err(error) = self.save_spaces().await {
                tracing::warn!(%error, "the list of known spaces was not stored");
            }
        }
    }

    pub(super) async fn save_spaces(&self) -> Result<(), ClientError> {
        let spaces = self
            .spaces
            .values()
            .map(|joined| joined.known.clone())
            .collect();
        let left = self.left.keys().copied().collect();
        kept::save_spaces(&self.store, spaces, left).await
    }

    /// Forgets a space on this device; its replica is deleted. Not one that is hosted here: its
    /// node would go on with nothing left to stop it by, and bring the space back at the next start.
    pub(super) async fn leave_space(&mut self, space: SpaceId) -> Result<Nothing, Refusal> {
        if let Some((hosted, _)) = self.hosted.on()
            && hosted.space == space
        {
            let name = &hosted.name;
            let words =
                format!("this computer hosts {name}: stop hosting it first, in its host panel");
            return Err(Refusal::new(Code::Conflict, words));
        }
        let joined = self
            .spaces
            .remove(&space)
            .ok_or_else(|| Refusal::not_found("you are not in that space"))?;
        self.left.insert(space, Leaving::default());
        if let Err(error) = self.save_spaces().await {
            self.left.remove(&space);
            self.spaces.insert(space, joined);
            return Err(error.into());
        }
        self.take_away(space, joined.engine);
        self.tell(vec![UiEvent::SpaceGone { space }]);
        self.tell_nearby();
        Ok(Nothing {})
    }
}
