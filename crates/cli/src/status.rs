//! `status`: how it stands with everything on this computer.

use std::fmt::{self, Display};

use landline_client::Names;
use landline_client::ui::{LinkState, LinkView, RoomView, SpaceState};
use landline_protocol::{MemberId, Role, RoomId, RoomKind, SpaceId};
use serde::Serialize;

use crate::error::CliError;
use crate::here::{Here, Reach, title};
use crate::output::{Output, Table, count, time, unread};
use crate::spaces::link_word;

/// `status`: `{"me": {"member", "name"}, "version", "data_dir", "spaces": [SpaceStatus]}`
#[derive(Debug, Serialize)]
struct Status {
    me: Me,
    version: String,
    data_dir: String,
    spaces: Vec<SpaceStatus>,
}

#[derive(Debug, Serialize)]
struct Me {
    member: MemberId,
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct SpaceStatus {
    space: SpaceId,
    name: String,
    role: Role,
    /// `{"state", "host", "last_connected", "next_try", "catching_up", "problem"}`
    link: LinkView,
    queued: u64,
    rooms: Vec<RoomStatus>,
}

#[derive(Debug, Serialize)]
struct RoomStatus {
    room: RoomId,
    title: String,
    kind: RoomKind,
    /// The seq of the room's newest event that is known here.
    head: u64,
    /// How far read, and the others' messages after that.
    read: u64,
    unread: u64,
    queued: u64,
}

pub(crate) async fn status(
    here: &mut Here,
    wanted: Option<&str>,
    output: Output,
) -> Result<(), CliError> {
    let chosen = wanted.map(|wanted| here.space(Some(wanted))).transpose()?;
    let spaces: Vec<SpaceId> = here
        .now()
        .spaces
        .iter()
        .map(|known| known.space.space)
        .filter(|space| chosen.is_none_or(|chosen| chosen == *space))
        .collect();
    for space in &spaces {
        // Refused is a state worth showing here, not a failure.
        match here.connect(*space, Reach::UpToDate).await {
            Ok(_) | Err(CliError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    // What goes out now anyway is not told as queued.
    here.flush().await?;
    let now = here.now();
    output.show(&Status {
        me: Me {
            member: now.me.member,
            name: now.me.name.clone(),
        },
        version: now.me.version.clone(),
        data_dir: now.me.data_dir.clone(),
        spaces: now
            .spaces
            .iter()
            .filter(|state| spaces.contains(&state.space.space))
            .map(SpaceStatus::new)
            .collect(),
    })
}

impl SpaceStatus {
    fn new(state: &SpaceState) -> Self {
        let names = Names::new(state);
        let room = |room: &RoomView| RoomStatus {
            room: room.room,
            title: title(room, state, &names),
            kind: room.kind,
            head: room.head,
            read: room.read,
            unread: room.unread,
            queued: room.queued,
        };
        Self {
            space: state.space.space,
            name: state.space.name.clone(),
            role: state.space.role,
            link: state.space.link.clone(),
            queued: state.space.queued,
            rooms: state.rooms.iter().map(room).collect(),
        }
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ({})",
            self.me.name.as_deref().unwrap_or("no name yet"),
            self.me.member
        )?;
        writeln!(f, "{}", self.data_dir)?;
        for space in &self.spaces {
            writeln!(
                f,
                "\n{} as {}: {}",
                space.name,
                space.role,
                link_words(&space.link)
            )?;
            if space.queued > 0 {
                writeln!(f, "{} queued", count(space.queued, "event"))?;
            }
            let mut table = Table::default();
            for room in &space.rooms {
                let queued = if room.queued > 0 {
                    format!("{} queued", room.queued)
                } else {
                    String::new()
                };
                table.row([
                    format!("  {}", room.title),
                    format!("up to {}", room.head),
                    unread(room.unread),
                    queued,
                ]);
            }
            write!(f, "{table}")?;
        }
        Ok(())
    }
}

fn link_words(link: &LinkView) -> String {
    let mut words = link_word(link.state).to_owned();
    if let Some(left) = link.catching_up.filter(|left| *left > 0) {
        words = format!("{words}, {} to fetch", count(left, "event"));
    }
    if link.state != LinkState::Connected {
        if let Some(at) = link.last_connected {
            words = format!("{words}, last connected {}", time(at));
        }
        if let Some(problem) = &link.problem {
            words = format!("{words}: {problem}");
        }
    }
    words
}
