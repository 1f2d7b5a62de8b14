//! The TypeScript types of the window: written from the Rust types by ts-rs, committed, and
//! compared in the tests.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{test, workspace::Workspace};

const COMMITTED: &str = "ui/src/backend/gen";

/// Writes them anew, so that types which are gone leave no file.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root.join(COMMITTED);
    export(workspace, &folder)?;
    println!("{} types in {COMMITTED}", read(&folder)?.len());
    Ok(())
}

/// Fails if the committed ones are not what Rust says today.
pub(crate) fn compare(workspace: &Workspace) -> Result<()> {
    let fresh = workspace.target.join("bindings");
    export(workspace, &fresh)?;
    let (fresh, committed) = (read(&fresh)?, read(&workspace.root.join(COMMITTED))?);
    let mut names: Vec<&PathBuf> = fresh.keys().chain(committed.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| fresh.get(*name) != committed.get(*name));
    for name in &names {
        println!("differs: {COMMITTED}/{}", name.display());
    }
    if !names.is_empty() {
        bail!("the window's types are old: run `cargo xtask bindings` and commit {COMMITTED}");
    }
    Ok(())
}

fn export(workspace: &Workspace, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let tests = test::windowless_tests(workspace).args(["--quiet", "--lib", "export_bindings"]);
    tests.env("TS_RS_EXPORT_DIR", folder).run()
}

/// Every file below `folder`, by its path there.
fn read(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in
            fs::read_dir(&next).with_context(|| format!("{} can't be read", next.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(
                    path.strip_prefix(folder)?.to_owned(),
                    fs::read_to_string(&path)?,
                );
            }
        }
    }
    Ok(files)
}
