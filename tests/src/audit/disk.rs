//! A small disk for the node that can be filled: a tmpfs, where mounting is permitted.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes written at once.
const BLOCK: usize = 256 * 1024;

/// A mounted tmpfs. Dropping it takes it away.
#[derive(Debug)]
pub struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Mounts one of so many MiB on a folder; else says why not.
    pub fn mount(at: &Path, mebibytes: u64) -> Result<Self, String> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={mebibytes}m,mode=0700");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "landline-audit"])
            .arg(at)
            .output();
        match mount {
            Ok(done) if done.status.success() => Ok(Self { at: at.to_owned() }),
            Ok(done) => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Fills it up, but for so many bytes.
    pub fn fill(&self, but: u64) {
        let mut ballast = File::create(self.ballast()).unwrap();
        let block = vec![0; BLOCK];
        let mut filled = 0;
        // Until it is full: the last write takes what is left.
        while let Ok(written) = ballast.write(&block) {
            filled += written as u64;
            if written < BLOCK {
                break;
            }
        }
        ballast.set_len(filled.saturating_sub(but)).unwrap();
    }

    /// There is room again.
    pub fn free(&self) {
        // It may not have been filled.
        let _ = fs::remove_file(self.ballast());
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let done = Command::new("umount").arg(&self.at).status();
        if !done.is_ok_and(|status| status.success()) {
            println!("{} could not be unmounted", self.at.display());
        }
    }
}
