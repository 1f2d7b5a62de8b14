//! Text that others wrote, in a page.

use std::fmt::{self, Display};

/// Shows a text so that nothing in it is markup, in an element or between quotes.
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\0']) {
            let (plain, special) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = special.chars();
            f.write_str(match chars.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                Some('\'') => "&#39;",
                _ => "\u{FFFD}",
            })?;
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            Escaped("a <b onclick='x(\"&amp;\")'>\0 é 会").to_string(),
            "a &lt;b onclick=&#39;x(&quot;&amp;amp;&quot;)&#39;&gt;\u{FFFD} é 会"
        );
    }
}
