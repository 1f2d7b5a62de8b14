//! The ZIP file: what is in it by name, each part of it within a bound. Nothing is ever unpacked to
//! the disk, so names are only compared.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::marker::PhantomData;

use landline_protocol::{Refusal, size};
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zip::ZipArchive;
use zip::result::ZipError;

/// Parts of an archive.
const PARTS: usize = 300_000;
/// Bytes of a part, unpacked: a day of a busy channel has one or two million.
const PART_BYTES: u64 = 64 * 1024 * 1024;

/// An archive that is being read.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// The folder that all of it is in: none, unless somebody has packed it again.
    prefix: String,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("parts", &self.zip.len())
            .finish_non_exhaustive()
    }
}

impl Archive {
    /// Refused where it is no ZIP file, or has no part of this name.
    pub(super) fn open(file: File, with: &str) -> Result<Self, Refusal> {
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| broken(&error))?;
        if zip.len() > PARTS {
            return Err(Refusal::too_large(format!(
                "the ZIP file has {} parts; the limit is {PARTS}",
                zip.len()
            )));
        }
        let folders = zip.file_names().filter_map(|name| {
            let name = name.ok()?;
            let folder = name.strip_suffix(with)?;
            (folder.is_empty() || folder.ends_with('/')).then(|| folder.to_owned())
        });
        match folders.min_by_key(String::len) {
            Some(prefix) => Ok(Self { zip, prefix }),
            None => Err(Refusal::bad_request(format!(
                "the ZIP file is no export of Slack: there is no {with} in it"
            ))),
        }
    }

    /// The names of all parts, with their places.
    pub(super) fn parts(&self) -> Vec<(usize, String)> {
        let places = 0..self.zip.len();
        let named = places.filter_map(|at| {
            let name = self.zip.name_for_index(at)?.ok()?;
            Some((at, name.strip_prefix(&self.prefix)?.to_owned()))
        });
        named
            .filter(|(_, name)| !name.is_empty() && !name.ends_with('/'))
            .collect()
    }

    /// What a part holds, by its place.
    pub(super) fn read(&mut self, at: usize) -> Result<Vec<u8>, Refusal> {
        let part = self.zip.by_index(at).map_err(|error| broken(&error))?;
        let name = part.name().map_err(|error| broken(&error))?.into_owned();
        let mut bytes = Vec::new();
        part.take(PART_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Refusal::bad_request(format!("{name} is damaged: {error}")))?;
        if bytes.len() as u64 > PART_BYTES {
            return Err(Refusal::too_large(format!(
                "{name} is too large: at most {} can be read",
                size(PART_BYTES)
            )));
        }
        Ok(bytes)
    }

    /// A part that is a list in JSON of at most `LIMIT`, by its name; empty where it is not there.
    pub(super) fn list<const LIMIT: usize, T: DeserializeOwned>(
        &mut self,
        name: &str,
    ) -> Result<Vec<T>, Refusal> {
        let Some(at) = self.zip.index_for_name(&format!("{}{name}", self.prefix)) else {
            return Ok(Vec::new());
        };
        let bytes = self.read(at)?;
        listed::<LIMIT, T>(&bytes)
            .map_err(|error| Refusal::bad_request(format!("{name} can't be read: {error}")))
    }
}

/// A list in JSON of at most `LIMIT`: what is a few bytes there can be hundreds here, so that the
/// bytes alone are no bound.
pub(super) fn listed<'b, const LIMIT: usize, T: Deserialize<'b>>(
    bytes: &'b [u8],
) -> serde_json::Result<Vec<T>> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let list = at_most::<LIMIT, T, _>(&mut json)?;
    json.end()?;
    Ok(list)
}

/// The same for a list within something.
pub(super) fn at_most<'de, const LIMIT: usize, T, D>(json: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    json.deserialize_seq(AtMost::<LIMIT, T>(PhantomData))
}

struct AtMost<const LIMIT: usize, T>(PhantomData<T>);

impl<'de, const LIMIT: usize, T: Deserialize<'de>> Visitor<'de> for AtMost<LIMIT, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {LIMIT}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(next) = seq.next_element()? {
            if list.len() == LIMIT {
                return Err(A::Error::custom(format!(
                    "a list of more than {LIMIT}, which is the limit"
                )));
            }
            list.push(next);
        }
        Ok(list)
    }
}

fn broken(error: &ZipError) -> Refusal {
    Refusal::bad_request(format!("the ZIP file is damaged: {error}"))
}
