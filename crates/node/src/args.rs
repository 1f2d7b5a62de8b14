//! The flags of `landline-node`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use landline_node::{COPY_EVERY, NodeConfig, Rates};
use landline_protocol::limits::{
    APPEND_RATE, JOINS_PER_ADDRESS, MEMBER_FILE_BYTES, PASSCODE_CHARS, REQUEST_RATE,
};
use landline_protocol::{Admission, MemberId};

const MIB: u64 = 1024 * 1024;

/// Serves a Landline space without a window.
#[derive(Debug, Parser)]
#[command(name = "landline-node", version)]
pub(crate) struct Args {
    /// The folder in which everything of the space is kept; made if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// The name of a new space; a space that exists keeps its own
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The port to listen on [default: 7717, or the next free one]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,

    /// The address to listen on
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED))]
    pub(crate) bind: IpAddr,

    /// How one becomes a member: `open`, or `passcode:WORD` [default: as the space has it]
    #[arg(long, value_name = "open|passcode:WORD")]
    admission: Option<AdmissionFlag>,

    /// Appended events a second and member; 0: no limit
    #[arg(long, value_name = "N", default_value_t = APPEND_RATE)]
    append_rate: u32,

    /// Other requests a second and member; 0: no limit
    #[arg(long, value_name = "N", default_value_t = REQUEST_RATE)]
    request_rate: u32,

    /// New members a minute and address; 0: no limit
    #[arg(long, value_name = "N", default_value_t = JOINS_PER_ADDRESS)]
    join_rate: u32,

    /// MiB of files that one member may have here
    #[arg(long, value_name = "MIB", default_value_t = MEMBER_FILE_BYTES / MIB)]
    file_quota: u64,

    /// Who becomes the owner when admitted [default: the first who is admitted]
    #[arg(long, value_name = "MEMBER_ID")]
    owner: Option<MemberId>,

    /// Plain TCP: what there is today
    #[arg(long)]
    no_tls: bool,

    /// Do not tell the LAN of the space
    #[arg(long)]
    no_mdns: bool,

    /// Minutes between two good copies of the database; 0: none are made
    #[arg(long, value_name = "MINUTES", default_value_t = COPY_EVERY.as_secs() / 60)]
    copy_every: u64,

    /// The folder was put back from a snapshot: clients look whether their logs still agree
    #[arg(long)]
    restored: bool,

    /// How the log on standard error is written
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone)]
struct AdmissionFlag {
    admission: Admission,
    passcode: Option<String>,
}

impl FromStr for AdmissionFlag {
    type Err = String;

    fn from_str(flag: &str) -> Result<Self, String> {
        match flag.split_once(':') {
            None if flag == "open" => Ok(Self {
                admission: Admission::Open,
                passcode: None,
            }),
            Some(("passcode", "")) => Err("the passcode is empty".to_owned()),
            Some(("passcode", word)) if word.chars().count() > PASSCODE_CHARS => Err(format!(
                "the passcode has more than {PASSCODE_CHARS} characters"
            )),
            Some(("passcode", word)) => Ok(Self {
                admission: Admission::Passcode,
                passcode: Some(word.to_owned()),
            }),
            None | Some(_) => Err("neither `open` nor `passcode:WORD`".to_owned()),
        }
    }
}

impl Args {
    pub(crate) fn into_config(self) -> NodeConfig {
        let (admission, passcode) = match self.admission {
            Some(AdmissionFlag {
                admission,
                passcode,
            }) => (Some(admission), passcode),
            None => (None, None),
        };
        NodeConfig {
            name: self.name,
            admission,
            passcode,
            owner: self.owner,
            rates: Rates {
                append: self.append_rate,
                request: self.request_rate,
                join: self.join_rate,
            },
            advertise: !self.no_mdns,
            copy_every: Some(Duration::from_secs(60 * self.copy_every))
                .filter(|every| !every.is_zero()),
            file_quota: self.file_quota.saturating_mul(MIB),
            restored: self.restored,
            ..NodeConfig::new(self.data)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn admission_is_open_or_a_passcode() {
        let passcode: AdmissionFlag = "passcode:a:b".parse().unwrap();
        assert_eq!(passcode.passcode.as_deref(), Some("a:b"));
        for wrong in ["", "closed", "passcode", "passcode:", "open:x"] {
            assert!(wrong.parse::<AdmissionFlag>().is_err(), "{wrong}");
        }
    }
}
