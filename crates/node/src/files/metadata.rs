//! `Upload-Metadata`: `key base64,key base64,…`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landline_protocol::{FileHash, Refusal};

/// Keys in one header.
const KEYS: usize = 16;
/// Bytes of one value.
const VALUE_BYTES: usize = 1024;

/// What of it the node goes by. `name` and `type` are in the message that names the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// What the hash will be.
    pub(super) blake3: Option<FileHash>,
}

impl Metadata {
    pub(super) fn parse(header: &str) -> Result<Self, Refusal> {
        let mut metadata = Self::default();
        for (count, pair) in header.split(',').enumerate() {
            let pair = pair.trim();
            if pair.is_empty() {
                continue;
            }
            if count >= KEYS {
                return Err(Refusal::too_large("`Upload-Metadata` has too many keys"));
            }
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = STANDARD
                .decode(value)
                .ok()
                .and_then(|value| String::from_utf8(value).ok())
                .filter(|value| value.len() <= VALUE_BYTES)
                .ok_or_else(|| {
                    Refusal::bad_request("`Upload-Metadata` is no list of keys and base64")
                })?;
            if key == "blake3" {
                let hash = value.parse().map_err(|_| {
                    Refusal::bad_request("`blake3` is not 64 hex digits in lower case")
                })?;
                metadata.blake3 = Some(hash);
            }
        }
        Ok(metadata)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_hash_among_what_else_is_told() {
        let hash = "0f".repeat(32);
        let header = format!("name ZS5wbmc=, blake3 {},private", STANDARD.encode(&hash));
        let metadata = Metadata::parse(&header).unwrap();
        assert_eq!(metadata.blake3, hash.parse().ok());
        assert_eq!(Metadata::parse(""), Ok(Metadata::default()));
    }

    #[test]
    fn refuses_what_is_no_metadata() {
        let many = vec!["a YQ=="; KEYS + 1].join(",");
        let long = format!("name {}", STANDARD.encode("a".repeat(VALUE_BYTES + 1)));
        let no_hash = format!("blake3 {}", STANDARD.encode("0F".repeat(32)));
        for header in ["name ?", "name /w==", &many, &long, &no_hash, "blake3"] {
            assert!(Metadata::parse(header).is_err(), "{header}");
        }
    }
}
