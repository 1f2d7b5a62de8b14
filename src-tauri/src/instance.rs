//! One app per data folder. The first holds a lock there and listens on loopback; a later one
//! hands over what it was told and ends.
//!
//! The way in is written to a file that only this person can read: the port, and a token, since
//! any program of any person on this computer can reach the port.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::launch::Launch;

const LOCK: &str = "app.lock";
const DOOR: &str = "app.door";

/// The one that holds the lock may be starting or ending just now.
const HAND_OVER_LIMIT: Duration = Duration::from_secs(10);
const TRY_EVERY: Duration = Duration::from_millis(50);
/// Each read and write at the door.
const TALK_LIMIT: Duration = Duration::from_secs(2);
/// Bytes of what is handed over.
const TALK_MAX: u64 = 16 * 1024;
const TAKEN: &str = "taken\n";

/// How it went to be the app of a folder.
#[derive(Debug)]
pub(crate) enum Claim {
    First(Instance),
    HandedOver,
}

/// The right to be the app of a folder, until it is dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    _lock: File,
    listener: TcpListener,
    token: String,
    door: PathBuf,
}

/// How a later app reaches the first.
#[derive(Debug, Serialize, Deserialize)]
struct Door {
    port: u16,
    token: String,
}

/// What a later app says.
#[derive(Debug, Serialize, Deserialize)]
struct HandOver {
    token: String,
    launch: Launch,
}

impl Instance {
    /// Becomes the app of `data`, or hands `launch` over to the one that is. A launch that only
    /// quits waits until that one has ended.
    pub(crate) fn claim(data: &Path, launch: &Launch) -> Result<Claim> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(data.join(LOCK))?;
        let deadline = Instant::now() + HAND_OVER_LIMIT;
        let mut handed_over = false;
        while Instant::now() < deadline {
            match lock.try_lock() {
                Ok(()) if handed_over => return Ok(Claim::HandedOver),
                Ok(()) => return Self::open(data, lock).map(Claim::First),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).context("the data folder can't be locked");
                }
            }
            // An answer that fails is tried again: a door may be left by one that was killed.
            handed_over = handed_over || hand_over(&data.join(DOOR), launch).is_ok();
            if handed_over && !launch.quit {
                return Ok(Claim::HandedOver);
            }
            thread::sleep(TRY_EVERY);
        }
        let does = if handed_over {
            "does not end"
        } else {
            "does not answer"
        };
        bail!(
            "Landline runs already with the data folder {}, but {does}",
            data.display()
        )
    }

    fn open(data: &Path, lock: File) -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port on loopback")?;
        let (token, door) = (token()?, data.join(DOOR));
        let text = serde_json::to_string(&Door {
            port: listener.local_addr()?.port(),
            token: token.clone(),
        })?;
        write_private(&door, text.as_bytes()).context("the data folder can't be written")?;
        Ok(Self {
            _lock: lock,
            listener,
            token,
            door,
        })
    }

    /// Calls `launched` whenever the app is started again, until the program ends.
    pub(crate) fn listen(&self, launched: impl Fn(Launch) + Send + 'static) -> io::Result<()> {
        let (listener, token) = (self.listener.try_clone()?, self.token.clone());
        thread::Builder::new()
            .name("instance".into())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    match take(&stream, &token) {
                        Ok(launch) => launched(launch),
                        Err(error) => tracing::warn!(%error, "a hand-over failed"),
                    }
                }
            })?;
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // One that is left over does no harm.
        let _ = fs::remove_file(&self.door);
    }
}

fn hand_over(door: &Path, launch: &Launch) -> Result<()> {
    let door: Door = serde_json::from_slice(&fs::read(door)?)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, door.port));
    let mut stream = TcpStream::connect_timeout(&address, TALK_LIMIT)?;
    limit(&stream)?;
    let mut line = serde_json::to_string(&HandOver {
        token: door.token,
        launch: launch.clone(),
    })?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    stream.take(TALK_MAX).read_to_string(&mut answer)?;
    if answer != TAKEN {
        bail!("not taken");
    }
    Ok(())
}

fn take(mut stream: &TcpStream, token: &str) -> Result<Launch> {
    limit(stream)?;
    let mut line = String::new();
    BufReader::new(stream.take(TALK_MAX)).read_line(&mut line)?;
    let said: HandOver = serde_json::from_str(&line)?;
    if said.token != token {
        bail!("a wrong token");
    }
    stream.write_all(TAKEN.as_bytes())?;
    Ok(said.launch)
}

fn limit(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(TALK_LIMIT))?;
    stream.set_write_timeout(Some(TALK_LIMIT))
}

/// 32 random bytes in hexadecimal.
pub(crate) fn token() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system has no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Made anew: a file that was there keeps the rights that it had.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Generous: machines that run tests are slow.
    const LIMIT: Duration = Duration::from_secs(20);

    fn first(data: &Path) -> Instance {
        match Instance::claim(data, &Launch::default()).unwrap() {
            Claim::First(instance) => instance,
            Claim::HandedOver => panic!("somebody else is first"),
        }
    }

    #[test]
    fn a_second_start_hands_over_and_the_first_is_told() {
        let data = tempfile::tempdir().unwrap();
        let instance = first(data.path());
        let (launched, launches) = mpsc::sync_channel(4);
        instance
            .listen(move |launch| launched.send(launch).unwrap())
            .unwrap();

        let claim = Instance::claim(data.path(), &Launch::default()).unwrap();
        assert!(matches!(claim, Claim::HandedOver));
        assert_eq!(
            launches.recv_timeout(LIMIT).unwrap(),
            Launch { quit: false }
        );
    }

    #[test]
    fn a_quit_waits_until_the_first_has_ended() {
        let data = tempfile::tempdir().unwrap();
        let instance = first(data.path());
        let (launched, launches) = mpsc::sync_channel(4);
        instance
            .listen(move |launch| launched.send(launch).unwrap())
            .unwrap();

        let folder = data.path().to_owned();
        let (ended, is_ended) = mpsc::sync_channel(1);
        thread::spawn(move || {
            ended.send(Instance::claim(&folder, &Launch { quit: true }).unwrap())
        });
        assert_eq!(launches.recv_timeout(LIMIT).unwrap(), Launch { quit: true });
        assert!(is_ended.try_recv().is_err(), "the first still runs");
        drop(instance);
        assert!(matches!(
            is_ended.recv_timeout(LIMIT).unwrap(),
            Claim::HandedOver
        ));
    }

    #[test]
    fn a_door_that_was_left_by_one_that_was_killed_is_no_hindrance() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(DOOR), r#"{"port":1,"token":"old"}"#).unwrap();
        first(data.path());
    }

    #[test]
    fn a_wrong_token_is_not_taken() {
        let data = tempfile::tempdir().unwrap();
        let instance = first(data.path());
        let (launched, launches) = mpsc::sync_channel(4);
        instance
            .listen(move |launch| launched.send(launch).unwrap())
            .unwrap();

        let forged = data.path().join("forged");
        let port = instance.listener.local_addr().unwrap().port();
        fs::write(
            &forged,
            serde_json::to_string(&Door {
                port,
                token: "guess".into(),
            })
            .unwrap(),
        )
        .unwrap();
        assert!(hand_over(&forged, &Launch { quit: true }).is_err());
        assert!(launches.try_recv().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn others_can_not_read_the_token() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().unwrap();
        let instance = first(data.path());
        let rights = fs::metadata(&instance.door).unwrap().permissions().mode();
        assert_eq!(rights & 0o077, 0);
    }

    #[test]
    fn two_folders_have_an_app_each() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let _one = first(one.path());
        let _other = first(other.path());
    }
}
