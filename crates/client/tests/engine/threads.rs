//! What a window is shown of a thread.

use landline_client::command::GetPage;
use landline_client::ui::{ItemBody, Part};
use landline_protocol::Message;

use crate::node::Node;
use crate::screen::{Screen, text};

#[tokio::test]
async fn a_page_of_a_thread_has_its_first_message_wherever_it_lies() {
    let (node, dial) = Node::start(0);
    let (space, general) = (node.space(), node.general());
    let first = node.say("tea?");
    for n in 0..150 {
        node.say_so(Message {
            text: format!("cup {n}"),
            thread: Some(first),
            ..Message::default()
        });
    }
    let mut ben = Screen::join(&dial, space).await;
    ben.until("all is here", |ben| {
        ben.room(general).is_some_and(|room| room.head == 152)
    })
    .await;
    ben.history(general).await;
    let page = |before, after, around| GetPage {
        space,
        room: general,
        part: Part::Thread(first),
        before,
        after,
        around,
        limit: 20,
    };
    let pages = [
        (page(None, None, None), "cup 130", "cup 149"),
        (page(Some(53), None, None), "cup 30", "cup 49"),
        (page(None, Some(102), None), "cup 100", "cup 119"),
        (page(None, None, Some(40)), "cup 31", "cup 50"),
    ];
    for (request, from, to) in pages {
        let page = ben.client.page(request).await.unwrap();
        assert_eq!(page.head.as_deref().map(text), Some("tea?"), "from {from}");
        let ItemBody::Message(view) = page.head.unwrap().body else {
            panic!("a message");
        };
        assert_eq!(view.replies.map(|replies| replies.count), Some(150));
        let texts: Vec<_> = page.items.iter().map(text).collect();
        assert_eq!((texts.first(), texts.last()), (Some(&from), Some(&to)));
    }
    assert_eq!(ben.page(general, None, 20).await.head, None);
}
