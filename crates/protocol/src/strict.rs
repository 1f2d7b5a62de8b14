//! The strict reading of an event's content: what JSON allows and a log must not.
//!
//! A duplicate key would let two readers see two different messages in the same bytes, a fraction
//! has no canonical form to sign, and deep nesting is an attack on the stack of whoever parses it.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits::{CONTENT_BYTES, CONTENT_DEPTH};
use crate::{Code, Refusal, size};

/// Checks size, depth, duplicate keys and numbers of a content's bytes.
pub(crate) fn check(json: &str) -> Result<(), Refusal> {
    if json.len() > CONTENT_BYTES {
        return Err(Refusal::new(
            Code::TooLarge,
            format!(
                "the content is {} too large; as JSON an event takes up to {}",
                size((json.len() - CONTENT_BYTES) as u64),
                size(CONTENT_BYTES as u64)
            ),
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Level(1)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| Refusal::bad_request(format!("content: {error}")))
}

/// One value, at this depth.
struct Level(usize);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Level {
    fn below<E: Error>(&self) -> Result<Self, E> {
        if self.0 > CONTENT_DEPTH {
            return Err(E::custom(format!("more than {CONTENT_DEPTH} levels deep")));
        }
        Ok(Self(self.0 + 1))
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        Err(E::custom(format!("{number} is not an integer of 64 bits")))
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        loop {
            if seq.next_element_seed(self.below()?)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        self.below::<A::Error>()?;
        while let Some(key) = map.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(A::Error::custom(format!("the key `{key}` stands twice")));
            }
            keys.insert(key);
            map.next_value_seed(self.below()?)?;
        }
        Ok(())
    }
}
