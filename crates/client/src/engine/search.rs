//! Searches on this device: the replica is asked beside the engine.

use jiff::tz::TimeZone;
use landline_protocol::{Event, MemberId, Refusal, RoomId, SpaceId};
use landline_store::search::{Names, Typed};
use landline_store::{Connection, messages, rooms};

use super::{Engine, views};
use crate::ClientError;
use crate::command::{Answer, HitsAnswer, SearchFor};
use crate::home::Reply;
use crate::ui::SearchHit;

/// Hits of one search.
const HITS: u32 = 200;

/// Where and by whom is searched.
struct Searcher {
    space: SpaceId,
    me: MemberId,
    /// The names of rooms that a query can mean.
    rooms: Vec<(RoomId, String)>,
    /// Milliseconds since 1970.
    now: i64,
}

impl Engine {
    pub(super) fn search(&self, request: SearchFor, reply: Reply) {
        let rooms = self.rooms.values();
        let searcher = Searcher {
            space: self.space(),
            me: self.me(),
            rooms: rooms
                .map(|room| (room.info.id, room.info.name.clone()))
                .collect(),
            now: self.config.clock.now(),
        };
        let store = self.config.store.clone();
        tokio::spawn(async move {
            let hits = store.read(move |c| searcher.find(c, &request)).await;
            let _ = reply.send(
                hits.map(|hits| Answer::search(HitsAnswer { hits }))
                    .map_err(Refusal::from),
            );
        });
    }
}

impl Searcher {
    fn find(&self, c: &Connection, request: &SearchFor) -> Result<Vec<SearchHit>, ClientError> {
        let limit = usize::try_from(request.limit.clamp(1, HITS)).unwrap_or(1);
        let typed = self.typed(c, request)?;
        let found = if request.within {
            typed.search(c, limit)?
        } else {
            typed.search_words(c, limit)?
        };
        let mut hits = Vec::new();
        for hit in found {
            let Event { id, room, .. } = hit.event;
            if let Some(line) = messages::find(c, id)? {
                let mut items = [views::item(line)];
                super::overlay::dress(c, self.me, room, &mut items)?;
                let [item] = items;
                hits.push(SearchHit {
                    room,
                    item,
                    snippet: hit.snippet,
                });
            }
        }
        Ok(hits)
    }

    fn typed(&self, c: &Connection, request: &SearchFor) -> Result<Typed, ClientError> {
        // Those who have left have said something, too.
        let people = if request.query.to_ascii_lowercase().contains("from:") {
            rooms::people(c, self.space)?
        } else {
            Vec::new()
        };
        let rooms = self.rooms.iter();
        let names = Names {
            me: Some(self.me),
            people: people
                .iter()
                .map(|row| (row.member, row.name.as_str()))
                .collect(),
            rooms: rooms.map(|(id, name)| (*id, name.as_str())).collect(),
        };
        let mut typed = Typed::read(&request.query, &names, self.now, &TimeZone::system())?;
        // A room that the query names is meant, wherever one searches from.
        typed.rooms = typed.rooms.or(request.room.map(|room| vec![room]));
        Ok(typed)
    }
}
