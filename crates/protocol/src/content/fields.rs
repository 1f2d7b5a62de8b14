//! The fields of each content type, and their limits.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::limits::{
    DIRECT_MEMBERS, EMOJI_BYTES, FILES_PER_MESSAGE, MENTIONS_PER_MESSAGE, NAME_CHARS, TEXT_BYTES,
};
use crate::{Admission, EventId, MemberId, Refusal, Role, RoomKind, check_name, check_topic, size};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Message {
    /// Markdown. May be empty where there are files.
    pub text: String,
    /// The message it answers, with a quote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reply_to: Option<EventId>,
    /// The first message of the thread it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub thread: Option<EventId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Mention>>", optional)]
    pub mentions: Vec<Mention>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<File>>", optional)]
    pub files: Vec<File>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub imported: Option<Imported>,
}

/// A member's id, or `"room"` for everybody in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, TS)]
#[ts(export, type = "string")]
pub enum Mention {
    Member(MemberId),
    Room,
}

impl Serialize for Mention {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Member(member) => member.serialize(serializer),
            Self::Room => serializer.serialize_str("room"),
        }
    }
}

impl<'de> Deserialize<'de> for Mention {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text == "room" {
            return Ok(Self::Room);
        }
        text.parse()
            .map(Self::Member)
            .map_err(serde::de::Error::custom)
    }
}

/// A file that a message names. Its bytes are found by their BLAKE3 hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct File {
    /// Hex, 64 characters.
    pub blake3: String,
    pub name: String,
    #[serde(rename = "type")]
    pub media_type: String,
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub height: Option<u32>,
    /// A thumbhash, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub preview: Option<String>,
}

/// Written elsewhere, by somebody without a key here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Imported {
    pub name: String,
    /// Milliseconds since 1970 UTC.
    pub at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Edit {
    pub target: EventId,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Mention>>", optional)]
    pub mentions: Vec<Mention>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Delete {
    pub target: EventId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Reaction {
    pub target: EventId,
    pub emoji: String,
    pub on: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Pin {
    pub target: EventId,
    pub on: bool,
}

/// Always `seq` 1 of its room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoomCreated {
    pub kind: RoomKind,
    /// Empty for a direct room.
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(as = "Option<String>", optional)]
    pub topic: String,
    /// Private and direct rooms: who is in it from the start, the author among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<MemberId>>", optional)]
    pub members: Vec<MemberId>,
    /// All who are admitted to the space are in it, and nobody leaves. By the node only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(as = "Option<bool>", optional)]
    pub everyone: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoomChanged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub archived: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Invited {
    pub member: MemberId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Removed {
    pub member: MemberId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SpaceCreated {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Admitted {
    pub member: MemberId,
    pub name: String,
    pub role: Role,
    /// The id of the invitation, not its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub invite: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Profile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub about: Option<String>,
    /// The BLAKE3 hash of a file, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub avatar: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoleChanged {
    pub member: MemberId,
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Muted {
    pub member: MemberId,
    /// Milliseconds since 1970 by the node's clock; 0 lifts it.
    pub until: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Banned {
    pub member: MemberId,
    pub on: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SettingsChanged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub admission: Option<Admission>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub max_file_bytes: Option<u64>,
}

impl Message {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_text(&self.text)?;
        check_mentions(&self.mentions)?;
        if self.files.len() > FILES_PER_MESSAGE {
            return Err(Refusal::too_large(format!(
                "{} files in one message; the limit is {FILES_PER_MESSAGE}",
                self.files.len()
            )));
        }
        if self.text.trim().is_empty() && self.files.is_empty() {
            return Err(Refusal::bad_request("the message is empty"));
        }
        for file in &self.files {
            file.check()?;
        }
        match &self.imported {
            Some(imported) => check_name("the name of who wrote it", &imported.name).map(drop),
            None => Ok(()),
        }
    }
}

impl File {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if self.blake3.len() != 64 || !self.blake3.bytes().all(hex) {
            return Err(Refusal::bad_request(
                "a file's `blake3` is not 64 hex digits in lower case",
            ));
        }
        let chars = self.name.chars().count();
        if chars == 0 || chars > 255 || self.name.chars().any(char::is_control) {
            return Err(Refusal::bad_request(
                "a file's name has 1 to 255 characters, none of control",
            ));
        }
        if self.media_type.len() > 127 || self.preview.as_ref().is_some_and(|p| p.len() > 64) {
            return Err(Refusal::too_large("a file's type or preview is too long"));
        }
        Ok(())
    }
}

impl RoomCreated {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_topic("the topic", &self.topic)?;
        match self.kind {
            RoomKind::Direct => {
                if !self.name.is_empty() || !self.topic.is_empty() {
                    return Err(Refusal::bad_request(
                        "a direct room has no name and no topic",
                    ));
                }
                if !DIRECT_MEMBERS.contains(&self.members.len()) {
                    return Err(Refusal::bad_request(format!(
                        "a direct room has {} to {} members",
                        DIRECT_MEMBERS.start(),
                        DIRECT_MEMBERS.end()
                    )));
                }
            }
            RoomKind::Public | RoomKind::Private => {
                check_name("the room's name", &self.name)?;
            }
            RoomKind::Unknown => {
                return Err(Refusal::bad_request(
                    "this node does not know that kind of room",
                ));
            }
        }
        let mut members = self.members.clone();
        members.sort();
        members.dedup();
        if members.len() != self.members.len() {
            return Err(Refusal::bad_request("a member is named twice"));
        }
        Ok(())
    }
}

impl RoomChanged {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if *self == Self::default() {
            return Err(Refusal::bad_request("nothing is changed"));
        }
        if let Some(name) = &self.name {
            check_name("the room's name", name)?;
        }
        self.topic
            .as_deref()
            .map_or(Ok(()), |topic| check_topic("the topic", topic))
    }
}

impl Profile {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if *self == Self::default() {
            return Err(Refusal::bad_request("nothing is changed"));
        }
        if let Some(name) = &self.name {
            check_name("the name", name)?;
        }
        if self
            .avatar
            .as_ref()
            .is_some_and(|hash| hash.len() > NAME_CHARS)
        {
            return Err(Refusal::too_large("`avatar` is not a hash"));
        }
        self.about
            .as_deref()
            .map_or(Ok(()), |about| check_topic("about", about))
    }
}

impl SettingsChanged {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if *self == Self::default() {
            return Err(Refusal::bad_request("nothing is changed"));
        }
        if self.admission == Some(Admission::Unknown) {
            return Err(Refusal::bad_request(
                "this node does not know that admission",
            ));
        }
        match &self.name {
            Some(name) => check_name("the space's name", name).map(drop),
            None => Ok(()),
        }
    }
}

pub(super) fn check_text(text: &str) -> Result<(), Refusal> {
    check_text_bytes(text.len() as u64)
}

/// Whether a text of so many bytes may be a message's.
pub fn check_text_bytes(bytes: u64) -> Result<(), Refusal> {
    let most = TEXT_BYTES as u64;
    if bytes > most {
        return Err(Refusal::too_large(format!(
            "the text is {} too long; a message takes up to {}",
            size(bytes - most),
            size(most)
        )));
    }
    Ok(())
}

pub(super) fn check_mentions(mentions: &[Mention]) -> Result<(), Refusal> {
    if mentions.len() > MENTIONS_PER_MESSAGE {
        return Err(Refusal::too_large(format!(
            "{} mentions in one message; the limit is {MENTIONS_PER_MESSAGE}",
            mentions.len()
        )));
    }
    Ok(())
}

pub(super) fn check_emoji(emoji: &str) -> Result<(), Refusal> {
    if emoji.is_empty() || emoji.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Refusal::bad_request("the emoji is empty or not an emoji"));
    }
    if emoji.len() > EMOJI_BYTES {
        return Err(Refusal::too_large(format!(
            "the emoji has {} bytes; the limit is {EMOJI_BYTES}",
            emoji.len()
        )));
    }
    Ok(())
}

pub(super) fn check_role(role: Role) -> Result<(), Refusal> {
    match role {
        Role::Guest | Role::Member | Role::Admin | Role::Owner => Ok(()),
        Role::Unknown => Err(Refusal::bad_request("this node does not know that role")),
    }
}
