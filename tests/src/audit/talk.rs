//! What the bots of the audit do: batches, edits, deletes, reactions, pins, rooms; and once more
//! what was answered already.

use std::sync::Arc;
use std::time::Duration;

use landline_client::{Clock as _, SystemClock};
use landline_protocol::{
    Content, Delete, Edit, EventId, Message, NewEvent, Pin, Reaction, RoomCreated, RoomId, RoomKind,
};
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::bot::Bot;
use super::ledger::Ledger;
use super::load::{EMOJI, ROOMS, text};
use super::{Day, words};
use crate::Dice;

/// A bot writes nothing more while so many events wait.
const WAITING: usize = 200;

/// One bot, until the day ends.
pub async fn talk(bot: Arc<Bot>, ledger: Arc<Ledger>, mut dice: Dice, day: Day, pace: Duration) {
    loop {
        let pause = dice.within(pace.as_millis() as u64 / 2..pace.as_millis() as u64 * 3);
        sleep(Duration::from_millis(pause)).await;
        let Some(_at_work) = day.at_work().await else {
            return;
        };
        say(&bot, &ledger, &mut dice);
    }
}

fn say(bot: &Bot, ledger: &Ledger, dice: &mut Dice) {
    let rooms: Vec<RoomId> = {
        let state = bot.state();
        if state.outbox.len() > WAITING {
            return;
        }
        state.rooms.keys().copied().collect()
    };
    let Some(room) = dice.one_of(&rooms).copied() else {
        return;
    };
    let of = |target: Option<EventId>, make: fn(EventId) -> Content| {
        target
            .map(|target| (room, make(target)))
            .into_iter()
            .collect()
    };
    let contents: Vec<(RoomId, Content)> = match dice.within(0..100) {
        0..50 => {
            let batch = if dice.percent(8) {
                64
            } else {
                dice.within(1..6)
            };
            (0..batch).map(|_| (room, message(dice))).collect()
        }
        50..62 => edit(bot, dice),
        62..70 => delete(bot, dice),
        70..84 => {
            let target = ledger.some_message(dice, room, None);
            let emoji = *dice.one_of(&EMOJI).unwrap();
            let on = dice.percent(70);
            let reaction = |target| Reaction {
                target,
                emoji: emoji.to_owned(),
                on,
            };
            let reaction = target.map(|target| (room, Content::Reaction(reaction(target))));
            reaction.into_iter().collect()
        }
        84..88 => {
            let target = ledger.some_message(dice, room, None);
            let make = if dice.percent(60) { pin } else { unpin };
            of(target, make)
        }
        88..90 => make_room(ledger, dice),
        90..93 => {
            let room = ledger.some_public_room(dice);
            let room = room.filter(|room| !rooms.contains(room));
            room.map(|room| (room, Content::Joined))
                .into_iter()
                .collect()
        }
        93..96 => return again(bot, ledger, dice),
        96..99 => {
            let query = words::said(dice);
            bot.state().searches.push_back(query);
            return;
        }
        _ => {
            // Nobody leaves `general`, which is told by a refusal.
            bot.state().rooms.remove(&room);
            vec![(room, Content::Left)]
        }
    };
    for (room, content) in contents {
        put(bot, ledger, dice, room, &content);
    }
}

fn message(dice: &mut Dice) -> Content {
    Content::Message(Message {
        text: text(dice),
        ..Message::default()
    })
}

fn pin(target: EventId) -> Content {
    Content::Pin(Pin { target, on: true })
}

fn unpin(target: EventId) -> Content {
    Content::Pin(Pin { target, on: false })
}

fn edit(bot: &Bot, dice: &mut Dice) -> Vec<(RoomId, Content)> {
    let mine = dice.one_of(&bot.state().mine).copied();
    let edit = |(room, target)| {
        let edit = Edit {
            target,
            text: text(dice),
            mentions: Vec::new(),
        };
        (room, Content::Edit(edit))
    };
    mine.map(edit).into_iter().collect()
}

fn delete(bot: &Bot, dice: &mut Dice) -> Vec<(RoomId, Content)> {
    let mut state = bot.state();
    let mine = dice.one_of(&state.mine).copied();
    state.mine.retain(|known| Some(*known) != mine);
    let delete = |(room, target)| (room, Content::Delete(Delete { target }));
    mine.map(delete).into_iter().collect()
}

fn make_room(ledger: &Ledger, dice: &mut Dice) -> Vec<(RoomId, Content)> {
    if ledger.rooms() >= ROOMS {
        return Vec::new();
    }
    let room = RoomId::from_uuid(v7(dice));
    let created = RoomCreated {
        kind: RoomKind::Public,
        name: format!("bots {}", dice.within(0..1_000)),
        topic: String::new(),
        members: Vec::new(),
        everyone: false,
    };
    ledger.count("rooms made");
    vec![
        (room, Content::RoomCreated(created)),
        (room, message(dice)),
        (room, message(dice)),
    ]
}

/// Appends once more what was answered already.
fn again(bot: &Bot, ledger: &Ledger, dice: &mut Dice) {
    let mut state = bot.state();
    let known: Vec<NewEvent> = state.answered.iter().cloned().collect();
    for _ in 0..dice.within(1..10) {
        if let Some(event) = dice.one_of(&known) {
            state.outbox.push_back(event.clone());
            ledger.count("appended again");
        }
    }
}

fn put(bot: &Bot, ledger: &Ledger, dice: &mut Dice, room: RoomId, content: &Content) {
    let id = EventId::from_uuid(v7(dice));
    let event = NewEvent {
        id,
        room,
        sent_at: now(),
        content: content.to_raw().unwrap(),
        sig: None,
    };
    // Under the lock, so that the ledger has them in the order of the outbox.
    let mut state = bot.state();
    ledger.wrote(id, bot.me, room, json!(content));
    state.outbox.push_back(event);
}

fn now() -> i64 {
    SystemClock.now()
}

fn v7(dice: &mut Dice) -> Uuid {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&dice.throw().to_le_bytes());
    bytes[8..].copy_from_slice(&dice.throw().to_le_bytes()[..2]);
    uuid::Builder::from_unix_timestamp_millis(now() as u64, &bytes).into_uuid()
}
