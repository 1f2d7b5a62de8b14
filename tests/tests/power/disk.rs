//! What a power cut leaves of a folder, worked out from what a program has asked of its disk.
//!
//! The program runs with `shim.c` preloaded, which writes a trace. At any point of it the disk
//! holds for certain what was synced before: contents by `fsync` of the file, names by `fsync` of
//! their folder. The rest may be there or not, write by write and sector by sector.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use landline_tests::Dice;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// The folder of a program and the trace of what was asked for it.
#[derive(Debug)]
pub(crate) struct Traced {
    folder: PathBuf,
    trace: PathBuf,
}

impl Traced {
    /// A new folder for a program, and its trace beside it.
    pub(crate) fn new(folder: &Path) -> Self {
        fs::create_dir(folder).unwrap();
        Self {
            folder: folder.to_owned(),
            trace: folder.with_extension("trace"),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets a program run on it.
    pub(crate) fn watch(&self, program: &mut tokio::process::Command) {
        program
            .env("LD_PRELOAD", shim())
            .env("LANDLINE_POWER_DIR", &self.folder)
            .env("LANDLINE_POWER_TRACE", &self.trace);
    }

    /// How much was asked of the disk by now.
    pub(crate) fn now(&self) -> u64 {
        fs::metadata(&self.trace).map_or(0, |file| file.len())
    }

    pub(crate) fn read(&self) -> Trace {
        Trace::read(&fs::read(&self.trace).unwrap())
    }
}

/// Built once for a run of the tests.
fn shim() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let shim = folder.path().join("power.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/shim.c");
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"]);
        let status = cc.arg(&shim).arg(source).arg("-lpthread").status();
        assert!(status.unwrap().success(), "the shim does not build");
        (folder, shim)
    });
    &built.1
}

#[derive(Debug)]
enum Asked {
    Open {
        inode: u64,
        is_folder: bool,
        path: String,
    },
    Write {
        inode: u64,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        inode: u64,
        length: usize,
    },
    Sync {
        inode: u64,
    },
    Rename {
        from: String,
        to: String,
    },
    Unlink {
        path: String,
    },
}

/// What was asked, each with the length of the trace after it.
#[derive(Debug)]
pub(crate) struct Trace(Vec<(u64, Asked)>);

impl Trace {
    fn read(bytes: &[u8]) -> Self {
        const HEAD: usize = 21;
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let mut asked = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let (a, b) = (number(at + 1), number(at + 9));
            let length = u32::from_le_bytes(bytes[at + 17..at + HEAD].try_into().unwrap());
            let data = &bytes[at + HEAD..at + HEAD + length as usize];
            let text = || String::from_utf8(data.to_vec()).unwrap();
            let next = match bytes[at] {
                b'O' => Asked::Open {
                    inode: a,
                    is_folder: b == 1,
                    path: text(),
                },
                b'M' => Asked::Open {
                    inode: a,
                    is_folder: true,
                    path: text(),
                },
                b'W' => Asked::Write {
                    inode: a,
                    at: b as usize,
                    bytes: data.to_vec(),
                },
                b'T' => Asked::Truncate {
                    inode: a,
                    length: b as usize,
                },
                b'S' => Asked::Sync { inode: a },
                b'R' => {
                    let both = text();
                    let (from, to) = both.split_once('\0').unwrap();
                    Asked::Rename {
                        from: from.into(),
                        to: to.into(),
                    }
                }
                b'U' => Asked::Unlink { path: text() },
                kind => panic!("a record of kind {kind}"),
            };
            at += HEAD + length as usize;
            asked.push((at as u64, next));
        }
        Self(asked)
    }

    pub(crate) fn end(&self) -> u64 {
        self.0.last().map_or(0, |(end, _)| *end)
    }

    /// The disk as it was from the beginning on. `heeds`: whether a sync of the file or folder of
    /// this name is heeded.
    pub(crate) fn replay<H: Fn(&str) -> bool>(&self, heeds: H) -> Replay<'_, H> {
        Replay {
            rest: &self.0,
            disk: Disk::default(),
            heeds,
        }
    }
}

/// A disk on its way through a trace.
#[derive(Debug)]
pub(crate) struct Replay<'a, H> {
    rest: &'a [(u64, Asked)],
    disk: Disk,
    heeds: H,
}

impl<H: Fn(&str) -> bool> Replay<'_, H> {
    /// The disk when the trace was so long; each time longer than the last.
    pub(crate) fn at(&mut self, cut: u64) -> &Disk {
        while let Some(((end, asked), rest)) = self.rest.split_first()
            && *end <= cut
        {
            self.disk.take(asked, &self.heeds);
            self.rest = rest;
        }
        &self.disk
    }
}

/// A file or folder, apart from its names.
#[derive(Debug, Default)]
struct Node {
    is_folder: bool,
    durable: Vec<u8>,
    /// Not synced yet, in order.
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Change {
    fn make(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(at, bytes) => write(content, *at, bytes),
            Self::Truncate(length) => content.resize(*length, 0),
        }
    }
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

type Names = BTreeMap<String, usize>;

#[derive(Debug, Clone)]
enum Named {
    Is(String, usize),
    IsNot(String),
}

impl Named {
    fn make(&self, names: &mut Names) {
        match self {
            Self::Is(path, node) => drop(names.insert(path.clone(), *node)),
            Self::IsNot(path) => drop(names.remove(path)),
        }
    }

    fn folder(&self) -> &str {
        let (Self::Is(path, _) | Self::IsNot(path)) = self;
        folder(path)
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A disk that may lose its power.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    nodes: Vec<Node>,
    by_inode: HashMap<u64, usize>,
    names: Names,
    durable: Names,
    /// Names that no folder has been synced for, in order.
    pending: Vec<Named>,
}

impl Disk {
    fn take(&mut self, asked: &Asked, heeds: &impl Fn(&str) -> bool) {
        match asked {
            Asked::Open {
                inode,
                is_folder,
                path,
            } => self.open(*inode, *is_folder, path),
            Asked::Write { inode, at, bytes } => {
                let node = self.by_inode[inode];
                self.nodes[node]
                    .pending
                    .push(Change::Write(*at, bytes.clone()));
            }
            Asked::Truncate { inode, length } => {
                let node = self.by_inode[inode];
                self.nodes[node].pending.push(Change::Truncate(*length));
            }
            Asked::Sync { inode } => self.sync(self.by_inode[inode], heeds),
            Asked::Rename { from, to } => {
                let node = self.names[from];
                self.name(Named::IsNot(from.clone()));
                self.name(Named::Is(to.clone(), node));
            }
            Asked::Unlink { path } => self.name(Named::IsNot(path.clone())),
        }
    }

    fn open(&mut self, inode: u64, is_folder: bool, path: &str) {
        let known = self.names.get(path).copied();
        if path.is_empty() || known.is_some() {
            let node = known.unwrap_or_else(|| self.new_node(true));
            self.by_inode.insert(inode, node);
            return;
        }
        // An inode that has no name any more may be used for another file.
        let node = self.new_node(is_folder);
        self.by_inode.insert(inode, node);
        self.name(Named::Is(path.to_owned(), node));
    }

    fn new_node(&mut self, is_folder: bool) -> usize {
        self.nodes.push(Node {
            is_folder,
            ..Node::default()
        });
        self.nodes.len() - 1
    }

    fn name(&mut self, named: Named) {
        named.make(&mut self.names);
        self.pending.push(named);
    }

    fn sync(&mut self, node: usize, heeds: &impl Fn(&str) -> bool) {
        let path = self.names.iter().find(|(_, named)| **named == node);
        let path = path.map_or("", |(path, _)| path.as_str()).to_owned();
        if !heeds(&path) {
            return;
        }
        if self.nodes[node].is_folder {
            let (now, later) = std::mem::take(&mut self.pending)
                .into_iter()
                .partition::<Vec<_>, _>(|named| named.folder() == path);
            now.iter().for_each(|named| named.make(&mut self.durable));
            self.pending = later;
        } else {
            let Node {
                durable, pending, ..
            } = &mut self.nodes[node];
            pending.drain(..).for_each(|change| change.make(durable));
        }
    }

    /// Writes what a power cut leaves: of what was not synced nothing, or what the dice say.
    pub(crate) fn leave(&self, to: &Path, mut dice: Option<&mut Dice>) {
        let mut names = self.durable.clone();
        if let Some(dice) = &mut dice {
            let kept = dice.within(0..self.pending.len() as u64 + 1) as usize;
            self.pending[..kept]
                .iter()
                .for_each(|named| named.make(&mut names));
        }
        fs::create_dir(to).unwrap();
        // Folders come before what is in them.
        for (path, node) in names {
            let node = &self.nodes[node];
            let place = to.join(&path);
            if !place.parent().is_some_and(Path::is_dir) {
                continue;
            }
            if node.is_folder {
                fs::create_dir(place).unwrap();
            } else {
                fs::write(place, content(node, dice.as_deref_mut())).unwrap();
            }
        }
    }
}

fn content(node: &Node, dice: Option<&mut Dice>) -> Vec<u8> {
    let mut content = node.durable.clone();
    let Some(dice) = dice else { return content };
    for change in &node.pending {
        match (change, dice.within(0..4)) {
            (_, 0) => {}
            (Change::Write(at, bytes), 1) => {
                for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                    if dice.percent(50) {
                        write(&mut content, at + n * SECTOR, sector);
                    }
                }
            }
            (change, _) => change.make(&mut content),
        }
    }
    content
}
