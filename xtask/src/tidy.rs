//! What no compiler checks: sizes of files, where a thing may be written, who may depend on whom.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::workspace::Workspace;

mod dependencies;

/// Lines. A longer file says why in a comment that holds [`REASON`].
const FILE_MAX: usize = 600;
/// Lines that nine files of ten stay under.
const FILE_USUAL: usize = 400;
const REASON: &str = "long because";

/// Folders with nothing that was written by hand.
const NOT_OURS: [&str; 8] = [
    "target",
    "node_modules",
    "dist",
    "dist-fake",
    "gen",
    "test-output",
    "test-results",
    ".git",
];

/// The one file that talks to the shell.
const DOOR: &str = "ui/src/backend/tauri.ts";

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let sources = sources(&workspace.root)?;
    let mut faults = Vec::new();
    for source in &sources {
        check_source(source, &mut faults);
    }
    check_sizes(&sources, &mut faults);
    dependencies::check(workspace, &mut faults)?;
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} things are not tidy", faults.len());
    }
    Ok(())
}

/// A file of ours.
struct Source {
    /// From the root, with `/`.
    name: String,
    text: String,
    lines: usize,
}

fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            if path.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                folders.push(path);
            } else if path.is_file() && is_source(&path) {
                sources.push(read(root, &path)?);
            }
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

fn is_source(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(
        extension,
        Some("rs" | "ts" | "js" | "mjs" | "svelte" | "css" | "py" | "sql")
    )
}

fn read(root: &Path, path: &PathBuf) -> Result<Source> {
    let text = fs::read_to_string(path)?;
    let name = path
        .strip_prefix(root)?
        .to_string_lossy()
        .replace('\\', "/");
    Ok(Source {
        name,
        lines: text.lines().count(),
        text,
    })
}

fn check_source(source: &Source, faults: &mut Vec<String>) {
    let Source { name, text, lines } = source;
    if *lines > FILE_MAX && !text.contains(REASON) {
        faults.push(format!(
            "{name}: {lines} lines, more than {FILE_MAX}, without a comment `{REASON} …`"
        ));
    }
    if name.ends_with("/mod.rs") {
        faults.push(format!("{name}: a module is foo.rs beside foo/"));
    }
    if name.starts_with("ui/src/")
        && name != DOOR
        && (text.contains("@tauri-apps/") || text.contains("invoke("))
    {
        faults.push(format!("{name}: only {DOOR} talks to the shell"));
    }
    if name != "xtask/src/tidy.rs" {
        let marks = ["TODO", "FIXME", "XXX:"];
        let found = text
            .lines()
            .enumerate()
            .filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)));
        faults.extend(
            found.map(|(at, _)| {
                format!("{name}:{}: what is left to do belongs in an issue", at + 1)
            }),
        );
    }
}

fn check_sizes(sources: &[Source], faults: &mut Vec<String>) {
    let mut sizes: Vec<usize> = sources.iter().map(|source| source.lines).collect();
    sizes.sort_unstable();
    let at = |percent: usize| sizes.get(sizes.len() * percent / 100).copied().unwrap_or(0);
    println!(
        "{} files: median {} lines, 90 % under {}, longest {}",
        sizes.len(),
        at(50),
        at(90),
        sizes.last().unwrap_or(&0)
    );
    if at(90) > FILE_USUAL {
        faults.push(format!(
            "a tenth of the files is longer than {FILE_USUAL} lines"
        ));
    }
}
