//! A query as people type it: words, and what they are narrowed by. The same on every device and
//! at the node.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use landline_protocol::limits::QUERY_CHARS;
use landline_protocol::{Code, MemberId, Refusal, RoomId};
use rusqlite::Connection;

use super::{Has, Hit, Place, Query, search};
use crate::StoreError;

/// Messages that are read for what stands within words: some 100 ms for all of them.
const READ_WITHIN: usize = 200_000;

/// What a query may be narrowed by: the names that it can mean.
#[derive(Debug, Clone, Default)]
pub struct Names<'a> {
    /// Who is meant by `me`.
    pub me: Option<MemberId>,
    pub people: Vec<(MemberId, &'a str)>,
    pub rooms: Vec<(RoomId, &'a str)>,
}

/// A query, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// Words and `"quoted phrases"`.
    pub text: String,
    /// Only in these rooms; `None`: the query names none.
    pub rooms: Option<Vec<RoomId>>,
    /// Only by these members; `None`: the query names none.
    pub authors: Option<Vec<MemberId>>,
    /// Only what was accepted before: milliseconds since 1970 UTC.
    pub before: Option<i64>,
    /// Only what was accepted then or later.
    pub after: Option<i64>,
    /// Only what is older than this message: nothing that is typed says so.
    pub behind: Option<Place>,
    pub has: Has,
}

impl Typed {
    /// Takes a query apart. `now`: milliseconds since 1970; `zone`: where the days begin and end
    /// that it names. Refused where it is too long, or names a day that is none.
    pub fn read(
        query: &str,
        names: &Names<'_>,
        now: i64,
        zone: &TimeZone,
    ) -> Result<Self, Refusal> {
        if query.chars().count() > QUERY_CHARS {
            return Err(Refusal::new(
                Code::TooLarge,
                "that is too long to search for",
            ));
        }
        let mut parsed = Self {
            text: String::new(),
            rooms: None,
            authors: None,
            before: None,
            after: None,
            behind: None,
            has: Has::default(),
        };
        for piece in pieces(query) {
            let (key, value) = piece.split_once(':').unwrap_or(("", ""));
            let value = value.trim_matches('"').trim();
            match (key.to_ascii_lowercase().as_str(), value) {
                // Not typed to its end yet.
                ("from" | "in" | "has" | "before" | "after" | "on", "") => {}
                ("from", name) => {
                    let found = names.authors(name);
                    parsed.authors.get_or_insert_default().extend(found);
                }
                ("in", name) => {
                    let found = names.rooms(name);
                    parsed.rooms.get_or_insert_default().extend(found);
                }
                ("has", "file") => parsed.has.file = true,
                ("has", "link") => parsed.has.link = true,
                ("has", "code") => parsed.has.code = true,
                ("before", value) => parsed.before = Some(day(value, now, zone)?.0),
                ("after", value) => parsed.after = Some(day(value, now, zone)?.1),
                ("on", value) => {
                    let (begins, ends) = day(value, now, zone)?;
                    parsed.after = Some(begins);
                    parsed.before = Some(ends);
                }
                _ => {
                    if !parsed.text.is_empty() {
                        parsed.text.push(' ');
                    }
                    parsed.text.push_str(piece);
                }
            }
        }
        // A space behind the last word says that it is typed to its end.
        if query.ends_with(char::is_whitespace) {
            parsed.text.push(' ');
        }
        Ok(parsed)
    }

    /// The newest messages that match, whole words and what stands within words. A query without
    /// a word finds what narrows it, and nothing where there is nothing of that either.
    pub fn search(&self, c: &Connection, limit: usize) -> Result<Vec<Hit>, StoreError> {
        self.find(c, READ_WITHIN, limit)
    }

    /// [`Typed::search`] for whole words alone, which takes a tenth of the time.
    pub fn search_words(&self, c: &Connection, limit: usize) -> Result<Vec<Hit>, StoreError> {
        // Without a word there is nothing that an index finds.
        let without = self.text.trim().is_empty();
        self.find(c, if without { READ_WITHIN } else { 0 }, limit)
    }

    fn find(&self, c: &Connection, within: usize, limit: usize) -> Result<Vec<Hit>, StoreError> {
        let query = Query {
            text: &self.text,
            rooms: self.rooms.as_deref(),
            authors: self.authors.as_deref(),
            before: self.before,
            after: self.after,
            behind: self.behind,
            has: self.has,
            within,
            limit,
        };
        search(c, &query)
    }
}

/// Words, and what stands between quotes, with what stands right before it, as one.
fn pieces(query: &str) -> Vec<&str> {
    let (mut pieces, mut begins, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in query.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c.is_whitespace() && !quoted {
            pieces.extend(query.get(begins..at));
            begins = at + c.len_utf8();
        }
    }
    pieces.extend(query.get(begins..));
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

impl Names<'_> {
    /// Whose name begins so, or has a word that does; `me`.
    fn authors(&self, wanted: &str) -> Vec<MemberId> {
        let wanted = wanted.trim_start_matches('@').to_lowercase();
        if let (Some(me), "me") = (self.me, wanted.as_str()) {
            return vec![me];
        }
        matching(&self.people, &wanted)
    }

    fn rooms(&self, wanted: &str) -> Vec<RoomId> {
        matching(&self.rooms, &wanted.trim_start_matches('#').to_lowercase())
    }
}

/// Exactly so called, else those whose name begins so.
fn matching<Id: Copy>(names: &[(Id, &str)], wanted: &str) -> Vec<Id> {
    let is = |fits: &dyn Fn(&str) -> bool| -> Vec<Id> {
        let named = names.iter();
        named
            .filter(|(_, name)| fits(&name.to_lowercase()))
            .map(|(id, _)| *id)
            .collect()
    };
    let exact = is(&|name| name == wanted);
    if exact.is_empty() {
        is(&|name| name.starts_with(wanted) || name.contains(&format!(" {wanted}")))
    } else {
        exact
    }
}

/// When a day begins, and when the next one does.
fn day(value: &str, now: i64, zone: &TimeZone) -> Result<(i64, i64), Refusal> {
    let wrong = || {
        Refusal::bad_request(format!(
            "`{value}` is no day; write one as in 2026-11-20, or `today` or `yesterday`"
        ))
    };
    let today = || -> Option<Date> {
        let now = Timestamp::from_millisecond(now).ok()?;
        Some(now.to_zoned(zone.clone()).date())
    };
    let date = match value.to_lowercase().as_str() {
        "today" => today(),
        "yesterday" => today().and_then(|today| today.yesterday().ok()),
        other => other.parse().ok(),
    };
    let date = date.ok_or_else(wrong)?;
    let begins = |date: Date| -> Option<i64> {
        let begins = date.to_zoned(zone.clone()).ok()?;
        Some(begins.timestamp().as_millisecond())
    };
    let next = date.checked_add(1.day()).map_err(|_| wrong())?;
    begins(date).zip(begins(next)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of 20 November 2026 UTC.
    const NOW: i64 = 1_795_176_000_000;
    const DAY: i64 = 24 * 60 * 60 * 1_000;

    fn member(n: u8) -> MemberId {
        MemberId::from_bytes([n; 32])
    }

    fn room(n: u8) -> RoomId {
        RoomId::from_bytes([n; 16])
    }

    fn parsed(query: &str) -> Result<Typed, Refusal> {
        let names = Names {
            me: Some(member(1)),
            people: [(1, "Mira"), (2, "Ana Lind"), (3, "Ana"), (4, "Ben Ana")]
                .map(|(n, name)| (member(n), name))
                .into(),
            rooms: [(1, "general"), (2, "workshop"), (3, "Work")]
                .map(|(n, name)| (room(n), name))
                .into(),
        };
        Typed::read(query, &names, NOW, &TimeZone::UTC)
    }

    #[test]
    fn what_narrows_is_taken_out_of_the_words() {
        let query =
            parsed("the from:\"ana lind\" kettle in:#general has:link \"hot water\"").unwrap();
        assert_eq!(query.text, "the kettle \"hot water\"");
        assert_eq!(query.authors, Some(vec![member(2)]));
        assert_eq!(query.rooms, Some(vec![room(1)]));
        assert!(query.has.link && !query.has.code && !query.has.file);
    }

    #[test]
    fn a_name_means_who_is_called_so_else_all_whose_name_begins_so() {
        let authors = |query: &str| parsed(query).unwrap().authors.unwrap();
        assert_eq!(authors("from:ana"), [member(3)]);
        assert_eq!(authors("from:lind"), [member(2)]);
        assert_eq!(authors("from:@ME"), [member(1)]);
        assert_eq!(authors("from:mira from:ben"), [member(1), member(4)]);
        assert_eq!(authors("from:nobody"), []);
        assert_eq!(parsed("in:work").unwrap().rooms, Some(vec![room(3)]));
        assert_eq!(parsed("in:works").unwrap().rooms, Some(vec![room(2)]));
    }

    #[test]
    fn days_are_whole_and_where_the_person_is() {
        let today = NOW - NOW % DAY;
        let on = parsed("on:today x").unwrap();
        assert_eq!((on.after, on.before), (Some(today), Some(today + DAY)));
        assert_eq!(parsed("before:2026-11-20").unwrap().before, Some(today));
        assert_eq!(parsed("after:yesterday").unwrap().after, Some(today));
        let refusal = parsed("before:soon").unwrap_err();
        assert_eq!(refusal.code, Code::BadRequest);
        assert!(refusal.message.contains("2026-11-20"), "{refusal}");
    }

    #[test]
    fn what_is_not_known_is_a_word_and_what_is_not_finished_is_nothing() {
        assert_eq!(
            parsed("https://a.example has:cheese").unwrap().text,
            "https://a.example has:cheese"
        );
        let begun = parsed("kettle from:").unwrap();
        assert_eq!((begun.text.as_str(), begun.authors), ("kettle", None));
        assert_eq!(parsed("kettle ").unwrap().text, "kettle ");
        assert_eq!(parsed("\"not closed").unwrap().text, "\"not closed");
    }
}
