//! The files of an exported page, in a folder beside it: those that are on this device. Each is
//! called by its content and its name, so that none takes the place of another.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use landline_protocol::{File, FileHash};

use crate::files::safe_name;
use crate::files::shelf::Shelf;

/// Digits of a file's hash in its name.
const HASH_DIGITS: usize = 12;
/// What a browser would run when somebody opens it: such a file gets another ending.
const RUN: [&str; 10] = [
    "htm", "html", "js", "mht", "mhtml", "shtml", "svg", "xht", "xhtml", "xml",
];

/// The folder of an export that is being written. Dropped before [`Attachments::keep`], it takes
/// back what it has put there.
#[derive(Debug)]
pub(super) struct Attachments {
    shelf: Shelf,
    folder: PathBuf,
    /// It was not there before.
    made: bool,
    put: BTreeSet<PathBuf>,
    kept: bool,
}

impl Attachments {
    /// `page`: the file that they stand beside.
    pub(super) fn beside(page: &Path, shelf: Shelf) -> Self {
        let mut name = page.file_stem().unwrap_or_default().to_owned();
        name.push("_files");
        let folder = page.with_file_name(name);
        Self {
            shelf,
            made: !folder.exists(),
            folder,
            put: BTreeSet::new(),
            kept: false,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts a file there; where the page finds it. None where it is not on this device.
    pub(super) fn put(&mut self, file: &File) -> io::Result<Option<String>> {
        let Ok(hash) = file.blake3.parse::<FileHash>() else {
            return Ok(None);
        };
        let from = self.shelf.file(hash);
        if !from.exists() {
            return Ok(None);
        }
        let digits = file.blake3.get(..HASH_DIGITS).unwrap_or_default();
        let mut name = format!("{digits}-{}", safe_name(&file.name));
        let ending = Path::new(&name).extension().unwrap_or_default();
        if RUN.iter().any(|run| ending.eq_ignore_ascii_case(run)) {
            name.push_str(".txt");
        }
        let to = self.folder.join(&name);
        if !self.put.contains(&to) {
            fs::create_dir_all(&self.folder)?;
            if !to.exists() {
                self.put.insert(to.clone());
                fs::copy(&from, &to)?;
            }
        }
        let folder = self.folder.file_name().unwrap_or_default();
        Ok(Some(format!(
            "{}/{}",
            encoded(&folder.to_string_lossy()),
            encoded(&name)
        )))
    }

    /// The page is in its place.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Attachments {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        for file in &self.put {
            // What can't be removed is in nobody's way.
            let _ = fs::remove_file(file);
        }
        if self.made {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// As a part of an address.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
