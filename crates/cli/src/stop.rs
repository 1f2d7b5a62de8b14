//! Being asked to stop: Ctrl-C, and what the system sends when it ends a program.

use std::io;

/// Listens from the moment it is made, so that no request to stop comes too early.
#[cfg(unix)]
pub(crate) struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
pub(crate) fn asked() -> io::Result<Stop> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Stop {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
    })
}

#[cfg(unix)]
impl Stop {
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Listens from the moment it is made, so that no request to stop comes too early.
#[cfg(windows)]
pub(crate) struct Stop {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
pub(crate) fn asked() -> io::Result<Stop> {
    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
    Ok(Stop {
        interrupt: ctrl_c()?,
        close: ctrl_close()?,
        shutdown: ctrl_shutdown()?,
    })
}

#[cfg(windows)]
impl Stop {
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}
