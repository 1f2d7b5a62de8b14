//! The disk under a data folder.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Of the disk, this part stays free where it is less than the bytes to be kept: 1 in 20.
const FREE_PART: u64 = 20;

/// Whether so many bytes more in this folder would leave less than `kept_free` bytes on its disk, or
/// less than a twentieth of a small one. Where the system does not say, a write tells.
pub fn is_full_with(folder: &Path, bytes: u64, kept_free: u64) -> bool {
    fs4::statvfs(folder).is_ok_and(|disk| {
        let least = kept_free.min(disk.total_space() / FREE_PART);
        disk.available_space() < bytes.saturating_add(least)
    })
}

/// Makes a folder that only its owner can look into, and those above it.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_folder(above)?;
    }
    let mut builder = fs::DirBuilder::new();
    // Somebody may make it at the same moment.
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // Or a loss of power takes the folder with all that was made durable in it.
    sync_name(path)
}

/// How to open a file that only its owner can read, where it is made by that.
pub(crate) fn for_owner() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the name of a new or renamed file (or folder) durable: that takes a sync of the folder it
/// is in. Does nothing where the file system can't do it, or does not permit it.
#[cfg(unix)]
pub fn sync_name(file: &Path) -> io::Result<()> {
    let folder = file.parent();
    let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.or_else(|error| match error.kind() {
        io::ErrorKind::InvalidInput
        | io::ErrorKind::Unsupported
        | io::ErrorKind::PermissionDenied => Ok(()),
        _ => Err(error),
    })
}

/// Names are durable by themselves here.
#[cfg(not(unix))]
pub fn sync_name(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_full_when_what_is_to_stay_free_would_not() {
        let folder = tempfile::tempdir().unwrap();
        let disk = fs4::statvfs(folder.path()).unwrap();
        let total = disk.total_space();
        assert!(is_full_with(folder.path(), total, 0));
        assert!(!is_full_with(folder.path(), 0, 0));
        // However much is to be kept, of a disk that is empty nineteen parts are there to be used.
        let used = total - disk.available_space();
        let beyond = (total - used).saturating_sub(total / FREE_PART) + total / 100;
        assert!(is_full_with(folder.path(), beyond, u64::MAX));
    }

    #[test]
    fn what_the_system_does_not_say_is_not_refused() {
        assert!(!is_full_with(Path::new("/no/such/folder"), u64::MAX, 1));
    }
}
