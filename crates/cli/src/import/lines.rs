//! Lines of `{room, topic, author, at, text}`, one at a time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use landline_client::import::{self, ImportMessage};
use landline_protocol::Refusal;
use serde::Deserialize;

use crate::error::CliError;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Message {
        room: Option<String>,
        message: Box<ImportMessage>,
    },
    Bad(Refusal),
}

/// A line's fields; others are ignored.
#[derive(Debug, Deserialize)]
struct Fields {
    room: Option<String>,
    topic: Option<String>,
    author: String,
    at: i64,
    text: String,
}

/// An export that is being read.
pub(super) struct Lines {
    path: PathBuf,
    lines: import::Lines,
}

impl Lines {
    /// Opens a file; `bar` is told the file's bytes as they are read.
    pub(super) fn open(path: &Path, bar: &ProgressBar) -> Result<Self, CliError> {
        let lines = raw(path, bar)?;
        Ok(Self {
            path: path.to_owned(),
            lines,
        })
    }

    /// The next line that is not empty, with its number from 1.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Found)>, CliError> {
        let next = self
            .lines
            .next()
            .map_err(|error| failed(&self.path, error))?;
        Ok(next.map(|(number, line)| match line {
            Ok(line) => (number, parse(number, line)),
            Err(refusal) => (number, Found::Bad(refusal)),
        }))
    }
}

/// The lines of a file; `bar` is told the file's bytes as they are read.
pub(super) fn raw(path: &Path, bar: &ProgressBar) -> Result<import::Lines, CliError> {
    let opened = || {
        let file = File::open(path)?;
        bar.set_length(file.metadata()?.len());
        import::Lines::new(bar.wrap_read(file))
    };
    opened().map_err(|error| failed(path, error))
}

fn parse(number: u64, line: &[u8]) -> Found {
    match serde_json::from_slice(line) {
        Ok(Fields {
            room,
            topic,
            author,
            at,
            text,
        }) => Found::Message {
            room,
            message: Box::new(ImportMessage {
                line: number,
                topic,
                author,
                at,
                text,
                ..ImportMessage::default()
            }),
        },
        Err(error) => Found::Bad(Refusal::bad_request(format!(
            "not {{author, at, text}}: {error}"
        ))),
    }
}

pub(super) fn failed(path: &Path, error: io::Error) -> CliError {
    CliError::File {
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use landline_protocol::Code;

    use super::*;

    /// Longer than any line that is read.
    const LINE_BYTES: usize = 256 * 1024;

    fn read(bytes: &[u8]) -> Vec<(u64, Found)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path, &ProgressBar::hidden()).unwrap();
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    fn text(found: &Found) -> &str {
        match found {
            Found::Message { message, .. } => &message.text,
            Found::Bad(refusal) => panic!("{refusal}"),
        }
    }

    #[test]
    fn a_line_is_read_with_all_its_fields() {
        let found =
            read(br#"{"room":"r","topic":"t","author":"Ana","at":5,"text":"hi","other":[1]}"#);
        let message = ImportMessage {
            line: 1,
            topic: Some("t".into()),
            author: "Ana".into(),
            at: 5,
            text: "hi".into(),
            ..ImportMessage::default()
        };
        assert_eq!(
            found,
            [(
                1,
                Found::Message {
                    room: Some("r".into()),
                    message: Box::new(message)
                }
            )]
        );
    }

    #[test]
    fn room_and_topic_may_be_missing() {
        let found = read(br#"{"author":"Ana","at":5,"text":"hi"}"#);
        assert!(
            matches!(found.as_slice(), [(1, Found::Message { room: None, message })] if message.topic.is_none())
        );
    }

    #[test]
    fn bad_lines_keep_their_numbers_and_stop_nothing() {
        let bytes = b"\xef\xbb\xbf{\"author\":\"a\",\"at\":1,\"text\":\"one\"}\r\n\r\nnonsense\n{\"author\":\"a\",\"text\":\"no time\"}\n\xff\xfe\n{\"author\":\"a\",\"at\":2,\"text\":\"two\"}";
        let found = read(bytes);
        assert_eq!(
            found.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
            [1, 3, 4, 5, 6]
        );
        assert_eq!((text(&found[0].1), text(&found[4].1)), ("one", "two"));
        for (_, bad) in &found[1..4] {
            assert!(
                matches!(bad, Found::Bad(refusal) if refusal.code == Code::BadRequest),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_held_in_memory() {
        let mut bytes = vec![b'x'; 3 * LINE_BYTES];
        bytes.extend(b"\n{\"author\":\"a\",\"at\":2,\"text\":\"after\"}\n");
        let found = read(&bytes);
        assert!(matches!(&found[0], (1, Found::Bad(refusal)) if refusal.code == Code::TooLarge));
        assert_eq!((found[1].0, text(&found[1].1)), (2, "after"));
    }

    #[test]
    fn gzip_is_known_by_its_bytes_also_in_several_parts() {
        let mut bytes = Vec::new();
        for part in [
            "{\"author\":\"a\",\"at\":1,\"text\":\"one\"}\n",
            "{\"author\":\"a\",\"at\":2,\"text\":\"two\"}\n",
        ] {
            let mut encoder = GzEncoder::new(&mut bytes, Compression::default());
            encoder.write_all(part.as_bytes()).unwrap();
            encoder.finish().unwrap();
        }
        let found = read(&bytes);
        assert_eq!(
            found
                .iter()
                .map(|(_, found)| text(found))
                .collect::<Vec<_>>(),
            ["one", "two"]
        );
    }

    #[test]
    fn a_gzip_file_that_is_cut_short_is_a_failure() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(b"{\"author\":\"a\",\"at\":1,\"text\":\"one\"}\n")
            .unwrap();
        let mut bytes = encoder.finish().unwrap();
        bytes.truncate(bytes.len() - 6);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export.gz");
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path, &ProgressBar::hidden()).unwrap();
        let failure = std::iter::from_fn(|| lines.next().transpose()).find_map(Result::err);
        assert_eq!(failure.unwrap().code(), "failed");
    }
}
