//! What people wrote, made fit for a notification: cut, and without a meaning for the desktop.

/// Characters. Desktops cut long ones anyway, some by filling the screen first.
const TITLE_MAX: usize = 80;
const BODY_MAX: usize = 240;
/// Bytes of a reply. More than a message or a draft may have, so that one that is too long is
/// refused in words; nobody types more than this.
const REPLY_MAX: usize = 64 * 1024;

/// What one sees where one can answer in the notification itself.
#[cfg_attr(target_os = "windows", allow(dead_code))]
pub(super) const YOUR_REPLY: &str = "Write a reply";
#[cfg_attr(any(target_os = "macos", target_os = "windows"), allow(dead_code))]
pub(super) const REPLY: &str = "Reply";
#[cfg_attr(any(target_os = "macos", target_os = "windows"), allow(dead_code))]
pub(super) const SEND: &str = "Send";

/// One line.
pub(super) fn title(text: &str) -> String {
    cut(
        &text.split_whitespace().collect::<Vec<_>>().join(" "),
        TITLE_MAX,
    )
}

pub(super) fn body(text: &str) -> String {
    cut(text.trim(), BODY_MAX)
}

/// What was written into a notification.
#[cfg_attr(target_os = "windows", allow(dead_code))]
pub(super) fn reply(text: &str) -> String {
    let (kept, _) = text.split_at(text.floor_char_boundary(REPLY_MAX));
    kept.to_owned()
}

/// Many desktops read a body as markup: without this, anybody who writes in a room could put
/// links and pictures into a notification.
#[cfg_attr(any(target_os = "macos", target_os = "windows"), allow(dead_code))]
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default().trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("héllo", 5), "héllo");
        assert_eq!(cut("héllo wörld", 6), "héllo…");
        assert_eq!(cut("🙂🙂🙂", 2), "🙂🙂…");
    }

    #[test]
    fn of_a_reply_a_bounded_part_is_taken() {
        assert_eq!(reply("Yes, héllo."), "Yes, héllo.");
        let taken = reply(&"é".repeat(REPLY_MAX));
        assert_eq!(taken.len(), REPLY_MAX);
        assert_eq!(reply(&format!("x{taken}")).len(), REPLY_MAX - 1);
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(title("Ana\nin   general"), "Ana in general");
    }

    #[test]
    fn markup_means_nothing() {
        assert_eq!(
            escaped("<a href='x'>Tom & Ana</a>"),
            "&lt;a href='x'&gt;Tom &amp; Ana&lt;/a&gt;"
        );
    }
}
