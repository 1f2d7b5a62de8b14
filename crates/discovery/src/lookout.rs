//! The one task that listens and advertises.
//!
//! It compares what shall be advertised with what is, at every turn, so that nothing is lost when
//! mdns-sd has to be started anew or its queue is full: the next turn does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use landline_protocol::SpaceId;
use mdns_sd::{DaemonEvent, ServiceEvent};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::Advert;
use crate::addresses::Interfaces;
use crate::board::{Board, Seen};
use crate::radio::{Radio, check_port, heralded};

/// Between two turns at least.
const TURN_EVERY: Duration = Duration::from_secs(5);
/// After listening anew, for those who are there to be heard again.
const ROUND: Duration = Duration::from_secs(10);
/// Events that are taken before what they changed is told.
const EVENTS_AT_ONCE: usize = 256;
/// A goodbye counts after a second, and comes twice.
const AFTER_GOODBYE: Duration = Duration::from_millis(1_500);
/// For each step of the goodbyes.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);
/// mdns-sd says each goodbye again after 120 ms, since multicast loses packets.
const GOODBYE_AGAIN: Duration = Duration::from_millis(200);

/// What connects the lookout with its handles.
pub(crate) struct Signs {
    pub(crate) wanted: watch::Receiver<BTreeMap<SpaceId, Advert>>,
    pub(crate) asked: mpsc::Receiver<SpaceId>,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) seen: watch::Sender<Arc<Seen>>,
    pub(crate) problem: watch::Sender<Option<String>>,
}

pub(crate) struct Lookout {
    port: u16,
    signs: Signs,
    /// The end of our host names, by which we know our own adverts.
    unique: String,
    radio: Option<Radio>,
    advertised: BTreeMap<SpaceId, (Advert, String)>,
    board: Board,
    interfaces: Interfaces,
    round_ends: Option<Instant>,
    /// When to ask anew who is there.
    listens_again: Option<Instant>,
    next_turn: Instant,
}

enum Heard {
    Service(ServiceEvent),
    Daemon(DaemonEvent),
    /// The subscription has ended.
    Deaf,
}

impl Lookout {
    pub(crate) fn new(port: u16, signs: Signs) -> Self {
        Self {
            port,
            signs,
            unique: unique(),
            radio: None,
            advertised: BTreeMap::new(),
            board: Board::default(),
            interfaces: Interfaces::now(),
            round_ends: None,
            listens_again: None,
            next_turn: Instant::now(),
        }
    }

    pub(crate) async fn run(mut self) {
        loop {
            self.turn();
            let going_on = tokio::select! {
                heard = heard(self.radio.as_ref()) => { self.take(heard); true }
                Some(space) = self.signs.asked.recv() => { self.verify(space); true }
                changed = self.signs.wanted.changed() => changed.is_ok(),
                _ = self.signs.stopping.changed() => false,
                () = sleep_until(self.listens_again.map_or(self.next_turn, |at| at.min(self.next_turn))) => true,
            };
            if !going_on {
                break;
            }
        }
        self.end().await;
    }

    /// Makes everything as it shall be, as far as that is possible now.
    fn turn(&mut self) {
        let now = Instant::now();
        if now >= self.next_turn {
            self.next_turn = now + TURN_EVERY;
            self.interfaces = Interfaces::now();
            if self.radio.is_none() {
                self.open();
            }
            self.note_the_network();
        }
        if self.round_ends.is_some_and(|end| end <= now) {
            self.round_ends = None;
            self.board.end_round();
        }
        if self.listens_again.is_some_and(|at| at <= now) {
            self.listens_again = None;
            self.listen_again();
        }
        self.reconcile();
        let own_end = format!("-{}.local.", self.unique);
        let seen = self.board.seen(&self.interfaces, &own_end);
        self.signs.seen.send_if_modified(|before| {
            let is_new = **before != seen;
            if is_new {
                *before = Arc::new(seen);
            }
            is_new
        });
    }

    fn open(&mut self) {
        if let Err(error) = check_port(self.port) {
            return self.tell_problem(Some(format!(
                "UDP port {} can't be used: {error}",
                self.port
            )));
        }
        match Radio::open(self.port) {
            Ok(radio) => {
                self.radio = Some(radio);
                self.begin_round();
            }
            Err(error) => {
                self.tell_problem(Some(format!("multicast DNS can't be started: {error}")))
            }
        }
    }

    fn note_the_network(&self) {
        if self.radio.is_some() {
            let alone = !self.interfaces.reach_others();
            self.tell_problem(alone.then(|| "this computer is on no network".to_owned()));
        }
    }

    fn tell_problem(&self, problem: Option<String>) {
        self.signs.problem.send_if_modified(|before| {
            let is_new = *before != problem;
            if is_new {
                match &problem {
                    Some(problem) => warn!(problem, "spaces near can't be found"),
                    None => info!("spaces near can be found again"),
                }
                *before = problem;
            }
            is_new
        });
    }

    fn begin_round(&mut self) {
        self.advertised.clear();
        self.board.begin_round();
        self.round_ends = Some(Instant::now() + ROUND);
    }

    /// Advertises what shall be, withdraws what shall not. What can't be done now stays as it is,
    /// and is done at a later turn.
    fn reconcile(&mut self) {
        let Some(radio) = &self.radio else { return };
        let wanted = self.signs.wanted.borrow().clone();
        self.advertised.retain(|space, (_, fullname)| {
            wanted.contains_key(space) || radio.withdraw(fullname).is_err()
        });
        for (space, advert) in wanted {
            if self
                .advertised
                .get(&space)
                .is_some_and(|(before, _)| *before == advert)
            {
                continue;
            }
            let instance = instance(space, &self.advertised);
            match radio.advertise(&advert, &instance, &self.unique) {
                Ok(fullname) => {
                    info!(%space, port = advert.port, fullname, "advertised");
                    self.advertised.insert(space, (advert, fullname));
                }
                Err(error) => warn!(%space, %error, "not advertised yet"),
            }
        }
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Service(event) => {
                self.service(event);
                for _ in 1..EVENTS_AT_ONCE {
                    let Some(Ok(event)) = self.radio.as_ref().map(|r| r.services.try_recv()) else {
                        break;
                    };
                    self.service(event);
                }
            }
            Heard::Daemon(DaemonEvent::IpAdd(ip) | DaemonEvent::IpDel(ip)) => {
                debug!(%ip, "the network has changed");
                self.interfaces = Interfaces::now();
                self.note_the_network();
            }
            Heard::Daemon(DaemonEvent::Error(error)) => warn!(%error, "mdns"),
            Heard::Daemon(DaemonEvent::NameChange(change)) => {
                info!(
                    from = change.original,
                    to = change.new_name,
                    "a name was taken already"
                );
            }
            Heard::Daemon(_) => {}
            Heard::Deaf => self.listen_again(),
        }
    }

    fn service(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::ServiceResolved(service) => match heralded(&service) {
                Some(heralded) => self.board.heard(service.fullname, heralded),
                None => {
                    debug!(
                        fullname = service.fullname,
                        "an advert that says nothing of use"
                    );
                    self.board.removed(&service.fullname);
                }
            },
            ServiceEvent::ServiceRemoved(_, fullname) => {
                // The goodbye of a node that was renamed on one of its networks may go out with
                // its first name, which is another's here (mdns-sd 0.21.7 repeats the goodbye of
                // each network on all): ask who is still there.
                if self.board.has_namesake(&fullname) {
                    self.listens_again = Some(Instant::now() + AFTER_GOODBYE);
                }
                self.board.removed(&fullname);
            }
            _ => {}
        }
    }

    fn listen_again(&mut self) {
        let Some(radio) = &mut self.radio else { return };
        match radio.listen_again() {
            Ok(()) => {
                info!("listening anew for spaces near");
                self.board.begin_round();
                self.round_ends = Some(Instant::now() + ROUND);
            }
            Err(error) => {
                // Opened anew, adverts and all, at the next turn.
                warn!(%error, "mdns has ended");
                self.radio = None;
            }
        }
    }

    fn verify(&self, space: SpaceId) {
        let Some(radio) = &self.radio else { return };
        for fullname in self.board.names_of(space) {
            if let Err(error) = radio.verify(fullname) {
                debug!(%space, %error, "not verified");
            }
        }
    }

    async fn end(mut self) {
        let Some(radio) = self.radio.take() else {
            return;
        };
        let said: Vec<_> = self
            .advertised
            .values()
            .filter_map(|(_, name)| radio.withdraw(name).ok())
            .collect();
        if !said.is_empty() {
            let all = async {
                for status in &said {
                    let _ = status.recv_async().await;
                }
            };
            let _ = timeout(GOODBYE_WITHIN, all).await;
            sleep(GOODBYE_AGAIN).await;
        }
        if let Ok(status) = radio.shutdown() {
            let _ = timeout(GOODBYE_WITHIN, status.recv_async()).await;
        }
    }
}

async fn heard(radio: Option<&Radio>) -> Heard {
    let Some(radio) = radio else {
        return std::future::pending().await;
    };
    tokio::select! {
        service = radio.services.recv_async() => service.map_or(Heard::Deaf, Heard::Service),
        daemon = radio.daemon_events.recv_async() => daemon.map_or(Heard::Deaf, Heard::Daemon),
    }
}

/// The first eight characters of the id; all of it where another space of ours has the same ones,
/// since mdns-sd would take that for a change of the first.
fn instance(space: SpaceId, advertised: &BTreeMap<SpaceId, (Advert, String)>) -> String {
    let id = space.to_string();
    let short = id.get(..8).unwrap_or(&id);
    let short_name = format!("{short}.");
    let taken = |(other, (_, name)): (&SpaceId, &(Advert, String))| {
        *other != space && name.starts_with(&short_name)
    };
    if advertised.iter().any(taken) {
        id
    } else {
        short.to_owned()
    }
}

/// Eight hexadecimal digits, of this run alone.
fn unique() -> String {
    let mut bytes = [0u8; 4];
    if getrandom::fill(&mut bytes).is_err() {
        // Two nodes of one name on one network would share addresses, and dials sort that out.
        bytes = std::process::id().to_ne_bytes();
    }
    format!("{:08x}", u32::from_ne_bytes(bytes))
}
