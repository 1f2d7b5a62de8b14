//! `members`, `invite` and `presence`: who is there.

use std::fmt::{self, Display};

use landline_client::Names;
use landline_client::command::{RoomMember, RoomNamed, SetPresence};
use landline_client::ui::{PersonView, SpaceState};
use landline_protocol::{EventId, MemberId, PresenceState, Role, RoomId, SpaceId};
use serde::Serialize;
use tokio::time::{Duration, Instant};

use crate::args;
use crate::error::{CliError, ErrorWords};
use crate::here::{ANSWER_LIMIT, Here, Reach, one_of, title};
use crate::output::{Output, Table, time};
use crate::rooms::must_connect;
use crate::send::{Patience, Settled, settle, take_back};

/// Between looks at whether the space still knows one's presence.
const HOLD_EVERY: Duration = Duration::from_secs(30);
/// Who is there is told after a sign-in; so long it may take. Of one who was never there since the
/// host was started, it is not told at all.
const PRESENCE_LIMIT: Duration = Duration::from_secs(3);

/// `members`: `{"space", "room", "up_to_date", "members": [Member]}`
#[derive(Debug, Serialize)]
struct Members {
    space: SpaceId,
    /// Null: everybody in the space.
    room: Option<RoomId>,
    /// The space was reached; else this is who was in it, and nobody is known to be there now.
    up_to_date: bool,
    members: Vec<Member>,
}

#[derive(Debug, Serialize)]
struct Member {
    member: MemberId,
    /// Where two people share it, with the first characters of the id.
    name: String,
    role: Role,
    state: PresenceState,
    /// What they say of themselves.
    text: String,
    /// Null where never seen, or not known.
    last_seen: Option<i64>,
    me: bool,
}

impl Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::default();
        for member in &self.members {
            let me = if member.me { " (you)" } else { "" };
            let state = match (member.state, member.last_seen) {
                (PresenceState::Offline, Some(seen)) => format!("offline since {}", time(seen)),
                (state, _) => state.as_str().to_owned(),
            };
            table.row([
                format!("{}{me}", member.name),
                member.role.as_str().to_owned(),
                state,
                member.text.clone(),
            ]);
        }
        write!(f, "{table}")
    }
}

pub(crate) async fn members(
    here: &mut Here,
    space: SpaceId,
    args: args::Members,
    output: Output,
) -> Result<(), CliError> {
    let up_to_date = here.refresh(space, output).await?;
    let room = match &args.room {
        Some(room) => Some(here.room(space, room).await?.room),
        None => None,
    };
    if up_to_date {
        told(here, space).await?;
    }
    let among = match room {
        Some(room) => Some(
            here.client()
                .members(RoomNamed { space, room })
                .await?
                .members,
        ),
        None => None,
    };
    let state = here.state(space)?;
    let names = Names::new(state);
    let mut members: Vec<Member> = state
        .people
        .iter()
        .filter(|person| person.here)
        .filter(|person| {
            among
                .as_ref()
                .is_none_or(|among| among.contains(&person.member))
        })
        .map(|person| Member::new(person, state, &names))
        .collect();
    members.sort_by_cached_key(|member| (member.name.to_lowercase(), member.member));
    output.show(&Members {
        space,
        room,
        up_to_date,
        members,
    })
}

impl Member {
    fn new(person: &PersonView, state: &SpaceState, names: &Names) -> Self {
        Self {
            member: person.member,
            name: names.of(person.member),
            role: person.role,
            state: person.state,
            text: person.text.clone(),
            last_seen: person.last_seen,
            me: person.member == state.space.me,
        }
    }
}

/// Waits until the node has said of everybody whether they are there, or when they were last.
async fn told(here: &mut Here, space: SpaceId) -> Result<(), CliError> {
    let all = |now: &SpaceState| {
        let mut people = now.people.iter().filter(|person| person.here);
        people.all(|person| person.state != PresenceState::Offline || person.last_seen.is_some())
    };
    here.wait_in(space, Instant::now() + PRESENCE_LIMIT, all)
        .await?;
    Ok(())
}

/// The people who are meant, by name or id.
pub(crate) fn found(state: &SpaceState, wanted: &[String]) -> Result<Vec<MemberId>, CliError> {
    let names = Names::new(state);
    let here: Vec<(MemberId, String)> = state
        .people
        .iter()
        .filter(|person| person.here)
        .map(|person| (person.member, names.of(person.member)))
        .collect();
    let mut found = Vec::new();
    for wanted in wanted {
        let bare = wanted.strip_prefix('@').unwrap_or(wanted);
        let named = here.iter().map(|(member, name)| (*member, name.as_str()));
        let member = one_of(named, bare, "person")?.ok_or_else(|| {
            CliError::NotFound(format!(
                "nobody here is called {bare}; see `landline-cli members`"
            ))
        })?;
        found.push(member);
    }
    Ok(found)
}

/// `invite`: `{"space", "room", "room_title", "invited": [Invited]}`
#[derive(Debug, Serialize)]
struct Invitations {
    space: SpaceId,
    room: RoomId,
    room_title: String,
    invited: Vec<Invited>,
}

#[derive(Debug, Serialize)]
struct Invited {
    member: MemberId,
    name: String,
    /// Null where it was refused before it was sent.
    id: Option<EventId>,
    /// `done`, `refused`, or `queued` where the space can't be reached now.
    state: &'static str,
    /// Why it was refused; else null.
    error: Option<ErrorWords>,
}

impl Display for Invitations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for invited in &self.invited {
            let Invited { name, .. } = invited;
            match (&invited.error, invited.state) {
                (Some(error), _) => writeln!(f, "refused: {name}: {}", error.message)?,
                (None, "done") => writeln!(
                    f,
                    "{name} is in {} and may read all that was said in it",
                    self.room_title
                )?,
                (None, _) => writeln!(f, "queued: {name} is invited later")?,
            }
        }
        Ok(())
    }
}

pub(crate) async fn invite(
    here: &mut Here,
    space: SpaceId,
    args: args::Invite,
    output: Output,
) -> Result<(), CliError> {
    let room = here.room(space, &args.room).await?;
    here.connect(space, Reach::UpToDate).await?;
    let members = found(here.state(space)?, &args.people)?;
    let room_id = room.room;
    let mut asked = Vec::new();
    for member in members {
        let invite = RoomMember {
            space,
            room: room_id,
            member,
        };
        asked.push((member, here.client().invite(invite).await));
    }
    let mut outcomes = Vec::new();
    for (member, answer) in asked {
        let (id, settled) = match answer {
            Ok(answer) => {
                let settled = settle(here, space, answer.id, Patience::Usual).await?;
                let settled = take_back(here, space, answer.id, settled).await;
                (Some(answer.id), settled)
            }
            Err(refusal) => (None, Settled::Refused(refusal)),
        };
        outcomes.push((member, id, settled));
    }
    // Of one person alone it is an error like any other.
    if let [(_, _, Settled::Refused(refusal))] = outcomes.as_slice() {
        return Err(refusal.clone().into());
    }
    let state = here.state(space)?;
    let names = Names::new(state);
    let invited = outcomes
        .into_iter()
        .map(|(member, id, settled)| Invited::new(member, names.of(member), id, settled));
    let invitations = Invitations {
        space,
        room: room_id,
        room_title: title(&room, state, &names),
        invited: invited.collect(),
    };
    output.show(&invitations)?;
    let mut invited = invitations.invited.iter();
    if invited.any(|invited| invited.error.is_some()) {
        Err(CliError::Partly)
    } else {
        Ok(())
    }
}

impl Invited {
    fn new(member: MemberId, name: String, id: Option<EventId>, settled: Settled) -> Self {
        let (state, error) = match settled {
            Settled::Accepted { .. } => ("done", None),
            Settled::Refused(refusal) => ("refused", Some((&CliError::from(refusal)).into())),
            Settled::Barred(_) | Settled::Not => ("queued", None),
        };
        Self {
            member,
            name,
            id,
            state,
            error,
        }
    }
}

/// `presence`: `{"space", "state", "text"}`, once the space knows.
#[derive(Debug, Serialize)]
struct Present {
    space: SpaceId,
    state: PresenceState,
    text: String,
}

impl Display for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.state.as_str(), self.text)
    }
}

/// Holds one's presence until stopped, or for as long as was asked.
pub(crate) async fn presence(
    here: &mut Here,
    space: SpaceId,
    args: args::Presence,
    output: Output,
) -> Result<(), CliError> {
    let state = match args.state {
        args::Presenting::Online => PresenceState::Online,
        args::Presenting::Away => PresenceState::Away,
        args::Presenting::Dnd => PresenceState::Dnd,
    };
    let text = args.text;
    let set = SetPresence {
        state,
        text: text.clone(),
    };
    here.client().set_presence(set).await?;
    must_connect(here, space, Reach::Connected).await?;
    let known = |now: &SpaceState| {
        let me = now.space.me;
        let mut people = now.people.iter();
        people.any(|person| person.member == me && person.state == state && person.text == text)
    };
    if !here
        .wait_in(space, Instant::now() + ANSWER_LIMIT, known)
        .await?
    {
        return Err(here.offline(space));
    }
    output.show(&Present { space, state, text })?;
    let until = args
        .time
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    loop {
        let next = Instant::now() + HOLD_EVERY;
        let next = until.map_or(next, |until| until.min(next));
        while here.next(next).await?.is_some() {}
        if until.is_some_and(|until| until <= Instant::now()) {
            return Ok(());
        }
    }
}
