//! Windows and macOS: the system tells when there was a key or a movement. A locked screen gets
//! neither, so one is away behind it, too, if not at once.

use super::Seen;

#[derive(Debug)]
pub(super) struct System;

impl System {
    pub(super) async fn open() -> Self {
        Self
    }

    pub(super) async fn look(&mut self) -> Seen {
        let idle = system_idle_time::get_idle_time();
        Seen {
            idle: idle.ok(),
            locked: None,
        }
    }
}
