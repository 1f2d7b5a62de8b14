//! The disk under a data folder.

use std::fs::File;
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

/// Makes the name of a new or renamed file (or folder) durable: that takes a sync of the folder it
/// is in.
#[cfg(unix)]
pub fn sync_name(file: &Path) -> io::Result<()> {
    match file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
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
