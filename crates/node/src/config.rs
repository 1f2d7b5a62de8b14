//! What a node is told when it starts.

use std::path::PathBuf;
use std::time::Duration;

use landline_protocol::limits::{APPEND_RATE, JOINS_PER_ADDRESS, MEMBER_FILE_BYTES, REQUEST_RATE};
use landline_protocol::{Admission, MemberId};

use crate::clock::Clock;

/// How often a good copy of the database is made, unless told otherwise.
pub const COPY_EVERY: Duration = Duration::from_secs(30 * 60);

/// What a node is told when it starts.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Everything the node keeps is in this folder. Made if it is not there.
    pub data_dir: PathBuf,
    /// The name of the space, needed for a new one. One that exists keeps the name it has.
    pub name: Option<String>,
    /// How one becomes a member; `None` leaves what the space has (a new one: open).
    /// [`Admission::Passcode`] needs [`Self::passcode`] unless the space has one already.
    pub admission: Option<Admission>,
    /// Kept only as an argon2 hash.
    pub passcode: Option<String>,
    /// Who becomes the owner when admitted; `None`: the first who is admitted.
    pub owner: Option<MemberId>,
    pub rates: Rates,
    /// Tell the LAN of the space by mDNS.
    pub advertise: bool,
    /// Of the program, for `welcome` and `/health`.
    pub version: String,
    pub clock: Clock,
    /// How often a good copy of the database is made; `None`: never.
    pub copy_every: Option<Duration>,
    /// Bytes of files that one member may have here.
    pub file_quota: u64,
    /// The folder, or the disk or machine it is on, was put back to an earlier state in a way
    /// that the node can't notice by itself (a snapshot).
    pub restored: bool,
}

impl NodeConfig {
    /// Open to everybody, advertised, with the protocol's rates and the machine's clock.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            name: None,
            admission: None,
            passcode: None,
            owner: None,
            rates: Rates::default(),
            advertise: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: Clock::system(),
            copy_every: Some(COPY_EVERY),
            file_quota: MEMBER_FILE_BYTES,
            restored: false,
        }
    }
}

/// How much one may do in a time. 0 switches a limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Appended events a second and member, with a burst of ten times as many.
    pub append: u32,
    /// Other requests a second and member.
    pub request: u32,
    /// New members a minute and address; six times as many a minute altogether.
    pub join: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            append: APPEND_RATE,
            request: REQUEST_RATE,
            join: JOINS_PER_ADDRESS,
        }
    }
}
