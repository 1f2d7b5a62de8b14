//! What the program is told when it is started, or started again.

use serde::{Deserialize, Serialize};

/// Team chat over your own LAN.
///
/// Everything is kept in one folder; LANDLINE_DATA_DIR chooses another. There is one app per
/// folder: starting it again brings its window back.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Parser, Serialize, Deserialize)]
#[command(name = "landline", version)]
pub(crate) struct Launch {
    /// End the app that runs, also one that hosts from the tray.
    #[arg(long)]
    pub(crate) quit: bool,
}
