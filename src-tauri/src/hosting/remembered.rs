//! What is hosted, kept for the next start.

use std::io::{self, ErrorKind};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

const FILE: &str = "hosting.json";
const NEW: &str = "hosting.json.new";

/// The space that this computer hosts, or hosted last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// The node's data, below `hosted/`.
    pub(super) folder: String,
    /// So that addresses which people have noted stay true.
    pub(super) port: u16,
    /// To be hosted when the program starts.
    pub(super) on: bool,
}

impl Remembered {
    /// None where nothing was hosted yet.
    pub(super) async fn read(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(folder.join(FILE)).await {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All or nothing, also if the power fails.
    pub(super) async fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder).await?;
        let mut file = File::create(folder.join(NEW)).await?;
        file.write_all(&serde_json::to_vec(self)?).await?;
        file.sync_all().await?;
        fs::rename(folder.join(NEW), folder.join(FILE)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("hosted");
        assert_eq!(Remembered::read(&data).await.unwrap(), None);

        for on in [true, false] {
            let remembered = Remembered {
                folder: "1".into(),
                port: 7717,
                on,
            };
            remembered.write(&data).await.unwrap();
            assert_eq!(Remembered::read(&data).await.unwrap(), Some(remembered));
        }
    }
}
