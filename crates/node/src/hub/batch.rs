//! What a batch of appends comes to: decided on the writer's thread, in the transaction that
//! stores it.
//!
//! In this order for each event: an id that is known is answered as it was the first time, before
//! anything else; then the append's share of the rate; then the content's faults; then the rules,
//! with targets looked up in the same transaction; then it gets its `seq`. States are changed on
//! copies: if the transaction fails, nothing the Hub holds has moved.

mod facts;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use landline_protocol::access::{self, Place, Wish};
use landline_protocol::up::AppendResult;
use landline_protocol::{
    Admission, Admitted, Code, Content, Event, MemberId, NewEvent, Refusal, Role, RoomId,
    RoomState, SettingsChanged, SpaceState,
};
use landline_store::log::{self, Known};
use landline_store::{Connection, StoreError, named, settings};
use tokio::time::Instant;

use crate::kept::PASSCODE;
use crate::key::NodeKey;
use crate::request::Candidate;
use crate::world::World;

use super::allowance::Allowance;
use facts::LookedUp;

/// What is to be done in one transaction, in order.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) world: World,
    pub(crate) works: Vec<Work>,
    /// How much the authors may still append; filled up and given back.
    pub(crate) allowances: HashMap<MemberId, Allowance>,
    pub(crate) rate: u32,
    pub(crate) node: Arc<NodeKey>,
    pub(crate) owner: Option<MemberId>,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) instant: Instant,
}

/// One request's share of a batch.
#[derive(Debug)]
pub(crate) enum Work {
    Append {
        author: MemberId,
        candidates: Vec<Candidate>,
    },
    /// Somebody may come in: write it down, unless they are in.
    Admit { member: MemberId, name: String },
    /// Set or remove the passcode (an argon2 hash), and the admission with it.
    Passcode {
        author: MemberId,
        hash: Option<String>,
    },
    /// What the node writes by itself.
    Own { room: RoomId, content: Content },
}

/// What came of a [`Work`].
#[derive(Debug)]
pub(crate) enum WorkResult {
    Appended(Vec<AppendResult>),
    /// Done, or why not.
    Done(Result<(), Refusal>),
}

/// What a batch came to, once it is stored.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// One for each work, in order.
    pub(crate) results: Vec<WorkResult>,
    /// In the order in which they were given their `seq`.
    pub(crate) accepted: Vec<(Event, Content)>,
    /// The states that moved on.
    pub(crate) space: Option<SpaceState>,
    pub(crate) rooms: Vec<RoomState>,
    pub(crate) allowances: HashMap<MemberId, Allowance>,
}

impl Batch {
    pub(crate) fn decide(self, c: &Connection) -> Result<Outcome, StoreError> {
        let Self {
            world,
            works,
            allowances,
            rate,
            node,
            owner,
            now,
            instant,
        } = self;
        let mut decision = Decision {
            c,
            space: None,
            rooms: BTreeMap::new(),
            come_and_gone: HashMap::new(),
            accepted: Vec::new(),
            allowances,
            world,
            rate,
            node,
            owner,
            now,
            instant,
        };
        let mut results = Vec::with_capacity(works.len());
        for work in works {
            results.push(match work {
                Work::Append { author, candidates } => {
                    WorkResult::Appended(decision.append(author, candidates)?)
                }
                Work::Admit { member, name } => WorkResult::Done(decision.admit(member, name)?),
                Work::Passcode { author, hash } => {
                    WorkResult::Done(decision.set_passcode(author, hash)?)
                }
                Work::Own { room, content } => {
                    decision.write_own(room, content)?;
                    WorkResult::Done(Ok(()))
                }
            });
        }
        Ok(Outcome {
            results,
            accepted: decision.accepted,
            space: decision.space,
            rooms: decision.rooms.into_values().collect(),
            allowances: decision.allowances,
        })
    }
}

/// A batch under way.
struct Decision<'c> {
    c: &'c Connection,
    /// As they stood before the batch.
    world: World,
    /// As they stand now, where they have moved.
    space: Option<SpaceState>,
    rooms: BTreeMap<RoomId, RoomState>,
    /// Rooms that people came into or left in this batch, of those that count for them.
    come_and_gone: HashMap<MemberId, isize>,
    accepted: Vec<(Event, Content)>,
    allowances: HashMap<MemberId, Allowance>,
    rate: u32,
    node: Arc<NodeKey>,
    owner: Option<MemberId>,
    now: i64,
    instant: Instant,
}

impl Decision<'_> {
    fn append(
        &mut self,
        author: MemberId,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<AppendResult>, StoreError> {
        let mut known = Vec::with_capacity(candidates.len());
        for candidate in &candidates {
            known.push(log::known(self.c, author, &candidate.event)?);
        }
        let (mut new, mut again) = (0, 0);
        for (candidate, known) in candidates.iter().zip(&known) {
            if self.counts(author, candidate, &candidates)? {
                match known {
                    None => new += 1,
                    Some(_) => again += 1,
                }
            }
        }
        // Set once an event fails that may be tried again: what follows it must not overtake it.
        let mut stopped = self.take_rate(author, new, again).err();
        let mut results = Vec::with_capacity(candidates.len());
        let start = self.accepted.len();
        for (candidate, mut known) in candidates.into_iter().zip(known) {
            let id = candidate.event.id;
            if known.is_none() && self.accepted.iter().skip(start).any(|(e, _)| e.id == id) {
                // Twice in one append.
                known = log::known(self.c, author, &candidate.event)?;
            }
            let result = match (known, &stopped) {
                (Some(Known::Same { seq, accepted_at }), _) => Ok((seq, accepted_at)),
                (Some(Known::Other), _) => Err(Refusal::new(
                    Code::Conflict,
                    "this id stands for another event",
                )),
                (None, Some(refusal)) => Err(refusal.clone()),
                (None, None) => self.decide(author, candidate)?,
            };
            results.push(match result {
                Ok((seq, accepted_at)) => AppendResult::Accepted {
                    id,
                    seq,
                    accepted_at,
                },
                Err(error) => {
                    if stopped.is_none() && error.code.may_be_tried_again() {
                        stopped = Some(error.clone());
                    }
                    AppendResult::Refused { id, error }
                }
            });
        }
        Ok(results)
    }

    /// An event that nobody knows yet.
    fn decide(
        &mut self,
        author: MemberId,
        candidate: Candidate,
    ) -> Result<Result<(u64, i64), Refusal>, StoreError> {
        let Candidate { event, content } = candidate;
        let content = match content {
            Ok(content) => content,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let looked_up = LookedUp::of(self, event.room, author, &content)?;
        let wish = Wish {
            space: self.space(),
            place: self.place(event.room),
            room: event.room,
            author: &author,
            content: &content,
            now: self.now,
        };
        if let Err(refusal) = access::may_append(&wish, &looked_up) {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = self.files_are_as_large_as_told(&content)? {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = self.leaves_a_way_in(&content)? {
            return Ok(Err(refusal));
        }
        self.store(event, author, content).map(Ok)
    }

    fn admit(&mut self, member: MemberId, name: String) -> Result<Result<(), Refusal>, StoreError> {
        let space = self.space();
        if space.is_here(&member) {
            return Ok(Ok(()));
        }
        if space
            .people
            .get(&member)
            .is_some_and(|person| person.banned)
        {
            return Ok(Err(Refusal::new(
                Code::Banned,
                "you are banned from this space",
            )));
        }
        let owns = match self.owner {
            Some(owner) => owner == member,
            None => space.people.is_empty(),
        };
        let was_guest = space
            .people
            .get(&member)
            .is_some_and(|person| person.role == Role::Guest);
        let role = match (owns, was_guest) {
            (true, _) => Role::Owner,
            // Leaving and coming back is no way up.
            (false, true) => Role::Guest,
            (false, false) => Role::Member,
        };
        let directory = space.id.directory();
        let admitted = Admitted {
            member,
            name,
            role,
            invite: None,
        };
        self.write_own(directory, Content::Admitted(admitted))?;
        Ok(Ok(()))
    }

    /// A passcode that is set is asked for, and one that is removed no longer is.
    fn set_passcode(
        &mut self,
        author: MemberId,
        hash: Option<String>,
    ) -> Result<Result<(), Refusal>, StoreError> {
        if let Err(refusal) = access::may_set_passcode(self.space(), &author, self.now) {
            return Ok(Err(refusal));
        }
        let admission = match (&hash, self.space().admission) {
            (Some(_), Admission::Open) => Some(Admission::Passcode),
            (None, Admission::Passcode) => Some(Admission::Open),
            (_, Admission::Open | Admission::Passcode | Admission::Invite | Admission::Unknown) => {
                None
            }
        };
        settings::set(self.c, PASSCODE, &hash)?;
        if admission.is_some() {
            let directory = self.space().id.directory();
            let changed = SettingsChanged {
                admission,
                ..SettingsChanged::default()
            };
            self.write_own(directory, Content::Settings(changed))?;
        }
        Ok(Ok(()))
    }

    fn write_own(&mut self, room: RoomId, content: Content) -> Result<(), StoreError> {
        let space = self.space().id;
        let event = self.node.event(space, room, &content, self.now)?;
        self.store(event, self.node.id, content)?;
        Ok(())
    }

    /// Gives an event its place, writes it and moves the states on.
    fn store(
        &mut self,
        event: NewEvent,
        author: MemberId,
        content: Content,
    ) -> Result<(u64, i64), StoreError> {
        let room = event.room;
        let (head, last) = match self.place(room) {
            Place::Directory => (self.space().head, self.space().last_accepted_at),
            Place::Room(room) => (room.head, room.last_accepted_at),
            Place::Fresh => (0, 0),
        };
        let event = Event::accepted(event, author, head + 1, self.now.max(last));
        log::insert(self.c, &event)?;
        // At once, and not with the other rows: whoever is told of a file asks for it.
        named::note(self.c, &event, &content)?;
        self.apply(&event, &content);
        let place = (event.seq, event.accepted_at);
        self.accepted.push((event, content));
        Ok(place)
    }

    fn apply(&mut self, event: &Event, content: &Content) {
        if event.room == self.world.space.id.directory() {
            let space = self
                .space
                .get_or_insert_with(|| SpaceState::clone(&self.world.space));
            space.apply(event, content);
            return;
        }
        let before = self.rooms.remove(&event.room);
        let before = before.or_else(|| self.world.room(event.room).map(|r| RoomState::clone(r)));
        let room = match before {
            Some(mut room) => {
                room.apply(event, content);
                Some(room)
            }
            None => RoomState::created(event, content),
        };
        let Some(room) = room else { return };
        let moves = content.moves(event.author).into_iter();
        for (member, comes) in moves.filter(|(member, _)| room.counts_for(member)) {
            *self.come_and_gone.entry(member).or_default() += if comes { 1 } else { -1 };
        }
        self.rooms.insert(event.room, room);
    }

    /// Whoever changes how one becomes a member must leave a way in.
    fn leaves_a_way_in(&self, content: &Content) -> Result<Result<(), Refusal>, StoreError> {
        let Content::Settings(SettingsChanged {
            admission: Some(admission),
            ..
        }) = content
        else {
            return Ok(Ok(()));
        };
        let missing = match admission {
            Admission::Passcode if !self.has_passcode()? => "set a passcode first",
            Admission::Invite => "invitations are not built yet",
            Admission::Open | Admission::Passcode | Admission::Unknown => return Ok(Ok(())),
        };
        let words = format!("nobody could come in: {missing}");
        Ok(Err(Refusal::new(Code::Conflict, words)))
    }

    fn has_passcode(&self) -> Result<bool, StoreError> {
        let hash: Option<Option<String>> = settings::get(self.c, PASSCODE)?;
        Ok(hash.flatten().is_some())
    }

    fn space(&self) -> &SpaceState {
        self.space.as_ref().unwrap_or(&self.world.space)
    }

    fn room(&self, id: RoomId) -> Option<&RoomState> {
        self.rooms
            .get(&id)
            .or_else(|| self.world.room(id).map(|room| &**room))
    }

    fn place(&self, id: RoomId) -> Place<'_> {
        if id == self.world.space.id.directory() {
            return Place::Directory;
        }
        self.room(id).map_or(Place::Fresh, Place::Room)
    }

    fn rooms_of(&self, member: &MemberId) -> usize {
        let moved = self.come_and_gone.get(member).copied().unwrap_or(0);
        self.world.rooms_of(member).saturating_add_signed(moved)
    }

    /// Whether the rate limit counts this event: all but imports by those who may import, and what
    /// they change about their imports. `together`: what is appended with it.
    fn counts(
        &self,
        author: MemberId,
        candidate: &Candidate,
        together: &[Candidate],
    ) -> Result<bool, StoreError> {
        let Ok(content) = &candidate.content else {
            return Ok(true);
        };
        if !self.space().role(&author).at_least(Role::Admin) {
            return Ok(true);
        }
        let target = match content {
            Content::Edit(_) | Content::Reaction(_) | Content::Pin(_) => content.target(),
            content => return Ok(!is_import(content)),
        };
        let Some(target) = target else {
            return Ok(true);
        };
        let mut with_it = together.iter().filter(|one| one.event.id == target);
        if with_it.any(|one| one.content.as_ref().is_ok_and(is_import)) {
            return Ok(false);
        }
        let event = log::find(self.c, target)?.filter(|event| event.author == author);
        Ok(!event.is_some_and(|event| is_import(&Content::read(&event.content))))
    }

    /// `again`: events that are known, which are answered in any case.
    fn take_rate(&mut self, author: MemberId, new: usize, again: usize) -> Result<(), Refusal> {
        if new + again == 0 || self.rate == 0 {
            return Ok(());
        }
        let (rate, instant) = (self.rate, self.instant);
        let allowance = self.allowances.entry(author);
        let allowance = allowance.or_insert_with(|| Allowance::new(rate, instant));
        allowance.owe(again, instant);
        allowance.take(new, instant)
    }
}

fn is_import(content: &Content) -> bool {
    matches!(content, Content::Message(message) if message.imported.is_some())
}
