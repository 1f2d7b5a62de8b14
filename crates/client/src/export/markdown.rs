//! Markdown of a message as HTML that is safe in a page: what the window shows, in the same subset.
//! No HTML of the writer's, no pictures from elsewhere, links to the web and to mail only.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeStream};

/// What a link may begin with.
const SCHEMES: [&str; 3] = ["http://", "https://", "mailto:"];
/// What may stand behind an address in a sentence, and is not of it.
const BEHIND: [char; 11] = ['.', ',', ';', ':', '!', '?', ')', ']', '}', '*', '\''];

pub(super) fn to_html(text: &str) -> String {
    let parser = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH);
    let mut tame = Tame::default();
    let mut events = Vec::new();
    for event in TextMergeStream::new(parser) {
        tame.take(event, &mut events);
    }
    let mut html = String::with_capacity(text.len() * 3 / 2);
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    html
}

/// Turns what the window does not show into what it does.
#[derive(Default)]
struct Tame {
    /// Links that are open, and whether each is shown as one.
    links: Vec<bool>,
    in_code: bool,
}

impl Tame {
    fn take<'t>(&mut self, event: Event<'t>, out: &mut Vec<Event<'t>>) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                out.push(Event::Start(Tag::Paragraph));
                out.push(Event::Text(
                    format!("{} ", "#".repeat(level as usize)).into(),
                ));
            }
            Event::End(TagEnd::Heading(_)) => out.push(Event::End(TagEnd::Paragraph)),
            Event::Start(Tag::HtmlBlock) => out.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => out.push(Event::End(TagEnd::Paragraph)),
            Event::Html(text) | Event::InlineHtml(text) => {
                for (number, line) in text.trim_end_matches('\n').split('\n').enumerate() {
                    if number > 0 {
                        out.push(Event::HardBreak);
                    }
                    out.push(Event::Text(line.to_owned().into()));
                }
            }
            Event::Rule => out.push(Event::Text("---".into())),
            Event::SoftBreak => out.push(Event::HardBreak),
            // A picture is a link to it: opening the page must fetch nothing.
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let shown = is_allowed(&dest_url) && !self.links.contains(&true);
                self.links.push(shown);
                if shown {
                    out.push(link(dest_url));
                }
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                if self.links.pop() == Some(true) {
                    out.push(Event::End(TagEnd::Link));
                }
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                self.in_code = true;
                let kind = match kind {
                    CodeBlockKind::Fenced(language) if !is_language(&language) => {
                        CodeBlockKind::Indented
                    }
                    kind => kind,
                };
                out.push(Event::Start(Tag::CodeBlock(kind)));
            }
            Event::End(TagEnd::CodeBlock) => {
                self.in_code = false;
                out.push(Event::End(TagEnd::CodeBlock));
            }
            Event::Text(text) if !self.in_code && !self.links.contains(&true) => {
                linked(&text, out);
            }
            other => out.push(other),
        }
    }
}

/// Text, with the addresses in it as links.
fn linked<'t>(text: &str, out: &mut Vec<Event<'t>>) {
    let mut rest = text;
    while let Some(at) = rest
        .find("http://")
        .into_iter()
        .chain(rest.find("https://"))
        .min()
    {
        let (before, from) = rest.split_at(at);
        let length = from
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`'))
            .unwrap_or(from.len());
        let (address, behind) = from.split_at(length);
        let address = address.trim_end_matches(BEHIND);
        let behind = from.get(address.len()..).unwrap_or(behind);
        out.push(Event::Text(before.to_owned().into()));
        out.push(link(address.to_owned().into()));
        out.push(Event::Text(address.to_owned().into()));
        out.push(Event::End(TagEnd::Link));
        rest = behind;
    }
    out.push(Event::Text(rest.to_owned().into()));
}

fn link(to: CowStr<'_>) -> Event<'_> {
    Event::Start(Tag::Link {
        link_type: pulldown_cmark::LinkType::Inline,
        dest_url: to,
        title: "".into(),
        id: "".into(),
    })
}

fn is_allowed(address: &str) -> bool {
    let address = address.trim().to_ascii_lowercase();
    SCHEMES.iter().any(|scheme| address.starts_with(scheme))
}

/// `rust`, `c++`, `objective-c`: a word that may stand in a class.
fn is_language(word: &str) -> bool {
    (1..=20).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'#' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_window_shows_is_shown() {
        assert_eq!(
            to_html("**bold** _it_ ~~gone~~ `x < y`\nnext"),
            "<p><strong>bold</strong> <em>it</em> <del>gone</del> <code>x &lt; y</code><br />\nnext</p>\n"
        );
        assert_eq!(
            to_html("```rust\nlet a = \"<b>\";\n```"),
            "<pre><code class=\"language-rust\">let a = \"&lt;b&gt;\";\n</code></pre>\n"
        );
        assert_eq!(
            to_html("see https://example.org/a_b_c, please"),
            "<p>see <a href=\"https://example.org/a_b_c\">https://example.org/a_b_c</a>, please</p>\n"
        );
        assert_eq!(to_html("# no heading"), "<p># no heading</p>\n");
        assert_eq!(to_html("$x^2$ 会議 👋🏽"), "<p>$x^2$ 会議 👋🏽</p>\n");
    }

    #[test]
    fn nothing_that_can_be_written_is_run_or_fetched() {
        for text in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "[x](javascript:alert(1))",
            "[x]( javascript:alert(1) )",
            "[x](<java\nscript:alert(1)>)",
            "[x](data:text/html,<script>alert(1)</script>)",
            "![x](https://example.org/track.png)",
            "<javascript:alert(1)>",
            "```\"><script>alert(1)</script>\nx\n```",
            "[a [b](https://example.org) c](https://example.org)",
            "<!-- --><style>*{display:none}</style>",
        ] {
            let html = to_html(text).to_lowercase();
            for bad in [
                "<script",
                "<img",
                "<style",
                "href=\"j",
                "href=\"d",
                "\"onmouse",
            ] {
                assert!(!html.contains(bad), "{text}: {html}");
            }
        }
    }

    #[test]
    fn an_address_ends_where_it_could_end_its_attribute() {
        let html = to_html("https://example.org/\"onmouseover=\"alert(1)");
        assert!(
            html.starts_with("<p><a href=\"https://example.org/\">"),
            "{html}"
        );
    }

    #[test]
    fn deep_nesting_ends() {
        assert!(to_html(&">".repeat(10_000)).len() > 10_000);
        assert!(to_html(&"[".repeat(10_000)).len() >= 10_000);
        assert!(to_html(&"*a ".repeat(5_000)).len() >= 10_000);
    }
}
