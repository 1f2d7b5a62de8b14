//! A node whose store was restored from an older copy: nobody's own messages are lost.

use std::fs;
use std::path::Path;

use landline_protocol::RoomId;
use landline_tests::{Lan, Person, logs};

/// Events of each of two that the copy does not have.
const SINCE_THE_COPY: usize = 15;

#[tokio::test]
async fn a_database_restored_from_a_copy_of_30_events_ago_gets_them_back() {
    restored(&["node.sqlite"]).await;
}

#[tokio::test]
async fn a_whole_folder_restored_from_a_copy_of_30_events_ago_gets_them_back() {
    restored(&["node.sqlite", "seen", "node.key"]).await;
}

/// A copy is taken of `files`, life goes on, and the copy is put back. People are online throughout.
async fn restored(files: &[&str]) {
    let mut lan = Lan::start();
    let people = [lan.person("ana").await, lan.person("ben").await];
    let general = people[0].room("general").await;
    write(&people, general, 1..=5).await;

    lan.node.stop();
    let copy = lan.folder("copy");
    copy_files(files, lan.node.data(), &copy);
    lan.node.start_again();
    write(&people, general, 6..=5 + SINCE_THE_COPY).await;
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
    lan.node.start_again();

    for person in &people {
        person.connected().await;
    }
    let came_back = landline_tests::deadline::eventually("all events are back", async || {
        let now = logs::events(&lan.node.database());
        (now.len() >= before.len()).then_some(now)
    });
    let after = came_back.await;
    for person in &people {
        person.all_sent().await;
    }
    logs::assert_whole(&after);
    let ids = |rows: &[logs::Row]| {
        let mut ids: Vec<_> = rows
            .iter()
            .map(|row| (row.id.clone(), row.author.clone(), row.content.clone()))
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(
        ids(&after),
        ids(&before),
        "the same events by the same people, with their ids"
    );
    for person in &people {
        let own = |rows: &[logs::Row]| {
            let of = rows
                .iter()
                .filter(|row| row.author == person.me().as_bytes());
            of.map(|row| row.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            own(&after),
            own(&before),
            "{}'s events in the order written",
            person.name()
        );
        person.holds(&after).await;
        let texts: Vec<_> = after.iter().filter_map(logs::Row::text).collect();
        person.reads_texts(general, &texts).await;
    }
    people[0].write(general, "life goes on").await;
    for person in &people {
        person
            .sees("the next message", |space| {
                let items = space.items.get(&general)?;
                items
                    .iter()
                    .filter_map(landline_tests::person::text)
                    .find(|text| text == "life goes on")
            })
            .await;
    }
}

async fn write(people: &[Person; 2], room: RoomId, numbers: std::ops::RangeInclusive<usize>) {
    for n in numbers {
        for person in people {
            person.write(room, &format!("{} {n}", person.name())).await;
        }
    }
    for person in people {
        person.connected().await;
        person.all_sent().await;
    }
    let [ana, ben] = people;
    landline_tests::deadline::eventually("both have the same", async || {
        (ana.texts(room).await == ben.texts(room).await).then_some(())
    })
    .await;
}

fn copy_files(files: &[&str], from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in files {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}
