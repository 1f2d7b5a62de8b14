//! What is done to messages: reactions, edits, deletions, pins, answers. With a link and without,
//! by those who may and not by the others.

use landline_client::command::{ItemNamed, QueuedNamed, RoomNamed, SetSettings};
use landline_client::ui::{ChangeKind, ItemState, MessageView, RoomView, Settings};
use landline_client::{Clock as _, SystemClock};
use landline_protocol::{Code, EventId, PresenceState, RoomId};
use landline_tests::deadline::eventually;
use landline_tests::{Lan, Person, logs};

/// Two people in `general`, and a message by the first.
async fn two(lan: &Lan) -> (Person, Person, RoomId, EventId) {
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    let said = ana.write(general, "the kettle is on").await;
    ben.reads_texts(general, &["the kettle is on"]).await;
    (ana, ben, general, said)
}

/// How a message has read, the first version first.
async fn versions(person: &Person, id: EventId) -> Vec<String> {
    let space = person.space();
    let found = person.client().versions(ItemNamed { space, id });
    let versions = found.await.unwrap().versions.into_iter();
    versions.map(|version| version.text).collect()
}

#[tokio::test]
async fn a_reaction_is_seen_with_who_and_can_be_taken_back() {
    let lan = Lan::start();
    let (ana, ben, general, said) = two(&lan).await;
    ben.reacts(general, said, "👍", true).await.unwrap();
    ana.reacts(general, said, "👍", true).await.unwrap();
    let both = |person: &Person| {
        let (ana, ben) = (ana.me(), ben.me());
        let name = person.name().to_owned();
        move |view: &MessageView| {
            let [one] = view.reactions.as_slice() else {
                return false;
            };
            assert_eq!(one.emoji, "👍", "{name}");
            one.members.len() == 2 && one.members.contains(&ana) && one.members.contains(&ben)
        }
    };
    for person in [&ana, &ben] {
        person.sees_message(said, "both", both(person)).await;
    }
    ben.reacts(general, said, "👍", false).await.unwrap();
    ana.sees_message(said, "only her own", |view| {
        view.reactions.len() == 1 && view.reactions[0].members == [ana.me()]
    })
    .await;
}

#[tokio::test]
async fn an_edit_is_read_by_all_with_what_it_said_before_until_it_is_deleted() {
    let lan = Lan::start();
    let (ana, ben, general, said) = two(&lan).await;
    ana.edits(general, said, "the kettle was on").await.unwrap();
    ben.sees_message(said, "the edit", |view| {
        view.edited && view.text == "the kettle was on"
    })
    .await;
    assert_eq!(
        versions(&ben, said).await,
        ["the kettle is on", "the kettle was on"]
    );
    ana.deletes(general, said).await.unwrap();
    ben.sees_message(said, "deleted", |view| view.deleted && view.text.is_empty())
        .await;
    assert_eq!(versions(&ben, said).await, [] as [&str; 0]);
    let rows = ben.replica();
    let holds = |text: &str| rows.iter().any(|row| row.in_short().contains(text));
    assert!(!holds("kettle"), "no replica keeps what was deleted");
}

#[tokio::test]
async fn what_is_done_without_a_link_shows_at_once_and_goes_out_in_order_after_a_kill() {
    let mut lan = Lan::start();
    let (mut ana, ben, general, said) = two(&lan).await;
    let theirs = ben.write(general, "biscuits?").await;
    ana.reads_texts(general, &["the kettle is on", "biscuits?"])
        .await;

    lan.node.kill();
    ana.disconnected().await;
    ana.edits(general, said, "the kettle is off").await.unwrap();
    ana.edits(general, said, "the kettle is off again")
        .await
        .unwrap();
    ana.reacts(general, theirs, "🍪", true).await.unwrap();
    ana.reacts(general, theirs, "👍", true).await.unwrap();
    ana.reacts(general, theirs, "👍", false).await.unwrap();
    ana.pins(general, theirs, true).await.unwrap();
    let answer = ana.answers(general, theirs, "yes plaese").await;
    ana.edits(general, answer, "yes please").await.unwrap();
    let regretted = ana.write(general, "regretted").await;
    ana.deletes(general, regretted).await.unwrap();

    // All of it shows on this computer, the next morning too.
    ana.start_again().await;
    let view = ana.message(said).await.unwrap();
    assert_eq!(view.text, "the kettle is off again");
    assert_eq!(view.changes.len(), 1, "two edits that wait are one");
    assert_eq!(view.changes[0].kind, ChangeKind::Edit);
    assert_eq!(view.changes[0].state, ItemState::Queued);
    let view = ana.message(theirs).await.unwrap();
    assert!(view.pinned);
    assert_eq!(view.reactions.len(), 1, "{:?}", view.reactions);
    assert_eq!(view.reactions[0].emoji, "🍪");
    assert_eq!(ana.message(answer).await.unwrap().text, "yes please");
    assert!(ana.item(regretted).await.is_none());

    lan.node.start_again();
    ana.all_sent().await;
    for person in [&ana, &ben] {
        person
            .reads_texts(
                general,
                &["the kettle is off again", "biscuits?", "yes please"],
            )
            .await;
        let view = person
            .sees_message(theirs, "pin and reaction", |view| {
                view.pinned && view.changes.is_empty()
            })
            .await;
        assert_eq!(view.reactions[0].members, [ana.me()]);
        let answer = person.message(answer).await.unwrap();
        assert_eq!((answer.reply_to, answer.edited), (Some(theirs), false));
        person
            .holds(&logs::at_rest(&lan.node.database()).await)
            .await;
    }
}

#[tokio::test]
async fn only_its_author_edits_a_message_and_only_an_admin_deletes_that_of_another() {
    let lan = Lan::start();
    let (ana, ben, general, said) = two(&lan).await;
    let theirs = ben.write(general, "mine").await;
    ana.reads_texts(general, &["the kettle is on", "mine"])
        .await;
    for refused in [
        ben.edits(general, said, "forged").await,
        ben.deletes(general, said).await,
        // The owner of the space may delete it, but not put words into another's mouth.
        ana.edits(general, theirs, "forged").await,
    ] {
        assert_eq!(refused.unwrap_err().code, Code::NotAllowed);
    }
    ana.deletes(general, theirs).await.unwrap();
    ben.sees_message(theirs, "deleted by the owner", |view| view.deleted)
        .await;
    assert_eq!(ben.message(said).await.unwrap().text, "the kettle is on");
    // What is gone takes nothing more.
    let refused = [
        ben.edits(general, theirs, "back").await,
        ana.reacts(general, theirs, "👍", true).await,
        ana.pins(general, theirs, true).await,
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().code, Code::NotFound);
    }
}

#[tokio::test]
async fn a_change_that_the_node_refuses_is_said_and_can_be_taken_back() {
    let mut lan = Lan::start();
    let (ana, ben, general, said) = two(&lan).await;
    let theirs = ben.write(general, "soon gone").await;
    ana.reads_texts(general, &["the kettle is on", "soon gone"])
        .await;
    // She reacts while she can't know that it was deleted.
    ana.cut();
    ana.disconnected().await;
    ana.reacts(general, theirs, "👍", true).await.unwrap();
    ben.deletes(general, theirs).await.unwrap();
    ben.all_sent().await;
    lan.node.kill();
    lan.node.start_again();
    ana.heal();
    let view = ana
        .sees_message(theirs, "the refusal", |view| {
            view.changes
                .iter()
                .any(|change| matches!(change.state, ItemState::Failed { .. }))
        })
        .await;
    assert_eq!(view.changes[0].kind, ChangeKind::Reaction);
    let named = QueuedNamed {
        space: ana.space(),
        id: view.changes[0].id,
    };
    ana.client().discard_queued(named).await.unwrap();
    ana.sees_message(theirs, "deleted, and no change", |view| {
        view.deleted && view.changes.is_empty()
    })
    .await;
    assert_eq!(ana.message(said).await.unwrap().changes, []);
}

#[tokio::test]
async fn pins_are_listed_and_counted_in_the_room() {
    let lan = Lan::start();
    let (ana, ben, general, said) = two(&lan).await;
    ben.pins(general, said, true).await.unwrap();
    for person in [&ana, &ben] {
        person
            .sees_room(general, "one pin", |room| room.pins == 1)
            .await;
    }
    let space = ana.space();
    let named = RoomNamed {
        space,
        room: general,
    };
    let pinned = ana.client().pins(named.clone()).await.unwrap().items;
    assert_eq!(
        pinned.iter().map(|item| item.id).collect::<Vec<_>>(),
        [said]
    );
    ana.pins(general, said, false).await.unwrap();
    ben.sees_room(general, "no pin", |room| room.pins == 0)
        .await;
    assert!(ben.client().pins(named).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_room_marked_unread_stays_so_until_it_is_read_again() {
    let lan = Lan::start();
    let (ana, mut ben, general, _) = two(&lan).await;
    ana.write(general, "second").await;
    let last = ana.write(general, "third").await;
    ben.reads_texts(general, &["the kettle is on", "second", "third"])
        .await;
    let head = ben.item(last).await.unwrap().seq.unwrap();
    ben.reads(general, head).await;
    ben.sees_room(general, "all read", |room| room.unread == 0)
        .await;
    ben.marks_unread(general, head - 1).await;
    let unread = |room: &RoomView| (room.unread, room.first_unread) == (2, Some(head - 1));
    ben.sees_room(general, "two unread", unread).await;
    ben.start_again().await;
    ben.sees_room(general, "still unread", unread).await;
    ben.reads(general, head).await;
    ben.sees_room(general, "read again", |room| room.unread == 0)
        .await;
}

#[tokio::test]
async fn who_wants_no_receipts_is_seen_to_have_it_and_not_to_have_read_it() {
    let lan = Lan::start();
    let (ana, ben, general, _) = two(&lan).await;
    let settings = Settings {
        receipts: false,
        ..Settings::default()
    };
    let set = SetSettings { settings };
    ben.client().set_settings(set).await.unwrap();
    let said = ana.write(general, "seen?").await;
    ana.all_sent().await;
    let seq = eventually("a place in the log", async || {
        ana.item(said).await.and_then(|item| item.seq)
    })
    .await;
    ben.reads_texts(general, &["the kettle is on", "seen?"])
        .await;
    ben.reads(general, seq).await;
    ben.sees_room(general, "read here", |room| room.unread == 0)
        .await;
    ana.sees("delivered", |space| {
        (space.marks(general, ben.me()).0 >= seq).then_some(())
    })
    .await;
    // A later mark comes after the one that would have said it.
    let later = ana.write(general, "later").await;
    let seq = eventually("a place in the log", async || {
        ana.item(later).await.and_then(|item| item.seq)
    })
    .await;
    let read = ana
        .sees("the next is delivered", |space| {
            let (delivered, read) = space.marks(general, ben.me());
            (delivered >= seq).then_some(read)
        })
        .await;
    assert!(read < seq - 1, "read up to {read}");
}

#[tokio::test]
async fn who_leaves_the_computer_is_seen_as_away_unless_they_have_chosen_otherwise() {
    let lan = Lan::start();
    let (ana, ben, _, _) = two(&lan).await;
    let sees = async |state| {
        ana.sees("his presence", |space| {
            let seen = space.presence.get(&ben.me())?;
            (seen.state == state).then_some(())
        })
        .await;
    };
    ben.client().away(true).await;
    sees(PresenceState::Away).await;
    ben.client().away(false).await;
    sees(PresenceState::Online).await;
    ben.is(PresenceState::Dnd).await;
    sees(PresenceState::Dnd).await;
    ben.client().away(true).await;
    ben.is(PresenceState::Online).await;
    sees(PresenceState::Away).await;
}

#[tokio::test]
async fn who_wants_quiet_for_a_time_is_seen_so_until_it_is_over() {
    let lan = Lan::start();
    let (ana, ben, _, _) = two(&lan).await;
    let quiet = |quiet_until| SetSettings {
        settings: Settings {
            quiet_until,
            ..Settings::default()
        },
    };
    // The end is moved near only once the quiet was seen: it may take long until it is.
    for (ms, state) in [
        (3_600_000, PresenceState::Dnd),
        (1_000, PresenceState::Online),
    ] {
        let until = SystemClock.now() + ms;
        ben.client().set_settings(quiet(Some(until))).await.unwrap();
        ana.sees("his presence", |space| {
            let seen = space.presence.get(&ben.me())?;
            (seen.state == state).then_some(())
        })
        .await;
    }
}
