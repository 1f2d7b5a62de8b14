//! Starting other programs: a command that can be shown, run, or read.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{self, ExitStatus, Stdio},
};

use anyhow::{Context, Result, bail};

#[derive(Debug, Clone)]
pub(crate) struct Command {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
}

impl Command {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
        }
    }

    /// The cargo that runs us, in the given folder.
    pub(crate) fn cargo(folder: &Path) -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).folder(folder)
    }

    pub(crate) fn npm(folder: &Path) -> Self {
        Self::new(if cfg!(windows) { "npm.cmd" } else { "npm" }).folder(folder)
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Shows the command, runs it with our terminal, and fails unless it ends well.
    pub(crate) fn run(&self) -> Result<()> {
        println!("$ {self}");
        let status = self.status()?;
        if !status.success() {
            bail!("`{self}` ended with {status}");
        }
        Ok(())
    }

    /// Runs it with our terminal; how it ended.
    pub(crate) fn status(&self) -> Result<ExitStatus> {
        self.build()
            .status()
            .with_context(|| format!("`{self}` could not be started"))
    }

    /// What it prints on standard output; fails unless it ends well.
    pub(crate) fn read(&self) -> Result<String> {
        let output = self
            .build()
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output();
        let output = output.with_context(|| format!("`{self}` could not be started"))?;
        if !output.status.success() {
            bail!("`{self}` ended with {}", output.status);
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("`{self}` printed something that is no text"))
    }

    /// Runs it silently: whether it could be started and ended well.
    pub(crate) fn works(&self) -> bool {
        let status = self
            .build()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    fn build(&self) -> process::Command {
        let mut command = process::Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let program = Path::new(&self.program)
            .file_stem()
            .unwrap_or(&self.program);
        write!(f, "{}", program.to_string_lossy())?;
        self.args
            .iter()
            .try_for_each(|arg| write!(f, " {}", arg.to_string_lossy()))
    }
}
