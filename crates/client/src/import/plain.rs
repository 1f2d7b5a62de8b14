//! Lines of `{room, topic, author, at, text}`, all of one room.

use std::path::{Path, PathBuf};

use landline_protocol::Refusal;
use serde::Deserialize;

use super::{ImportMessage, Lines, NewRoom, Numbered, Step};
use crate::ClientError;

/// Lines without a message before one, after which none is expected.
const LINES_BEFORE: u64 = 10_000;

/// A line's fields; others are ignored.
#[derive(Debug, Deserialize)]
struct Fields {
    room: Option<String>,
    topic: Option<String>,
    author: String,
    at: i64,
    text: String,
}

/// Such lines that are being read.
#[derive(Debug)]
pub(super) struct PlainLines {
    path: PathBuf,
    lines: Lines,
    /// The room that the first message is of.
    room: Option<String>,
    /// Lines of another room are taken, too.
    any_room: bool,
    begun: bool,
}

impl PlainLines {
    /// `looked`: the same lines once more, in which the first message is looked for. Refused where
    /// there is none. `any_room`: what is of another room than the first message is taken, too.
    pub(super) fn read(
        path: &Path,
        lines: Lines,
        looked: Lines,
        any_room: bool,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            path: path.to_owned(),
            lines,
            room: first_room(path, looked)?,
            any_room,
            begun: false,
        })
    }

    /// The room that the first message is of, where it says so.
    pub(super) fn room(&self) -> Option<&str> {
        self.room.as_deref()
    }

    /// What comes next; `None` at the end.
    pub(super) fn step(&mut self) -> Result<Option<Step>, ClientError> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(Step::Room(NewRoom {
                name: self.room.clone().unwrap_or_default(),
                ..NewRoom::default()
            })));
        }
        let Some((number, line)) = next(&self.path, &mut self.lines)? else {
            return Ok(None);
        };
        Ok(Some(match line.and_then(|line| parse(number, line)) {
            Ok((of, _)) if !self.any_room && of.is_some() && of != self.room => {
                let words =
                    "it is of another room than the first message; name one room to put all into";
                Step::Bad(number, Refusal::bad_request(words))
            }
            Ok((_, message)) => Step::Message(message),
            Err(refusal) => Step::Bad(number, refusal),
        }))
    }
}

/// The room that the first message is of.
fn first_room(path: &Path, mut lines: Lines) -> Result<Option<String>, ClientError> {
    let mut why = None;
    while let Some((number, line)) = next(path, &mut lines)? {
        match line.and_then(|line| parse(number, line)) {
            Ok((room, _)) => return Ok(room),
            Err(refusal) => why = why.or(Some((number, refusal))),
        }
        if number > LINES_BEFORE {
            break;
        }
    }
    let file = path.file_name().unwrap_or(path.as_os_str()).display();
    Err(ClientError::Refused(Refusal::bad_request(match why {
        Some((number, why)) => format!(
            "{file} can't be imported: it is no export of Landline or Slack, and no line of it is a message (line {number}: {why})"
        ),
        None => format!("{file} is empty"),
    })))
}

fn next<'l>(path: &Path, lines: &'l mut Lines) -> Result<Option<Numbered<'l>>, ClientError> {
    lines.next().map_err(|error| ClientError::File {
        path: path.to_owned(),
        error,
    })
}

fn parse(number: u64, line: &[u8]) -> Result<(Option<String>, ImportMessage), Refusal> {
    let Fields {
        room,
        topic,
        author,
        at,
        text,
    } = serde_json::from_slice(line)
        .map_err(|error| Refusal::bad_request(format!("not {{author, at, text}}: {error}")))?;
    let message = ImportMessage {
        line: number,
        topic,
        author,
        at,
        text,
        ..ImportMessage::default()
    };
    Ok((room, message))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use landline_protocol::Code;

    use super::*;

    /// Longer than any line that is read.
    const LINE_BYTES: usize = 256 * 1024;

    fn lines(bytes: &[u8]) -> Lines {
        Lines::new(Cursor::new(bytes.to_vec())).unwrap()
    }

    fn open(bytes: &[u8], any_room: bool) -> Result<PlainLines, ClientError> {
        PlainLines::read(Path::new("talk"), lines(bytes), lines(bytes), any_room)
    }

    /// All steps behind that of the room.
    fn read(bytes: &[u8]) -> Vec<Step> {
        let mut plain = open(bytes, false).unwrap();
        assert!(matches!(plain.step(), Ok(Some(Step::Room(_)))));
        std::iter::from_fn(|| plain.step().unwrap()).collect()
    }

    fn line_of(step: &Step) -> u64 {
        match step {
            Step::Message(message) => message.line,
            Step::Bad(line, _) => *line,
            other => panic!("{other:?}"),
        }
    }

    fn text(step: &Step) -> &str {
        match step {
            Step::Message(message) => &message.text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_is_read_with_all_its_fields() {
        let bytes = br#"{"room":"r","topic":"t","author":"Ana","at":5,"text":"hi","other":[1]}"#;
        let message = ImportMessage {
            line: 1,
            topic: Some("t".into()),
            author: "Ana".into(),
            at: 5,
            text: "hi".into(),
            ..ImportMessage::default()
        };
        assert_eq!(read(bytes), [Step::Message(message)]);
        assert_eq!(open(bytes, false).unwrap().room(), Some("r"));
    }

    #[test]
    fn room_and_topic_may_be_missing() {
        let bytes = br#"{"author":"Ana","at":5,"text":"hi"}"#;
        assert!(
            matches!(read(bytes).as_slice(), [Step::Message(message)] if message.topic.is_none())
        );
        assert_eq!(open(bytes, false).unwrap().room(), None);
    }

    #[test]
    fn what_is_of_another_room_is_refused_unless_all_goes_into_one() {
        let bytes = b"{\"room\":\"a\",\"author\":\"Ana\",\"at\":1,\"text\":\"one\"}\n{\"room\":\"b\",\"author\":\"Ana\",\"at\":2,\"text\":\"two\"}\n{\"author\":\"Ana\",\"at\":3,\"text\":\"three\"}";
        let [one, two, three] = read(bytes).try_into().unwrap();
        assert_eq!((text(&one), text(&three)), ("one", "three"));
        assert!(matches!(two, Step::Bad(2, refusal) if refusal.code == Code::BadRequest));
        let mut all = open(bytes, true).unwrap();
        let steps = std::iter::from_fn(|| all.step().unwrap());
        let messages = steps.filter(|step| matches!(step, Step::Message(_)));
        assert_eq!(messages.count(), 3);
    }

    #[test]
    fn bad_lines_keep_their_numbers_and_stop_nothing() {
        let bytes = b"\xef\xbb\xbf{\"author\":\"a\",\"at\":1,\"text\":\"one\"}\r\n\r\nnonsense\n{\"author\":\"a\",\"text\":\"no time\"}\n\xff\xfe\n{\"author\":\"a\",\"at\":2,\"text\":\"two\"}";
        let found = read(bytes);
        assert_eq!(
            found.iter().map(line_of).collect::<Vec<_>>(),
            [1, 3, 4, 5, 6]
        );
        assert_eq!((text(&found[0]), text(&found[4])), ("one", "two"));
        for bad in &found[1..4] {
            assert!(
                matches!(bad, Step::Bad(_, refusal) if refusal.code == Code::BadRequest),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_held_in_memory() {
        let mut bytes = vec![b'x'; 3 * LINE_BYTES];
        bytes.extend(b"\n{\"author\":\"a\",\"at\":2,\"text\":\"after\"}\n");
        let found = read(&bytes);
        assert!(matches!(&found[0], Step::Bad(1, refusal) if refusal.code == Code::TooLarge));
        assert_eq!((line_of(&found[1]), text(&found[1])), (2, "after"));
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
        assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn a_gzip_file_that_is_cut_short_is_a_failure() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(b"{\"author\":\"a\",\"at\":1,\"text\":\"one\"}\n")
            .unwrap();
        let mut bytes = encoder.finish().unwrap();
        bytes.truncate(bytes.len() - 6);
        let mut plain = open(&bytes, false).unwrap();
        let failure = std::iter::from_fn(|| plain.step().transpose()).find_map(Result::err);
        assert!(
            matches!(failure, Some(ClientError::File { .. })),
            "{failure:?}"
        );
    }

    #[test]
    fn a_file_without_a_message_among_its_first_lines_is_refused_in_words() {
        let far = "no\n".repeat(LINES_BEFORE as usize + 1)
            + "{\"author\":\"a\",\"at\":1,\"text\":\"one\"}\n";
        for (bytes, words) in [
            ("", "talk is empty"),
            ("\n\n", "talk is empty"),
            ("one\ntwo\n", "line 1: "),
            ("\u{1}PNG\nIHDR", "no export of Landline or Slack"),
            (&far, "no line of it is a message"),
        ] {
            let error = open(bytes.as_bytes(), true).unwrap_err();
            assert!(
                matches!(&error, ClientError::Refused(refusal) if refusal.code == Code::BadRequest)
            );
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
