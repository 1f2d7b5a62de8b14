//! The log: to standard error, and to a file a day in `log/` of the data folder.
//!
//! `LANDLINE_LOG` chooses what is in it, in the words of `tracing_subscriber::EnvFilter`.

use std::io::{self, IsTerminal as _};
use std::{env, fs, path::Path};

use anyhow::Result;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Days. Older files are deleted.
const DAYS_KEPT: usize = 7;

/// What is logged where `LANDLINE_LOG` does not say: our own doings, others' worries.
const USUAL: &str = "warn,landline=info,landline_desktop=info,landline_client=info,landline_node=info,landline_discovery=info,landline_store=info";

/// Starts to log; ends, with all written, when the guard is dropped.
pub(crate) fn start(data: &Path) -> Result<WorkerGuard> {
    let folder = data.join("log");
    fs::create_dir_all(&folder)?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .max_log_files(DAYS_KEPT)
        .filename_prefix("landline")
        .filename_suffix("log")
        .build(folder)?;
    let (file, guard) = tracing_appender::non_blocking(files);
    // The terminal that the app was started from may be closed, and the disk full: the library
    // would say so on standard error, and panic where that is gone.
    tracing_subscriber::registry()
        .with(
            fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal())
                .log_internal_errors(false)
                .with_filter(filter()),
        )
        .with(
            fmt::layer()
                .with_writer(file)
                .with_ansi(false)
                .log_internal_errors(false)
                .with_filter(filter()),
        )
        .init();
    Ok(guard)
}

fn filter() -> EnvFilter {
    EnvFilter::new(env::var("LANDLINE_LOG").unwrap_or_else(|_| USUAL.to_owned()))
}
