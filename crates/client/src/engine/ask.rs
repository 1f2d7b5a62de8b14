//! Questions that the replica answers: read beside the engine, which never waits for them.

use landline_protocol::RoomKind;
use landline_store::{Connection, messages, rooms, threads};

use super::marks::no_room;
use super::{Engine, views};
use crate::ClientError;
use crate::command::{
    Answer, FoundAnswer, ItemNamed, ItemsAnswer, MembersAnswer, RoomNamed, VersionsAnswer,
};
use crate::home::Reply;
use crate::ui::VersionView;

/// Pinned messages listed at once.
const PINS: usize = 200;

impl Engine {
    /// Reads in a task of its own, and answers.
    fn answer(
        &self,
        reply: Reply,
        read: impl FnOnce(&Connection) -> Result<Answer, ClientError> + Send + 'static,
    ) {
        let store = self.config.store.clone();
        tokio::spawn(async move {
            let answer = store.read(read).await;
            // Whoever asked may have gone.
            let _ = reply.send(answer.map_err(Into::into));
        });
    }

    /// Who is in a room.
    pub(super) fn members(&self, request: &RoomNamed, reply: Reply) {
        let Some(room) = self.rooms.get(&request.room) else {
            return drop(reply.send(Err(no_room())));
        };
        let (id, space) = (request.room, self.space());
        let complete = room.sync.missing() == 0;
        let (everyone, named) = (room.info.everyone, room.info.members.clone());
        let direct = room.info.kind == RoomKind::Direct;
        self.answer(reply, move |c| {
            let here = rooms::people(c, space)?.into_iter();
            let here = here.filter(|person| !person.left && !person.banned);
            let mut members: Vec<_> = here.map(|person| person.member).collect();
            if !everyone {
                let present = match named.filter(|_| direct) {
                    Some(named) => named,
                    None => rooms::members(c, id)?
                        .into_iter()
                        .filter(|row| row.present)
                        .map(|row| row.member)
                        .collect(),
                };
                members.retain(|member| present.contains(member));
            }
            Ok(Answer::members(MembersAnswer { members, complete }))
        });
    }

    /// The pinned messages of a room.
    pub(super) fn pins(&self, request: &RoomNamed, reply: Reply) {
        let (id, me) = (request.room, self.me());
        self.answer(reply, move |c| {
            let pinned = messages::pins(c, id, None, PINS)?;
            let items = views::items(c, me, pinned.into_iter().map(|event| event.id))?;
            let items = items.into_iter().map(|(_, item)| item).collect();
            Ok(Answer::pins(ItemsAnswer { items }))
        });
    }

    /// The threads of a room with something to read, by their first messages.
    pub(super) fn threads(&self, request: &RoomNamed, reply: Reply) {
        let (id, me) = (request.room, self.me());
        self.answer(reply, move |c| {
            let items = views::items(c, me, threads::unread_threads(c, id, me)?)?;
            let items = items.into_iter().map(|(_, item)| item).collect();
            Ok(Answer::threads(ItemsAnswer { items }))
        });
    }

    /// One line, wherever it stands.
    pub(super) fn item(&self, request: &ItemNamed, reply: Reply) {
        let (id, me) = (request.id, self.me());
        self.answer(reply, move |c| {
            let found = views::items(c, me, [id])?.pop();
            let (room, item) = found.map(|(room, item)| (room, Box::new(item))).unzip();
            Ok(Answer::item(FoundAnswer { room, item }))
        });
    }

    /// How a message has read, the first version first.
    pub(super) fn versions(&self, request: &ItemNamed, reply: Reply) {
        let id = request.id;
        self.answer(reply, move |c| {
            let versions = messages::versions(c, id)?.into_iter();
            let versions = versions.map(|version| VersionView {
                text: version.text,
                at: version.at,
            });
            let versions = versions.collect();
            Ok(Answer::versions(VersionsAnswer { versions }))
        });
    }
}
