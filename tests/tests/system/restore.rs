//! A node whose store was restored from an older copy: nobody's own messages are lost.

use std::fs;
use std::path::Path;

use landline_protocol::RoomId;
use landline_tests::deadline::eventually;
use landline_tests::{Lan, Person, logs};

/// Events of each of two that the copy does not have.
const SINCE_THE_COPY: usize = 15;

#[tokio::test]
async fn a_database_restored_from_a_copy_of_30_events_ago_gets_them_back() {
    let mut lan = Lan::start();
    let writers = [lan.person("ana").await, lan.person("ben").await];
    let before = restore(&mut lan, &writers, &["node.sqlite"]).await;
    assert_all_back(&lan, &writers, &before).await;
}

#[tokio::test]
async fn a_whole_folder_restored_from_a_copy_of_30_events_ago_gets_them_back() {
    let mut lan = Lan::start();
    let writers = [lan.person("ana").await, lan.person("ben").await];
    let files = ["node.sqlite", "seen", "node.key"];
    let before = restore(&mut lan, &writers, &files).await;
    assert_all_back(&lan, &writers, &before).await;
}

/// The log has the same length and the same last event as before, but another order within: who
/// only read along and comes back last must notice.
#[tokio::test]
async fn a_reader_who_returns_after_the_events_came_back_takes_their_new_order() {
    let mut lan = Lan::start();
    let writers = [lan.person("ana").await, lan.person("ben").await];
    let cem = lan.person("cem").await;
    let general = cem.room("general").await;
    let before = restore_while(&mut lan, &writers, &["node.sqlite"], || {
        writers[1].cut();
        cem.cut();
    });
    let before = before.await;

    eventually("ana's events are back", async || {
        let now = logs::events(&lan.node.database());
        (now.len() == before.len() - SINCE_THE_COPY).then_some(())
    })
    .await;
    writers[1].heal();
    writers[1].connected().await;
    assert_all_back(&lan, &writers, &before).await;
    let after = logs::events(&lan.node.database());
    let last = |rows: &[logs::Row]| rows.last().map(|row| (row.seq, row.id.clone()));
    assert_eq!(
        last(&after),
        last(&before),
        "nothing shows at the end of the log"
    );
    assert_ne!(after, before);
    cem.heal();
    cem.holds(&after).await;
    let texts: Vec<_> = after.iter().filter_map(logs::Row::text).collect();
    cem.reads_texts(general, &texts).await;
}

/// What Ben wrote hangs on what Ana wrote, both were lost, and he is back before her: the node can't
/// take it yet.
#[tokio::test]
async fn what_answers_others_comes_back_though_they_return_later() {
    let mut lan = Lan::start();
    let writers = [lan.person("ana").await, lan.person("ben").await];
    let before = restore_talk(&mut lan, &writers, &["node.sqlite"], talk, || {
        writers[0].cut();
    });
    let before = before.await;
    let [ana, ben] = &writers;
    let general = ana.room("general").await;
    ben.connected().await;
    ben.sees("what he wrote was refused", |space| {
        let room = space.rooms.get(&general)?;
        (space.view.queued == 0 && room.queued > 0).then_some(())
    })
    .await;
    ana.heal();
    assert_same_again(&lan, &writers, &before).await;
    for person in &writers {
        person
            .sees_room(general, "nothing waits", |room| room.queued == 0)
            .await;
    }
}

/// A copy is taken of `files`, life goes on, and the copy is put back; the writers are online
/// throughout. What the node held before.
async fn restore(lan: &mut Lan, writers: &[Person; 2], files: &[&str]) -> Vec<logs::Row> {
    restore_while(lan, writers, files, || {}).await
}

/// [`restore`], with something happening before the node returns.
async fn restore_while(
    lan: &mut Lan,
    writers: &[Person; 2],
    files: &[&str],
    happens: impl FnOnce(),
) -> Vec<logs::Row> {
    let life = async |people: &[Person; 2], general| {
        write(people, general, 6..=5 + SINCE_THE_COPY).await;
    };
    restore_talk(lan, writers, files, life, happens).await
}

/// [`restore_while`], with another life.
async fn restore_talk(
    lan: &mut Lan,
    writers: &[Person; 2],
    files: &[&str],
    life: impl AsyncFnOnce(&[Person; 2], RoomId),
    happens: impl FnOnce(),
) -> Vec<logs::Row> {
    let general = writers[0].room("general").await;
    write(writers, general, 1..=5).await;
    lan.node.stop();
    let copy = lan.folder("copy");
    copy_files(files, lan.node.data(), &copy);
    lan.node.start_again();
    life(writers, general).await;
    let before = logs::events(&lan.node.database());
    lan.node.stop();
    for file in fs::read_dir(lan.node.data()).unwrap().map(Result::unwrap) {
        if file
            .file_name()
            .to_string_lossy()
            .starts_with("node.sqlite")
        {
            fs::remove_file(file.path()).unwrap();
        }
    }
    copy_files(files, &copy, lan.node.data());
    happens();
    lan.node.start_again();
    before
}

async fn assert_all_back(lan: &Lan, people: &[Person; 2], before: &[logs::Row]) {
    assert_same_again(lan, people, before).await;
    let after = logs::events(&lan.node.database());
    for person in people {
        let own = |rows: &[logs::Row]| {
            let of = rows
                .iter()
                .filter(|row| row.author == person.me().as_bytes());
            of.map(|row| row.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            own(&after),
            own(before),
            "{}'s events in the order written",
            person.name()
        );
    }
}

/// All is there again, in whatever order.
async fn assert_same_again(lan: &Lan, people: &[Person; 2], before: &[logs::Row]) {
    let general = people[0].room("general").await;
    for person in people {
        person.connected().await;
    }
    let came_back = eventually("all events are back", async || {
        let now = logs::events(&lan.node.database());
        (now.len() >= before.len()).then_some(now)
    });
    let after = came_back.await;
    for person in people {
        person.all_sent().await;
    }
    logs::assert_whole(&after);
    let ids = |rows: &[logs::Row]| {
        let of = |row: &logs::Row| (row.id.clone(), row.author.clone(), row.content.to_string());
        let mut ids: Vec<_> = rows.iter().map(of).collect();
        ids.sort();
        ids
    };
    assert_eq!(
        ids(&after),
        ids(before),
        "the same events by the same people, with their ids"
    );
    let texts: Vec<_> = after.iter().filter_map(logs::Row::text).collect();
    for person in people {
        person.holds(&after).await;
        person.reads_texts(general, &texts).await;
    }
}

/// In turn, so that the node has them in turn.
async fn write(people: &[Person; 2], room: RoomId, numbers: std::ops::RangeInclusive<usize>) {
    for person in people {
        person.connected().await;
    }
    for n in numbers {
        for person in people {
            person.write(room, &format!("{} {n}", person.name())).await;
            person.all_sent().await;
        }
    }
    let [ana, ben] = people;
    eventually("both have the same", async || {
        (ana.texts(room).await == ben.texts(room).await).then_some(())
    })
    .await;
}

/// Each says something, the other answers, in a thread too, reacts to it and pins it.
async fn talk(people: &[Person; 2], room: RoomId) {
    for person in people {
        person.connected().await;
    }
    for n in 0..3 {
        for (says, answers) in [(0, 1), (1, 0)].map(|(a, b)| (&people[a], &people[b])) {
            let said = says.write(room, &format!("{} asks {n}", says.name())).await;
            answers.sees_message(said, "what was asked", |_| true).await;
            let answer = answers.answers(room, said, &format!("yes {n}")).await;
            answers.reacts(room, said, "👍", true).await.unwrap();
            answers.pins(room, said, true).await.unwrap();
            says.sees_message(answer, "the answer", |_| true).await;
            let aside = says
                .writes_in_thread(room, answer, &format!("aside {n}"))
                .await;
            says.reacts(room, answer, "🎉", true).await.unwrap();
            answers.sees_message(aside, "the aside", |_| true).await;
            for person in people {
                person.all_sent().await;
            }
        }
    }
}

fn copy_files(files: &[&str], from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in files {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}
