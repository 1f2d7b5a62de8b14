//! Where everything goes that a command has to say.
//!
//! Each command makes one report: a struct whose [`Display`] is for people and whose
//! [`Serialize`] is for scripts. With `--json` a report is one object on one line of standard
//! output. The shapes are documented at the structs and stay as they are: fields may be added,
//! none renamed or removed. Names are as on the wire; times are milliseconds since 1970 UTC.
//!
//! Standard error has what is beside the matter: notes and progress for people, and errors
//! (`{"error":{"code","message"}}` with `--json`).

use std::fmt::{self, Display, Write as _};
use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use landline_client::ui::UNREAD_COUNTED;
use serde::Serialize;

use crate::error::{CliError, ErrorLine};

/// Standard output and standard error, in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) const fn json(self) -> bool {
        self.json
    }

    /// Writes a report and flushes it, so that whoever reads a pipe has it at once.
    pub(crate) fn show<T: Serialize + Display>(self, report: &T) -> Result<(), CliError> {
        let mut line = if self.json {
            serde_json::to_string(report)?
        } else {
            harmless(&report.to_string())
                .trim_end_matches('\n')
                .to_owned()
        };
        line.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())
            .and_then(|()| out.flush())
            .map_err(CliError::Output)
    }

    /// Something for people that is not the result. Not written with `--json`.
    pub(crate) fn note(self, words: impl Display) {
        if !self.json {
            // Nobody is left to be told where standard error is gone.
            let _ = writeln!(io::stderr(), "{}", harmless(&words.to_string()));
        }
    }

    /// Something beside the result that scripts want too: a line of JSON, or of words.
    pub(crate) fn aside<T: Serialize + Display>(self, report: &T) {
        let line = if self.json {
            serde_json::to_string(report).unwrap_or_default()
        } else {
            harmless(&report.to_string())
        };
        let _ = writeln!(io::stderr(), "{line}");
    }

    pub(crate) fn error(self, error: &CliError) {
        if self.json {
            let line = serde_json::to_string(&ErrorLine::from(error)).unwrap_or_default();
            let _ = writeln!(io::stderr(), "{line}");
        } else {
            let _ = writeln!(
                io::stderr(),
                "landline-cli: {}",
                harmless(&error.to_string())
            );
        }
    }

    /// A bar on standard error; hidden with `--json` and where nobody watches.
    pub(crate) fn bar(self, length: Option<u64>, template: &str) -> ProgressBar {
        let hidden = self.json || !io::stderr().is_terminal();
        let target = if hidden {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(length, target);
        bar.with_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        )
    }
}

/// Others wrote these words: an escape sequence in a message must not move the cursor, change the
/// window's title or type into a reader's terminal.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{FFFD}'
            } else {
                c
            }
        })
        .collect()
}

/// A text in one line, whatever it holds.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for (n, part) in text.lines().enumerate() {
        if n > 0 {
            line.push_str(" \u{21B5} ");
        }
        line.push_str(&part.replace('\t', "    "));
    }
    line
}

/// A time for people: the day and minute where this computer is.
pub(crate) fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map_or_else(
        |_| "?".into(),
        |at| {
            at.to_zoned(TimeZone::system())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        },
    )
}

/// `12 unread`, `10000+ unread`.
pub(crate) fn unread(count: u64) -> String {
    let more = if count < UNREAD_COUNTED { "" } else { "+" };
    format!("{count}{more} unread")
}

/// `1 message`, `2 messages`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Rows in columns as wide as their widest cell.
#[derive(Debug, Default)]
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }
}

impl<const N: usize> Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (width, cell) in widths.iter().zip(row) {
                write!(line, "{cell:<width$}  ")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_others_do_not_reach_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\u{9b}c\u{7}\nd"),
            "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}\nd"
        );
    }

    #[test]
    fn a_text_of_many_lines_becomes_one() {
        assert_eq!(one_line("a\r\nb\n\tc"), "a ↵ b ↵     c");
    }

    #[test]
    fn columns_line_up() {
        let mut table = Table::default();
        table.row(["é".into(), "1".into()]);
        table.row(["general".into(), String::new()]);
        assert_eq!(table.to_string(), "é        1\ngeneral\n");
    }
}
