//! How far others have read, where that has moved while one was away.

use landline_client::command::Look;
use landline_protocol::RoomId;
use landline_tests::deadline::eventually;
use landline_tests::{Lan, Person};

async fn looks_at(person: &Person, room: RoomId) {
    let look = Look {
        space: Some(person.space()),
        room: Some(room),
        thread: None,
        focused: true,
    };
    person.client().look(look).await.unwrap();
}

#[tokio::test]
async fn what_was_read_while_one_was_away_is_shown_as_read() {
    let lan = Lan::start();
    let mut ana = lan.person("ana").await;
    let (ben, cem) = (lan.person("ben").await, lan.person("cem").await);
    let general = ana.room("general").await;
    looks_at(&ana, general).await;
    let mut seq = 0;
    for (text, starts_again) in [("one", false), ("two", true)] {
        let said = ana.write(general, text).await;
        seq = eventually("a place in the log", async || {
            ana.item(said).await.and_then(|item| item.seq)
        })
        .await;
        ben.sees_message(said, "the message", |_| true).await;
        ana.cut();
        ana.disconnected().await;
        ben.reads(general, seq).await;
        let read = |space: &landline_tests::screen::SpaceOnScreen| {
            (space.marks(general, ben.me()).1 >= seq).then_some(())
        };
        cem.sees("ben has read it", read).await;
        if starts_again {
            ana.start_again().await;
            // As the window does: before there is a link.
            looks_at(&ana, general).await;
        }
        ana.heal();
        ana.sees("ben has read it", read).await;
    }
    assert!(seq > 0);
}
