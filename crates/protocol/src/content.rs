//! What an event may hold.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

use crate::{EventId, MemberId, Refusal, check_name, check_topic, strict};

mod fields;

pub use fields::*;
use fields::{check_emoji, check_mentions, check_role, check_text};

/// The content of an event. A type of a later version decodes to `Unknown`: a client keeps the
/// event and skips it, a node refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Content {
    Message(Message),
    Edit(Edit),
    Delete(Delete),
    Reaction(Reaction),
    Pin(Pin),
    RoomCreated(RoomCreated),
    RoomChanged(RoomChanged),
    Joined,
    /// In a room: the author leaves it. In the directory: the author leaves the space.
    Left,
    Invited(Invited),
    Removed(Removed),
    SpaceCreated(SpaceCreated),
    Admitted(Admitted),
    Profile(Profile),
    Role(RoleChanged),
    Muted(Muted),
    Banned(Banned),
    Settings(SettingsChanged),
    #[serde(other)]
    Unknown,
}

impl Content {
    /// Reads content as a node must: strict JSON, a known type, every field within its limits.
    pub fn parse(raw: &RawValue) -> Result<Self, Refusal> {
        strict::check(raw.get())?;
        let content: Self = serde_json::from_str(raw.get())
            .map_err(|error| Refusal::bad_request(format!("content: {error}")))?;
        content.check()?;
        Ok(content)
    }

    /// Reads content as a client must: what it does not understand is `Unknown`, never an error.
    pub fn read(raw: &RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or(Self::Unknown)
    }

    /// The JSON of this content, as its author writes it.
    pub fn to_raw(&self) -> Result<Box<RawValue>, serde_json::Error> {
        serde_json::value::to_raw_value(self)
    }

    /// The word in the `type` field.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Edit(_) => "edit",
            Self::Delete(_) => "delete",
            Self::Reaction(_) => "reaction",
            Self::Pin(_) => "pin",
            Self::RoomCreated(_) => "room_created",
            Self::RoomChanged(_) => "room_changed",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Invited(_) => "invited",
            Self::Removed(_) => "removed",
            Self::SpaceCreated(_) => "space_created",
            Self::Admitted(_) => "admitted",
            Self::Profile(_) => "profile",
            Self::Role(_) => "role",
            Self::Muted(_) => "muted",
            Self::Banned(_) => "banned",
            Self::Settings(_) => "settings",
            Self::Unknown => "unknown",
        }
    }

    /// The event that this content is about, if it is about one: what an edit changes, and so on.
    pub const fn target(&self) -> Option<EventId> {
        match self {
            Self::Edit(edit) => Some(edit.target),
            Self::Delete(delete) => Some(delete.target),
            Self::Reaction(reaction) => Some(reaction.target),
            Self::Pin(pin) => Some(pin.target),
            Self::Message(_)
            | Self::RoomCreated(_)
            | Self::RoomChanged(_)
            | Self::Joined
            | Self::Left
            | Self::Invited(_)
            | Self::Removed(_)
            | Self::SpaceCreated(_)
            | Self::Admitted(_)
            | Self::Profile(_)
            | Self::Role(_)
            | Self::Muted(_)
            | Self::Banned(_)
            | Self::Settings(_)
            | Self::Unknown => None,
        }
    }

    /// Every event that this one names and that must stand in the same room: at most two.
    pub fn references(&self) -> impl Iterator<Item = EventId> {
        let message = match self {
            Self::Message(message) => [message.reply_to, message.thread],
            Self::Edit(_)
            | Self::Delete(_)
            | Self::Reaction(_)
            | Self::Pin(_)
            | Self::RoomCreated(_)
            | Self::RoomChanged(_)
            | Self::Joined
            | Self::Left
            | Self::Invited(_)
            | Self::Removed(_)
            | Self::SpaceCreated(_)
            | Self::Admitted(_)
            | Self::Profile(_)
            | Self::Role(_)
            | Self::Muted(_)
            | Self::Banned(_)
            | Self::Settings(_)
            | Self::Unknown => [None, None],
        };
        self.target()
            .into_iter()
            .chain(message.into_iter().flatten())
    }

    /// Who comes into the room by this event of that author (`true`), and who leaves it.
    pub fn moves(&self, author: MemberId) -> Vec<(MemberId, bool)> {
        match self {
            Self::RoomCreated(created) if created.everyone => Vec::new(),
            Self::RoomCreated(created) => {
                let members = created.members.iter().copied();
                let others = members.filter(|member| *member != author);
                others
                    .chain([author])
                    .map(|member| (member, true))
                    .collect()
            }
            Self::Joined => vec![(author, true)],
            Self::Invited(invited) => vec![(invited.member, true)],
            Self::Left => vec![(author, false)],
            Self::Removed(removed) => vec![(removed.member, false)],
            Self::Message(_)
            | Self::Edit(_)
            | Self::Delete(_)
            | Self::Reaction(_)
            | Self::Pin(_)
            | Self::RoomChanged(_)
            | Self::SpaceCreated(_)
            | Self::Admitted(_)
            | Self::Profile(_)
            | Self::Role(_)
            | Self::Muted(_)
            | Self::Banned(_)
            | Self::Settings(_)
            | Self::Unknown => Vec::new(),
        }
    }

    /// Every field within its limits.
    fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Message(message) => message.check(),
            Self::Edit(edit) => {
                check_text(&edit.text)?;
                check_mentions(&edit.mentions)?;
                if edit.text.trim().is_empty() {
                    return Err(Refusal::bad_request(
                        "the text is empty; delete the message instead",
                    ));
                }
                Ok(())
            }
            Self::Reaction(reaction) => check_emoji(&reaction.emoji),
            Self::RoomCreated(created) => created.check(),
            Self::RoomChanged(changed) => changed.check(),
            Self::Invited(Invited { reason, .. })
            | Self::Removed(Removed { reason, .. })
            | Self::Banned(Banned { reason, .. }) => reason
                .as_deref()
                .map_or(Ok(()), |reason| check_topic("the reason", reason)),
            Self::SpaceCreated(created) => check_name("the space's name", &created.name).map(drop),
            Self::Admitted(admitted) => {
                check_name("the name", &admitted.name)?;
                check_role(admitted.role)
            }
            Self::Profile(profile) => profile.check(),
            Self::Role(changed) => check_role(changed.role),
            Self::Muted(muted) if muted.until < 0 => {
                Err(Refusal::bad_request("`until` is before 1970"))
            }
            Self::Settings(settings) => settings.check(),
            Self::Delete(_) | Self::Pin(_) | Self::Joined | Self::Left | Self::Muted(_) => Ok(()),
            Self::Unknown => Err(Refusal::bad_request(
                "this node does not know that content type",
            )),
        }
    }
}
