//! What people really write: the conversation beside the checkout, where it is there.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

/// Lines taken; more would only cost memory.
const LINES: usize = 2_000;
/// When the conversation was had before: ten years earlier, which is longer than it lasted.
const AGAIN_BEFORE_MS: i64 = 10 * 365 * 24 * 3_600 * 1_000;

#[derive(Deserialize)]
struct Line {
    text: String,
}

/// Texts to send, and where they come from.
pub(crate) fn conversation() -> (Vec<String>, &'static str) {
    let Ok(file) = std::fs::File::open(conversation_file()) else {
        let made = (0..LINES).map(|n| format!("Line {n}: lunch at noon, then the drill press."));
        return (made.collect(), "generated text");
    };
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let texts = lines
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<Line>(&line).ok())
        .map(|line| line.text)
        .filter(|text| !text.trim().is_empty() && text.len() < 4_000)
        .take(LINES);
    (texts.collect(), "real conversation")
}

/// Writes as many lines as wanted, the conversation over and over at earlier times, for `landline-cli import`.
/// Without their topics, no message stands in a thread: all are in the room's own timeline.
pub(crate) fn write_conversation(
    file: &Path,
    messages: usize,
    with_topics: bool,
) -> anyhow::Result<&'static str> {
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    let (mut written, mut again) = (0, 0);
    while written < messages {
        let Ok(conversation) = std::fs::File::open(conversation_file()) else {
            let (texts, source) = conversation();
            for (at, text) in (written..messages).zip(texts.iter().cycle()) {
                let topic = with_topics.then(|| format!("Topic {}", at / 50));
                let line = json!({
                    "room": "history", "topic": topic.unwrap_or_default(), "author": "Somebody",
                    "at": 1_519_660_926_000_i64 + at as i64 * 60_000, "text": format!("{text} ({at})"),
                });
                writeln!(out, "{line}")?;
            }
            out.flush()?;
            return Ok(source);
        };
        // The same line at the same time is the same message to an import, and comes in once.
        let earlier = i64::from(again) * AGAIN_BEFORE_MS;
        for line in BufReader::new(flate2::read::GzDecoder::new(conversation)).lines() {
            if written == messages {
                break;
            }
            let mut line: Value = serde_json::from_str(&line?)?;
            line["at"] = json!(line["at"].as_i64().context("`at`")? - earlier);
            if !with_topics {
                line["topic"] = json!("");
            }
            writeln!(out, "{line}")?;
            written += 1;
        }
        again += 1;
    }
    out.flush()?;
    Ok("real conversation")
}

fn conversation_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/team-chat.jsonl.gz")
}
