//! What a client may ask for, decoded and checked as far as that needs nobody's state.

use landline_protocol::limits::{
    APPEND_EVENTS, FETCH_EVENTS, MEMBERS_PAGE, PASSCODE_CHARS, QUERY_CHARS, REASON_CHARS,
    ROOMS_PAGE, SEARCH_HITS, WATCH_MEMBERS,
};
use landline_protocol::up::{
    Append, Fetch, Mark, Marks, Members, MyRooms, PasscodeSet, Pins, Presence, Rooms, Search,
    SignIn, Typing, Watch,
};
use landline_protocol::{Content, NewEvent, PresenceState, Refusal};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The largest integer that every JSON library keeps exactly.
const EXACT_INTEGER: i64 = (1 << 53) - 1;
/// An Ed25519 signature in base64url.
const SIGNATURE_CHARS: usize = 86;

/// A request whose shape and limits are right.
#[derive(Debug)]
pub(crate) enum Request {
    SignIn(Box<SignIn>),
    MyRooms(MyRooms),
    Append(Vec<Candidate>),
    Fetch(Fetch),
    Rooms(Rooms),
    Members(Members),
    Pins(Pins),
    Mark(Mark),
    Marks(Marks),
    Typing(Typing),
    Presence(Presence),
    Watch(Watch),
    Search(Search),
    PasscodeSet(PasscodeSet),
}

/// An event that somebody wants to append.
///
/// Its content is checked where it arrives and not where it is decided on, so that the writer does
/// not do it; but the finding waits, since an id that is known comes before any fault.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) event: NewEvent,
    pub(crate) content: Result<Content, Refusal>,
}

impl Candidate {
    pub(crate) fn new(event: NewEvent) -> Self {
        let content = check_envelope(&event).and_then(|()| Content::parse(&event.content));
        Self { event, content }
    }

    /// Bytes of the log that it would take, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.event.bytes()
    }
}

impl Request {
    /// Reads the payload of the event `name`.
    pub(crate) fn decode(name: &str, payload: &RawValue) -> Result<Self, Refusal> {
        Ok(match name {
            "sign_in" => Self::SignIn(Box::new(read(name, payload)?)),
            "my_rooms" => {
                let request: MyRooms = read(name, payload)?;
                check_limit(request.limit, ROOMS_PAGE)?;
                Self::MyRooms(request)
            }
            "append" => Self::Append(candidates(read(name, payload)?)?),
            "fetch" => Self::Fetch(check_fetch(read(name, payload)?)?),
            "rooms" => {
                let request: Rooms = read(name, payload)?;
                check_limit(request.limit, ROOMS_PAGE)?;
                check_query(request.query.as_deref())?;
                Self::Rooms(request)
            }
            "members" => {
                let request: Members = read(name, payload)?;
                check_limit(request.limit, MEMBERS_PAGE)?;
                check_query(request.query.as_deref())?;
                Self::Members(request)
            }
            "pins" => Self::Pins(read(name, payload)?),
            "mark" => {
                let request: Mark = read(name, payload)?;
                if request.delivered.is_none() && request.read.is_none() {
                    return Err(Refusal::bad_request("mark: neither `delivered` nor `read`"));
                }
                Self::Mark(request)
            }
            "marks" => Self::Marks(read(name, payload)?),
            "typing" => Self::Typing(read(name, payload)?),
            "presence" => Self::Presence(check_presence(read(name, payload)?)?),
            "watch" => {
                let request: Watch = read(name, payload)?;
                let count = request.members.len();
                if count > WATCH_MEMBERS {
                    return Err(over(count, "members", WATCH_MEMBERS));
                }
                Self::Watch(request)
            }
            "search" => {
                let request: Search = read(name, payload)?;
                check_limit(request.limit, SEARCH_HITS)?;
                check_query(Some(&request.query))?;
                Self::Search(request)
            }
            "passcode_set" => {
                let request: PasscodeSet = read(name, payload)?;
                let count = request.passcode.chars().count();
                if count > PASSCODE_CHARS {
                    return Err(over(count, "characters of a passcode", PASSCODE_CHARS));
                }
                Self::PasscodeSet(request)
            }
            unknown => {
                let shown: String = unknown.chars().take(40).collect();
                let words = format!("this node knows no event `{}`", shown.escape_default());
                return Err(Refusal::bad_request(words));
            }
        })
    }
}

/// The `rid` of a payload, if it has one.
pub(crate) fn rid(payload: &RawValue) -> Result<Option<String>, Refusal> {
    #[derive(serde::Deserialize)]
    struct Rid<'a> {
        #[serde(borrow)]
        rid: Option<&'a RawValue>,
    }
    let Ok(Rid { rid: Some(rid) }) = serde_json::from_str(payload.get()) else {
        return Ok(None);
    };
    let limit = landline_protocol::limits::RID_CHARS;
    match serde_json::from_str::<String>(rid.get()) {
        Ok(rid) if rid.chars().count() <= limit => Ok(Some(rid)),
        Ok(_) | Err(_) => {
            let words = format!("`rid` is not a string of at most {limit} characters");
            Err(Refusal::bad_request(words))
        }
    }
}

fn read<T: DeserializeOwned>(name: &str, payload: &RawValue) -> Result<T, Refusal> {
    serde_json::from_str(payload.get())
        .map_err(|error| Refusal::bad_request(format!("{name}: {error}")))
}

fn over(count: usize, what: &str, limit: usize) -> Refusal {
    Refusal::too_large(format!("{count} {what}; the limit is {limit}"))
}

fn check_limit(limit: Option<u64>, most: usize) -> Result<(), Refusal> {
    match limit {
        Some(0) => Err(Refusal::bad_request("`limit` is 0")),
        Some(limit) if limit > most as u64 => Err(Refusal::too_large(format!(
            "`limit` is {limit}; the most is {most}"
        ))),
        Some(_) | None => Ok(()),
    }
}

fn check_query(query: Option<&str>) -> Result<(), Refusal> {
    let count = query.map_or(0, |query| query.chars().count());
    if count > QUERY_CHARS {
        return Err(over(count, "characters of a query", QUERY_CHARS));
    }
    Ok(())
}

fn check_fetch(request: Fetch) -> Result<Fetch, Refusal> {
    check_limit(Some(request.limit), FETCH_EVENTS)?;
    if request.after.is_some() && request.before.is_some() {
        return Err(Refusal::bad_request("fetch: both `after` and `before`"));
    }
    Ok(request)
}

fn check_presence(request: Presence) -> Result<Presence, Refusal> {
    match request.state {
        PresenceState::Online | PresenceState::Away | PresenceState::Dnd => {}
        PresenceState::Offline | PresenceState::Unknown => {
            return Err(Refusal::bad_request("`state` is one of online, away, dnd"));
        }
    }
    let text = request.text.as_deref().unwrap_or_default();
    let count = text.chars().count();
    if count > REASON_CHARS {
        return Err(over(count, "characters of a presence text", REASON_CHARS));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::bad_request(
            "the presence text has control characters in it",
        ));
    }
    Ok(request)
}

fn candidates(request: Append) -> Result<Vec<Candidate>, Refusal> {
    let count = request.events.len();
    if count == 0 {
        return Err(Refusal::bad_request("append: no events"));
    }
    if count > APPEND_EVENTS {
        return Err(over(count, "events in one append", APPEND_EVENTS));
    }
    Ok(request.events.into_iter().map(Candidate::new).collect())
}

fn check_envelope(event: &NewEvent) -> Result<(), Refusal> {
    if !event.id.is_v7() {
        return Err(Refusal::bad_request("an event's id is a UUIDv7"));
    }
    if !(0..=EXACT_INTEGER).contains(&event.sent_at) {
        return Err(Refusal::bad_request(
            "`sent_at` is not in milliseconds since 1970",
        ));
    }
    if let Some(sig) = &event.sig {
        let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if sig.len() != SIGNATURE_CHARS || !sig.bytes().all(base64url) {
            return Err(Refusal::bad_request(
                "`sig` is not 86 characters of base64url",
            ));
        }
    }
    Ok(())
}
