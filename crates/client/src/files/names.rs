//! Names of files: what a message says is anybody's word, and must never lead anywhere.

/// Bytes of a name that every usual file system takes.
const NAME_BYTES: usize = 200;
/// Characters of a name in a message.
const NAME_CHARS: usize = 255;

/// A name to write a file by, in a folder that somebody chose: without a path, without what a
/// system or a shell would take for something else.
pub fn safe_name(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_control() || turns_text(c) => '_',
            c => c,
        })
        .collect();
    while safe.len() > NAME_BYTES {
        // The ending tells what it is: what is before it is cut.
        let dot = safe.rfind('.').filter(|dot| safe.len() - dot <= 16);
        let end = dot.unwrap_or(safe.len());
        match safe
            .get(..end)
            .and_then(|stem| stem.char_indices().next_back())
        {
            Some((at, _)) => drop(safe.remove(at)),
            None => safe.clear(),
        }
    }
    let trimmed = safe
        .trim()
        .trim_start_matches('.')
        .trim_end_matches(['.', ' ']);
    let stem = trimmed.split('.').next().unwrap_or_default();
    if trimmed.is_empty() {
        "file".to_owned()
    } else if is_device(stem) {
        format!("_{trimmed}")
    } else {
        trimmed.to_owned()
    }
}

/// A name as a message may have it: the last part of a path, without control characters.
pub(crate) fn told_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let told: String = last
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_CHARS)
        .collect();
    let told = told.trim();
    if told.is_empty() {
        "file".to_owned()
    } else {
        told.to_owned()
    }
}

/// Characters that turn the text around them: `gpj.exe` would read as `exe.jpg`.
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Windows takes these for devices, whatever their ending.
fn is_device(stem: &str) -> bool {
    let stem = stem.to_ascii_uppercase();
    let numbered = |name: &str| {
        stem.strip_prefix(name)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for (name, safe) in [
            ("kettle.png", "kettle.png"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..", "file"),
            (".bashrc", "bashrc"),
            ("/etc/passwd", "_etc_passwd"),
            ("C:\\Windows\\x.exe", "C__Windows_x.exe"),
            ("a\0b\nc", "a_b_c"),
            ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
            ("invoice\u{200f}fdp.exe", "invoice_fdp.exe"),
            ("خريطة.pdf", "خريطة.pdf"),
            (" .. ", "file"),
            ("", "file"),
            ("CON.txt", "_CON.txt"),
            ("com1", "_com1"),
            ("  ", "file"),
            ("name. ", "name"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        let long = safe_name(&format!("{}.png", "ü".repeat(300)));
        assert!(
            long.len() <= NAME_BYTES && long.ends_with("ü.png"),
            "{long}"
        );
    }

    #[test]
    fn a_message_tells_the_last_part_of_a_path() {
        assert_eq!(told_name("/home/ana/kettle.png"), "kettle.png");
        assert_eq!(told_name("C:\\x\\kettle.png"), "kettle.png");
        assert_eq!(told_name("a\u{7}b"), "ab");
        assert_eq!(told_name("dir/"), "file");
        assert_eq!(told_name(&"x".repeat(400)).len(), NAME_CHARS);
    }
}
