//! Who may depend on whom, directly or through others, as docs/architecture.md says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::Result;
use serde::Deserialize;

use crate::workspace::Workspace;

/// `package` reaches none of `never`. Tests may: only what is built in counts.
struct Rule {
    package: &'static str,
    never: &'static [&'static str],
}

const WINDOW: [&str; 4] = ["tauri", "wry", "gtk", "webkit2gtk"];
const NETWORK: [&str; 8] = [
    "axum",
    "hyper",
    "reqwest",
    "rust_socketio",
    "socketioxide",
    "tungstenite",
    "mdns-sd",
    "landline-discovery",
];

const RULES: &[Rule] = &[
    Rule {
        package: "landline-protocol",
        never: &["tokio", "mio", "rusqlite", "landline-store"],
    },
    Rule {
        package: "landline-protocol",
        never: &NETWORK,
    },
    Rule {
        package: "landline-store",
        never: &["landline-node", "landline-client"],
    },
    Rule {
        package: "landline-store",
        never: &NETWORK,
    },
    Rule {
        package: "landline-node",
        never: &["landline-client", "rust_socketio"],
    },
    Rule {
        package: "landline-client",
        never: &["landline-node", "socketioxide", "axum"],
    },
    Rule {
        package: "landline-cli",
        never: &["landline-node"],
    },
    Rule {
        package: "landline-node",
        never: &WINDOW,
    },
    Rule {
        package: "landline-client",
        never: &WINDOW,
    },
    Rule {
        package: "landline-cli",
        never: &WINDOW,
    },
    Rule {
        package: "landline-tests",
        never: &WINDOW,
    },
];

pub(super) fn check(workspace: &Workspace, faults: &mut Vec<String>) -> Result<()> {
    let metadata = workspace
        .cargo()
        .args(["metadata", "--format-version", "1", "--locked"])
        .read()?;
    let graph = Graph::of(serde_json::from_str(&metadata)?);
    for rule in RULES {
        let reached = graph.reached_from(rule.package);
        for name in rule.never.iter().filter(|name| reached.contains(**name)) {
            faults.push(format!(
                "{} depends on {name}: see \"Invariants\" in docs/architecture.md",
                rule.package
            ));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `dev`, `build`; null for the usual.
    kind: Option<String>,
}

/// Packages by id, and what is built into each.
struct Graph {
    names: BTreeMap<String, String>,
    edges: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn of(metadata: Metadata) -> Self {
        let is_built_in =
            |dependency: &Dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let edges = metadata.resolve.nodes.into_iter().map(|node| {
            let built_in = node
                .deps
                .into_iter()
                .filter(is_built_in)
                .map(|dependency| dependency.pkg);
            (node.id, built_in.collect())
        });
        let edges = edges.collect();
        Self {
            names: metadata
                .packages
                .into_iter()
                .map(|package| (package.id, package.name))
                .collect(),
            edges,
        }
    }

    /// The names of all that is built into the package of that name.
    fn reached_from(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut waiting: VecDeque<&String> = self
            .names
            .iter()
            .filter(|(_, of)| *of == name)
            .map(|(id, _)| id)
            .collect();
        while let Some(id) = waiting.pop_front() {
            if seen.insert(id) {
                waiting.extend(self.edges.get(id).into_iter().flatten());
            }
        }
        seen.into_iter()
            .filter_map(|id| self.names.get(id))
            .map(String::as_str)
            .collect()
    }
}
