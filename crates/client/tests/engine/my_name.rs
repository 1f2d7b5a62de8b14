//! A new name reaches every space, and the person is told where it does not.

use landline_client::command::{SetName, SpaceNamed};
use landline_client::ui::LinkState;
use landline_protocol::Content;

use crate::node::Node;
use crate::screen::{Screen, eventually, replica};

/// The names that people have taken since they came.
fn new_names(node: &Node) -> Vec<String> {
    let log = node.log(node.space().directory());
    let profiles = log
        .iter()
        .filter_map(|event| match Content::read(&event.content) {
            Content::Profile(profile) => profile.name,
            _ => None,
        });
    profiles.collect()
}

async fn takes_the_name(ben: &Screen, name: &str) {
    let name = name.into();
    ben.client.set_name(SetName { name }).await.unwrap();
}

#[tokio::test]
async fn a_name_chosen_while_a_space_could_not_be_opened_reaches_it_later() {
    let (node, dial) = Node::start(3);
    let ben = Screen::join(&dial, node.space()).await;
    let space = node.space();
    let database = ben.replica();
    let version = |version: i64| {
        let c = rusqlite::Connection::open(&database).unwrap();
        c.pragma_update(None, "user_version", version).unwrap();
    };
    let known: i64 = rusqlite::Connection::open(&database)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let mut ben = ben.restart_after(&dial, |_| version(9_999)).await;
    assert_eq!(ben.link(), Some(LinkState::Refused));
    takes_the_name(&ben, "Benno").await;

    version(known);
    ben.client.connect_now(SpaceNamed { space }).await.unwrap();
    ben.until_connected().await;
    eventually("the space knows", || new_names(&node) == ["Benno"]).await;
    // Once.
    node.cut();
    let dials = node.dials();
    eventually("back", || node.dials() > dials).await;
    let mine = ben.post(node.general(), "here").await;
    ben.until_accepted(mine).await;
    assert_eq!(new_names(&node), ["Benno"]);
}

#[tokio::test]
async fn a_name_that_is_refused_is_told_and_tried_again_on_the_next_link() {
    let (node, dial) = Node::start(3);
    let mut ben = Screen::join(&dial, node.space()).await;
    node.manners(|manners| manners.dislikes = Some("Benno"));
    takes_the_name(&ben, "Benno").await;
    ben.until_told("Studio does not call you Benno: not here")
        .await;
    let waits: i64 = rusqlite::Connection::open(replica(&ben.data, node.space()))
        .unwrap()
        .query_row("SELECT count(*) FROM outbox", (), |row| row.get(0))
        .unwrap();
    assert_eq!(waits, 0, "nothing stays that nobody can try again");
    node.manners(|manners| manners.dislikes = None);
    node.cut();
    eventually("the space knows", || new_names(&node) == ["Benno"]).await;
}
