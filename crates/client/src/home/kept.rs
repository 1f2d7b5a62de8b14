//! `landline.db`: what is kept of the person and of the spaces they are in.

use std::collections::BTreeSet;
use std::path::Path;

use landline_protocol::SpaceId;
use landline_store::{Check, Connection, Durability, Options, Store, settings};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ClientError;
use crate::known::KnownSpace;
use crate::ui::Settings;

const NAME: &str = "name";
const SETTINGS: &str = "settings";
const SPACES: &str = "spaces";
const LEFT: &str = "left";

#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) name: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) spaces: Vec<KnownSpace>,
    /// Those that were left and whose folders may still be there.
    pub(crate) left: BTreeSet<SpaceId>,
}

/// Opens a client's database. Waits for the disk.
pub(crate) fn open(path: &Path, check: Check) -> Result<Store, ClientError> {
    Store::open(
        path,
        Options {
            durability: Durability::Full,
            check,
            readers: 2,
        },
    )
    .map_err(|error| ClientError::Database {
        path: path.to_owned(),
        error,
    })
}

pub(crate) async fn load(store: &Store) -> Result<Kept, ClientError> {
    store
        .read(|c| {
            Ok(Kept {
                name: get(c, NAME)?,
                settings: get(c, SETTINGS)?.unwrap_or_default(),
                spaces: get(c, SPACES)?.unwrap_or_default(),
                left: get(c, LEFT)?.unwrap_or_default(),
            })
        })
        .await
}

pub(crate) async fn save_name(store: &Store, name: String) -> Result<(), ClientError> {
    store.write(move |c| put(c, NAME, &name)).await
}

pub(crate) async fn save_settings(store: &Store, settings: Settings) -> Result<(), ClientError> {
    store.write(move |c| put(c, SETTINGS, &settings)).await
}

pub(crate) async fn save_spaces(
    store: &Store,
    spaces: Vec<KnownSpace>,
    left: BTreeSet<SpaceId>,
) -> Result<(), ClientError> {
    let save = move |c: &Connection| {
        put(c, SPACES, &spaces)?;
        put(c, LEFT, &left)
    };
    store.write(save).await
}

/// Keeps spaces that are not in the list, and the name that they know me by where none is kept.
/// Waits for the disk.
pub(crate) fn add_found(
    store: &Store,
    found: Vec<(KnownSpace, Option<String>)>,
) -> Result<(), ClientError> {
    store.write_blocking(move |c| {
        let mut spaces: Vec<KnownSpace> = get(c, SPACES)?.unwrap_or_default();
        let mut name: Option<String> = get(c, NAME)?;
        for (space, called) in found {
            name = name.or(called);
            if !spaces.iter().any(|known| known.space == space.space) {
                spaces.push(space);
            }
        }
        put(c, SPACES, &spaces)?;
        name.map_or(Ok(()), |name| put(c, NAME, &name))
    })
}

/// A setting; one that a later version has written otherwise reads as none.
pub(crate) fn get<T: DeserializeOwned>(
    c: &Connection,
    key: &str,
) -> Result<Option<T>, ClientError> {
    Ok(settings::get(c, key)?.and_then(|value| serde_json::from_value(value).ok()))
}

pub(crate) fn put<T: Serialize>(c: &Connection, key: &str, value: &T) -> Result<(), ClientError> {
    Ok(settings::set(c, key, &serde_json::to_value(value)?)?)
}
