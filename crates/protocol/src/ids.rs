//! Ids: UUIDs for what people make, Ed25519 public keys for people.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ts_rs::TS;
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("not a UUID in lower case with hyphens")]
    Uuid,
    #[error("not 43 characters of base64url that hold a 32 byte key")]
    Key,
    #[error("not 64 hexadecimal figures in lower case")]
    Hash,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
        #[ts(export, type = "string")]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The 16 bytes as they are kept in SQLite.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Made from a time, as every id must be that its creator chooses.
            pub fn is_v7(self) -> bool {
                self.0.get_version_num() == 7 && self.0.get_variant() == uuid::Variant::RFC4122
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Strict: one id has one spelling, or `UNIQUE(id)` would be worth nothing.
            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() != 36 || text.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(IdError::Uuid);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError::Uuid)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

uuid_id!(
    /// An event, named by its author (UUIDv7).
    EventId
);
uuid_id!(
    /// A room: UUIDv7 by its creator, or [`direct_room_id`]. The directory's is the space's.
    RoomId
);
uuid_id!(
    /// A space.
    SpaceId
);

uuid_id!(
    /// A file that is attached to a draft on this device. Never on the wire.
    AttachmentId
);
uuid_id!(
    /// A file on its way to or from the node. Never on the wire.
    TransferId
);

impl SpaceId {
    /// The space's own log.
    pub const fn directory(self) -> RoomId {
        RoomId(self.0)
    }
}

/// The one id of the direct room of these people: UUIDv5 of the space and its sorted members,
/// so that both sides make the same room even when neither knows of the other's.
pub fn direct_room_id(space: SpaceId, members: &[MemberId]) -> RoomId {
    let mut names: Vec<String> = members.iter().map(MemberId::to_string).collect();
    names.sort();
    names.dedup();
    RoomId(Uuid::new_v5(&space.0, names.join(",").as_bytes()))
}

/// A member: the Ed25519 public key of their device, 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
#[ts(export, type = "string")]
pub struct MemberId([u8; 32]);

impl MemberId {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 43];
        URL_SAFE_NO_PAD
            .encode_slice(self.0, &mut text)
            .map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MemberId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut key = [0u8; 32];
        let written = URL_SAFE_NO_PAD
            .decode_slice(text, &mut key)
            .map_err(|_| IdError::Key)?;
        // The engine refuses trailing bits, so one key has one spelling.
        if written == 32 {
            Ok(Self(key))
        } else {
            Err(IdError::Key)
        }
    }
}

impl Serialize for MemberId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MemberId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// What a file's bytes are found by: their BLAKE3 hash, 64 hexadecimal figures in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
#[ts(export, type = "string")]
pub struct FileHash([u8; 32]);

impl FileHash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for FileHash {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let figure = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(IdError::Hash),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(IdError::Hash);
        };
        let mut hash = [0; 32];
        if pairs.len() != hash.len() {
            return Err(IdError::Hash);
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = figure(*high)? << 4 | figure(*low)?;
        }
        Ok(Self(hash))
    }
}

impl Serialize for FileHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
