//! A LAN of one host and named people, all on loopback.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Node, Person};

/// Dropping it ends the node and removes every folder.
#[derive(Debug)]
pub struct Lan {
    pub node: Node,
    folder: TempDir,
}

impl Lan {
    /// A fresh space, open to all, without rate limits: what is tested here is not those.
    pub fn start() -> Self {
        Self::with(&[
            "--append-rate",
            "0",
            "--request-rate",
            "0",
            "--join-rate",
            "0",
        ])
    }

    /// A fresh space whose node is told more.
    pub fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::start(&folder.path().join("node"), arguments);
        Self { node, folder }
    }

    /// A fresh space whose node keeps its data there, without rate limits.
    pub fn at(data: &Path) -> Self {
        let none = [
            "--append-rate",
            "0",
            "--request-rate",
            "0",
            "--join-rate",
            "0",
        ];
        Self {
            node: Node::start(data, &none),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder of this LAN, removed with it.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Somebody new, who has joined the space and is signed in.
    pub async fn person(&self, name: &str) -> Person {
        Person::join(name, &self.folder(name), self.node.address()).await
    }
}
