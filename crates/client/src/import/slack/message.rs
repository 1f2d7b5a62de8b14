//! A message as Slack writes it, and what it becomes.

use std::borrow::Cow;

use landline_protocol::limits::{EMOJI_BYTES, NAME_CHARS, TEXT_BYTES};
use landline_protocol::{Refusal, size};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::export_file::name_file;
use super::super::{ChangeKind, ImportChange, ImportMessage, LeftOut, Origin, Reason, Step};
use super::archive::at_most;
use super::text::{self, Meanings};

/// Bytes of a text before it is turned into Markdown: Slack's own limit is 40,000 characters.
const SLACK_TEXT_BYTES: usize = 4 * 40_000;
/// Bytes of a message with all that Slack says of it; one at a time is held in full.
const MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// The latest second that is a time of Slack's: in the year 9999.
const LATEST_SECOND: i64 = 253_402_300_799;
/// Reactions, files and attachments of one message, each.
const LISTED: usize = 1_000;
/// People of one reaction that its count is believed to speak of, beyond those that it lists.
const REACTORS: u64 = 10_000;

/// What a day's file has of a message; other fields are not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(rename = "type")]
    kind: String,
    subtype: Option<String>,
    ts: String,
    thread_ts: Option<String>,
    user: Option<String>,
    username: Option<String>,
    user_profile: Option<UserNames>,
    bot_profile: Option<UserNames>,
    text: Option<String>,
    edited: Option<Edited>,
    #[serde(deserialize_with = "at_most::<LISTED, _, _>")]
    reactions: Vec<Reacted>,
    #[serde(deserialize_with = "at_most::<LISTED, _, _>")]
    files: Vec<Named>,
    file: Option<Named>,
    #[serde(deserialize_with = "at_most::<LISTED, _, _>")]
    attachments: Vec<Attachment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Edited {
    ts: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reacted {
    name: String,
    users: Vec<String>,
    count: u64,
}

impl Edited {
    /// A later edit of the same message, in a newer export, is another one.
    fn origin(&self, of: &Origin) -> Origin {
        moment(&self.ts).map_or_else(
            || of.clone(),
            |moment| Origin {
                at: moment / 1_000,
                name: format!("{} {}", of.name, self.ts),
            },
        )
    }
}

impl Reacted {
    /// How many reacted: the list may be cut, so the count may be more.
    fn people(&self) -> u64 {
        let listed = self.users.len() as u64;
        self.count.min(REACTORS).max(listed).max(1)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
    title: Option<String>,
}

/// What a program has added to its message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attachment {
    pretext: Option<String>,
    title: Option<String>,
    title_link: Option<String>,
    text: Option<String>,
    fallback: Option<String>,
}

/// The names that somebody has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserNames {
    display_name: Option<String>,
    real_name: Option<String>,
    name: Option<String>,
}

impl UserNames {
    /// The one that people see.
    pub(super) fn best(&self) -> Option<String> {
        [&self.display_name, &self.real_name, &self.name]
            .into_iter()
            .flatten()
            .find_map(|name| clean_name(name))
    }
}

/// A message with a time.
#[derive(Debug)]
pub(super) struct Posted {
    /// Microseconds since 1970 UTC: the order of messages.
    moment: i64,
    fields: Fields,
}

impl Posted {
    /// Its time alone, where it has one.
    pub(super) fn moment_of(message: &RawValue) -> Option<i64> {
        #[derive(Deserialize)]
        struct Timed<'m> {
            #[serde(borrow)]
            ts: Cow<'m, str>,
        }
        let timed: Timed = serde_json::from_str(message.get()).ok()?;
        moment(&timed.ts)
    }

    pub(super) fn read(message: &RawValue) -> Result<Self, Refusal> {
        let bytes = message.get().len();
        if bytes > MESSAGE_BYTES {
            return Err(Refusal::too_large(format!(
                "a message has {} in the export; at most {} can be read",
                size(bytes as u64),
                size(MESSAGE_BYTES as u64)
            )));
        }
        let fields: Fields = serde_json::from_str(message.get())
            .map_err(|error| Refusal::bad_request(format!("not a message of Slack: {error}")))?;
        let moment = moment(&fields.ts).ok_or_else(|| {
            let shown: String = fields.ts.chars().take(40).collect();
            Refusal::bad_request(format!("`{shown}` is no time of Slack's"))
        })?;
        let bytes = fields.text.as_deref().unwrap_or_default().len();
        if bytes > SLACK_TEXT_BYTES {
            return Err(Refusal::too_large(format!(
                "the text has {}; a message takes up to {}",
                size(bytes as u64),
                size(TEXT_BYTES as u64)
            )));
        }
        Ok(Self { moment, fields })
    }

    /// What it becomes. `line`: its number in its day.
    pub(super) fn steps(
        self,
        line: u64,
        channel: &str,
        meanings: &Meanings,
        left_out: &mut LeftOut,
    ) -> Vec<Step> {
        let Self { moment, fields } = self;
        if let Some(reason) = fields.not_said() {
            match &fields.subtype {
                Some(subtype) if reason == Reason::Unknown => left_out.name(reason, subtype),
                Some(_) | None => left_out.count(reason),
            }
            return Vec::new();
        }
        let Some(target) = origin(channel, &fields.ts) else {
            return Vec::new();
        };
        let text = fields.markdown(meanings, left_out);
        if text.trim().is_empty() {
            left_out.count(Reason::Empty);
            return Vec::new();
        }
        let change = |kind| {
            Step::Change(ImportChange {
                line,
                target: target.clone(),
                kind,
            })
        };
        let mut steps = vec![Step::Message(ImportMessage {
            line,
            origin: Some(target.clone()),
            // The first message of a thread bears its own time as that of the thread.
            topic: fields.thread_ts.clone(),
            author: fields.writer(meanings),
            at: moment / 1_000,
            text: text.clone(),
            ..ImportMessage::default()
        })];
        if let Some(edited) = &fields.edited {
            // What it said before is not in the export; that it was edited is.
            left_out.count(Reason::EarlierVersion);
            steps.push(change(ChangeKind::Edit {
                origin: edited.origin(&target),
                text,
                mentions: Vec::new(),
            }));
        }
        for reacted in &fields.reactions {
            let emoji = text::emoji(&reacted.name).unwrap_or(format!(":{}:", reacted.name));
            if emoji.len() > EMOJI_BYTES || reacted.name.is_empty() {
                left_out.name(Reason::Reaction, &reacted.name);
                continue;
            }
            left_out.count_many(Reason::Reactor, reacted.people());
            steps.push(change(ChangeKind::Reaction(emoji)));
        }
        steps
    }
}

impl Fields {
    /// Why it is nothing that somebody said.
    fn not_said(&self) -> Option<Reason> {
        if self.kind != "message" {
            return Some(Reason::Unknown);
        }
        match self.subtype.as_deref() {
            None
            | Some(
                "bot_message" | "me_message" | "file_share" | "file_comment" | "file_mention"
                | "thread_broadcast" | "reply_broadcast" | "bot_reply" | "document_mention",
            ) => None,
            Some("tombstone" | "message_deleted") => Some(Reason::Deleted),
            Some(subtype)
                if [
                    "channel_",
                    "group_",
                    "bot_",
                    "pinned_",
                    "unpinned_",
                    "reminder_",
                ]
                .iter()
                .any(|kind| subtype.starts_with(kind)) =>
            {
                Some(Reason::RoomChange)
            }
            Some(_) => Some(Reason::Unknown),
        }
    }

    fn writer(&self, meanings: &Meanings) -> String {
        let id = self.user.as_deref().unwrap_or_default();
        let known = meanings.people.get(id).cloned();
        known
            .or_else(|| self.user_profile.as_ref().and_then(UserNames::best))
            .or_else(|| self.username.as_deref().and_then(clean_name))
            .or_else(|| self.bot_profile.as_ref().and_then(UserNames::best))
            .or_else(|| clean_name(id))
            .unwrap_or_else(|| "Slack".to_owned())
    }

    /// All that it says, and the names of its files.
    fn markdown(&self, meanings: &Meanings, left_out: &mut LeftOut) -> String {
        let mut said = text::to_markdown(self.text.as_deref().unwrap_or_default(), meanings);
        if self.subtype.as_deref() == Some("me_message") && !said.is_empty() {
            said = format!("_{said}_");
        }
        for attachment in &self.attachments {
            let added = attachment.markdown(meanings);
            if !added.is_empty() && said.len() + added.len() < TEXT_BYTES {
                if !said.is_empty() {
                    said.push_str("\n\n");
                }
                said.push_str(&added);
            }
        }
        for file in self.files.iter().chain(&self.file) {
            let name = file.name.as_deref().or(file.title.as_deref());
            let name = name.and_then(clean_name).unwrap_or_else(|| "file".into());
            left_out.name(Reason::File, &name);
            name_file(&mut said, &name);
        }
        said
    }
}

impl Attachment {
    fn markdown(&self, meanings: &Meanings) -> String {
        let read = |words: &Option<String>| {
            let words = words.as_deref().unwrap_or_default();
            let short = words.len() <= SLACK_TEXT_BYTES;
            text::to_markdown(if short { words } else { "" }, meanings)
        };
        let title = match (read(&self.title), &self.title_link) {
            (title, Some(link)) if !title.is_empty() && !link.contains(['<', '>', '\n']) => {
                format!(
                    "[{}](<{link}>)",
                    title.replace('[', "\\[").replace(']', "\\]")
                )
            }
            (title, _) => title,
        };
        let parts = [read(&self.pretext), title, read(&self.text)];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return read(&self.fallback);
        }
        parts.join("\n")
    }
}

/// What a message of this time is called. `None` where that is no time.
pub(super) fn origin(channel: &str, ts: &str) -> Option<Origin> {
    Some(Origin {
        at: moment(ts)? / 1_000,
        name: format!("slack {channel} {ts}"),
    })
}

/// A name as it may stand here; `None` where nothing is left of it.
pub(super) fn clean_name(name: &str) -> Option<String> {
    let shown: String = name.chars().filter(|c| !c.is_control()).collect();
    let short: String = shown.trim().chars().take(NAME_CHARS).collect();
    Some(short.trim().to_owned()).filter(|name| !name.is_empty())
}

/// `1512085950.000216`, in microseconds since 1970 UTC.
fn moment(ts: &str) -> Option<i64> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok().filter(|s| *s <= LATEST_SECOND)?;
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    Some(seconds * 1_000_000 + micros.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_microsecond_and_absurd_ones_are_none() {
        assert_eq!(moment("1512085950.000216"), Some(1_512_085_950_000_216));
        assert_eq!(moment("1512085950.5"), Some(1_512_085_950_500_000));
        assert_eq!(moment("0"), Some(0));
        for absurd in [
            "",
            ".",
            "-1",
            "1e9",
            "1.-5",
            "99999999999999999999",
            "253402300800",
            "x",
        ] {
            assert_eq!(moment(absurd), None, "{absurd}");
        }
    }

    fn posted(message: &serde_json::Value) -> Posted {
        let raw = serde_json::value::to_raw_value(message).unwrap();
        Posted::read(&raw).unwrap()
    }

    #[test]
    fn a_reaction_of_more_people_than_a_space_has_is_counted() {
        for (listed, count, expected) in [
            (10_001, 10_001, 10_001),
            (2, 50, 50),
            (0, 0, 1),
            (2, u64::MAX, REACTORS),
        ] {
            let message = posted(&serde_json::json!({
                "type": "message", "user": "U1", "ts": "1512085950.000216", "text": "hello",
                "reactions": [{ "name": "tea", "users": vec!["U2"; listed], "count": count }],
            }));
            let mut left_out = LeftOut::default();
            let steps = message.steps(1, "C1", &Meanings::default(), &mut left_out);
            assert_eq!(steps.len(), 2);
            let counted: Vec<_> = left_out.each().map(|(_, count, _)| count).collect();
            assert_eq!(counted, [expected]);
        }
    }

    #[test]
    fn each_edit_is_one_of_its_own_and_the_same_again_is_the_same() {
        let edit = |ts: &str, text: &str| {
            let message = posted(&serde_json::json!({
                "type": "message", "user": "U1", "ts": "1512085950.000216", "text": text,
                "edited": { "user": "U1", "ts": ts },
            }));
            let steps = message.steps(1, "C1", &Meanings::default(), &mut LeftOut::default());
            let Some(Step::Change(ImportChange { target, kind, .. })) = steps.into_iter().nth(1)
            else {
                panic!("no edit");
            };
            let ChangeKind::Edit { origin, .. } = kind else {
                panic!("{kind:?}");
            };
            (target, origin)
        };
        let first = edit("1512085960.000000", "once");
        assert_eq!(first, edit("1512085960.000000", "once"));
        let second = edit("1512085970.000000", "twice");
        assert_eq!(first.0, second.0);
        assert_ne!(first.1, second.1);
        assert_eq!(second.1.at, 1_512_085_970_000);
        assert_eq!(edit("", "once").1, first.0);
    }

    #[test]
    fn a_name_fits_whatever_it_was() {
        assert_eq!(clean_name(" Ana\n\u{7} ").as_deref(), Some("Ana"));
        assert_eq!(clean_name("\u{0}"), None);
        assert_eq!(
            clean_name(&"é".repeat(100)).unwrap().chars().count(),
            NAME_CHARS
        );
    }
}
