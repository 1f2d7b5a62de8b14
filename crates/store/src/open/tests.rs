//! Migrations that do not exist yet.

use std::path::PathBuf;

use refinery::{Migration, Runner};
use tempfile::TempDir;

use super::*;

const GOOD: &str = "CREATE TABLE poll (id BLOB) STRICT; PRAGMA user_version = 9001;";
const BAD: &str = "CREATE TABLE vote (id BLOB) STRICT; INSERT INTO nowhere VALUES (1);";

/// A database of this version with a row in it.
fn of_today() -> (TempDir, PathBuf, Connection) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("space.db");
    let connection = writer(&path, Durability::Full, Check::AfterUncleanStop).unwrap();
    crate::settings::set(&connection, "name", "Ann").unwrap();
    (folder, path, connection)
}

/// The migrations that there are, and others.
fn with(more: &[(&str, &str)]) -> Runner {
    let mut all = embedded::migrations::runner().get_migrations().clone();
    for (name, sql) in more {
        all.push(Migration::unapplied(name, sql).unwrap());
    }
    Runner::new(&all)
}

fn tables(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE name IN ('poll', 'vote') ORDER BY name")
        .unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

#[test]
fn a_database_is_copied_before_its_tables_change() {
    let (_folder, path, mut connection) = of_today();
    migrate(
        &path,
        &mut connection,
        known(),
        with(&[("V9001__polls", GOOD)]),
    )
    .unwrap();
    assert_eq!(tables(&connection), ["poll"]);

    let copy = beside_path(&path, ".before-v9001");
    assert_eq!(header(&copy), Some((APPLICATION_ID, known())));
    let copy = writer(&copy, Durability::Full, Check::AfterUncleanStop).unwrap();
    let name: Option<String> = crate::settings::get(&copy, "name").unwrap();
    assert_eq!(name.as_deref(), Some("Ann"));
    assert_eq!(tables(&copy), [] as [&str; 0]);
}

#[test]
fn migrations_are_all_or_nothing() {
    let (_folder, path, mut connection) = of_today();
    let migrations = with(&[("V9001__polls", GOOD), ("V9002__votes", BAD)]);
    let error = migrate(&path, &mut connection, known(), migrations).unwrap_err();
    assert!(matches!(error, StoreError::Migration(_)), "{error}");
    assert_eq!(tables(&connection), [] as [&str; 0]);
    connection.close().unwrap();

    let connection = writer(&path, Durability::Full, Check::AfterUncleanStop).unwrap();
    let name: Option<String> = crate::settings::get(&connection, "name").unwrap();
    assert_eq!(name.as_deref(), Some("Ann"));
}

#[test]
fn a_database_that_is_up_to_date_is_not_copied() {
    let (_folder, path, connection) = of_today();
    connection.close().unwrap();
    writer(&path, Durability::Full, Check::AfterUncleanStop).unwrap();
    let copies = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let names = copies.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.contains(".before-")));
}

#[test]
fn a_first_migration_that_was_edited_after_it_ran_is_refused() {
    let (_folder, path, mut connection) = of_today();
    let edited = Runner::new(&[Migration::unapplied("V1__first", GOOD).unwrap()]);
    let error = migrate(&path, &mut connection, known(), edited).unwrap_err();
    assert!(matches!(error, StoreError::Migration(_)), "{error}");
}
