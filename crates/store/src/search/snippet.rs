//! The words around a hit that no index knows the place of.

use super::scan::lower;

/// Characters before the first hit, and behind it.
const BEFORE: usize = 40;
const BEHIND: usize = 100;

/// The part of a text about the first of `parts` (in lower case) that is in it, each of them
/// between U+E000 and U+E001.
pub(super) fn around(text: &str, parts: &[String]) -> String {
    let chars: Vec<char> = text.chars().collect();
    let first =
        (0..chars.len()).find(|at| parts.iter().any(|part| ends(&chars, *at, part).is_some()));
    let first = first.unwrap_or_default();
    let from = first.saturating_sub(BEFORE);
    let to = (first + BEHIND).min(chars.len());
    let mut snippet = String::new();
    if from > 0 {
        snippet.push('…');
    }
    let mut at = from;
    while let Some(c) = chars.get(at).filter(|_| at < to) {
        let hit = parts.iter().find_map(|part| ends(&chars, at, part));
        match hit.filter(|end| *end > at) {
            Some(end) => {
                snippet.push('\u{E000}');
                snippet.extend(chars.get(at..end).unwrap_or_default());
                snippet.push('\u{E001}');
                at = end;
            }
            None => {
                snippet.push(if *c == '\n' { ' ' } else { *c });
                at += 1;
            }
        }
    }
    if at < chars.len() {
        snippet.push('…');
    }
    snippet
}

/// Where `part` ends, if it stands here.
fn ends(chars: &[char], at: usize, part: &str) -> Option<usize> {
    let mut left = part;
    let mut end = at;
    while !left.is_empty() {
        let c = chars.get(end)?;
        left = left.strip_prefix(lower(&c.to_string()).as_str())?;
        end += 1;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, parts: &[&str]) -> String {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        around(text, &parts)
            .replace('\u{E000}', "[")
            .replace('\u{E001}', "]")
    }

    #[test]
    fn every_part_is_marked_as_it_is_written() {
        assert_eq!(
            shown("The Hovercraft\nis full", &["over", "full"]),
            "The H[over]craft is [full]"
        );
        assert_eq!(shown("明日の会議は中止", &["会議"]), "明日の[会議]は中止");
        assert_eq!(
            shown("ÄRGER mit İstanbul", &["rger"]),
            "Ä[RGER] mit İstanbul"
        );
    }

    #[test]
    fn of_a_long_text_only_what_is_around_the_first_is_shown() {
        let text = format!("{}needle{}", "a ".repeat(300), " b".repeat(300));
        let shown = shown(&text, &["needle"]);
        assert!(shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert!(shown.contains("[needle]"));
        assert!(shown.chars().count() < BEFORE + BEHIND + 10);
    }
}
