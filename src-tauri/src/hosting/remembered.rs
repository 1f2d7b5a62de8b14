//! What this computer has hosted, and what is to be on at the next start: `hosted/hosting.json`.
//!
//! The file is a list of the folders beside it, which hold the spaces themselves. A folder that it
//! does not name is looked into at each start, and put on the list: so nothing is out of reach
//! because the file is damaged, or because the version before named only the space hosted last.

use std::io::{self, ErrorKind};
use std::path::Path;

use landline_client::ui::HostingView;
use landline_node::look_into;
use landline_protocol::{Admission, DEFAULT_PORT, SpaceId};
use serde::{Deserialize, Serialize};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

const FILE: &str = "hosting.json";
const NEW: &str = "hosting.json.new";
const DAMAGED: &str = "The list of what this computer has hosted can't be read. The spaces \
                       themselves are still there, and can be hosted again.";

/// What this computer has hosted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) spaces: Vec<Kept>,
    /// To be hosted when the program starts.
    pub(super) on: Option<SpaceId>,
}

/// A space that can be hosted again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) space: SpaceId,
    pub(super) name: String,
    pub(super) admission: Admission,
    /// The node's data, below `hosted/`.
    pub(super) folder: String,
    /// So that addresses which people have noted stay true.
    pub(super) port: u16,
}

impl Kept {
    pub(super) fn off(&self) -> HostingView {
        HostingView {
            space: self.space,
            name: self.name.clone(),
            on: false,
            addresses: Vec::new(),
            admission: self.admission,
            connected: 0,
        }
    }
}

/// What the file may hold.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Now(Remembered),
    /// Of the version before: the space hosted last.
    Last(Last),
}

#[derive(Debug, Default, Deserialize)]
struct Last {
    folder: String,
    port: u16,
    on: bool,
}

impl Remembered {
    /// Reads the file and looks into the folders that it does not name. Words for the person: what
    /// could not be read, and what was put right.
    pub(super) async fn read(hosted: &Path) -> (Self, Vec<String>) {
        let mut words = Vec::new();
        let (mut remembered, last) = match content(hosted).await {
            Ok(Some(Content::Now(remembered))) => (remembered, Last::default()),
            Ok(Some(Content::Last(last))) => (Self::default(), last),
            Ok(None) => (Self::default(), Last::default()),
            Err(error) => {
                tracing::error!(%error, "the list of what was hosted can't be read");
                words.push(DAMAGED.to_owned());
                (Self::default(), Last::default())
            }
        };
        let named = remembered.clone();
        remembered.look_through(hosted, &last, &mut words).await;
        if remembered != named
            && let Err(error) = remembered.write(hosted).await
        {
            tracing::warn!(%error, "what this computer has hosted was not stored");
        }
        (remembered, words)
    }

    async fn look_through(&mut self, hosted: &Path, last: &Last, words: &mut Vec<String>) {
        let mut folders = match folders(hosted).await {
            Ok(folders) => folders,
            Err(error) => {
                return words.push(format!(
                    "What this computer has hosted can't be looked through: {error}."
                ));
            }
        };
        // A copy of it that somebody has put beside it does not come in its place.
        folders.sort_by_key(|folder| *folder != last.folder);
        for folder in folders {
            if self.names(&folder) {
                continue;
            }
            let path = hosted.join(&folder);
            match look_into(path.clone()).await {
                Ok(Some(held)) if self.is_there(held.space, hosted) => {
                    tracing::warn!(folder, "a copy of a space that is on the list");
                }
                Ok(Some(held)) => {
                    words.extend(held.restored.map(|restored| restored.to_string()));
                    let is_last = folder == last.folder;
                    let port = match self.find(held.space) {
                        // The folder that it had is gone, and this one was put in its place.
                        Some(gone) => gone.port,
                        None if is_last => last.port,
                        None => DEFAULT_PORT,
                    };
                    self.spaces.retain(|kept| kept.space != held.space);
                    let kept = Kept {
                        space: held.space,
                        name: held.name,
                        admission: held.admission,
                        folder,
                        port,
                    };
                    if is_last && last.on {
                        self.on = Some(kept.space);
                    }
                    self.spaces.push(kept);
                }
                Ok(None) => {}
                Err(error) => words.push(format!(
                    "A space that this computer has hosted can't be read, and is left as it is in \
                     {}: {error}.",
                    path.display()
                )),
            }
        }
    }

    /// Whether a folder is on the list.
    pub(super) fn names(&self, folder: &str) -> bool {
        self.spaces.iter().any(|kept| kept.folder == folder)
    }

    pub(super) fn find(&self, space: SpaceId) -> Option<&Kept> {
        self.spaces.iter().find(|kept| kept.space == space)
    }

    /// Whether a space is on the list, and its folder there.
    fn is_there(&self, space: SpaceId, hosted: &Path) -> bool {
        let kept = self.find(space);
        kept.is_some_and(|kept| hosted.join(&kept.folder).is_dir())
    }

    /// A space is on. Answers whether that is new.
    pub(super) fn is_on(&mut self, kept: Kept) -> bool {
        let on = self.on.replace(kept.space);
        let known = self.spaces.iter_mut().find(|one| one.folder == kept.folder);
        match known {
            Some(known) if *known == kept => on != self.on,
            Some(known) => {
                *known = kept;
                true
            }
            None => {
                self.spaces.push(kept);
                true
            }
        }
    }

    /// All or nothing, also if the power fails.
    pub(super) async fn write(&self, hosted: &Path) -> io::Result<()> {
        fs::create_dir_all(hosted).await?;
        let mut file = File::create(hosted.join(NEW)).await?;
        file.write_all(&serde_json::to_vec(self)?).await?;
        file.sync_all().await?;
        fs::rename(hosted.join(NEW), hosted.join(FILE)).await
    }
}

/// `None` where nothing was hosted yet.
async fn content(hosted: &Path) -> io::Result<Option<Content>> {
    match fs::read(hosted.join(FILE)).await {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The folders that this program has made: 1, 2, … Others are somebody's own, as a copy.
async fn folders(hosted: &Path) -> io::Result<Vec<String>> {
    let mut entries = match fs::read_dir(hosted).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse::<u32>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers.iter().map(u32::to_string).collect())
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use landline_node::{Node, NodeConfig};
    use tempfile::TempDir;
    use tokio::net::TcpListener;

    use super::*;

    /// Makes a space in a folder, as a node does that was hosted once.
    async fn make(hosted: &TempDir, folder: &str, name: &str) -> SpaceId {
        let config = NodeConfig {
            name: Some(name.to_owned()),
            advertise: false,
            ..NodeConfig::new(hosted.path().join(folder))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = Node::start(config, listener, pending()).await.unwrap();
        let space = node.space();
        node.stop().await.unwrap();
        space
    }

    fn kept(space: SpaceId, name: &str, folder: &str, port: u16) -> Kept {
        Kept {
            space,
            name: name.into(),
            admission: Admission::Open,
            folder: folder.into(),
            port,
        }
    }

    async fn read(hosted: &TempDir) -> (Remembered, Vec<String>) {
        Remembered::read(hosted.path()).await
    }

    async fn write(hosted: &TempDir, file: &str) {
        fs::write(hosted.path().join(FILE), file).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let hosted = folder.path().join("hosted");
        let nothing = (Remembered::default(), Vec::new());
        assert_eq!(Remembered::read(&hosted).await, nothing);

        let (a, b) = (SpaceId::from_bytes([1; 16]), SpaceId::from_bytes([2; 16]));
        for on in [Some(a), None] {
            let spaces = vec![kept(a, "Studio", "1", 7717), kept(b, "Harbour", "2", 7718)];
            let remembered = Remembered { spaces, on };
            remembered.write(&hosted).await.unwrap();
            let again = (remembered, Vec::new());
            assert_eq!(Remembered::read(&hosted).await, again);
        }
    }

    #[tokio::test]
    async fn the_form_before_is_read_and_the_spaces_that_it_forgot_are_found() {
        for on in [true, false] {
            let hosted = tempfile::tempdir().unwrap();
            let studio = make(&hosted, "1", "Studio").await;
            let harbour = make(&hosted, "2", "Harbour").await;
            let file = format!(r#"{{"folder":"2","port":40001,"on":{on}}}"#);
            write(&hosted, &file).await;
            let remembered = Remembered {
                spaces: vec![
                    kept(harbour, "Harbour", "2", 40_001),
                    kept(studio, "Studio", "1", DEFAULT_PORT),
                ],
                on: on.then_some(harbour),
            };
            assert_eq!(read(&hosted).await, (remembered.clone(), Vec::new()));
            let written = fs::read(hosted.path().join(FILE)).await.unwrap();
            let written: Remembered = serde_json::from_slice(&written).unwrap();
            assert_eq!(written, remembered, "in the new form from then on");
        }
    }

    #[tokio::test]
    async fn a_damaged_file_is_said_once_and_hides_no_space() {
        let hosted = tempfile::tempdir().unwrap();
        let studio = make(&hosted, "1", "Studio").await;
        for damaged in ["", "{", "[]", r#"{"spaces":7,"on":null}"#] {
            write(&hosted, damaged).await;
            let spaces = vec![kept(studio, "Studio", "1", DEFAULT_PORT)];
            let remembered = Remembered { spaces, on: None };
            let said = vec![DAMAGED.to_owned()];
            assert_eq!(read(&hosted).await, (remembered.clone(), said));
            assert_eq!(read(&hosted).await, (remembered, Vec::new()));
        }
    }

    #[tokio::test]
    async fn a_folder_that_can_not_be_read_is_said_left_as_it_is_and_hides_no_other() {
        let hosted = tempfile::tempdir().unwrap();
        let (studio, harbour) = (
            make(&hosted, "1", "Studio").await,
            make(&hosted, "2", "Harbour").await,
        );
        let database = hosted.path().join("1").join("node.sqlite");
        let whole = fs::read(&database).await.unwrap();
        let garbage = vec![b'?'; whole.len()];
        fs::write(&database, &garbage).await.unwrap();
        let (remembered, words) = read(&hosted).await;
        let there = kept(harbour, "Harbour", "2", DEFAULT_PORT);
        assert_eq!(remembered.spaces, std::slice::from_ref(&there));
        let [words] = words.as_slice() else {
            panic!("{words:?}");
        };
        let place = hosted.path().join("1").display().to_string();
        assert!(
            words.contains(&place) && words.contains("damaged"),
            "{words}"
        );
        assert_eq!(fs::read(&database).await.unwrap(), garbage);

        fs::write(&database, &whole).await.unwrap();
        let (remembered, words) = read(&hosted).await;
        let again = kept(studio, "Studio", "1", DEFAULT_PORT);
        assert_eq!((remembered.spaces, words), (vec![there, again], Vec::new()));
    }

    #[tokio::test]
    async fn a_folder_that_was_put_back_under_another_number_takes_the_place_of_the_one_it_had() {
        let hosted = tempfile::tempdir().unwrap();
        let studio = make(&hosted, "1", "Studio").await;
        let mut remembered = Remembered {
            spaces: vec![kept(studio, "Studio", "1", 40_001)],
            on: Some(studio),
        };
        remembered.write(hosted.path()).await.unwrap();
        let (from, to) = (hosted.path().join("1"), hosted.path().join("5"));
        fs::rename(from, to).await.unwrap();
        remembered.spaces = vec![kept(studio, "Studio", "5", 40_001)];
        for _ in 0..2 {
            assert_eq!(read(&hosted).await, (remembered.clone(), Vec::new()));
        }
    }

    #[tokio::test]
    async fn what_holds_no_space_or_one_that_is_known_is_not_put_on_the_list() {
        let hosted = tempfile::tempdir().unwrap();
        let studio = make(&hosted, "2", "Studio").await;
        fs::create_dir(hosted.path().join("3")).await.unwrap();
        for copy in ["1", "2 before the move"] {
            let copy = hosted.path().join(copy);
            fs::create_dir(&copy).await.unwrap();
            for file in ["node.sqlite", "node.key", "seen"] {
                let from = hosted.path().join("2").join(file);
                fs::copy(from, copy.join(file)).await.unwrap();
            }
        }
        write(&hosted, r#"{"folder":"2","port":7717,"on":false}"#).await;
        let (remembered, words) = read(&hosted).await;
        assert_eq!(remembered.spaces, [kept(studio, "Studio", "2", 7717)]);
        assert_eq!(words, Vec::<String>::new());
    }
}
