//! The files of an export, in a folder beside it: those that are on this device. Each is called by
//! its content and its name, so that none takes the place of another.

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
/// What a browser shows, plays or saves, and never runs when somebody opens it. A file of any other
/// ending, or of none, gets another one: what browsers and systems run has no end.
#[rustfmt::skip]
const HARMLESS: [&str; 51] = [
    "avif", "bmp", "gif", "heic", "ico", "jpeg", "jpg", "png", "tif", "tiff", "webp",
    "aac", "flac", "m4a", "mp3", "oga", "ogg", "opus", "wav", "weba",
    "avi", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ogv", "webm",
    "csv", "doc", "docx", "epub", "key", "md", "odp", "ods", "odt", "pages", "pdf", "ppt", "pptx",
    "rtf", "txt", "xls", "xlsx",
    "7z", "gz", "tar", "xz", "zip",
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
    pub(super) fn new(folder: PathBuf, shelf: Shelf) -> Self {
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
        let name = name_of(file);
        let to = self.folder.join(&name);
        if !self.put.contains(&to) {
            fs::create_dir_all(&self.folder)?;
            if !to.exists() {
                // Under its name it is whole: what has it is not copied again.
                let begun = tempfile::Builder::new()
                    .prefix(".landline-")
                    .tempfile_in(&self.folder)?;
                fs::copy(&from, begun.path())?;
                begun.persist(&to)?;
                self.put.insert(to);
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

/// The folder beside a page: `talk_files` of `talk.html`.
pub(super) fn beside_page(page: &Path) -> PathBuf {
    let mut name = page.file_stem().unwrap_or_default().to_owned();
    name.push("_files");
    page.with_file_name(name)
}

/// The folder beside lines: `talk.jsonl_files` of `talk.jsonl`, also once that is packed as
/// `talk.jsonl.gz`.
pub(crate) fn beside_lines(lines: &Path) -> PathBuf {
    let packed = lines.extension().is_some_and(|ending| ending == "gz");
    let name = if packed {
        lines.file_stem()
    } else {
        lines.file_name()
    };
    let mut name = name.unwrap_or_default().to_owned();
    name.push("_files");
    lines.with_file_name(name)
}

/// Where a file of a message stands in such a folder, whole and the same; reads all of it.
pub(crate) fn find(folder: &Path, file: &File) -> Option<PathBuf> {
    let hash = file.blake3.parse::<FileHash>().ok()?;
    let path = folder.join(name_of(file));
    // Nothing else is opened: a pipe would wait for ever.
    fs::metadata(&path)
        .ok()
        .filter(|known| known.is_file() && known.len() == file.bytes)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(&path).ok()?).ok()?;
    (FileHash::from_bytes(*hasher.finalize().as_bytes()) == hash).then_some(path)
}

fn name_of(file: &File) -> String {
    let digits = file.blake3.get(..HASH_DIGITS).unwrap_or_default();
    harmless(format!("{digits}-{}", safe_name(&file.name)))
}

/// With an ending that nothing runs.
fn harmless(mut name: String) -> String {
    let ending = Path::new(&name).extension().unwrap_or_default();
    if !HARMLESS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
    {
        name.push_str(".txt");
    }
    name
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_or_a_system_would_run_has_another_ending() {
        for name in [
            "a.shtm",
            "a.xhtm",
            "a.XSL",
            "a.xslt",
            "a.xbl",
            "a.rdf",
            "a.svgz",
            "a.hta",
            "a.html",
            "a.js",
            "a.desktop",
            "a",
            "a.png.svg",
        ] {
            assert_eq!(harmless(name.to_owned()), format!("{name}.txt"));
        }
        for name in [
            "a.png",
            "a b.JPEG",
            "a.pdf",
            "a.html.txt",
            "a.mp4",
            "a.docx",
        ] {
            assert_eq!(harmless(name.to_owned()), name);
        }
    }

    #[test]
    fn a_copy_that_can_t_be_made_whole_leaves_nothing_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let hash = blake3::hash(b"tea").to_hex().to_string();
        let kept = shelf.file(hash.parse().unwrap());
        // A folder is there, and can't be copied.
        fs::create_dir_all(&kept).unwrap();
        let beside = beside_page(&folder.path().join("page.html"));
        let mut files = Attachments::new(beside, shelf);
        let file = File {
            blake3: hash,
            name: "tea.png".into(),
            media_type: "image/png".into(),
            bytes: 3,
            width: None,
            height: None,
            preview: None,
        };
        assert!(files.put(&file).is_err());
        assert_eq!(fs::read_dir(files.folder()).unwrap().count(), 0);
        fs::remove_dir(&kept).unwrap();
        fs::write(&kept, b"tea").unwrap();
        files.put(&file).unwrap().unwrap();
        let names = fs::read_dir(files.folder()).unwrap();
        let names: Vec<_> = names.map(|file| file.unwrap().path()).collect();
        assert_eq!(names.len(), 1);
        assert_eq!(fs::read(&names[0]).unwrap(), b"tea");
        files.keep();
    }
}
