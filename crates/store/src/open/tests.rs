//! Migrations that were published, and some that do not exist yet.

use std::path::{Path, PathBuf};

use refinery::{Migration, Runner};
use rusqlite::types::Value;
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

/// A closed database of version 3, with a row in most of its tables.
fn version_3(path: &Path) {
    let published = embedded::migrations::runner();
    let published = published.get_migrations().iter();
    let three: Vec<Migration> = published
        .filter(|one| one.version() <= 3)
        .cloned()
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut c = connect(path, flags).unwrap();
    migrate(path, &mut c, 0, Runner::new(&three)).unwrap();
    c.execute_batch(include_str!("../../tests/fixtures/v3-rows.sql"))
        .unwrap();
    assert_eq!(header(path), Some((APPLICATION_ID, 3)));
    c.close().unwrap();
}

/// What is in each of these tables, by their names and columns.
fn rows(c: &Connection, tables: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (table, columns) in tables {
        let select = format!("SELECT {columns} FROM {table}");
        let mut statement = c.prepare(&select).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<Value> = (0..columns).map(|at| row.get(at).unwrap()).collect();
            found.push(format!("{table} {values:?}"));
        }
    }
    found
}

#[test]
fn a_database_of_version_3_opens_with_all_that_is_in_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("space.db");
    version_3(&path);
    let old = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    // With the columns that it had: later versions may have more.
    let tables: Vec<(String, String)> = old
        .prepare(
            r#"SELECT tables.name, group_concat(format('"%w"', columns.name))
             FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
             WHERE tables.type = 'table'
                 AND tables.name NOT LIKE 'sqlite_%' AND tables.name NOT LIKE 'refinery_%'
             GROUP BY tables.name"#,
        )
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let before = rows(&old, &tables);
    old.close().unwrap();

    let new = writer(&path, Durability::Full, Check::AfterUncleanStop).unwrap();
    quick_check(&new).unwrap();
    assert_eq!(rows(&new, &tables), before);
    let room = crate::drafts::all(&new).unwrap();
    assert_eq!((room.len(), room[0].1.as_str()), (1, "and then"));
    assert_eq!(crate::drafts::of_threads(&new).unwrap(), []);
    let copy = beside_path(&path, &format!(".before-v{}", known()));
    assert_eq!(header(&copy), Some((APPLICATION_ID, 3)));
}

#[test]
fn of_a_damaged_database_of_version_3_all_is_saved_that_it_had() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("space.db");
    version_3(&path);
    let to = folder.path().join("new.db");
    let saved = mend::save(&path, &to, mend::Logs::Parts).unwrap();
    assert_eq!((saved.log, saved.complete), (true, true));
    assert_eq!((saved.waiting, saved.drafts), (1, 1));
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
fn new_tables_for_which_there_is_no_room_say_so() {
    let (_folder, path, mut connection) = of_today();
    let pages: i64 = connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    connection
        .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .unwrap();
    let migrations = with(&[("V9001__polls", GOOD)]);
    let error = migrate(&path, &mut connection, known(), migrations).unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error}");
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
