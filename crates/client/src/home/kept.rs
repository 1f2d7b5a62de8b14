//! `landline.db`: what is kept of the person and of the spaces they are in.

use std::path::Path;

use landline_store::{Connection, Durability, Options, Store, settings};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ClientError;
use crate::known::KnownSpace;
use crate::ui::Settings;

const NAME: &str = "name";
const SETTINGS: &str = "settings";
const SPACES: &str = "spaces";

#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) name: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) spaces: Vec<KnownSpace>,
}

/// Opens a client's database. Waits for the disk.
pub(crate) fn open(path: &Path) -> Result<Store, ClientError> {
    Store::open(
        path,
        Options {
            durability: Durability::Full,
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

pub(crate) async fn save_spaces(store: &Store, spaces: Vec<KnownSpace>) -> Result<(), ClientError> {
    store.write(move |c| put(c, SPACES, &spaces)).await
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
