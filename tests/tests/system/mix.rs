//! Everything that happens in rooms, by five people at once, with cuts and a kill: in the end all
//! have the same logs, and the same that follows from them.

use std::path::Path;
use std::time::Duration;

use landline_client::command::QueuedNamed;
use landline_client::ui::{Item, ItemBody, ItemState, Part};
use landline_protocol::{EventId, RoomId, RoomKind};
use landline_tests::deadline::{LONG, within};
use landline_tests::{Dice, Lan, Person, logs};
use tokio::time::sleep;

/// What each does.
const DEEDS: usize = 70;
const EMOJI: [&str; 3] = ["👍", "🎉", "☕"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mix_of_all_that_may_be_done_ends_the_same_everywhere() {
    let mut dice = Dice::new("mix");
    let mut lan = Lan::start();
    let mut people = Vec::new();
    for name in ["ana", "ben", "cem", "dia", "eli"] {
        people.push(lan.person(name).await);
    }
    let ana = &people[0];
    let others: Vec<_> = people[1..].iter().map(Person::me).collect();
    let rooms = [
        ana.room("general").await,
        ana.create_room(RoomKind::Private, "plans", &others).await,
        ana.create_room(RoomKind::Direct, "", &others).await,
    ];
    ana.all_sent().await;
    for person in &people {
        for room in rooms {
            person
                .sees("all rooms", |space| space.rooms.get(&room).map(drop))
                .await;
        }
    }

    let seeds: Vec<u64> = people.iter().map(|_| dice.within(0..u64::MAX)).collect();
    let busy = people
        .iter()
        .zip(seeds)
        .map(|(person, seed)| busy(person, rooms, Dice::seeded(seed)));
    let faults = async {
        for n in 0..12 {
            sleep(dice.millis(50..250)).await;
            let person = &people[dice.within(0..5) as usize];
            match dice.within(0..3) {
                0 => person.jolt(),
                _ => person.cut(),
            }
            if n == 5 {
                lan.node.kill();
                sleep(dice.millis(50..200)).await;
                lan.node.start_again();
            }
            sleep(dice.millis(50..200)).await;
            people.iter().for_each(Person::heal);
        }
    };
    tokio::join!(futures_util::future::join_all(busy), faults);

    for person in &people {
        person.heal();
        let replica = logs::replica(&lan.folder(person.name()), person.space());
        settled(person, rooms, &replica).await;
    }
    let stored = logs::at_rest(&lan.node.database()).await;
    logs::assert_whole(&stored);
    for person in &people {
        person.holds(&stored).await;
    }
    for room in rooms {
        let node = lan.node.database();
        for person in &people {
            // The node's tables follow its log a moment later.
            let what = format!("{} has the rows that the node has", person.name());
            let replica = logs::replica(&lan.folder(person.name()), person.space());
            within(Duration::from_secs(30), what, async || {
                (logs::derived(&replica, room) == logs::derived(&node, room)).then_some(())
            })
            .await;
        }
        let rows = logs::derived(&node, room).len();
        println!("{rows} rows follow from {room}");
    }
}

/// One deed after another; what is refused is refused.
async fn busy(person: &Person, rooms: [RoomId; 3], mut dice: Dice) {
    for n in 0..DEEDS {
        let room = rooms[dice.within(0..3) as usize];
        let seen = person.part(room, Part::All).await;
        let messages: Vec<&Item> = seen
            .iter()
            .filter(|item| matches!(&item.body, ItemBody::Message(view) if !view.deleted))
            .collect();
        let mine: Vec<&Item> = messages
            .iter()
            .copied()
            .filter(|item| item.author == person.me())
            .collect();
        let text = format!("{} {n}", person.name());
        let (Some(some), own) = (dice.one_of(&messages), dice.one_of(&mine)) else {
            person.write(room, &text).await;
            continue;
        };
        let some: EventId = some.id;
        let own = own.map_or(some, |item| item.id);
        // Whether it may be done is for the core to say.
        let on = dice.within(0..3) > 0;
        let emoji = EMOJI[dice.within(0..3) as usize];
        let _ = match dice.within(0..10) {
            0..=2 => {
                person.write(room, &text).await;
                Ok(())
            }
            3 => {
                person.answers(room, some, &text).await;
                Ok(())
            }
            4 => {
                person.writes_in_thread(room, some, &text).await;
                Ok(())
            }
            5 => person.edits(room, own, &text).await,
            6 => person.deletes(room, own).await,
            7 => person.reacts(room, some, emoji, on).await,
            8 => person.pins(room, some, on).await,
            _ => person.renames(room, &text).await,
        };
        sleep(dice.millis(0..40)).await;
    }
}

/// Waits until nothing waits; what the node has refused meanwhile is taken back.
async fn settled(person: &Person, rooms: [RoomId; 3], database: &Path) {
    let what = format!("{}'s outbox is empty", person.name());
    within(LONG, what, async || {
        for room in rooms {
            for item in person.part(room, Part::All).await {
                for id in failed(&item) {
                    let space = person.space();
                    let _ = person
                        .client()
                        .discard_queued(QueuedNamed { space, id })
                        .await;
                }
            }
        }
        (logs::outbox(database) == 0).then_some(())
    })
    .await;
}

/// What of a line was refused for good: itself, or a change of it.
fn failed(item: &Item) -> Vec<EventId> {
    let has_failed = |state: &ItemState| matches!(state, ItemState::Failed { .. });
    let mut failed: Vec<EventId> = match &item.body {
        ItemBody::Message(view) => view
            .changes
            .iter()
            .filter(|change| has_failed(&change.state))
            .map(|change| change.id)
            .collect(),
        ItemBody::System { .. } => Vec::new(),
    };
    if has_failed(&item.state) {
        failed.push(item.id);
    }
    failed
}
