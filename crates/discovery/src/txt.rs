//! The words of an advert: TXT records, written by us and read from anybody.
//!
//! `v=1`, `space=<id>`, `name=<at most 200 bytes>`, `fp=<fingerprint>` (`-` without TLS),
//! `admission=open|passcode|invite`, `tls=0|1`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landline_protocol::{Admission, SpaceId, check_name};

use crate::Advert;

/// Bytes of a name in an advert.
const NAME_BYTES: usize = 200;
/// What stands for no fingerprint, as in `sign_in`.
const NO_FINGERPRINT: &str = "-";

/// What an advert says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) space: SpaceId,
    pub(crate) name: String,
    pub(crate) fingerprint: Option<String>,
    pub(crate) admission: Admission,
}

pub(crate) fn write(advert: &Advert) -> [(&'static str, String); 6] {
    let cut = advert.name.floor_char_boundary(NAME_BYTES);
    let fingerprint = advert.fingerprint.as_deref();
    [
        ("v", "1".to_owned()),
        ("space", advert.space.to_string()),
        (
            "name",
            advert.name.get(..cut).unwrap_or_default().to_owned(),
        ),
        ("fp", fingerprint.unwrap_or(NO_FINGERPRINT).to_owned()),
        ("admission", advert.admission.to_string()),
        (
            "tls",
            if fingerprint.is_some() { "1" } else { "0" }.to_owned(),
        ),
    ]
}

/// None: it is not a protocol 1 advert by a node that is well, and nobody should see it.
///
/// Without `tls=1` a fingerprint counts for nothing, and with it there must be one. An admission of
/// a later version is `Unknown`.
pub(crate) fn read<'a>(value: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Words> {
    let text = |key| value(key).and_then(|bytes| std::str::from_utf8(bytes).ok());
    if text("v") != Some("1") {
        return None;
    }
    let name = text("name").filter(|name| name.len() <= NAME_BYTES)?;
    Some(Words {
        space: text("space")?.parse().ok()?,
        name: check_name("the space's name", name).ok()?.to_owned(),
        fingerprint: match text("tls")? {
            "0" => None,
            "1" => Some(text("fp").filter(|fp| is_fingerprint(fp))?.to_owned()),
            _ => return None,
        },
        admission: Admission::parse(text("admission")?).unwrap_or(Admission::Unknown),
    })
}

/// SHA-256 in base64url without padding.
fn is_fingerprint(text: &str) -> bool {
    let mut hash = [0u8; 32];
    URL_SAFE_NO_PAD.decode_slice(text, &mut hash) == Ok(32)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const SPACE: &str = "0193e0f0-1111-7222-8333-444455556666";
    const FINGERPRINT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn advert(name: &str, fingerprint: Option<&str>) -> Advert {
        Advert {
            space: SPACE.parse().unwrap(),
            name: name.to_owned(),
            fingerprint: fingerprint.map(str::to_owned),
            admission: Admission::Passcode,
            bound: Ipv4Addr::UNSPECIFIED.into(),
            port: 7717,
            host: "anna".to_owned(),
        }
    }

    fn read_pairs<V: AsRef<[u8]>>(pairs: &[(&str, V)]) -> Option<Words> {
        let map: BTreeMap<&str, &[u8]> = pairs.iter().map(|(k, v)| (*k, v.as_ref())).collect();
        read(|key| map.get(key).copied())
    }

    fn changed(key: &'static str, value: &[u8]) -> Option<Words> {
        let pairs = write(&advert("Workshop", Some(FINGERPRINT)));
        let pairs = pairs.map(|(k, v)| {
            (
                k,
                if k == key {
                    value.to_vec()
                } else {
                    v.into_bytes()
                },
            )
        });
        read_pairs(&pairs)
    }

    #[test]
    fn what_is_written_is_read() {
        for fingerprint in [None, Some(FINGERPRINT)] {
            let words = read_pairs(&write(&advert("Café ☕ 工房", fingerprint))).unwrap();
            assert_eq!(words.space.to_string(), SPACE);
            assert_eq!(words.name, "Café ☕ 工房");
            assert_eq!(words.fingerprint.as_deref(), fingerprint);
            assert_eq!(words.admission, Admission::Passcode);
        }
    }

    #[test]
    fn the_wire_is_the_protocols() {
        let pairs = write(&advert("Workshop", None));
        let words: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let space = format!("space={SPACE}");
        assert_eq!(
            words,
            [
                "v=1",
                &space,
                "name=Workshop",
                "fp=-",
                "admission=passcode",
                "tls=0"
            ]
        );
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = "工".repeat(64 + 3);
        let pairs = write(&advert(&name, None));
        let cut = &pairs[2].1;
        assert_eq!((cut.len(), cut.chars().count()), (198, 66));
        assert!(
            pairs
                .iter()
                .all(|(key, value)| key.len() + 1 + value.len() <= 255)
        );
    }

    #[test]
    fn no_fingerprint_is_written_in_many_ways_and_never_counts_without_tls() {
        for value in ["", "-", FINGERPRINT, "nonsense"] {
            let mut pairs = write(&advert("Workshop", None));
            pairs[3].1 = value.to_owned();
            assert_eq!(read_pairs(&pairs).unwrap().fingerprint, None, "{value:?}");
        }
        let pairs = write(&advert("Workshop", None));
        let without: Vec<_> = pairs.into_iter().filter(|(key, _)| *key != "fp").collect();
        assert_eq!(read_pairs(&without).unwrap().fingerprint, None);
    }

    #[test]
    fn hostile_or_broken_adverts_are_not_seen() {
        assert!(
            changed("v", b"1").is_some(),
            "the one they are changed from is good"
        );
        for (key, value) in [
            ("v", &b""[..]),
            ("v", b"2"),
            ("v", b"1 "),
            ("space", b""),
            ("space", b"0193E0F0-1111-7222-8333-444455556666"),
            ("space", b"0193e0f0111172228333444455556666"),
            ("space", b"../../etc/passwd"),
            ("space", b"\xff\xfe"),
            ("name", b""),
            ("name", b"   "),
            ("name", b"two\nlines"),
            ("name", b"bell\x07"),
            ("name", "ne\u{85}xt".as_bytes()),
            ("name", b"broken \xc3"),
            ("name", &[b'x'; 201]),
            ("name", &[b'x'; 65]),
            ("fp", b""),
            ("fp", b"-"),
            ("fp", b"AAAA"),
            ("fp", &[b'!'; 43]),
            ("fp", &[b'A'; 44]),
            ("tls", b""),
            ("tls", b"yes"),
            ("admission", b"\xff"),
        ] {
            assert_eq!(changed(key, value), None, "{key}={}", value.escape_ascii());
        }
        assert_eq!(
            changed("admission", b"lottery").unwrap().admission,
            Admission::Unknown
        );
        for missing in ["v", "space", "name", "admission", "tls", "fp"] {
            let pairs = write(&advert("Workshop", Some(FINGERPRINT)));
            let rest: Vec<_> = pairs
                .into_iter()
                .filter(|(key, _)| *key != missing)
                .collect();
            assert_eq!(read_pairs(&rest), None, "without {missing}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 6)) {
            let keys = ["v", "space", "name", "fp", "admission", "tls"];
            let pairs: Vec<_> = keys.into_iter().zip(values).collect();
            prop_assert_eq!(read_pairs(&pairs), None);
        }

        #[test]
        fn any_name_is_written_within_the_limit(name in ".{0,300}") {
            let pairs = write(&advert(&name, None));
            prop_assert!(pairs[2].1.len() <= NAME_BYTES);
            prop_assert!(name.starts_with(&pairs[2].1));
        }
    }
}
