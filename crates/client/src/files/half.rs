//! What is written where a person wants it, whole or not at all.
//!
//! ```text
//! begin ──▶ <where it will be>/.landline-… ── whole ──▶ synced, in its place
//!      └──▶ a note of it on the shelf      ── at the end, or at the next start after a crash: taken
//!                                             away, and with it what is left of the half
//! ```
//! Half, it has a name of its own beside its place: only from there can it take its place in one
//! step, and two to the same place do not meet.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::shelf::{Shelf, remove};

const PREFIX: &str = ".landline-";

/// A file that is not whole yet. Dropped, nothing is left of it.
#[derive(Debug)]
pub(crate) struct Half {
    file: NamedTempFile,
    note: Note,
}

/// Where a half is, for the next start.
#[derive(Debug)]
struct Note(PathBuf);

impl Drop for Note {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

impl Half {
    /// Begins what will be at `to`.
    pub(crate) fn begin(to: &Path, shelf: &Shelf) -> io::Result<Self> {
        let folder = match to.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = std::path::absolute(folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        // It is the person's own: others may read it where their files may be read.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder)?;
        let name = file.path().file_name().unwrap_or_default();
        let note = Note(shelf.note(name));
        // Without it, a crash leaves the half where it is. A disk of ours that is full is no reason
        // to refuse one that is not.
        let noted = shelf.make().and_then(|()| match file.path().to_str() {
            Some(path) => fs::write(&note.0, path),
            None => Ok(()),
        });
        if let Err(error) = noted {
            tracing::debug!(%error, "no note of a file that is written");
        }
        Ok(Self { file, note })
    }

    pub(crate) fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Whole: takes the place of whatever is at `to`. Answers its bytes.
    pub(crate) fn replace(self, to: &Path) -> io::Result<u64> {
        let bytes = self.synced()?;
        let Self { file, note } = self;
        file.persist(to).map_err(|error| error.error)?;
        drop(note);
        landline_store::sync_name(to)?;
        Ok(bytes)
    }

    /// Whole: takes its place, unless there is something at `to`
    /// ([`io::ErrorKind::AlreadyExists`]). Answers its bytes.
    pub(crate) fn put(self, to: &Path) -> io::Result<u64> {
        let bytes = self.synced()?;
        let Self { file, note } = self;
        file.persist_noclobber(to).map_err(|error| error.error)?;
        drop(note);
        landline_store::sync_name(to)?;
        Ok(bytes)
    }

    fn synced(&self) -> io::Result<u64> {
        self.file.as_file().sync_all()?;
        Ok(self.file.as_file().metadata()?.len())
    }
}

impl Write for Half {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A copy of a whole file, in the place of whatever is at `to`.
pub(crate) fn copy(from: &Path, to: &Path, shelf: &Shelf) -> io::Result<()> {
    let mut half = Half::begin(to, shelf)?;
    io::copy(&mut File::open(from)?, half.file())?;
    half.replace(to).map(drop)
}

/// Takes away what a crash has left of a half, and the note of it.
pub(crate) fn forget(note: &Path) {
    if let Ok(half) = fs::read_to_string(note) {
        let half = Path::new(&half);
        // Whatever else a note may say, nothing else is taken away.
        let name = half.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(PREFIX)) {
            remove(half);
        }
    }
    remove(note);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names = landline_store::shelf::names(folder).unwrap();
        names.sort();
        names
    }

    #[test]
    fn two_to_the_same_place_do_not_meet_and_the_last_one_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (shelf, there) = (Shelf::new(folder.path()), folder.path().join("there"));
        fs::create_dir(&there).unwrap();
        let to = there.join("kettle.png");
        let mut one = Half::begin(&to, &shelf).unwrap();
        let mut two = Half::begin(&to, &shelf).unwrap();
        let mut three = Half::begin(&to, &shelf).unwrap();
        one.write_all(b"one").unwrap();
        two.write_all(b"another").unwrap();
        three.write_all(b"late").unwrap();
        assert_eq!(two.put(&to).unwrap(), 7);
        assert_eq!(fs::read(&to).unwrap(), b"another");
        let late = three.put(&to).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(one.replace(&to).unwrap(), 3);
        assert_eq!(fs::read(&to).unwrap(), b"one");
        assert_eq!(names(&there), ["kettle.png"]);
        assert!(shelf.notes().unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn who_may_read_it_is_as_for_any_file_that_the_person_makes() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let (to, other) = (
            folder.path().join("kettle.png"),
            folder.path().join("other"),
        );
        let mut half = Half::begin(&to, &shelf).unwrap();
        half.write_all(b"whole").unwrap();
        half.put(&to).unwrap();
        fs::write(&other, b"other").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&to), mode(&other));
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let to = folder.path().join("kettle.png");
        Half::begin(&to, &shelf).unwrap().write_all(b"ha").unwrap();
        assert_eq!(names(folder.path()), ["files"]);
        assert!(shelf.notes().unwrap().is_empty());
    }

    #[test]
    fn what_a_crash_left_is_taken_away_by_the_next_start_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (shelf, there) = (Shelf::new(folder.path()), folder.path().join("there"));
        fs::create_dir(&there).unwrap();
        fs::write(there.join("other"), b"other").unwrap();
        let mut half = Half::begin(&there.join("kettle.png"), &shelf).unwrap();
        half.write_all(b"ha").unwrap();
        std::mem::forget(half);
        let wrong = shelf.note("wrong".as_ref());
        fs::write(wrong, there.join("other").to_str().unwrap()).unwrap();
        assert_eq!(names(&there).len(), 2);
        shelf.clear(|_| false, |_| false).unwrap();
        let notes = shelf.notes().unwrap();
        assert_eq!(notes.len(), 2);
        notes.iter().for_each(|note| forget(note));
        assert_eq!(names(&there), ["other"]);
        assert!(shelf.notes().unwrap().is_empty());
    }
}
