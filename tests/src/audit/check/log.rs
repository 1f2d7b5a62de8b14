//! The node's log against what the audit knows by itself.

use super::*;

/// Numbered 1, 2, 3, …, nothing twice, time never falling.
pub(super) fn is_whole(ledger: &Ledger, log: &Log) {
    if log.by_id.len() != log.rows.len() {
        let what = format!("{} events, {} ids", log.rows.len(), log.by_id.len());
        ledger.broken(Broken::Twice, what);
    }
    for rows in log.rows.chunk_by(|a, b| a.room == b.room) {
        let room = room(&rows[0]);
        for (expected, row) in (1..).zip(rows) {
            if row.seq != expected {
                let what = format!("the log of {room} has {} where {expected} is due", row.seq);
                ledger.broken(Broken::Lost, what);
                break;
            }
        }
        for pair in rows.windows(2) {
            if pair[1].accepted_at < pair[0].accepted_at {
                let what = format!("accepted_at falls in {room} at {}", pair[1].seq);
                ledger.broken(Broken::OutOfOrder, what);
            }
        }
    }
    let mut texts = HashSet::new();
    for row in &log.rows {
        let word = row.text();
        let word = word.as_deref().and_then(words::word_of);
        if let Some(word) = word
            && !texts.insert(word.to_owned())
        {
            ledger.broken(Broken::Twice, format!("`{word}`: {}", row.in_short()));
        }
    }
}

/// What an author's program kept is there once, by its author, in its room, as written; what was
/// refused is not.
pub(super) fn keeps_what_was_written(ledger: &Ledger, log: &Log, away: &Waiting) {
    for (id, written) in ledger.all_written() {
        let row = log.row(id);
        match (&written.fate, row) {
            (Fate::Stored, None) if away.events.contains(&id) => {}
            (Fate::Stored, None) => {
                let what = format!("{id} by {} in {}", written.author, written.room);
                ledger.broken(
                    Broken::Lost,
                    format!("{what} was written and is not stored"),
                );
            }
            (Fate::Refused(code), Some(_)) => {
                let what = format!("{id} was refused ({code}) and is stored");
                ledger.broken(Broken::Otherwise, what);
            }
            (Fate::Discarded, Some(_)) if !log.deleted.contains(&id) => {
                let what = format!("{id} was taken back and stands");
                ledger.broken(Broken::Otherwise, what);
            }
            (_, Some(row)) => is_as_written(ledger, log, id, &written, row),
            (Fate::Refused(_) | Fate::Discarded, None) => {}
        }
    }
    for needed in ledger.all_needed_rooms() {
        let there = |row: &Row| room(row) == needed && row.kind == "room_created";
        if !log.rows.iter().any(there) && !away.rooms.contains(&needed) {
            let what = format!("the room {needed} was made and is not there");
            ledger.broken(Broken::Lost, what);
        }
    }
}

/// An edit that an author's program kept is there once, or gone with its message; a delete is there.
pub(super) fn keeps_what_was_changed(ledger: &Ledger, log: &Log, away: &Waiting) {
    let mut edits: HashMap<&str, usize> = HashMap::new();
    for row in log.rows.iter().filter(|row| row.kind == "edit") {
        if let Some(word) = row.content["text"].as_str().and_then(words::word_of) {
            *edits.entry(word).or_default() += 1;
        }
    }
    // Two edits of one message that wait in an outbox are one: the later has taken the place of the
    // earlier, which is not lost if the later is stored.
    let mut later: HashSet<EventId> = HashSet::new();
    for (message, word) in ledger.all_edits().into_iter().rev() {
        match edits.get(word.as_str()) {
            Some(1) => {
                later.insert(message);
            }
            Some(_) => ledger.broken(Broken::Twice, format!("the edit `{word}` of {message}")),
            None if later.contains(&message) => {}
            None if log.deleted.contains(&message) || away.about.contains(&message) => {}
            None => ledger.broken(Broken::Lost, format!("the edit `{word}` of {message}")),
        }
    }
    for message in ledger.all_deletes() {
        if !log.deleted.contains(&message) && !away.about.contains(&message) {
            ledger.broken(Broken::Lost, format!("the delete of {message}"));
        }
    }
}

fn is_as_written(ledger: &Ledger, log: &Log, id: EventId, written: &Written, row: &Row) {
    if row.author != written.author.as_bytes() || room(row) != written.room {
        let what = format!("{id} is by another or elsewhere: {}", row.in_short());
        ledger.broken(Broken::Lost, what);
    }
    let raw = serde_json::value::to_raw_value(&written.content).unwrap();
    let same = match log.dropped.get(&id) {
        // Deleted: what is left of it is the hash of what was there.
        Some(hash) => *hash == content_hash(&raw).unwrap(),
        None => row.content == written.content,
    };
    if !same {
        let what = format!("{id} is not as written: {}", row.in_short());
        ledger.broken(Broken::Lost, what);
    }
}

/// Whoever was told where an event stands was told the truth.
pub(super) fn is_what_was_told(ledger: &Ledger, log: &Log) {
    for (id, (told, seq)) in ledger.all_places() {
        match log.row(id) {
            None => {
                let what = format!("{id} was told to be {told} {seq} and is not stored");
                ledger.broken(Broken::Lost, what);
            }
            Some(row) if (room(row), row.seq as u64) != (told, seq) => {
                let what = format!("{id} was told to be {told} {seq}: {}", row.in_short());
                ledger.broken(Broken::OutOfOrder, what);
            }
            Some(_) => {}
        }
    }
}

/// In each room, what an author has written stands in the order in which it was written.
pub(super) fn keeps_the_order_of_authors(ledger: &Ledger, log: &Log) {
    let written = ledger.all_written();
    let mut last: HashMap<(RoomId, MemberId), (u64, EventId)> = HashMap::new();
    for row in &log.rows {
        let id = id(&row.id);
        let Some(written) = written.get(&id) else {
            continue;
        };
        let key = (written.room, written.author);
        let before = last.insert(key, (written.place, id));
        if let Some((place, before)) = before.filter(|(place, _)| *place > written.place) {
            let what = format!("{before} ({place}) stands before {id} ({})", written.place);
            ledger.broken(Broken::OutOfOrder, what);
        }
    }
}
