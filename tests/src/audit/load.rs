//! What the people of the audit do with the client core: the dice choose, the ledger remembers.

use std::sync::Arc;
use std::time::Duration;

use landline_client::command::{
    BrowseRooms, CreateRoom, EditMessage, GetPage, HitsAnswer, ItemAnswer, LeaveRoom, MessageNamed,
    Nothing, PinMessage, Post, QueuedNamed, React, Read, RoomAnswer, RoomNamed, RoomsAnswer,
    SaveDraft, SearchFor, SetTyping,
};
use landline_client::ui::{Page, Part, RoomView};
use landline_protocol::{Content, EventId, MemberId, Message, RoomId, RoomKind, SpaceId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::sleep;

use super::app::{App, NotDone};
use super::ledger::Broken;
use super::{Day, words};
use crate::Dice;

/// Rooms are made up to this many.
pub(super) const ROOMS: usize = 60;
pub(super) const EMOJI: [&str; 4] = ["👍", "🎉", "👀", "❤️"];

/// A text that nobody else has written, with a word in it that can be searched.
pub(super) fn text(dice: &mut Dice) -> String {
    let word = words::fresh();
    match dice.within(0..20) {
        0 => word,
        1 => format!(
            "{word}\n\n```\nlet x = \"{{}}\\\";\n```\n{}",
            words::said(dice)
        ),
        _ => format!("{} {word}", words::said(dice)),
    }
}

/// One person, until the day ends.
pub async fn work(app: Arc<App>, mut dice: Dice, day: Day, pace: Duration) {
    loop {
        sleep(dice.millis(pace.as_millis() as u64 / 4..pace.as_millis() as u64 * 2)).await;
        let Some(_at_work) = day.at_work().await else {
            return;
        };
        if app.is_running() && !app.is_suspended() {
            act(&app, &mut dice).await;
        }
    }
}

async fn act(app: &App, dice: &mut Dice) -> Option<()> {
    let space = app.space()?;
    let rooms = app.open_rooms();
    let view = dice.one_of(&rooms)?;
    let room = view.room;
    match dice.within(0..100) {
        0..48 => {
            let bursts = dice.percent(10);
            let burst = if bursts { dice.within(2..30) } else { 1 };
            for _ in 0..burst {
                post(app, dice, space, room).await?;
            }
        }
        48..64 => about_a_message(app, dice, space, room).await?,
        64..67 => create_room(app, dice, space).await?,
        67..71 => join_room(app, dice, space).await?,
        71..72 => leave_room(app, space, view).await?,
        72..75 => regret(app, dice, space, room).await?,
        75..82 => {
            let request = SearchFor {
                space,
                query: words::said(dice).split_whitespace().take(1).collect(),
                room: None,
                within: dice.percent(50),
                limit: 20,
            };
            ask::<HitsAnswer>(app, "search", request).await?;
        }
        82..89 => read_page(app, dice, space, view).await?,
        89..95 => {
            let seq = view.head;
            ask::<Nothing>(app, "read", Read { space, room, seq }).await?;
        }
        95..98 => {
            let on = dice.percent(50);
            ask::<Nothing>(app, "typing", SetTyping { space, room, on }).await?;
        }
        _ => {
            let text = words::said(dice);
            ask::<Nothing>(
                app,
                "save_draft",
                SaveDraft {
                    space,
                    room,
                    thread: None,
                    text,
                },
            )
            .await?;
        }
    }
    Some(())
}

/// Has a command carried out. A refusal must not be a mistake of one of the programs.
async fn ask<A: DeserializeOwned>(app: &App, name: &str, request: impl Serialize) -> Option<A> {
    match app.order(name, json!(request)).await {
        Ok(answer) => Some(serde_json::from_value(answer).unwrap()),
        Err(NotDone::Gone) => None,
        Err(NotDone::Refused(refusal)) => {
            let code = refusal["code"].as_str().unwrap_or_default();
            if ["internal", "bad_request"].contains(&code) {
                let what = format!("{}: {name} was refused: {refusal}", app.name);
                app.ledger.broken(Broken::Otherwise, what);
            }
            None
        }
    }
}

async fn post(app: &App, dice: &mut Dice, space: SpaceId, room: RoomId) -> Option<EventId> {
    let named = |dice: &mut Dice, percent| {
        let some = dice.percent(percent);
        some.then(|| app.ledger.some_message(dice, room, None))
            .flatten()
    };
    let message = Message {
        text: text(dice),
        reply_to: named(dice, 10),
        thread: named(dice, 5),
        ..Message::default()
    };
    let request = Post {
        space,
        room,
        text: message.text.clone(),
        reply_to: message.reply_to,
        thread: message.thread,
        mentions: Vec::new(),
        attachments: Vec::new(),
    };
    let ItemAnswer { id } = ask(app, "post", request).await?;
    let content = json!(Content::Message(message));
    app.ledger.wrote(id, app.me(), room, content);
    Some(id)
}

/// Edits or deletes a message of one's own that the node has; reacts to anybody's, pins it.
async fn about_a_message(app: &App, dice: &mut Dice, space: SpaceId, room: RoomId) -> Option<()> {
    let deed = dice.within(0..16);
    let by = (deed < 8).then(|| app.me());
    let id = app.ledger.some_message(dice, room, by)?;
    match deed {
        0..5 => {
            let text = text(dice);
            let word = words::word_of(&text)?.to_owned();
            let edit = EditMessage {
                space,
                room,
                id,
                text,
                mentions: Vec::new(),
            };
            ask::<Nothing>(app, "edit", edit).await?;
            app.ledger.edited(id, word);
        }
        5..8 => {
            ask::<Nothing>(app, "delete", MessageNamed { space, room, id }).await?;
            app.ledger.deleted(id);
        }
        8..13 => {
            let react = React {
                space,
                room,
                id,
                emoji: (*dice.one_of(&EMOJI)?).to_owned(),
                on: dice.percent(70),
            };
            ask::<Nothing>(app, "react", react).await?;
        }
        _ => {
            let on = dice.percent(60);
            ask::<Nothing>(
                app,
                "pin",
                PinMessage {
                    space,
                    room,
                    id,
                    on,
                },
            )
            .await?;
        }
    }
    Some(())
}

/// What a window shows when it goes to a room.
async fn read_page(app: &App, dice: &mut Dice, space: SpaceId, view: &RoomView) -> Option<()> {
    let request = GetPage {
        space,
        room: view.room,
        part: Part::All,
        before: dice.percent(50).then(|| dice.within(1..view.head + 2)),
        after: None,
        around: None,
        limit: 100,
    };
    let page: Page = ask(app, "page", request).await?;
    app.see_page(view.room, &page.items);
    Some(())
}

async fn create_room(app: &App, dice: &mut Dice, space: SpaceId) -> Option<()> {
    if app.ledger.rooms() >= ROOMS {
        return None;
    }
    let kinds = [
        RoomKind::Public,
        RoomKind::Public,
        RoomKind::Private,
        RoomKind::Direct,
    ];
    let kind = *dice.one_of(&kinds)?;
    let mut people = app.ledger.people();
    people.retain(|person| *person != app.me());
    let others = (0..dice.within(1..4)).filter_map(|_| dice.one_of(&people).copied());
    let mut members: Vec<MemberId> = others.collect();
    members.sort();
    members.dedup();
    let name = format!("room {}", app.ledger.rooms());
    let request = CreateRoom {
        space,
        kind,
        name: if kind == RoomKind::Direct {
            String::new()
        } else {
            name
        },
        topic: String::new(),
        members: if kind == RoomKind::Public {
            Vec::new()
        } else {
            members
        },
    };
    let RoomAnswer { room } = ask(app, "create_room", request).await?;
    app.ledger.count("rooms made");
    app.ledger.must_be_there(room);
    Some(())
}

async fn join_room(app: &App, dice: &mut Dice, space: SpaceId) -> Option<()> {
    let query = String::new();
    let found: RoomsAnswer = ask(app, "browse_rooms", BrowseRooms { space, query }).await?;
    let room = dice.one_of(&found.rooms)?.room;
    ask::<Nothing>(app, "join_room", RoomNamed { space, room }).await?;
    Some(())
}

async fn leave_room(app: &App, space: SpaceId, view: &RoomView) -> Option<()> {
    if view.kind == RoomKind::Public && !view.everyone {
        let leave = LeaveRoom {
            space,
            room: view.room,
            forget: false,
        };
        ask::<Nothing>(app, "leave_room", leave).await?;
    }
    Some(())
}

/// Writes something and takes it back at once.
async fn regret(app: &App, dice: &mut Dice, space: SpaceId, room: RoomId) -> Option<()> {
    let id = post(app, dice, space, room).await?;
    sleep(dice.millis(0..30)).await;
    ask::<Nothing>(app, "discard_queued", QueuedNamed { space, id }).await?;
    app.ledger.discarded(id);
    app.ledger.count("taken back");
    Some(())
}
