//! The lines of an export, plain or gzipped, one at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use landline_client::import::ImportMessage;
use landline_protocol::Refusal;
use serde::Deserialize;

use crate::error::CliError;

/// Bytes of a line; a longer one is skipped without being held in memory. A message of the longest
/// text fits, however its characters are escaped.
const LINE_BYTES: u64 = 256 * 1024;
/// What a gzipped file begins with, whatever it is called.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Message {
        room: Option<String>,
        message: ImportMessage,
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
    reader: Box<dyn BufRead>,
    /// How many lines were read.
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file; `bar` is told the file's bytes as they are read.
    pub(super) fn open(path: &Path, bar: &ProgressBar) -> Result<Self, CliError> {
        let opened = || {
            let file = File::open(path)?;
            bar.set_length(file.metadata()?.len());
            Self::reader(bar.wrap_read(file))
        };
        let reader = opened().map_err(|error| failed(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            number: 0,
            line: Vec::new(),
        })
    }

    fn reader(file: impl io::Read + 'static) -> io::Result<Box<dyn BufRead>> {
        let mut file = BufReader::new(file);
        if file.fill_buf()?.starts_with(&GZIP) {
            return Ok(Box::new(BufReader::new(MultiGzDecoder::new(file))));
        }
        Ok(Box::new(file))
    }

    /// The next line that is not empty, with its number from 1.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Found)>, CliError> {
        self.next_line().map_err(|error| failed(&self.path, error))
    }

    fn next_line(&mut self) -> io::Result<Option<(u64, Found)>> {
        loop {
            self.line.clear();
            if (&mut self.reader)
                .take(LINE_BYTES)
                .read_until(b'\n', &mut self.line)?
                == 0
            {
                return Ok(None);
            }
            self.number += 1;
            if self.line.len() as u64 == LINE_BYTES && !self.line.ends_with(b"\n") && self.skip()? {
                let words = format!("the line has more than {} KiB", LINE_BYTES / 1024);
                return Ok(Some((self.number, Found::Bad(Refusal::too_large(words)))));
            }
            let line = self
                .line
                .strip_prefix(BYTE_ORDER_MARK)
                .unwrap_or(&self.line)
                .trim_ascii();
            if !line.is_empty() {
                return Ok(Some((self.number, parse(self.number, line))));
            }
        }
    }

    /// Passes over the rest of a line. Whether there was any.
    fn skip(&mut self) -> io::Result<bool> {
        let mut skipped = false;
        loop {
            let buffer = self.reader.fill_buf()?;
            let (bytes, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            skipped |= bytes > 1 || !ends;
            self.reader.consume(bytes);
            if ends {
                return Ok(skipped);
            }
        }
    }
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
            message: ImportMessage {
                line: number,
                topic,
                author,
                at,
                text,
            },
        },
        Err(error) => Found::Bad(Refusal::bad_request(format!(
            "not {{author, at, text}}: {error}"
        ))),
    }
}

fn failed(path: &Path, error: io::Error) -> CliError {
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
        };
        assert_eq!(
            found,
            [(
                1,
                Found::Message {
                    room: Some("r".into()),
                    message
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
        let mut bytes = vec![b'x'; 3 * LINE_BYTES as usize];
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
