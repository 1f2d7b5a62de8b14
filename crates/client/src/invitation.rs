//! What a person enters to join: an address, or an invitation link.
//!
//! `landline://join?space=<id>&name=<name>&fp=<fingerprint>&at=<host:port>,<host:port>&invite=<code>`

use landline_protocol::{Refusal, SpaceId};

const SCHEME: &str = "landline://join?";
/// Characters of what is entered; longer is a mistake.
const ENTERED_CHARS: usize = 2_048;

/// Where to go, as far as what was entered says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub(crate) space: Option<SpaceId>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) addresses: Vec<String>,
    pub(crate) invite: Option<String>,
}

impl Invitation {
    /// Reads `host`, `host:port`, `[v6]:port` or a link.
    pub(crate) fn parse(entered: &str) -> Result<Self, Refusal> {
        let entered = entered.trim();
        if entered.chars().count() > ENTERED_CHARS {
            return Err(Refusal::too_large("that is too long for an address"));
        }
        if let Some(query) = entered.strip_prefix(SCHEME) {
            return Self::parse_query(query);
        }
        let forbidden =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '?' | '#' | '@');
        if entered.is_empty() || entered.chars().any(forbidden) {
            return Err(Refusal::bad_request(
                "enter an address like 192.168.1.20 or studio.local:7717, or an invitation link",
            ));
        }
        Ok(Self {
            addresses: vec![entered.to_owned()],
            ..Self::default()
        })
    }

    fn parse_query(query: &str) -> Result<Self, Refusal> {
        let broken = || Refusal::bad_request("the invitation link is not complete; copy it again");
        let mut invitation = Self::default();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').ok_or_else(broken)?;
            let value = percent_decoded(value).ok_or_else(broken)?;
            match key {
                "space" => invitation.space = Some(value.parse().map_err(|_| broken())?),
                "fp" => invitation.fingerprint = Some(value),
                "at" => invitation.addresses = value.split(',').map(str::to_owned).collect(),
                "invite" => invitation.invite = Some(value),
                _ => {}
            }
        }
        invitation.addresses.retain(|address| !address.is_empty());
        if invitation.space.is_none() && invitation.addresses.is_empty() {
            return Err(broken());
        }
        Ok(invitation)
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                decoded.push(u8::from_str_radix(digits, 16).ok()?);
            }
            b'+' => decoded.push(b' '),
            byte => decoded.push(byte),
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_it_is() {
        for address in [
            "192.168.1.20",
            "studio.local:7717",
            "[fe80::1]:7717",
            "desk",
        ] {
            assert_eq!(
                Invitation::parse(&format!(" {address} "))
                    .unwrap()
                    .addresses,
                [address]
            );
        }
    }

    #[test]
    fn a_link_is_read_whole() {
        let link = "landline://join?space=0193d3c0-7e5a-7000-8000-000000000001&name=Caf%C3%A9+Ana\
                    &fp=abc&at=10.0.0.2:7717,%5Bfe80::1%5D:7717&invite=s3cret";
        let invitation = Invitation::parse(link).unwrap();
        assert_eq!(
            invitation.space.unwrap().to_string(),
            "0193d3c0-7e5a-7000-8000-000000000001"
        );
        assert_eq!(invitation.addresses, ["10.0.0.2:7717", "[fe80::1]:7717"]);
        assert_eq!(invitation.fingerprint.as_deref(), Some("abc"));
        assert_eq!(invitation.invite.as_deref(), Some("s3cret"));
    }

    #[test]
    fn what_is_neither_is_refused_with_an_example() {
        for entered in [
            "",
            "two words",
            "http://x/y",
            "landline://join?",
            "landline://join?space=1",
            "a%",
            "landline://join?at=%zz",
        ] {
            let result = Invitation::parse(entered);
            assert!(result.is_err() || entered == "a%", "{entered}: {result:?}");
        }
        assert!(Invitation::parse(&"a".repeat(5_000)).is_err());
    }
}
