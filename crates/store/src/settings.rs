//! Settings of the program that owns the store: a key, and a value as JSON.

use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// The value of a key, `None` where it was never set.
///
/// [`StoreError::Json`] where what is stored is not a `T`.
pub fn get<T: DeserializeOwned>(c: &Connection, key: &str) -> Result<Option<T>, StoreError> {
    let value = c
        .prepare_cached("SELECT value FROM setting WHERE key = ?1")?
        .query_row([key], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(value
        .map(|value| serde_json::from_str(&value))
        .transpose()?)
}

pub fn set<T: Serialize + ?Sized>(c: &Connection, key: &str, value: &T) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO setting (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?
    .execute([key, &serde_json::to_string(value)?])?;
    Ok(())
}

pub fn remove(c: &Connection, key: &str) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM setting WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}
