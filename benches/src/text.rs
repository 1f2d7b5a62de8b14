//! What people really write: the conversation beside the checkout, where it is there.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde::Deserialize;

/// Lines taken; more would only cost memory.
const LINES: usize = 2_000;

#[derive(Deserialize)]
struct Line {
    text: String,
}

/// Texts to send, and where they come from.
pub(crate) fn conversation() -> (Vec<String>, &'static str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/team-chat.jsonl.gz");
    let Ok(file) = std::fs::File::open(root) else {
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
