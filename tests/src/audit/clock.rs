//! A wall clock that jumps, for one process: libfaketime, told by a file what to add to the time.
//! The clock that only goes forward, by which programs wait, stays true.

use std::fs;
use std::path::{Path, PathBuf};

/// Where Debian's package `libfaketime` and others put it.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
];

/// The library, if this machine has it.
pub fn library() -> Option<&'static str> {
    PLACES.into_iter().find(|place| Path::new(place).exists())
}

/// The clock of one process.
#[derive(Debug)]
pub struct FakeClock {
    file: PathBuf,
}

impl FakeClock {
    /// One that is right for now; `file` is where its error is written.
    pub fn new(file: &Path) -> Self {
        let clock = Self {
            file: file.to_owned(),
        };
        clock.jump_to(0);
        clock
    }

    /// From now on it is wrong by so many seconds.
    pub fn jump_to(&self, seconds: i64) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    /// What a process needs to go by it; nothing where the library is not there.
    pub fn environment(&self) -> Vec<(String, String)> {
        let Some(library) = library() else {
            return Vec::new();
        };
        let file = self.file.to_str().unwrap();
        [
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}
