//! What the people of the audit do with the client core: the dice choose, the ledger remembers.

use std::sync::Arc;
use std::time::Duration;

use landline_client::ui::RoomView;
use landline_protocol::{Content, EventId, MemberId, Message, RoomId, RoomKind};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::app::{App, NotDone};
use super::ledger::{Broken, Ledger};
use super::{Day, words};
use crate::Dice;

/// Rooms are made up to this many.
pub(super) const ROOMS: usize = 60;

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
        let pause = dice.within(pace.as_millis() as u64 / 4..pace.as_millis() as u64 * 2);
        sleep(Duration::from_millis(pause)).await;
        let Some(_at_work) = day.at_work().await else {
            return;
        };
        if app.is_running() && !app.is_away() && app.space().is_some() {
            act(&app, &mut dice).await;
        }
    }
}

async fn act(app: &App, dice: &mut Dice) {
    let rooms = app.open_rooms();
    let Some(room) = dice.one_of(&rooms).cloned() else {
        return;
    };
    match dice.within(0..100) {
        0..64 => {
            let burst = if dice.percent(10) {
                dice.within(2..30)
            } else {
                1
            };
            for _ in 0..burst {
                post(app, dice, &room).await;
            }
        }
        64..67 => create_room(app, dice, &rooms).await,
        67..71 => join_room(app, dice).await,
        71..72 => leave_room(app, &room).await,
        72..75 => regret(app, dice, &room).await,
        75..82 => {
            let query = words::said(dice);
            let query: String = query.split_whitespace().take(1).collect();
            let within = dice.within(0..2) == 0;
            let request = json!({ "query": query, "room": null, "within": within, "limit": 20 });
            ask(app, "search", request).await;
        }
        82..89 => {
            let request = json!({
                "room": room.room, "part": "all",
                "before": null, "after": null, "around": null, "limit": 100,
            });
            ask(app, "page", request).await;
        }
        89..95 => {
            ask(app, "read", json!({ "room": room.room, "seq": room.head })).await;
        }
        95..98 => {
            let on = dice.percent(50);
            ask(app, "typing", json!({ "room": room.room, "on": on })).await;
        }
        _ => {
            let request = json!({ "room": room.room, "text": words::said(dice) });
            ask(app, "save_draft", request).await;
        }
    }
}

/// Has a command of the space carried out; a refusal is only looked at by whoever wants to.
async fn ask(app: &App, name: &str, mut request: Value) -> Option<Value> {
    request["space"] = json!(app.space()?);
    match app.order(name, request).await {
        Ok(answer) => Some(answer),
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

async fn post(app: &App, dice: &mut Dice, room: &RoomView) -> Option<EventId> {
    let named = |dice: &mut Dice, percent| {
        let some = dice.percent(percent);
        some.then(|| app.ledger.some_message(dice, room.room, None))
            .flatten()
    };
    let message = Message {
        text: text(dice),
        reply_to: named(dice, 10),
        thread: named(dice, 5),
        ..Message::default()
    };
    let request = json!({
        "room": room.room,
        "text": message.text,
        "reply_to": message.reply_to,
        "thread": message.thread,
        "mentions": [],
    });
    let answer = ask(app, "post", request).await?;
    let id: EventId = serde_json::from_value(answer["id"].clone()).unwrap();
    let content = json!(Content::Message(message));
    app.ledger.wrote(id, app.me(), room.room, content);
    Some(id)
}

async fn create_room(app: &App, dice: &mut Dice, rooms: &[RoomView]) {
    if app.ledger.rooms() >= ROOMS {
        return;
    }
    let kind = *dice
        .one_of(&[
            RoomKind::Public,
            RoomKind::Public,
            RoomKind::Private,
            RoomKind::Direct,
        ])
        .unwrap();
    let others = others(app.me(), &app.ledger);
    let count = dice.within(1..4);
    let mut members: Vec<MemberId> = (0..count)
        .filter_map(|_| dice.one_of(&others).copied())
        .collect();
    if kind == RoomKind::Public {
        members.clear();
    }
    members.sort();
    members.dedup();
    let name = format!("room {}", rooms.len());
    let request = json!({
        "kind": kind,
        "name": if kind == RoomKind::Direct { "" } else { &name },
        "topic": "",
        "members": members,
    });
    if let Some(answer) = ask(app, "create_room", request).await {
        let room: RoomId = serde_json::from_value(answer["room"].clone()).unwrap();
        app.ledger.count("rooms made");
        app.ledger.must_be_there(room);
    }
}

fn others(me: MemberId, ledger: &Ledger) -> Vec<MemberId> {
    let mut people = ledger.people();
    people.retain(|person| *person != me);
    people
}

async fn join_room(app: &App, dice: &mut Dice) {
    let Some(found) = ask(app, "browse_rooms", json!({ "query": "" })).await else {
        return;
    };
    let rooms = found["rooms"].as_array().cloned().unwrap_or_default();
    if let Some(room) = dice.one_of(&rooms) {
        ask(app, "join_room", json!({ "room": room["room"] })).await;
    }
}

async fn leave_room(app: &App, room: &RoomView) {
    if room.kind == RoomKind::Public && !room.everyone {
        let request = json!({ "room": room.room, "forget": false });
        ask(app, "leave_room", request).await;
    }
}

/// Writes something and takes it back at once.
async fn regret(app: &App, dice: &mut Dice, room: &RoomView) {
    let Some(id) = post(app, dice, room).await else {
        return;
    };
    sleep(dice.millis(0..30)).await;
    if ask(app, "discard_queued", json!({ "id": id }))
        .await
        .is_some()
    {
        app.ledger.discarded(id);
        app.ledger.count("taken back");
    }
}
