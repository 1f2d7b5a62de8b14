//! The index of a database: every message is found by its word, and nothing by a word that no
//! message has any more.

use super::replica::tell;
use super::*;

/// Words that are searched in a [`Depth::Sample`].
const WORDS: usize = 300;

/// Words that are given away to be asked for.
const SOME: usize = 12;

/// A word, and the message that has it: none where it was edited away, deleted or never stored.
pub type Wanted = (String, Option<(RoomId, i64)>);

/// What must be found.
#[derive(Debug)]
pub(super) struct Search {
    words: Vec<Wanted>,
    depth: Depth,
}

impl Search {
    pub(super) fn new(
        ledger: &Ledger,
        messages: &HashMap<(RoomId, i64), Reads>,
        depth: Depth,
    ) -> Self {
        let standing = messages.iter().filter(|(_, reads)| !reads.deleted);
        let standing: HashMap<String, (RoomId, i64)> = standing
            .filter_map(|(at, reads)| Some((words::word_of(&reads.text)?.to_owned(), *at)))
            .collect();
        let written = ledger.all_written();
        let written = written
            .values()
            .filter_map(|written| words::word_of(written.content["text"].as_str()?));
        let gone: HashSet<&str> = written
            .filter(|word| !standing.contains_key(*word))
            .collect();
        let gone = gone.into_iter().map(|word| (word.to_owned(), None));
        let mut words: Vec<_> = gone.collect();
        words.extend(standing.into_iter().map(|(word, at)| (word, Some(at))));
        words.sort();
        Self { words, depth }
    }

    pub(super) fn some(&self, dice: &mut Dice) -> Vec<Wanted> {
        let some = (0..SOME).filter_map(|_| dice.one_of(&self.words).cloned());
        some.collect()
    }

    /// Searches in a database, as far as it is about these rooms; none given: all.
    pub(super) fn finds(
        &self,
        ledger: &Ledger,
        name: &str,
        database: &Path,
        rooms: Option<&HashSet<RoomId>>,
        dice: &mut Dice,
    ) {
        let within = |room: &RoomId| rooms.is_none_or(|rooms| rooms.contains(room));
        let connection = logs::open(database);
        let mut find = connection
            .prepare(
                "SELECT m.room, m.seq FROM message_fts f JOIN message m ON m.docid = f.rowid
                 WHERE message_fts MATCH ?1",
            )
            .unwrap();
        let one_in = match self.depth {
            Depth::All => 1,
            Depth::Sample => (self.words.len() / WORDS).max(1) as u64,
        };
        let mut wrong = Vec::new();
        for (word, at) in &self.words {
            if dice.within(0..one_in) > 0 {
                continue;
            }
            let found = find.query_map([word], |row| {
                Ok((RoomId::from_bytes(row.get(0)?), row.get::<_, i64>(1)?))
            });
            let found = found.unwrap().map(Result::unwrap);
            // What one was told in a room that one has left since is not taken back.
            let found: Vec<_> = found.filter(|(room, _)| within(room)).collect();
            if !found.iter().eq(at.iter().filter(|(room, _)| within(room))) {
                wrong.push(format!("`{word}` finds {found:?}, not {at:?}"));
            }
        }
        tell(ledger, name, "searches find otherwise", wrong);
    }
}
