//! The words around a hit that no index knows the place of.

use std::ops::Range;

/// Characters before the first hit, and from it on.
const BEFORE: usize = 40;
const BEHIND: usize = 100;

/// The part of a text about the first of `places` (in bytes, rising), each of them between U+E000
/// and U+E001.
pub(super) fn around(text: &str, places: &[Range<usize>]) -> String {
    let first = places.first().map_or(0, |place| place.start);
    let from = text
        .get(..first)
        .and_then(|before| before.char_indices().rev().take(BEFORE).last())
        .map_or(first, |(at, _)| at);
    let to = text
        .get(first..)
        .and_then(|behind| behind.char_indices().nth(BEHIND))
        .map_or(text.len(), |(at, _)| first + at);
    let mut snippet = String::new();
    if from > 0 {
        snippet.push('…');
    }
    let mut at = from;
    for place in places {
        // One that begins within another, or beyond the snippet, is not marked by itself.
        if place.start < at || place.start >= to || place.is_empty() {
            continue;
        }
        push(&mut snippet, text, at..place.start);
        snippet.push('\u{E000}');
        push(&mut snippet, text, place.clone());
        snippet.push('\u{E001}');
        at = place.end;
    }
    let end = at.max(to);
    push(&mut snippet, text, at..end);
    if end < text.len() {
        snippet.push('…');
    }
    snippet
}

fn push(snippet: &mut String, text: &str, part: Range<usize>) {
    let part = text.get(part).unwrap_or_default();
    snippet.extend(part.chars().map(|c| if c == '\n' { ' ' } else { c }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, parts: &[&str]) -> String {
        let mut places: Vec<_> = parts
            .iter()
            .flat_map(|part| text.match_indices(part))
            .map(|(at, part)| at..at + part.len())
            .collect();
        places.sort_by_key(|place| (place.start, place.end));
        around(text, &places)
            .replace('\u{E000}', "[")
            .replace('\u{E001}', "]")
    }

    #[test]
    fn every_part_is_marked() {
        assert_eq!(
            shown("The Hovercraft\nis full", &["over", "full"]),
            "The H[over]craft is [full]"
        );
        assert_eq!(shown("明日の会議は中止", &["会議"]), "明日の[会議]は中止");
        assert_eq!(shown("banana", &["ana", "nan"]), "b[ana]na");
        assert_eq!(shown("nothing here", &[]), "nothing here");
    }

    #[test]
    fn of_a_long_text_only_what_is_around_the_first_is_shown() {
        let text = format!("{}needle{}", "ä ".repeat(300), " 会".repeat(300));
        let shown = shown(&text, &["needle"]);
        assert!(shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert!(shown.contains("[needle]"));
        assert!(shown.chars().count() < BEFORE + BEHIND + 10);
    }

    #[test]
    fn a_hit_that_is_longer_than_a_snippet_is_shown_whole() {
        let needle = "n".repeat(300);
        let shown = shown(&format!("{needle} and more"), &[&needle]);
        assert_eq!(shown, format!("[{needle}]…"));
    }
}
