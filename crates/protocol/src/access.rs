//! Who may append what, see what and read what. Pure: everything needed to decide is passed in.
//!
//! A private or direct room exists only for its members. To anybody else every request about it is
//! answered `not_found`, word for word as for a room that was never made: the difference would tell
//! an outsider that the room is there.

mod beside;
mod rights;

use crate::limits::ROOMS_PER_MEMBER;
use crate::{
    Code, Content, EventId, MemberId, Mention, Message, Person, Refusal, Role, RoomCreated, RoomId,
    RoomKind, RoomState, SpaceState, direct_room_id,
};

use beside::may_administer;
pub use beside::{may_be_heard, may_join, may_read, may_see, may_set_passcode, may_type};
pub use rights::{RoomRights, RoomTraits, room_rights};

/// The room that an event is for.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    Directory,
    Room(&'a RoomState),
    /// No room has this id yet.
    Fresh,
}

/// An event that another one names, in the same room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub author: MemberId,
    pub is_message: bool,
    /// Its content has been dropped.
    pub deleted: bool,
}

/// What must be looked up to decide.
pub trait Facts {
    /// An event of the same room.
    fn target(&self, id: EventId) -> Option<Target>;
    /// How many rooms this person is in, of those that count ([`RoomState::counts_for`]).
    fn rooms_of(&self, member: &MemberId) -> usize;
    /// The author has uploaded this file or may read it. `blake3`: hex.
    fn may_name_file(&self, blake3: &str) -> bool;
}

/// An event to be decided on.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub space: &'a SpaceState,
    pub place: Place<'a>,
    pub room: RoomId,
    pub author: &'a MemberId,
    pub content: &'a Content,
    /// Milliseconds since 1970, the node's clock.
    pub now: i64,
}

/// Whether a member may append this. The content's own limits are checked by [`Content::parse`].
///
/// Not for what the node writes itself (`space_created`, `admitted`, the first room).
pub fn may_append(wish: &Wish<'_>, facts: &dyn Facts) -> Result<(), Refusal> {
    let Some(person) = wish.space.people.get(wish.author) else {
        return Err(Refusal::new(
            Code::NotAdmitted,
            "you are not a member of this space",
        ));
    };
    if person.banned {
        return Err(Refusal::new(Code::Banned, "you are banned from this space"));
    }
    if person.left {
        return Err(Refusal::new(Code::NotAdmitted, "you have left this space"));
    }
    match wish.place {
        Place::Directory => in_directory(wish, person, facts),
        Place::Room(room) => in_room(wish, person, room, facts),
        Place::Fresh => match wish.content {
            Content::RoomCreated(created) => may_create(wish, person, created, facts),
            Content::Message(_)
            | Content::Edit(_)
            | Content::Delete(_)
            | Content::Reaction(_)
            | Content::Pin(_)
            | Content::RoomChanged(_)
            | Content::Joined
            | Content::Left
            | Content::Invited(_)
            | Content::Removed(_)
            | Content::SpaceCreated(_)
            | Content::Admitted(_)
            | Content::Profile(_)
            | Content::Role(_)
            | Content::Muted(_)
            | Content::Banned(_)
            | Content::Settings(_)
            | Content::Unknown => Err(no_such_room()),
        },
    }
}

/// The one answer about a file that is not there, or not there for you.
pub fn no_such_file() -> Refusal {
    Refusal::not_found("there is no such file")
}

/// The one answer about a room that is not there, or not there for you.
pub fn no_such_room() -> Refusal {
    Refusal::not_found("there is no such room")
}

fn in_directory(wish: &Wish<'_>, person: &Person, facts: &dyn Facts) -> Result<(), Refusal> {
    let of = |member: &MemberId| {
        wish.space
            .people
            .get(member)
            .ok_or_else(|| Refusal::not_found("there is no such member"))
    };
    match wish.content {
        Content::Profile(profile) => {
            not_muted(wish, person)?;
            match profile.avatar.as_deref() {
                None | Some("") => Ok(()),
                Some(avatar) if facts.may_name_file(avatar) => Ok(()),
                Some(_) => Err(no_such_file()),
            }
        }
        Content::Left => {
            if wish.space.is_last_owner(wish.author) {
                return Err(Refusal::not_allowed(
                    "the last owner can't leave; make somebody else an owner first",
                ));
            }
            Ok(())
        }
        Content::Role(changed) => {
            may_administer(wish.space, wish.author)?;
            not_muted(wish, person)?;
            if changed.member == *wish.author {
                return may_step_down(wish, person, changed.role);
            }
            below(person, of(&changed.member)?)?;
            if changed.role.at_least(Role::Admin) && person.role != Role::Owner {
                return Err(Refusal::not_allowed(
                    "only an owner makes admins and owners",
                ));
            }
            Ok(())
        }
        Content::Muted(muted) => {
            may_administer(wish.space, wish.author)?;
            not_muted(wish, person)?;
            below(person, of(&muted.member)?)
        }
        Content::Banned(banned) => {
            may_administer(wish.space, wish.author)?;
            not_muted(wish, person)?;
            below(person, of(&banned.member)?)
        }
        Content::Settings(_) => {
            may_administer(wish.space, wish.author)?;
            not_muted(wish, person)
        }
        Content::SpaceCreated(_) | Content::Admitted(_) => {
            Err(Refusal::not_allowed("only the node writes that"))
        }
        Content::RoomCreated(_) => Err(Refusal::new(Code::Conflict, "the space has this id")),
        Content::Message(_)
        | Content::Edit(_)
        | Content::Delete(_)
        | Content::Reaction(_)
        | Content::Pin(_)
        | Content::RoomChanged(_)
        | Content::Joined
        | Content::Invited(_)
        | Content::Removed(_)
        | Content::Unknown => Err(Refusal::not_allowed(
            "that belongs in a room, not in the directory",
        )),
    }
}

fn may_step_down(wish: &Wish<'_>, person: &Person, to: Role) -> Result<(), Refusal> {
    if to.rank() > person.role.rank() {
        return Err(Refusal::not_allowed("nobody raises their own role"));
    }
    if wish.space.is_last_owner(wish.author) && to != Role::Owner {
        return Err(Refusal::not_allowed(
            "the last owner can't step down; make somebody else an owner first",
        ));
    }
    Ok(())
}

fn below(person: &Person, other: &Person) -> Result<(), Refusal> {
    if other.role.rank() < person.role.rank() {
        return Ok(());
    }
    Err(Refusal::not_allowed(
        "that is only for those whose role is below your own",
    ))
}

fn not_muted(wish: &Wish<'_>, person: &Person) -> Result<(), Refusal> {
    if person.muted_until > wish.now {
        return Err(muted());
    }
    Ok(())
}

fn muted() -> Refusal {
    Refusal::new(Code::Muted, "you are muted in this space")
}

fn in_room(
    wish: &Wish<'_>,
    person: &Person,
    room: &RoomState,
    facts: &dyn Facts,
) -> Result<(), Refusal> {
    if let Content::RoomCreated(created) = wish.content {
        // Anybody can work out the id of two people's direct room. So whoever may not see the room
        // first hears what they would if it were not there; nobody makes a direct room of others.
        if !may_see(wish.space, room, wish.author) {
            may_create(wish, person, created, facts)?;
        }
        return Err(Refusal::new(Code::Conflict, "that room exists already"));
    }
    if let Content::Joined = wish.content {
        return joins(wish, person, room, facts);
    }
    may_read(wish.space, room, wish.author)?;
    if room.archived && !matches!(wish.content, Content::RoomChanged(_) | Content::Left) {
        return Err(Refusal::not_allowed("the room is archived"));
    }
    if person.muted_until > wish.now && !may_while_muted(wish, room, facts) {
        return Err(muted());
    }
    match wish.content {
        Content::Message(message) => posts(wish, person, message, facts),
        Content::Edit(edit) => {
            mentions(person, &edit.mentions)?;
            if message(facts, edit.target)?.author != *wish.author {
                return Err(Refusal::not_allowed("only its author may edit a message"));
            }
            Ok(())
        }
        Content::Delete(delete) => {
            let target = facts
                .target(delete.target)
                .filter(|target| target.is_message);
            let target = target.ok_or_else(no_such_message)?;
            if target.author == *wish.author || person.role.at_least(Role::Admin) {
                return Ok(());
            }
            Err(Refusal::not_allowed(
                "only its author or an admin may delete a message",
            ))
        }
        Content::Reaction(reaction) => message(facts, reaction.target).map(drop),
        Content::Pin(pin) => {
            member_at_least(person)?;
            message(facts, pin.target).map(drop)
        }
        Content::RoomChanged(_) => changes(wish, person, room),
        Content::Left => leaves(room),
        Content::Invited(invited) => {
            member_at_least(person)?;
            invites(wish, room, &invited.member, facts)
        }
        Content::Removed(removed) => removes(wish, person, room, &removed.member),
        Content::SpaceCreated(_)
        | Content::Admitted(_)
        | Content::Profile(_)
        | Content::Role(_)
        | Content::Muted(_)
        | Content::Banned(_)
        | Content::Settings(_)
        | Content::Unknown => Err(Refusal::not_allowed(
            "that belongs in the directory, not in a room",
        )),
        Content::RoomCreated(_) | Content::Joined => Ok(()),
    }
}

/// What somebody who is muted still may: delete their own, leave, write to those who can help.
fn may_while_muted(wish: &Wish<'_>, room: &RoomState, facts: &dyn Facts) -> bool {
    match wish.content {
        Content::Left => true,
        Content::Delete(delete) => facts
            .target(delete.target)
            .is_some_and(|target| target.author == *wish.author),
        Content::Message(_) => {
            room.kind == RoomKind::Direct
                && others_administer(wish.space, wish.author, room.members.iter())
        }
        Content::Edit(_)
        | Content::Reaction(_)
        | Content::Pin(_)
        | Content::RoomCreated(_)
        | Content::RoomChanged(_)
        | Content::Joined
        | Content::Invited(_)
        | Content::Removed(_)
        | Content::SpaceCreated(_)
        | Content::Admitted(_)
        | Content::Profile(_)
        | Content::Role(_)
        | Content::Muted(_)
        | Content::Banned(_)
        | Content::Settings(_)
        | Content::Unknown => false,
    }
}

fn others_administer<'a>(
    space: &SpaceState,
    me: &MemberId,
    mut members: impl Iterator<Item = &'a MemberId>,
) -> bool {
    members.all(|member| member == me || space.role(member).at_least(Role::Admin))
}

fn posts(
    wish: &Wish<'_>,
    person: &Person,
    post: &Message,
    facts: &dyn Facts,
) -> Result<(), Refusal> {
    mentions(person, &post.mentions)?;
    if post.imported.is_some() {
        may_administer(wish.space, wish.author)?;
    }
    if let Some(target) = post.reply_to {
        facts
            .target(target)
            .filter(|target| target.is_message)
            .ok_or_else(no_such_message)?;
    }
    if let Some(target) = post.thread {
        facts
            .target(target)
            .filter(|target| target.is_message)
            .ok_or_else(no_such_message)?;
    }
    if post
        .files
        .iter()
        .any(|file| !facts.may_name_file(&file.blake3))
    {
        return Err(no_such_file());
    }
    Ok(())
}

fn mentions(person: &Person, mentions: &[Mention]) -> Result<(), Refusal> {
    if mentions.contains(&Mention::Room) && !person.role.at_least(Role::Member) {
        return Err(Refusal::not_allowed("guests can't mention the whole room"));
    }
    Ok(())
}

/// A message of the room that still has its content.
fn message(facts: &dyn Facts, id: EventId) -> Result<Target, Refusal> {
    facts
        .target(id)
        .filter(|target| target.is_message && !target.deleted)
        .ok_or_else(no_such_message)
}

fn no_such_message() -> Refusal {
    Refusal::not_found("there is no such message in this room")
}

fn member_at_least(person: &Person) -> Result<(), Refusal> {
    if person.role.at_least(Role::Member) {
        return Ok(());
    }
    Err(Refusal::not_allowed("guests can't do that"))
}

fn may_create(
    wish: &Wish<'_>,
    person: &Person,
    created: &RoomCreated,
    facts: &dyn Facts,
) -> Result<(), Refusal> {
    member_at_least(person)?;
    let direct = created.kind == RoomKind::Direct;
    if !(direct && others_administer(wish.space, wish.author, created.members.iter())) {
        not_muted(wish, person)?;
    }
    if created.everyone {
        return Err(Refusal::not_allowed(
            "only the node makes a room for everyone",
        ));
    }
    match created.kind {
        RoomKind::Public if !created.members.is_empty() => {
            return Err(Refusal::bad_request(
                "a public room is made without `members`",
            ));
        }
        RoomKind::Private | RoomKind::Direct if !created.members.contains(wish.author) => {
            return Err(Refusal::bad_request("the author is not among `members`"));
        }
        RoomKind::Public | RoomKind::Private | RoomKind::Direct | RoomKind::Unknown => {}
    }
    if direct && wish.room != direct_room_id(wish.space.id, &created.members) {
        return Err(Refusal::bad_request(
            "a direct room's id is made from its members",
        ));
    }
    if !direct && !wish.room.is_v7() {
        return Err(Refusal::bad_request("a room's id is a UUIDv7"));
    }
    if created
        .members
        .iter()
        .any(|member| !wish.space.is_here(member))
    {
        return Err(Refusal::not_found("there is no such member"));
    }
    // Of a direct room only its author: it counts for nobody else.
    let others = created.members.iter().filter(|_| !direct);
    let mut members = others.chain([wish.author]);
    if members.any(|member| facts.rooms_of(member) >= ROOMS_PER_MEMBER) {
        return Err(too_many_rooms());
    }
    Ok(())
}

fn too_many_rooms() -> Refusal {
    Refusal::too_large(format!(
        "a member can be in at most {ROOMS_PER_MEMBER} rooms"
    ))
}

fn joins(
    wish: &Wish<'_>,
    person: &Person,
    room: &RoomState,
    facts: &dyn Facts,
) -> Result<(), Refusal> {
    if !may_see(wish.space, room, wish.author) {
        return Err(no_such_room());
    }
    not_muted(wish, person)?;
    if room.has(wish.space, wish.author) {
        return Err(Refusal::new(Code::Conflict, "you are in this room already"));
    }
    if room.removed.contains(wish.author) {
        return Err(Refusal::not_allowed(
            "you were removed; you come back by invitation",
        ));
    }
    if room.archived {
        return Err(Refusal::not_allowed("the room is archived"));
    }
    if facts.rooms_of(wish.author) >= ROOMS_PER_MEMBER {
        return Err(too_many_rooms());
    }
    Ok(())
}

fn leaves(room: &RoomState) -> Result<(), Refusal> {
    if room.everyone {
        return Err(Refusal::not_allowed(
            "everyone is in this room, and nobody leaves it",
        ));
    }
    not_direct(room, "nobody leaves a direct room")
}

fn not_direct(room: &RoomState, words: &str) -> Result<(), Refusal> {
    if room.kind == RoomKind::Direct {
        return Err(Refusal::not_allowed(words));
    }
    Ok(())
}

/// The creator, an admin, or any member once the creator is gone. The room for everyone has no
/// creator among the members, so there it takes an admin.
fn may_keep_room(wish: &Wish<'_>, person: &Person, room: &RoomState) -> Result<(), Refusal> {
    if person.role.at_least(Role::Admin) {
        return Ok(());
    }
    member_at_least(person)?;
    let creator_is_gone = !room.everyone && !room.has(wish.space, &room.creator);
    if room.creator == *wish.author || creator_is_gone {
        return Ok(());
    }
    Err(Refusal::not_allowed(
        "only the room's creator or an admin may do that",
    ))
}

fn changes(wish: &Wish<'_>, person: &Person, room: &RoomState) -> Result<(), Refusal> {
    not_direct(room, "a direct room has no name, topic or archive")?;
    may_keep_room(wish, person, room)
}

fn invites(
    wish: &Wish<'_>,
    room: &RoomState,
    invited: &MemberId,
    facts: &dyn Facts,
) -> Result<(), Refusal> {
    not_direct(room, "a direct room takes nobody else; start another one")?;
    if !wish.space.is_here(invited) {
        return Err(Refusal::not_found("there is no such member"));
    }
    if room.has(wish.space, invited) {
        return Err(Refusal::new(
            Code::Conflict,
            "they are in this room already",
        ));
    }
    if facts.rooms_of(invited) >= ROOMS_PER_MEMBER {
        return Err(too_many_rooms());
    }
    Ok(())
}

fn removes(
    wish: &Wish<'_>,
    person: &Person,
    room: &RoomState,
    removed: &MemberId,
) -> Result<(), Refusal> {
    not_direct(room, "nobody is removed from a direct room")?;
    if room.everyone {
        return Err(Refusal::not_allowed(
            "everyone is in this room, and nobody leaves it",
        ));
    }
    may_keep_room(wish, person, room)?;
    if removed == wish.author {
        return Err(Refusal::bad_request(
            "leave the room instead of removing yourself",
        ));
    }
    if !room.members.contains(removed) {
        return Err(Refusal::not_found("they are not in this room"));
    }
    Ok(())
}
