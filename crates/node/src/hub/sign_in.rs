//! Signing in: who is a member comes in; who is not is admitted, if the space takes them.
//!
//! ```text
//! signature (edge) → member? ── yes ─────────────────────────────────────────▶ enter
//!                      └─ no → name → passcode (another thread) → join rate → `admitted` stored ─┘
//! ```

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use landline_protocol::limits::{
    JOINS_PER_ADDRESS, JOINS_PER_NODE, ROOMS_PAGE, WRONG_SECRETS_PER_ADDRESS,
    WRONG_SECRETS_PER_NODE,
};
use landline_protocol::up::{Me, SignIn, SignedIn};
use landline_protocol::{Admission, Code, GoodbyeReason, MemberId, Refusal, check_name};
use tokio::time::Instant;
use tracing::info;

use super::batch::Work;
use super::waiting::Waiter;
use super::write::Done;
use super::{Hub, forget_full};
use crate::rate::Bucket;
use crate::session::Asker;

const MINUTE: Duration = Duration::from_secs(60);

/// How many may come in, and how many may guess.
#[derive(Debug)]
pub(super) struct Admissions {
    /// argon2, as a PHC string.
    pub(super) passcode: Option<String>,
    /// New members a minute and address.
    join: u32,
    joins: HashMap<IpAddr, Bucket>,
    joins_of_all: Bucket,
    guesses: HashMap<IpAddr, Bucket>,
    guesses_of_all: Bucket,
}

impl Admissions {
    pub(super) fn new(join: u32, passcode: Option<String>, now: Instant) -> Self {
        let all = join.saturating_mul(JOINS_PER_NODE / JOINS_PER_ADDRESS);
        Self {
            passcode,
            join,
            joins: HashMap::new(),
            joins_of_all: Bucket::new(all, MINUTE, all, now),
            guesses: HashMap::new(),
            guesses_of_all: Bucket::new(
                WRONG_SECRETS_PER_NODE,
                MINUTE,
                WRONG_SECRETS_PER_NODE,
                now,
            ),
        }
    }

    fn join(&mut self, peer: IpAddr, now: Instant) -> Result<(), Refusal> {
        let join = self.join;
        let mine = self
            .joins
            .entry(peer)
            .or_insert_with(|| Bucket::new(join, MINUTE, join, now));
        mine.take(1, now)
            .and_then(|()| self.joins_of_all.take(1, now))
            .map_err(|wait| {
                Refusal::new(Code::TooManyRequests, "too many new members a minute")
                    .retry_after(wait)
            })
    }

    /// Counted before the guess is tried, or many could be tried at once; given back if right.
    fn guess(&mut self, peer: IpAddr, now: Instant) -> Result<(), Refusal> {
        let size = WRONG_SECRETS_PER_ADDRESS;
        let mine = self
            .guesses
            .entry(peer)
            .or_insert_with(|| Bucket::new(size, MINUTE, size, now));
        mine.take(1, now)
            .and_then(|()| self.guesses_of_all.take(1, now))
            .map_err(|wait| {
                let words = "too many wrong passcodes or invitations a minute";
                Refusal::new(Code::TooManyRequests, words).retry_after(wait)
            })
    }

    fn guessed_right(&mut self, peer: IpAddr) {
        if let Some(bucket) = self.guesses.get_mut(&peer) {
            bucket.give_back();
        }
        self.guesses_of_all.give_back();
    }

    pub(super) fn forget(&mut self, now: Instant) {
        forget_full(&mut self.joins, now);
        forget_full(&mut self.guesses, now);
    }
}

impl Hub {
    pub(super) fn sign_in(&mut self, asker: Asker, member: MemberId, request: SignIn) {
        match self.world.space.people.get(&member) {
            Some(person) if person.banned => asker.answer::<()>(Err(banned())),
            Some(person) if person.is_here() => self.enter(asker, member),
            Some(_) | None => self.knock(asker, member, request),
        }
    }

    /// Somebody who is no member wants to be one.
    fn knock(&mut self, asker: Asker, member: MemberId, request: SignIn) {
        let name = match check_name("the name", &request.name) {
            Ok(name) => name.to_owned(),
            Err(refusal) => return asker.answer::<()>(Err(refusal)),
        };
        let peer = asker.outlet.session.wire.peer();
        let secret = match (self.world.space.admission, request.passcode, request.invite) {
            (Admission::Open, _, _) => return self.admit(asker, member, name),
            (Admission::Passcode, Some(passcode), _) => Some(passcode),
            (Admission::Passcode, None, None) => {
                let refusal = Refusal::new(Code::WrongPasscode, "this space asks for a passcode");
                return asker.answer::<()>(Err(refusal));
            }
            (Admission::Invite | Admission::Unknown, _, None) => {
                let refusal = Refusal::new(Code::NotAdmitted, "one comes in by invitation only");
                return asker.answer::<()>(Err(refusal));
            }
            (Admission::Passcode, None, Some(_))
            | (Admission::Invite | Admission::Unknown, _, Some(_)) => None,
        };
        if let Err(refusal) = self.admissions.guess(peer, Instant::now()) {
            return asker.answer::<()>(Err(refusal));
        }
        let Some(passcode) = secret else {
            let refusal = Refusal::new(Code::InviteInvalid, "there is no such invitation");
            return asker.answer::<()>(Err(refusal));
        };
        let Some(hash) = self.admissions.passcode.clone() else {
            return asker.answer::<()>(Err(wrong_passcode()));
        };
        let passcodes = self.passcodes.clone();
        self.tasks.spawn(async move {
            let fits = passcodes.fits(passcode, hash).await;
            Done::Tried {
                asker,
                member,
                name,
                fits,
            }
        });
    }

    pub(super) fn tried(&mut self, asker: Asker, member: MemberId, name: String, fits: bool) {
        if !fits {
            return asker.answer::<()>(Err(wrong_passcode()));
        }
        self.admissions
            .guessed_right(asker.outlet.session.wire.peer());
        self.admit(asker, member, name);
    }

    fn admit(&mut self, asker: Asker, member: MemberId, name: String) {
        let peer = asker.outlet.session.wire.peer();
        if let Err(refusal) = self.admissions.join(peer, Instant::now()) {
            return asker.answer::<()>(Err(refusal));
        }
        self.writes.wait(
            Waiter::Admit { asker, member },
            Work::Admit { member, name },
        );
    }

    /// A member comes in: hears everything that is theirs from now on, and how it stands now.
    pub(super) fn enter(&mut self, asker: Asker, member: MemberId) {
        let outlet = asker.outlet.clone();
        let session = &outlet.session;
        if !self.people.is_connected(session.id) {
            return;
        }
        if session.who().is_some() {
            let words = "somebody has signed in on this connection already";
            return asker.answer::<()>(Err(Refusal::bad_request(words)));
        }
        let Some(person) = self.world.space.people.get(&member).filter(|p| p.is_here()) else {
            // Banned between the writing and now.
            return asker.answer::<()>(Err(banned()));
        };
        let me = Me {
            id: member,
            name: person.name.clone(),
            role: person.role,
        };
        let Some(token) = self.tokens.give(member, self.clock.now()) else {
            let refusal = Refusal::new(Code::Internal, "the node has no random numbers");
            return asker.answer::<()>(Err(refusal));
        };
        let now = Instant::now();
        let oldest = self
            .people
            .signs_in(&outlet, member, self.rates.request, now);
        if let Some(oldest) = oldest {
            oldest.goodbye(GoodbyeReason::TooManyConnections);
            self.disconnected(oldest.session.id);
        }
        info!(session = outlet.session.id.0, %member, "signed in");
        self.audience
            .listens(self.world.space.id.directory(), &outlet);
        let rooms = self.world.my_rooms(&member);
        for room in &rooms {
            self.audience.listens(room.id, &outlet);
        }
        let more = rooms.len() > ROOMS_PAGE;
        let rooms = rooms.into_iter().take(ROOMS_PAGE);
        let rooms = rooms.map(|room| self.world.room_info(room, self.marks.of(room.id, &member)));
        let signed_in = SignedIn {
            me,
            session: token,
            space: self.world.space_info(),
            rooms: rooms.collect(),
            more,
            directory_head: self.world.space.head,
            server_time: self.clock.now(),
        };
        asker.answer(Ok(signed_in));
    }
}

fn banned() -> Refusal {
    Refusal::new(Code::Banned, "you are banned from this space")
}

fn wrong_passcode() -> Refusal {
    Refusal::new(Code::WrongPasscode, "that is not the passcode")
}
