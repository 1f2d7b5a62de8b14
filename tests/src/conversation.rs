//! A long conversation as another chat would export it: the real one if it is there, else one of
//! the same size that is made up from words, the same every time.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

use crate::{Dice, programs};

/// Messages in either.
pub const MESSAGES: usize = 60_000;

/// One message of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub room: String,
    pub topic: String,
    pub author: String,
    /// Milliseconds since 1970.
    pub at: i64,
    pub text: String,
}

/// The file to import. `scratch` is where a made-up one is written.
pub fn file(scratch: &Path) -> PathBuf {
    let beside = programs::workspace().join("../shared/data/team-chat.jsonl.gz");
    let named = std::env::var_os("LANDLINE_CONVERSATION").map(PathBuf::from);
    if let Some(path) = named.or_else(|| beside.exists().then_some(beside)) {
        return path;
    }
    println!("no real conversation at ../shared/data or in LANDLINE_CONVERSATION: made one up");
    let path = scratch.join("made-up.jsonl");
    write(&path, &made_up(MESSAGES));
    path
}

pub fn read(path: &Path) -> Vec<Line> {
    let mut lines = String::new();
    let mut file = File::open(path).unwrap();
    if path.extension().is_some_and(|extension| extension == "gz") {
        GzDecoder::new(file).read_to_string(&mut lines).unwrap();
    } else {
        file.read_to_string(&mut lines).unwrap();
    }
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub fn write(path: &Path, lines: &[Line]) {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{}", serde_json::to_string(line).unwrap()).unwrap();
    }
    fs::write(path, text).unwrap();
}

fn made_up(messages: usize) -> Vec<Line> {
    const WORDS: [&str; 16] = [
        "harbour",
        "naïve",
        "Übung",
        "привет",
        "考える",
        "👋🏽",
        "`fn main()`",
        "the",
        "a",
        "of",
        "lemma",
        "**proof**",
        "שלום",
        "$x^2$",
        "tea?",
        "@Member 0007",
    ];
    let mut dice = Dice::seeded(17);
    let line = |n: usize| {
        let count = dice.within(1..40);
        let words: Vec<_> = (0..count)
            .map(|_| WORDS[dice.within(0..16) as usize])
            .collect();
        Line {
            room: "new-members".into(),
            topic: format!("topic {}", n as u64 / 40 + dice.within(0..3)),
            author: format!("Member {:04}", dice.within(1..615)),
            at: 1_519_660_926_000 + n as i64 * 3_000_000,
            text: words.join(if n.is_multiple_of(20) { "\n" } else { " " }),
        }
    };
    (0..messages).map(line).collect()
}
