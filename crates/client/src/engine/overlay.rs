//! What waits in the outbox, laid over what the log says: offline, too, a message reads as its
//! author has last left it. Plain functions on a connection.

use landline_protocol::{Content, EventId, MemberId, Refusal, RoomId};
use landline_store::outbox::{self, State, Waiting};
use landline_store::{Connection, threads};

use crate::ClientError;
use crate::ui::{
    ChangeKind, ChangeView, Item, ItemBody, ItemState, MessageView, ReactionView, RepliesView,
    ReplyAuthor,
};

/// Waiting events that are laid over one message: of a thread that was imported and that the node
/// has lost, all replies may wait.
const LAID_OVER: usize = 1_000;

/// Completes the lines of one room: the threads they began, and what waits about them.
pub(super) fn dress(
    c: &Connection,
    me: MemberId,
    room: RoomId,
    items: &mut [Item],
) -> Result<(), ClientError> {
    let some_wait = outbox::waits_in(c, room)?;
    for item in items {
        let ItemBody::Message(view) = &mut item.body else {
            continue;
        };
        if item.seq.is_some() {
            view.replies = threads::summary(c, item.id, me)?.map(replies);
        }
        if some_wait {
            for waiting in outbox::about(c, item.id, LAID_OVER)? {
                let content = Content::read(&waiting.event.content);
                lay(view, &waiting, content, me);
            }
        }
    }
    Ok(())
}

/// The message that this changes on the screen: the one that it is about, or that began the thread
/// it is said in.
pub(super) fn about(content: &Content) -> Option<EventId> {
    match content {
        Content::Message(message) => message.thread,
        other => other.target(),
    }
}

fn replies(summary: threads::Summary) -> RepliesView {
    RepliesView {
        count: summary.replies,
        last_at: summary.last_at,
        last: summary.last,
        authors: summary.authors.into_iter().map(author).collect(),
        unread: summary.unread,
    }
}

fn author(author: threads::Author) -> ReplyAuthor {
    ReplyAuthor {
        member: author.member,
        imported_name: author.imported_name,
    }
}

pub(super) fn state(state: &State) -> ItemState {
    match state {
        State::Queued | State::Held => ItemState::Queued,
        State::Unsettled => ItemState::Sending,
        State::Failed { code, message } => ItemState::Failed {
            refusal: Refusal::new(*code, message.clone()),
        },
    }
}

fn lay(view: &mut MessageView, waiting: &Waiting, content: Content, me: MemberId) {
    let failed = matches!(waiting.state, State::Failed { .. });
    let mut text = None;
    let kind = match content {
        Content::Message(_) => {
            if !failed {
                reply(view, waiting.event.sent_at, me);
            }
            return;
        }
        Content::Edit(edit) => {
            if !failed {
                view.text.clone_from(&edit.text);
                view.mentions = edit.mentions;
                view.edited = true;
            }
            text = Some(edit.text);
            ChangeKind::Edit
        }
        Content::Delete(_) => {
            if !failed {
                *view = MessageView {
                    deleted: true,
                    thread: view.thread,
                    replies: view.replies.take(),
                    changes: std::mem::take(&mut view.changes),
                    ..MessageView::default()
                };
            }
            ChangeKind::Delete
        }
        Content::Reaction(reaction) => {
            if !failed {
                react(view, reaction.emoji, reaction.on, me);
            }
            ChangeKind::Reaction
        }
        Content::Pin(pin) => {
            if !failed {
                view.pinned = pin.on;
            }
            ChangeKind::Pin
        }
        _ => return,
    };
    view.changes.push(ChangeView {
        id: waiting.event.id,
        kind,
        text,
        state: state(&waiting.state),
    });
}

/// A reply of mine waits: it counts, so that the thread can be opened.
fn reply(view: &mut MessageView, sent_at: i64, me: MemberId) {
    let replies = view.replies.get_or_insert(RepliesView {
        count: 0,
        last_at: sent_at,
        last: 0,
        authors: Vec::new(),
        unread: 0,
    });
    replies.count += 1;
    replies.last_at = replies.last_at.max(sent_at);
    let author = ReplyAuthor {
        member: me,
        imported_name: None,
    };
    if !replies.authors.contains(&author) {
        replies.authors.insert(0, author);
    }
}

fn react(view: &mut MessageView, emoji: String, on: bool, me: MemberId) {
    let known = view.reactions.iter_mut().find(|one| one.emoji == emoji);
    match known {
        Some(known) => {
            known.members.retain(|member| *member != me);
            if on {
                known.members.push(me);
            }
        }
        None if on => view.reactions.push(ReactionView {
            emoji,
            members: vec![me],
        }),
        None => {}
    }
    view.reactions.retain(|one| !one.members.is_empty());
}
