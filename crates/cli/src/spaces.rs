//! `spaces` and `join`.

use std::fmt::{self, Display};
use std::time::Duration;

use landline_client::command::{Join as JoinSpace, SetName};
use landline_client::ui::{LinkState, NearbySpace, Snapshot, SpaceState};
use landline_protocol::{Admission, Code, MemberId, Role, SpaceId};
use serde::Serialize;
use tokio::time::Instant;

use crate::args;
use crate::error::CliError;
use crate::here::{Here, Reach, one_of};
use crate::output::{Output, Table};

/// How long `spaces` listens for those near.
const NEARBY_LIMIT: Duration = Duration::from_secs(2);

/// `spaces`: `{"spaces": [JoinedSpace], "nearby": [NearbySpace], "problem"}`
#[derive(Debug, Serialize)]
struct Spaces {
    spaces: Vec<JoinedSpace>,
    /// `{"space", "name", "admission", "addresses", "host", "joined"}` each.
    nearby: Vec<NearbySpace>,
    /// Why spaces near can't be found; null where all is well.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct JoinedSpace {
    space: SpaceId,
    name: String,
    admission: Admission,
    role: Role,
    /// `connected`, `connecting`, `looking` or `refused`.
    link: LinkState,
    /// Events written here that the space does not have yet.
    queued: u64,
}

pub(crate) async fn spaces(here: &mut Here, output: Output) -> Result<(), CliError> {
    let until = Instant::now() + NEARBY_LIMIT;
    here.wait(until, |_| false).await?;
    let now = here.now();
    output.show(&Spaces {
        spaces: now.spaces.iter().map(JoinedSpace::new).collect(),
        nearby: now.nearby.clone(),
        problem: now.discovery_problem.clone(),
    })
}

impl JoinedSpace {
    fn new(state: &SpaceState) -> Self {
        let space = &state.space;
        Self {
            space: space.space,
            name: space.name.clone(),
            admission: space.admission,
            role: space.role,
            link: space.link.state,
            queued: space.queued,
        }
    }
}

impl Display for Spaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.spaces.is_empty() && self.nearby.is_empty() {
            writeln!(
                f,
                "No space was joined here, and none is near. Join one by its address: landline-cli join ADDRESS --name ME"
            )?;
        }
        let mut table = Table::default();
        for space in &self.spaces {
            let queued = if space.queued > 0 {
                format!("{} queued", space.queued)
            } else {
                String::new()
            };
            table.row([
                space.name.clone(),
                "joined".into(),
                link_word(space.link).into(),
                queued,
            ]);
        }
        for near in self.nearby.iter().filter(|near| !near.joined) {
            let address = near.addresses.first().cloned().unwrap_or_default();
            table.row([
                near.name.clone(),
                "near".into(),
                near.admission.to_string(),
                format!("{} on {}", address, near.host),
            ]);
        }
        write!(f, "{table}")?;
        match &self.problem {
            Some(problem) => writeln!(f, "Spaces near can't be found: {problem}"),
            None => Ok(()),
        }
    }
}

pub(crate) fn link_word(state: LinkState) -> &'static str {
    match state {
        LinkState::Connected => "connected",
        LinkState::Connecting => "connecting",
        LinkState::Looking => "not reachable",
        LinkState::Refused => "refused",
    }
}

/// `join`: `{"space", "name", "me", "role"}`
#[derive(Debug, Serialize)]
struct Joined {
    space: SpaceId,
    name: String,
    /// Who this data folder is, in every space.
    me: MemberId,
    role: Role,
}

impl Display for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "you are in {} as {}", self.name, self.role)
    }
}

pub(crate) async fn join(
    here: &mut Here,
    args: args::Join,
    output: Output,
) -> Result<(), CliError> {
    let until = Instant::now() + Duration::from_secs(args.timeout);
    if let Some(name) = args.name {
        here.client().set_name(SetName { name }).await?;
    } else if here.now().me.name.is_none() {
        return Err(CliError::Usage(
            "say what people should call you: --name ME".into(),
        ));
    }
    let place = place(here, &args.place, until).await?;
    let was_guessed = matches!(place, Place::Perhaps(_));
    let (space, address) = match place {
        Place::Near(space) => (Some(space), None),
        Place::Address(address) | Place::Perhaps(address) => (None, Some(address)),
    };
    let late = || {
        CliError::Offline(format!(
            "{} did not answer within {} s",
            args.place, args.timeout
        ))
    };
    let join = here.client().join(JoinSpace {
        space,
        address,
        passcode: args.passcode,
    });
    let space = match tokio::time::timeout_at(until, join).await {
        Ok(Ok(answer)) => answer.space,
        Ok(Err(refusal)) if was_guessed && refusal.code == Code::Unavailable => {
            let words = format!(
                "no space called {} is near, nor is it a computer that hosts one",
                args.place
            );
            return Err(CliError::NotFound(words));
        }
        Ok(Err(refusal)) => return Err(refusal.into()),
        Err(_) => return Err(late()),
    };
    let known = |now: &Snapshot| now.spaces.iter().any(|known| known.space.space == space);
    if !here.wait(until, known).await? {
        return Err(late());
    }
    // The rooms are worth having at once; a long history comes in with the next commands.
    here.connect(space, Reach::UpToDate).await?;
    let view = &here.state(space)?.space;
    output.show(&Joined {
        space,
        name: view.name.clone(),
        me: view.me,
        role: view.role,
    })
}

/// What a person means by NAME|ADDRESS.
#[derive(Debug)]
enum Place {
    Near(SpaceId),
    Address(String),
    /// No space near is called so: it may be the name of a computer.
    Perhaps(String),
}

async fn place(here: &mut Here, wanted: &str, until: Instant) -> Result<Place, CliError> {
    if is_address(wanted) {
        return Ok(Place::Address(wanted.to_owned()));
    }
    let may_be_a_computer = !wanted.contains(char::is_whitespace);
    // Then a name is looked for only for a while.
    let until = if may_be_a_computer {
        until.min(Instant::now() + 2 * NEARBY_LIMIT)
    } else {
        until
    };
    loop {
        let near = here
            .now()
            .nearby
            .iter()
            .map(|near| (near.space, near.name.as_str()));
        if let Some(space) = one_of(near, wanted, "space")? {
            return Ok(Place::Near(space));
        }
        if here.next(until).await?.is_none() {
            break;
        }
    }
    if may_be_a_computer {
        return Ok(Place::Perhaps(wanted.to_owned()));
    }
    Err(CliError::NotFound(format!(
        "no space called {wanted} is near; join it by its address"
    )))
}

/// Written so that it can't be meant as a name: an invitation link, a port, numbers, a domain.
fn is_address(text: &str) -> bool {
    let host = text
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
        .map(|(host, _)| host);
    text.starts_with("landline://")
        || text == "localhost"
        || text.parse::<std::net::IpAddr>().is_ok()
        || host.is_some_and(|host| !host.contains(char::is_whitespace))
        || text.starts_with('[')
        || text.ends_with(".local")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        for address in [
            "127.0.0.1",
            "127.0.0.1:7717",
            "::1",
            "[fe80::1%2]:7717",
            "localhost",
            "nas:7717",
            "nas.local",
            "landline://join?at=x",
        ] {
            assert!(is_address(address), "{address}");
        }
        for name in ["Lab", "Team: night", "Ward 4", "v1.2", "a b:1"] {
            assert!(!is_address(name), "{name}");
        }
    }
}
