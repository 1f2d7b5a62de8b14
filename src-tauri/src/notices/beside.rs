//! For systems whose notifications can't be changed or taken back: a newer one is shown beside the
//! older.

use tokio::sync::watch;

use super::system::{System, notification, wait};
use super::{Notice, Responded};

/// Shows the notice and whatever takes its place, until the sender is gone.
pub(super) async fn keep(
    _system: System,
    mut notices: watch::Receiver<Notice>,
    responded: Responded,
) {
    loop {
        let notice = notices.borrow_and_update().clone();
        match notification(&notice).show() {
            Ok(shown) => wait(shown, notice, responded.clone()),
            Err(error) => return tracing::warn!(%error, "notifications can't be shown"),
        }
        if notices.changed().await.is_err() {
            return;
        }
    }
}
