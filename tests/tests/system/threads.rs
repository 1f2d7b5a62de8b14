//! Threads: said aside, counted under their first message, unread for those who follow them.

use landline_client::ui::Part;
use landline_protocol::Mention;
use landline_tests::person::text;
use landline_tests::{Lan, logs};

#[tokio::test]
async fn what_is_said_in_a_thread_stands_there_and_counts_for_those_who_follow_it() {
    let lan = Lan::start();
    let (ana, ben, cem) = (
        lan.person("ana").await,
        lan.person("ben").await,
        lan.person("cem").await,
    );
    let general = ana.room("general").await;
    let head = ana.write(general, "tea?").await;
    ben.reads_texts(general, &["tea?"]).await;
    ben.writes_in_thread(general, head, "green").await;
    let last = ben.writes_in_thread(general, head, "or black").await;
    let main = ben.write(general, "aside").await;

    // She began it: both are unread there, and only what was said aloud in the room.
    ana.sees_room(general, "two replies, one message", |room| {
        (room.unread_replies, room.unread) == (2, 1)
    })
    .await;
    let replies = ana.message(head).await.unwrap().replies.unwrap();
    assert_eq!((replies.count, replies.unread), (2, 2));
    assert_eq!(replies.authors.len(), 1);
    assert_eq!(replies.authors[0].member, ben.me());
    let texts = |items: Vec<_>| items.iter().filter_map(text).collect::<Vec<_>>();
    assert_eq!(
        texts(ana.part(general, Part::Main).await),
        ["tea?", "aside"]
    );
    assert_eq!(
        texts(ana.part(general, Part::Thread(head)).await),
        ["tea?", "green", "or black"]
    );

    // He only listens: nothing of it is unread for him.
    cem.sees_message(head, "the thread", |view| {
        view.replies
            .as_ref()
            .is_some_and(|replies| (replies.count, replies.unread) == (2, 0))
    })
    .await;
    cem.sees_room(general, "two messages", |room| {
        (room.unread_replies, room.unread) == (0, 2)
    })
    .await;

    let (space, room) = (ana.space(), general);
    let unread = async || {
        let named = landline_client::command::RoomNamed { space, room };
        let items = ana.client().threads(named).await.unwrap().items;
        items.iter().map(|item| item.id).collect::<Vec<_>>()
    };
    assert_eq!(unread().await, [head]);
    let seq = ana.item(last).await.unwrap().seq.unwrap();
    ana.reads_thread(general, head, seq).await;
    ana.sees_room(general, "the thread is read", |room| {
        (room.unread_replies, room.unread) == (0, 1)
    })
    .await;
    assert_eq!(unread().await, []);
    assert_eq!(ana.message(head).await.unwrap().replies.unwrap().unread, 0);
    assert_eq!(ana.message(main).await.unwrap().thread, None);
}

#[tokio::test]
async fn a_mention_in_a_thread_makes_one_follow_it() {
    let lan = Lan::start();
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    let head = ana.write(general, "tea?").await;
    ana.all_sent().await;
    let post = landline_client::command::Post {
        space: ana.space(),
        room: general,
        text: "@ben?".into(),
        reply_to: None,
        thread: Some(head),
        mentions: vec![Mention::Member(ben.me())],
        attachments: Vec::new(),
    };
    ana.client().post(post).await.unwrap();
    ben.sees_room(general, "a reply for him", |room| room.unread_replies == 1)
        .await;
}

#[tokio::test]
async fn a_thread_begun_offline_under_a_queued_message_goes_out_whole_after_a_kill() {
    let mut lan = Lan::start();
    let (mut ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    lan.node.kill();
    ana.disconnected().await;
    let head = ana.write(general, "first").await;
    ana.writes_in_thread(general, head, "second").await;
    ana.writes_in_thread(general, head, "third").await;
    let view = ana.message(head).await.unwrap();
    assert_eq!(view.replies.map(|replies| replies.count), Some(2));
    ana.start_again().await;
    let shown = ana.part(general, Part::Thread(head)).await;
    let texts: Vec<_> = shown.iter().filter_map(text).collect();
    assert_eq!(texts, ["first", "second", "third"]);
    lan.node.start_again();

    ben.sees_message(head, "the whole thread", |view| {
        view.replies
            .as_ref()
            .is_some_and(|replies| replies.count == 2)
    })
    .await;
    ana.all_sent().await;
    for person in [&ana, &ben] {
        person
            .holds(&logs::at_rest(&lan.node.database()).await)
            .await;
        let shown = person.part(general, Part::Thread(head)).await;
        let texts: Vec<_> = shown.iter().filter_map(text).collect();
        assert_eq!(texts, ["first", "second", "third"]);
    }
    assert_eq!(
        ana.now().rooms[&general].unread_replies,
        0,
        "one's own replies are read"
    );
}
