//! Names and topics, checked once where they enter.

use crate::limits::{NAME_CHARS, TOPIC_CHARS};
use crate::{Code, Refusal};

/// The name of a person, room or space, trimmed; or why it can't be one.
///
/// `what` begins the message: "the room's name".
pub fn check_name<'a>(what: &str, name: &'a str) -> Result<&'a str, Refusal> {
    let name = name.trim();
    let chars = name.chars().count();
    if chars == 0 {
        return Err(Refusal::bad_request(format!("{what} is empty")));
    }
    if chars > NAME_CHARS {
        return Err(Refusal::new(
            Code::TooLarge,
            format!("{what} has {chars} characters; the limit is {NAME_CHARS}"),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(Refusal::bad_request(format!(
            "{what} has control characters in it"
        )));
    }
    Ok(name)
}

/// A short text in one line that may be empty: a topic, a reason.
pub fn check_topic(what: &str, text: &str) -> Result<(), Refusal> {
    let chars = text.chars().count();
    if chars > TOPIC_CHARS {
        return Err(Refusal::new(
            Code::TooLarge,
            format!("{what} has {chars} characters; the limit is {TOPIC_CHARS}"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::bad_request(format!(
            "{what} has control characters in it"
        )));
    }
    Ok(())
}
