//! The client core, which starts while the window opens: whoever needs it waits for it here.

use std::sync::Arc;

use landline_client::Client;
use landline_protocol::Refusal;
use tokio::sync::SetOnce;

/// The client core, or why it could not start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Core(Arc<SetOnce<Result<Client, Refusal>>>);

impl Core {
    /// The core has started, or can't. Said once.
    pub(crate) fn set(&self, started: Result<Client, Refusal>) {
        if self.0.set(started).is_err() {
            tracing::error!("the client core was started twice");
        }
    }

    /// Waits until the core has started.
    pub(crate) async fn client(&self) -> Result<Client, Refusal> {
        self.0.wait().await.clone()
    }

    /// The core, if it runs.
    pub(crate) fn running(&self) -> Option<&Client> {
        self.0.get().and_then(|started| started.as_ref().ok())
    }
}
