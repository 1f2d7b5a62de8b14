//! Everything arrives: there and back, in order, once, whatever happens to links and node.

use landline_client::ui::ItemState;
use landline_protocol::{MemberId, PresenceState, RoomId};
use landline_tests::person::text;
use landline_tests::screen::SpaceOnScreen;
use landline_tests::{Dice, Lan, Person, logs};
use tokio::time::sleep;

#[tokio::test]
async fn a_message_goes_there_and_an_answer_comes_back() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;

    ana.write(general, "hello").await;
    ben.reads_texts(general, &["hello"]).await;
    ben.write(general, "hello yourself").await;

    for person in [&ana, &ben] {
        person
            .reads_texts(general, &["hello", "hello yourself"])
            .await;
        let authors: Vec<_> = messages(person, general)
            .await
            .into_iter()
            .map(|(author, _)| author)
            .collect();
        assert_eq!(authors, [ana.me(), ben.me()]);
    }
}

#[tokio::test]
async fn all_see_one_order_while_all_write_at_once() {
    let lan = Lan::start();
    let people = [
        lan.person("ana").await,
        lan.person("ben").await,
        lan.person("cem").await,
    ];
    let general = people[0].room("general").await;

    let writing = people.iter().map(|person| write_many(person, general, 60));
    futures_util::future::join_all(writing).await;

    assert_all_arrived(&lan, &people, general, 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_arrives_once_however_often_links_are_cut() {
    let mut dice = Dice::new("cuts");
    let lan = Lan::start();
    let people = [
        lan.person("ana").await,
        lan.person("ben").await,
        lan.person("cem").await,
    ];
    let general = people[0].room("general").await;

    let writing = people.iter().map(|person| async move {
        for n in 1..=80 {
            person
                .write(general, &format!("{} {n}", person.name()))
                .await;
            sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let cutting = async {
        for _ in 0..25 {
            sleep(dice.millis(0..120)).await;
            let person = &people[dice.within(0..3) as usize];
            match dice.within(0..3) {
                0 => person.jolt(),
                1 => person.cut_after(dice.within(0..4_000) as usize),
                _ => {
                    person.cut();
                    sleep(dice.millis(0..200)).await;
                }
            }
            sleep(dice.millis(0..150)).await;
            people.iter().for_each(Person::heal);
        }
    };
    tokio::join!(futures_util::future::join_all(writing), cutting);

    assert_all_arrived(&lan, &people, general, 80).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_while_people_write_loses_and_doubles_nothing() {
    let mut dice = Dice::new("kills");
    let mut lan = Lan::start();
    let people = [lan.person("ana").await, lan.person("ben").await];
    let general = people[0].room("general").await;

    let writing = people.iter().map(|person| async move {
        for n in 1..=100 {
            person
                .write(general, &format!("{} {n}", person.name()))
                .await;
            sleep(std::time::Duration::from_millis(15)).await;
        }
    });
    let killing = async {
        for _ in 0..4 {
            sleep(dice.millis(50..400)).await;
            lan.node.kill();
            sleep(dice.millis(0..150)).await;
            lan.node.start_again();
        }
    };
    tokio::join!(futures_util::future::join_all(writing), killing);

    assert_all_arrived(&lan, &people, general, 100).await;
}

#[tokio::test]
async fn typing_presence_and_marks_are_shown_to_the_other() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;

    ben.types(general, true).await;
    let typing = |who: &[MemberId]| {
        let who = who.to_vec();
        move |space: &SpaceOnScreen| {
            (space.typing.get(&general).cloned().unwrap_or_default() == who).then_some(())
        }
    };
    ana.sees("ben types", typing(&[ben.me()])).await;
    ben.types(general, false).await;
    ana.sees("ben no longer types", typing(&[])).await;

    ana.write(general, "seen?").await;
    ben.reads_texts(general, &["seen?"]).await;
    let seq = messages_with_seq(&ben, general).await[0].0;
    ana.sees("ben has received it", |space| {
        (space.marks(general, ben.me()).0 >= seq).then_some(())
    })
    .await;
    assert!(
        ana.now().marks(general, ben.me()).1 < seq,
        "ben has not read it yet"
    );
    ben.sees("one is unread", |space| {
        (space.rooms[&general].unread == 1).then_some(())
    })
    .await;
    ben.reads(general, seq).await;
    ana.sees("ben has read it", |space| {
        (space.marks(general, ben.me()).1 >= seq).then_some(())
    })
    .await;
    ben.sees("nothing is unread", |space| {
        (space.rooms[&general].unread == 0).then_some(())
    })
    .await;

    let state = |wanted| {
        let ben = ben.me();
        move |space: &SpaceOnScreen| {
            space
                .presence
                .get(&ben)
                .filter(|change| change.state == wanted)
                .map(drop)
        }
    };
    ben.is(PresenceState::Dnd).await;
    ana.sees("ben is not to be disturbed", state(PresenceState::Dnd))
        .await;
    ben.cut();
    ana.sees(
        "ben is away from the network",
        state(PresenceState::Offline),
    )
    .await;
}

/// Writes `count` messages, each numbered, as fast as they are safe on disk.
#[tokio::test]
async fn what_one_reads_while_the_node_is_gone_is_known_when_it_is_back() {
    let mut lan = Lan::start();
    let (ana, mut ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    ana.write(general, "seen?").await;
    ben.reads_texts(general, &["seen?"]).await;
    let seq = messages_with_seq(&ben, general).await[0].0;

    lan.node.kill();
    ben.disconnected().await;
    ben.reads(general, seq).await;
    ben.sees_room(general, "nothing unread", |room| room.unread == 0)
        .await;
    ben.start_again().await;
    ben.sees_room(general, "nothing unread", |room| room.unread == 0)
        .await;
    lan.node.start_again();
    ana.sees_in_the_end("ben has read it", |space| {
        (space.marks(general, ben.me()) == (seq, seq)).then_some(())
    })
    .await;
}

async fn write_many(person: &Person, room: RoomId, count: usize) {
    for n in 1..=count {
        person.write(room, &format!("{} {n}", person.name())).await;
    }
}

/// Everybody's `count` messages are in the room, once, each author's in the order written; every
/// replica holds, row by row, what the node holds; the screens say that nothing is on its way.
async fn assert_all_arrived(lan: &Lan, people: &[Person], room: RoomId, count: usize) {
    for person in people {
        person.connected().await;
        person.all_sent().await;
    }
    let stored = logs::events(&lan.node.database());
    logs::assert_whole(&stored);
    let texts: Vec<String> = stored.iter().filter_map(logs::Row::text).collect();
    assert_eq!(texts.len(), count * people.len());
    for person in people {
        let own = texts.iter().filter(|text| text.starts_with(person.name()));
        let expected: Vec<_> = (1..=count)
            .map(|n| format!("{} {n}", person.name()))
            .collect();
        assert!(
            own.eq(&expected),
            "{}'s messages: {texts:#?}",
            person.name()
        );
    }
    for person in people {
        person.reads_texts(room, &texts).await;
        person.holds(&stored).await;
        assert_screen_is_true(person, room).await;
    }
}

/// What the window was told, item by item, is what a page read now says. Where it was told to read
/// the page anew, and nothing after that, the page is all that it shows.
async fn assert_screen_is_true(person: &Person, room: RoomId) {
    let shown = person.sees("all accepted", |space| {
        let shown = space.items.get(&room)?;
        let all = shown.iter().all(|item| item.state == ItemState::Accepted);
        all.then(|| shown.clone())
    });
    let shown = shown.await;
    let timeline = person.timeline(room).await;
    assert!(!timeline.is_empty());
    for item in &shown {
        assert!(
            timeline.contains(item),
            "{} is shown {item:?}",
            person.name()
        );
    }
}

async fn messages(person: &Person, room: RoomId) -> Vec<(MemberId, String)> {
    let timeline = person.timeline(room).await;
    timeline
        .iter()
        .filter_map(|item| Some((item.author, text(item)?)))
        .collect()
}

async fn messages_with_seq(person: &Person, room: RoomId) -> Vec<(u64, String)> {
    let timeline = person.timeline(room).await;
    timeline
        .iter()
        .filter_map(|item| Some((item.seq?, text(item)?)))
        .collect()
}
