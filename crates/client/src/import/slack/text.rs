//! Slack's own marks (`*bold*`, `<@U123>`, `&amp;`) as Markdown that reads the same.

use std::collections::HashMap;

use super::super::export_file::as_words;

/// Stands for what must not be taken for marks, until the end.
const FIRST_HELD: u32 = 0xF_0000;
/// Pieces of one text that are held so; the rest is taken as it is.
const HELD: usize = 60_000;

/// Bytes of an emoji's name, and its tone.
const NAME_BYTES: usize = 80;

/// What ids in a text stand for.
#[derive(Debug, Default)]
pub(super) struct Meanings {
    pub(super) people: HashMap<String, String>,
    pub(super) channels: HashMap<String, String>,
}

/// Pieces that a text has signs for, from [`FIRST_HELD`] on.
#[derive(Debug, Default)]
struct Held {
    pieces: Vec<String>,
}

impl Held {
    /// Puts a sign for a piece.
    fn hold(&mut self, piece: String, marked: &mut String) {
        let number = u32::try_from(self.pieces.len()).unwrap_or(u32::MAX);
        match char::from_u32(FIRST_HELD.saturating_add(number)) {
            Some(sign) if self.pieces.len() < HELD => {
                self.pieces.push(piece);
                marked.push(sign);
            }
            Some(_) | None => marked.extend(piece.chars().map(|c| {
                if is_sign(c) {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            })),
        }
    }

    /// Puts words. A character of theirs that would be a sign is a piece itself.
    fn say(&mut self, words: &str, marked: &mut String) {
        for c in words.chars() {
            if is_sign(c) {
                self.hold(c.into(), marked);
            } else {
                marked.push(c);
            }
        }
    }
}

fn is_sign(c: char) -> bool {
    u32::from(c) >= FIRST_HELD
}

/// A text of Slack as Markdown.
pub(super) fn to_markdown(text: &str, meanings: &Meanings) -> String {
    let mut markdown = String::with_capacity(text.len() + text.len() / 8);
    // Every second piece between fences is code.
    let blocks: Vec<&str> = text.split("```").collect();
    for (n, block) in blocks.iter().enumerate() {
        if n % 2 == 1 {
            let code = plain(block, meanings);
            markdown.push_str(if code.starts_with('\n') {
                "```"
            } else {
                "```\n"
            });
            markdown.push_str(&code);
            markdown.push_str(if code.ends_with('\n') {
                "```\n"
            } else {
                "\n```\n"
            });
        } else if n == 0 {
            prose(block, meanings, &mut markdown);
        } else {
            prose(block.trim_start_matches('\n'), meanings, &mut markdown);
        }
        let opens = n % 2 == 0 && n + 1 < blocks.len();
        if opens && !markdown.is_empty() && !markdown.ends_with('\n') {
            markdown.push('\n');
        }
    }
    markdown.trim_end().to_owned()
}

/// An emoji by Slack's name of it, with the tone of its skin; `None` of one that a team has made.
pub(super) fn emoji(name: &str) -> Option<String> {
    let (name, tone) = match name.split_once("::skin-tone-") {
        Some((name, tone)) => (name, tone.parse::<u8>().ok()),
        None => (name, None),
    };
    let name = if name == "simple_smile" {
        "slightly_smiling_face"
    } else {
        name
    };
    let found = emojis::get_by_shortcode(name)?;
    let toned = match tone {
        Some(2) => found.with_skin_tone(emojis::SkinTone::Light),
        Some(3) => found.with_skin_tone(emojis::SkinTone::MediumLight),
        Some(4) => found.with_skin_tone(emojis::SkinTone::Medium),
        Some(5) => found.with_skin_tone(emojis::SkinTone::MediumDark),
        Some(6) => found.with_skin_tone(emojis::SkinTone::Dark),
        Some(_) | None => None,
    };
    Some(toned.unwrap_or(found).as_str().to_owned())
}

/// What is not in a block of code.
fn prose(text: &str, meanings: &Meanings, markdown: &mut String) {
    let mut held = Held::default();
    let mut marked = String::with_capacity(text.len());
    for (n, piece) in text.split('`').enumerate() {
        if n % 2 == 1 {
            held.hold(format!("`{}`", plain(piece, meanings)), &mut marked);
            continue;
        }
        let mut rest = piece;
        while let Some((before, from)) = rest.split_once('<') {
            held.say(before, &mut marked);
            match from.split_once('>') {
                Some((reference, behind)) => {
                    held.hold(refer(reference, meanings, as_words), &mut marked);
                    rest = behind;
                }
                None => {
                    marked.push('<');
                    rest = from;
                }
            }
        }
        held.say(rest, &mut marked);
    }
    let mut spoken = String::with_capacity(marked.len());
    for (n, line) in unescaped(&marked).split('\n').enumerate() {
        if n > 0 {
            spoken.push('\n');
        }
        spoken.push_str(&with_emoji(&marks(&marks(line, '*', "**"), '~', "~~")));
    }
    for sign in spoken.chars() {
        let number = u32::from(sign).checked_sub(FIRST_HELD);
        match number.and_then(|number| held.pieces.get(usize::try_from(number).ok()?)) {
            Some(piece) => markdown.push_str(piece),
            None => markdown.push(sign),
        }
    }
}

/// `*so*` becomes `**so**` where the marks stand as Slack reads them: outside of words, and close to
/// what they mark.
fn marks(line: &str, mark: char, markdown: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let at = |index: usize| chars.get(index).copied();
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != mark);
    let mut out = String::with_capacity(line.len());
    // Where nothing closes any more, nothing opens.
    let (mut index, mut may_close) = (0, true);
    while let Some(c) = at(index) {
        let before = index.checked_sub(1).and_then(at);
        let opens = c == mark
            && may_close
            && outside(before)
            && at(index + 1).is_some_and(|next| !next.is_whitespace() && next != mark);
        let closes = |end: &usize| {
            at(*end) == Some(mark)
                && at(end - 1).is_some_and(|last| !last.is_whitespace() && last != mark)
                && outside(at(end + 1))
        };
        let mut ends = index + 2..chars.len();
        let end = if opens { ends.find(closes) } else { None };
        may_close &= !opens || end.is_some();
        match end {
            Some(end) => {
                out.push_str(markdown);
                out.extend(chars.get(index + 1..end).unwrap_or_default());
                out.push_str(markdown);
                index = end + 1;
            }
            None => {
                out.push(c);
                index += 1;
            }
        }
    }
    out
}

/// `:tea:` becomes the emoji; what is none stays.
fn with_emoji(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, from)) = rest.split_once(':') {
        out.push_str(before);
        let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_+-:".contains(byte);
        let length = from.bytes().take(NAME_BYTES).take_while(is_of_name).count();
        let run = from.get(..length).unwrap_or_default();
        // The longest name that ends with a colon, and so with its tone.
        let found = run.rmatch_indices(':').find_map(|(end, _)| {
            let name = run.get(..end).filter(|name| !name.is_empty())?;
            Some((emoji(name)?, end + 1))
        });
        match found {
            Some((emoji, length)) => {
                out.push_str(&emoji);
                rest = from.get(length..).unwrap_or_default();
            }
            None => {
                out.push(':');
                rest = from;
            }
        }
    }
    out + rest
}

/// What stands between `<` and `>`. `shown`: how a name is written where it stands.
fn refer(reference: &str, meanings: &Meanings, shown: fn(&str) -> String) -> String {
    let (what, label) = match reference.split_once('|') {
        Some((what, label)) => (what, Some(label).filter(|label| !label.is_empty())),
        None => (reference, None),
    };
    let label = label.map(unescaped);
    if let Some(id) = what.strip_prefix('@') {
        let name = meanings.people.get(id).cloned().or(label);
        return format!("@{}", shown(name.as_deref().unwrap_or(id)));
    }
    if let Some(id) = what.strip_prefix('#') {
        let name = meanings.channels.get(id).cloned().or(label);
        return format!("#{}", shown(name.as_deref().unwrap_or(id)));
    }
    if let Some(special) = what.strip_prefix('!') {
        let word = special.split('^').next().unwrap_or_default();
        return match (word, label) {
            ("here" | "channel" | "everyone" | "group", _) => format!("@{word}"),
            (_, Some(label)) => shown(&label),
            (word, None) => format!("@{}", shown(word)),
        };
    }
    let address = unescaped(what);
    match label {
        Some(label) if !address.ends_with(&label) => {
            let label = label.replace('[', "\\[").replace(']', "\\]");
            if address.contains(['(', ')', ' ']) {
                format!("[{label}](<{address}>)")
            } else {
                format!("[{label}]({address})")
            }
        }
        Some(label) if address.starts_with("mailto:") => label,
        Some(_) | None => address,
    }
}

/// Code as it was written: references as people read them, and no marks.
fn plain(code: &str, meanings: &Meanings) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, from)) = rest.split_once('<') {
        out.push_str(&unescaped(before));
        match from.split_once('>') {
            Some((reference, behind)) => {
                let address = reference.split('|').next().unwrap_or_default();
                if reference.starts_with(['@', '#', '!']) {
                    out.push_str(&refer(reference, meanings, str::to_owned));
                } else {
                    out.push_str(&unescaped(address));
                }
                rest = behind;
            }
            None => {
                out.push('<');
                rest = from;
            }
        }
    }
    out + &unescaped(rest)
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(text: &str) -> String {
        let meanings = Meanings {
            people: [("U1".to_owned(), "Ana Lind".to_owned())].into(),
            channels: [("C1".to_owned(), "general".to_owned())].into(),
        };
        to_markdown(text, &meanings)
    }

    #[test]
    fn marks_become_markdown_where_slack_reads_them() {
        for (slack, expected) in [
            (
                "*bold* and _it_ and ~gone~",
                "**bold** and _it_ and ~~gone~~",
            ),
            ("(*bold*), *two words*.", "(**bold**), **two words**."),
            ("2*3*4 and * no * and a*b", "2*3*4 and * no * and a*b"),
            ("*over\nlines*", "*over\nlines*"),
            ("a ~ b ~ c", "a ~ b ~ c"),
            ("&gt; quoted &amp; &lt;b&gt;", "> quoted & <b>"),
            ("&amp;lt;", "&lt;"),
            ("`*x* &lt; <@U1>`", "`*x* < @Ana Lind`"),
        ] {
            assert_eq!(markdown(slack), expected, "{slack}");
        }
    }

    #[test]
    fn references_are_readable() {
        for (slack, expected) in [
            ("<@U1> <@U9> <@U9|ben>", "@Ana Lind @U9 @ben"),
            ("<#C1|old> <#C9|other>", "#general #other"),
            (
                "<!here> <!channel> <!subteam^S1|@team>",
                "@here @channel @team",
            ),
            ("<!date^1512085950^{date}|1 Dec>", "1 Dec"),
            ("<https://a.example/x_y_z>", "https://a.example/x_y_z"),
            (
                "<https://a.example|*the* [page]>",
                "[*the* \\[page\\]](https://a.example)",
            ),
            (
                "<https://a.example/(b)|page>",
                "[page](<https://a.example/(b)>)",
            ),
            ("<http://a.example|a.example>", "http://a.example"),
            ("<mailto:a@b.example|a@b.example>", "a@b.example"),
            (
                "*see <https://a.example?a=1&amp;b=2>*",
                "**see https://a.example?a=1&b=2**",
            ),
            ("a < b", "a < b"),
        ] {
            assert_eq!(markdown(slack), expected, "{slack}");
        }
    }

    #[test]
    fn code_stays_as_it_is() {
        assert_eq!(
            markdown(
                "look:\n```let a = *b &amp;&amp; c; // :tea: <https://a.example>```\nand *so*"
            ),
            "look:\n```\nlet a = *b && c; // :tea: https://a.example\n```\nand **so**"
        );
        assert_eq!(markdown("```\nx\n```"), "```\nx\n```");
        assert_eq!(markdown("a ```not closed"), "a \n```\nnot closed\n```");
    }

    #[test]
    fn a_name_is_no_markup_and_no_character_of_a_text_is_another_piece() {
        let meanings = Meanings {
            people: [("U1".to_owned(), "*A* [b](x) <i>".to_owned())].into(),
            channels: [("C1".to_owned(), "my_own".to_owned())].into(),
        };
        let markdown = |text: &str| to_markdown(text, &meanings);
        assert_eq!(markdown("<@U1>"), "@\\*A\\* \\[b\\](x) \\<i\\>");
        assert_eq!(markdown("<#C1>"), "#my\\_own");
        assert_eq!(markdown("`<#C1>`"), "`#my_own`");
        assert_eq!(
            markdown("\u{F0000} \u{F0001} <@U9> \u{10FFFD}"),
            "\u{F0000} \u{F0001} @U9 \u{10FFFD}"
        );
        let many = "<@U9>".repeat(HELD);
        let read = markdown(&format!("{many} \u{F0000}!"));
        assert!(read.ends_with("@U9 \u{FFFD}!"), "said as a piece before");
    }

    #[test]
    fn emoji_are_known_by_their_names() {
        assert_eq!(
            markdown(":tea: :+1::skin-tone-5: at 10:30:00 :ourparrot:"),
            "🍵 👍🏾 at 10:30:00 :ourparrot:"
        );
        assert_eq!(emoji("thumbsup").as_deref(), Some("👍"));
        assert_eq!(emoji("+1::skin-tone-2").as_deref(), Some("👍🏻"));
        assert_eq!(emoji("simple_smile").as_deref(), Some("🙂"));
        assert_eq!(emoji("ourparrot"), None);
    }

    #[test]
    fn nothing_that_can_be_written_is_too_much() {
        for text in [
            "<", "`", "```", "<<>>", "*", "::::", "<!>", "<@>", "<|>", "~*~*", "&;",
        ] {
            let _ = markdown(text);
            let _ = markdown(&text.repeat(1_000));
        }
    }
}
