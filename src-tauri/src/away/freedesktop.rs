//! Linux and the BSDs: the desktop tells over D-Bus; where it does not, X11 does.

use std::env;
use std::ffi::OsStr;
use std::time::Duration;

use tokio::time::timeout;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{DynamicDeserialize, Type};
use zbus::{Connection, Proxy};

use super::Seen;

/// A desktop that hangs must not end the looking: it tells nothing this time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// A method without arguments.
struct Method {
    service: &'static str,
    path: &'static str,
    /// Of the same name as the service.
    name: &'static str,
}

/// GNOME and what is built on its compositor: milliseconds.
const MUTTER: Method = Method {
    service: "org.gnome.Mutter.IdleMonitor",
    path: "/org/gnome/Mutter/IdleMonitor/Core",
    name: "GetIdletime",
};
/// KDE: milliseconds.
const PLASMA: Method = Method {
    service: "org.freedesktop.ScreenSaver",
    path: "/org/freedesktop/ScreenSaver",
    name: "GetSessionIdleTime",
};
/// Whether the screen is locked.
const LOCKED: [Method; 2] = [
    Method {
        service: "org.gnome.ScreenSaver",
        path: "/org/gnome/ScreenSaver",
        name: "GetActive",
    },
    Method {
        service: "org.freedesktop.ScreenSaver",
        path: "/org/freedesktop/ScreenSaver",
        name: "GetActive",
    },
];

#[derive(Debug)]
pub(super) struct System {
    /// None where there is no session bus.
    bus: Option<Connection>,
}

impl System {
    pub(super) async fn open() -> Self {
        let bus = Connection::session().await;
        let bus = bus.inspect_err(|error| tracing::info!(%error, "no session bus to ask"));
        Self { bus: bus.ok() }
    }

    pub(super) async fn look(&mut self) -> Seen {
        Seen {
            idle: self.idle().await,
            locked: self.locked().await,
        }
    }

    async fn idle(&self) -> Option<Duration> {
        if let Some(idle) = self.ask::<u64>(&MUTTER).await {
            return Some(Duration::from_millis(idle));
        }
        if let Some(idle) = self.ask::<u32>(&PLASMA).await {
            return Some(Duration::from_millis(idle.into()));
        }
        if is_wayland(env::var_os("WAYLAND_DISPLAY").as_deref()) {
            return None;
        }
        let asked = tokio::task::spawn_blocking(|| {
            system_idle_time::get_idle_time().map_err(|error| error.to_string())
        });
        asked.await.ok()?.ok()
    }

    async fn locked(&self) -> Option<bool> {
        for method in &LOCKED {
            if let Some(locked) = self.ask(method).await {
                return Some(locked);
            }
        }
        None
    }

    async fn ask<T>(&self, method: &Method) -> Option<T>
    where
        T: for<'a> DynamicDeserialize<'a> + Type,
    {
        let Method {
            service,
            path,
            name,
        } = *method;
        let bus = self.bus.as_ref()?;
        let asked = async {
            let desktop = Proxy::new(bus, service, path, service).await.ok()?;
            // Nobody is to be started by being asked.
            let flags = MethodFlags::NO_AUTO_START;
            desktop.call_with_flags(name, flags, &()).await.ok()?
        };
        timeout(ANSWERS_WITHIN, asked).await.ok()?
    }
}

/// Then X11 only knows of the keys that go to its own windows, and would call somebody away who
/// types into any other. The session's kind does not tell: of one begun in a console it is `tty`.
fn is_wayland(display: Option<&OsStr>) -> bool {
    display.is_some_and(|display| !display.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_wayland_x11_is_not_asked() {
        assert!(is_wayland(Some(OsStr::new("wayland-1"))));
        assert!(!is_wayland(Some(OsStr::new(""))));
        assert!(!is_wayland(None));
    }
}
