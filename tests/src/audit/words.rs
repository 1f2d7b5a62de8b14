//! What is said in an audit: lines of a real conversation where there is one, each with a word of
//! its own.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Dice, conversation};

/// Characters of a line that are taken.
const CHARACTERS: usize = 400;
/// Lines that are kept.
const LINES: usize = 10_000;

static SAID: OnceLock<Vec<String>> = OnceLock::new();
static WORDS: AtomicU64 = AtomicU64::new(1);

/// Reads the conversation.
pub fn learn(scratch: &Path) {
    let lines = conversation::read(&conversation::file(scratch));
    let lines = lines.into_iter().take(LINES);
    let said = lines.map(|line| line.text.chars().take(CHARACTERS).collect());
    SAID.get_or_init(|| said.collect());
}

/// A line of it.
pub fn said(dice: &mut Dice) -> String {
    let said = SAID.get().and_then(|said| dice.one_of(said));
    said.cloned().unwrap_or_default()
}

/// A word that stands nowhere else.
pub fn fresh() -> String {
    format!("zq{}qz", WORDS.fetch_add(1, Ordering::Relaxed))
}

/// The one in a text.
pub fn word_of(text: &str) -> Option<&str> {
    let whole = |word: &&str| {
        let number = word
            .strip_prefix("zq")
            .and_then(|word| word.strip_suffix("qz"));
        number.is_some_and(|number| number.parse::<u64>().is_ok())
    };
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .rfind(whole)
}
