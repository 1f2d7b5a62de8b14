//! The closed word lists of the protocol. A word of a later version decodes to `Unknown`, which a
//! client reads as its safe neighbour and a node refuses.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::ts_rs::TS)]
        #[ts(export, rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A word that this version does not know.
            Unknown,
        }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Unknown => "unknown",
                }
            }

            /// Unlike decoding, this never answers `Unknown`.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <::std::borrow::Cow::<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::parse(&word).unwrap_or(Self::Unknown))
            }
        }
    };
}
pub(crate) use words;

words!(
    /// Who can see and join a room.
    RoomKind { Public = "public", Private = "private", Direct = "direct" }
);

words!(
    /// What a member may do in the space. Ordered: see [`Role::rank`].
    Role { Guest = "guest", Member = "member", Admin = "admin", Owner = "owner" }
);

impl Role {
    /// 0 for a guest (and for a role this version does not know) to 3 for an owner.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Guest | Self::Unknown => 0,
            Self::Member => 1,
            Self::Admin => 2,
            Self::Owner => 3,
        }
    }

    pub const fn at_least(self, other: Self) -> bool {
        self.rank() >= other.rank()
    }
}

words!(
    /// How one becomes a member of a space.
    Admission { Open = "open", Passcode = "passcode", Invite = "invite" }
);

words!(
    /// Whether a member is there.
    PresenceState { Online = "online", Away = "away", Dnd = "dnd", Offline = "offline" }
);

words!(
    /// Why a node closes a connection.
    GoodbyeReason {
        ShuttingDown = "shutting_down",
        Moved = "moved",
        Removed = "removed",
        Banned = "banned",
        TooSlow = "too_slow",
        TooManyConnections = "too_many_connections",
        ProtocolError = "protocol_error",
    }
);
