//! The tables that follow from the log: the node's against the log and against themselves made
//! anew, the replicas' against the node's.

use rusqlite::types::Value as Sql;

use super::replica::tell;
use super::*;

/// Each table's columns but those that are a database's own, and its column of the room.
const TABLES: [(&str, &str, &str); 7] = [
    (
        "message",
        "room, seq, author, text, edited, deleted, pinned, reply_to, thread, mentions, files,
         imported_name, imported_at",
        "room",
    ),
    ("mention", "room, seq, member", "room"),
    (
        "reaction",
        "room, target, member, emoji, is_on, seq",
        "room",
    ),
    (
        "room",
        "room, kind, everyone, creator, name, name_seq, topic, topic_seq, archived, archived_seq",
        "room",
    ),
    ("member", "room, member, present, removed, seq", "room"),
    (
        "person",
        "space, member, name, name_seq, role, role_seq, muted_until, muted_until_seq, banned,
         banned_seq, about, about_seq, avatar, avatar_seq",
        "space",
    ),
    (
        "space",
        "space, name, name_seq, admission, admission_seq, max_file_bytes, max_file_bytes_seq",
        "space",
    ),
];

/// The rows of a table about these rooms; none given: all. As texts, sorted.
fn rows(connection: &Connection, table: usize, rooms: Option<&HashSet<RoomId>>) -> Vec<String> {
    let (name, columns, of) = TABLES[table];
    let mut rows = connection
        .prepare(&format!("SELECT {of}, {columns} FROM {name}"))
        .unwrap();
    let count = rows.column_count();
    let rows = rows.query_map((), |row| {
        let of: [u8; 16] = row.get(0)?;
        let values: Result<Vec<Sql>, _> = (1..count).map(|column| row.get(column)).collect();
        Ok((RoomId::from_bytes(of), values?))
    });
    let rows = rows.unwrap().map(Result::unwrap);
    let mine = rows.filter(|(of, _)| rooms.is_none_or(|rooms| rooms.contains(of)));
    let mut texts: Vec<String> = mine
        .map(|(of, values)| format!("{name} of {of}: {values:?}"))
        .collect();
    texts.sort();
    texts
}

fn compare(ledger: &Ledger, name: &str, expected: Vec<String>, found: Vec<String>) {
    if expected != found {
        let (expected, found): (HashSet<_>, HashSet<_>) =
            (expected.into_iter().collect(), found.into_iter().collect());
        let differing = expected.symmetric_difference(&found).cloned();
        tell(ledger, name, "rows differ", differing);
    }
}

/// The messages of the node read as its log says.
pub(super) fn of_node(
    ledger: &Ledger,
    log: &Log,
    messages: &HashMap<(RoomId, i64), Reads>,
    node: &Path,
) {
    let connection = logs::open(node);
    let mut stored = connection
        .prepare("SELECT room, seq, text, edited, deleted FROM message")
        .unwrap();
    let stored = stored.query_map((), |row| {
        let room = RoomId::from_bytes(row.get(0)?);
        let reads = Reads {
            text: row.get(2)?,
            edited: row.get(3)?,
            deleted: row.get(4)?,
        };
        Ok(((room, row.get::<_, i64>(1)?), reads))
    });
    let stored: HashMap<_, _> = stored.unwrap().map(Result::unwrap).collect();
    let differs = |(at, expected): (&(RoomId, i64), &Reads)| {
        let same = stored.get(at).is_some_and(|found| {
            found.deleted == expected.deleted
                && if expected.deleted {
                    found.text.is_empty()
                } else {
                    found == expected
                }
        });
        (!same).then(|| format!("{at:?} is {:?}, not {expected:?}", stored.get(at)))
    };
    tell(
        ledger,
        "node",
        "messages read otherwise",
        messages.iter().filter_map(differs),
    );
    let lines = log.rows.iter().filter(|row| row.kind == "message").count();
    if stored.len() != lines {
        let what = format!("node: {} rows of {lines} messages", stored.len());
        ledger.broken(Broken::Differing, what);
    }
}

/// A replica's rows of its rooms are the node's.
pub(super) fn of_replica(
    ledger: &Ledger,
    name: &str,
    node: &Path,
    replica: &Path,
    rooms: &HashSet<RoomId>,
) {
    let (node, replica) = (logs::open(node), logs::open(replica));
    for table in 0..TABLES.len() {
        let expected = rows(&node, table, Some(rooms));
        compare(ledger, name, expected, rows(&replica, table, Some(rooms)));
    }
}

/// A copy of the node's database, its tables made anew, has the same rows.
pub(super) fn are_the_same_made_anew(ledger: &Ledger, node: &Path, scratch: &Path) {
    let copy = scratch.join("made-anew.sqlite");
    // Of a check before.
    let _ = std::fs::remove_file(&copy);
    let before = logs::open(node);
    before
        .backup("main", &copy, None::<fn(rusqlite::backup::Progress)>)
        .expect("a database can be copied");
    let after = Connection::open(&copy).unwrap();
    after.execute_batch("BEGIN").unwrap();
    landline_store::apply::rebuild(&after).unwrap();
    after.execute_batch("COMMIT").unwrap();
    for table in 0..TABLES.len() {
        let expected = rows(&after, table, None);
        compare(
            ledger,
            "node, made anew,",
            expected,
            rows(&before, table, None),
        );
    }
}

/// SQLite finds nothing to complain of, in the file and in the index.
pub(super) fn file_is_sound(ledger: &Ledger, database: &Path) {
    let connection = logs::open(database);
    let said: String = connection
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    if said != "ok" {
        let what = format!("{}: {said}", database.display());
        ledger.broken(Broken::Differing, what);
    }
}
