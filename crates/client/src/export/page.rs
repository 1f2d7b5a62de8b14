//! One page of HTML, to be read by people: it needs nothing but the files beside it, fetches nothing
//! from elsewhere and runs nothing, in light and dark. Threads stand under the message that began them.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use landline_protocol::{Content, EventId, File, MemberId, Refusal, RoomId, RoomKind};
use landline_store::messages::{self, Line, MessageRow, Part, SystemRow};

use super::attachments::Attachments;
use super::escape::Escaped;
use super::markdown::to_html;
use super::{Names, PAGE_EVENTS, Progress, Room, Source, Writing, not_written};

/// Files that are shown as pictures.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const STYLE: &str = include_str!("page.css");
/// Characters of a message that another one quotes.
const QUOTE_CHARS: usize = 120;

pub(super) fn write<P: FnMut(Progress)>(
    to: &mut Writing<'_, P>,
    files: &mut Attachments,
    zone: &TimeZone,
) -> Result<(), Refusal> {
    let source = to.source;
    to.put(&head(source, &to.names, zone))?;
    for (number, room) in source.rooms.iter().enumerate() {
        to.put(&room_head(number, room))?;
        lines(to, room.id, files, zone)?;
        to.put("</section>\n")?;
    }
    to.put("</body>\n</html>\n")
}

fn head(source: &Source, names: &Names, zone: &TimeZone) -> String {
    let space = Escaped(&source.space_name);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; img-src 'self' file:; base-uri 'none'; form-action 'none'\">\n\
         <title>{space}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>{space}</h1>\n<p class=\"about\">Exported by {} on {}</p>\n<nav><ul>\n",
        Escaped(&names.get(source.me)),
        moment(source.now, zone, "%-d %B %Y, %H:%M"),
    );
    for (number, room) in source.rooms.iter().enumerate() {
        let _ = writeln!(
            html,
            "<li><a href=\"#room-{number}\">{}</a></li>",
            Title(room)
        );
    }
    html.push_str("</ul></nav>\n");
    html
}

fn room_head(number: usize, room: &Room) -> String {
    let mut html = format!("<section id=\"room-{number}\">\n<h2>{}</h2>\n", Title(room));
    if !room.topic.is_empty() {
        let _ = writeln!(html, "<p class=\"topic\">{}</p>", Escaped(&room.topic));
    }
    if room.archived {
        html.push_str("<p class=\"about\">This room is archived.</p>\n");
    }
    if !room.complete {
        html.push_str(
            "<p class=\"missing\">Some of this room was not on the computer it was exported on.</p>\n",
        );
    }
    html
}

/// The timeline, and under each message the thread that it began.
fn lines<P: FnMut(Progress)>(
    to: &mut Writing<'_, P>,
    room: RoomId,
    files: &mut Attachments,
    zone: &TimeZone,
) -> Result<(), Refusal> {
    let (mut after, mut day) = (0, String::new());
    loop {
        let page =
            to.read(move |c| messages::page_after(c, room, Part::Main, after, PAGE_EVENTS))?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.seq();
        let lines = page.len();
        for line in page {
            let on = moment(at(&line), zone, "%A, %-d %B %Y");
            if on != day {
                to.put(&format!("<h3>{on}</h3>\n"))?;
                day = on;
            }
            match line {
                Line::System(row) => to.put(&happened(&to.names, &row))?,
                Line::Message(row) => {
                    message(to, &row, files, zone)?;
                    thread(to, room, row.id, files, zone)?;
                    to.put("</article>\n")?;
                }
            }
        }
        to.step(lines)?;
    }
}

/// All that was said in the thread that this message began.
fn thread<P: FnMut(Progress)>(
    to: &mut Writing<'_, P>,
    room: RoomId,
    first: EventId,
    files: &mut Attachments,
    zone: &TimeZone,
) -> Result<(), Refusal> {
    let mut after = 0;
    loop {
        let page = to.read(move |c| {
            messages::page_after(c, room, Part::Thread(first), after, PAGE_EVENTS)
        })?;
        let Some(last) = page.last() else { break };
        if after == 0 {
            to.put("<details class=\"thread\" open><summary>Thread</summary>\n")?;
        }
        after = last.seq();
        for line in &page {
            if let Line::Message(row) = line {
                message(to, row, files, zone)?;
                to.put("</article>\n")?;
            }
        }
        to.step(page.len())?;
    }
    if after > 0 {
        to.put("</details>\n")?;
    }
    Ok(())
}

/// A message, but for its end: a thread may follow.
fn message<P: FnMut(Progress)>(
    to: &mut Writing<'_, P>,
    row: &MessageRow,
    files: &mut Attachments,
    zone: &TimeZone,
) -> Result<(), Refusal> {
    let (id, at) = (row.id, row.imported_at.unwrap_or(row.accepted_at));
    let writer = match &row.imported_name {
        Some(name) => name.clone(),
        None => to.names.get(row.author),
    };
    let mut html = format!(
        "<article id=\"m-{id}\"><header{}><b dir=\"auto\">{}</b> <time datetime=\"{}\" title=\"{}\">{}</time>",
        if row.pinned { " class=\"pinned\"" } else { "" },
        Escaped(&writer),
        moment(at, &TimeZone::UTC, "%Y-%m-%dT%H:%M:%SZ"),
        moment(at, zone, "%-d %B %Y, %H:%M:%S"),
        moment(at, zone, "%H:%M"),
    );
    if row.edited {
        html.push_str(" <time>edited</time>");
    }
    html.push_str("</header>\n");
    if let Some(quoted) = row.reply_to {
        let line = to.read(move |c| messages::find(c, quoted))?;
        html.push_str(&quote(&to.names, quoted, line));
    }
    if row.deleted {
        html.push_str("<p class=\"deleted\">deleted</p>\n");
    } else {
        let _ = writeln!(html, "<div dir=\"auto\">{}</div>", to_html(&row.text));
    }
    for file in &row.files {
        let at = files
            .put(file)
            .map_err(|error| not_written(files.folder(), &error))?;
        attached(&mut html, file, at.as_deref());
    }
    if !row.reactions.is_empty() {
        html.push_str("<ul class=\"reactions\">");
        for reacted in &row.reactions {
            let who = reacted.members.iter();
            let who: Vec<String> = who.map(|member| to.names.get(*member)).collect();
            let _ = write!(
                html,
                "<li title=\"{}\">{} {}</li>",
                Escaped(&who.join(", ")),
                Escaped(&reacted.emoji),
                who.len()
            );
        }
        html.push_str("</ul>\n");
    }
    to.messages += 1;
    to.put(&html)
}

/// What a message answers, in short.
fn quote(names: &Names, id: EventId, line: Option<Line>) -> String {
    let words = match line {
        Some(Line::Message(row)) if !row.deleted => {
            let writer = row.imported_name.unwrap_or_else(|| names.get(row.author));
            let mut text: String = row.text.chars().take(QUOTE_CHARS).collect();
            if text.len() < row.text.len() {
                text.push('…');
            }
            format!("{writer}: {}", text.replace('\n', " "))
        }
        Some(_) | None => "a message that is gone".to_owned(),
    };
    format!(
        "<blockquote class=\"quote\" dir=\"auto\"><a href=\"#m-{id}\">{}</a></blockquote>\n",
        Escaped(&words)
    )
}

/// A file of a message: shown where it is a picture, and else by its name. `at`: where it is.
fn attached(html: &mut String, file: &File, at: Option<&str>) {
    let name = Escaped(&file.name);
    let _ = match at {
        Some(at) if PICTURES.contains(&file.media_type.as_str()) => writeln!(
            html,
            "<p class=\"files\"><a href=\"{at}\"><img src=\"{at}\" alt=\"{name}\" loading=\"lazy\"></a></p>"
        ),
        Some(at) => writeln!(
            html,
            "<p class=\"files\" dir=\"auto\"><a href=\"{at}\" download>{name}</a> ({} bytes)</p>",
            file.bytes
        ),
        None => writeln!(
            html,
            "<p class=\"files\" dir=\"auto\">{name} ({} bytes, not on the computer it was exported on)</p>",
            file.bytes
        ),
    };
}

/// What the room tells of itself.
fn happened(names: &Names, row: &SystemRow) -> String {
    let who = names.get(row.author);
    let whom = |member: MemberId| names.get(member);
    let words = match &row.content {
        Content::RoomCreated(created) if created.everyone => {
            "The room was created with the space".to_owned()
        }
        Content::RoomCreated(_) => format!("{who} created the room"),
        Content::RoomChanged(changed) => match (&changed.name, &changed.topic, changed.archived) {
            (Some(name), ..) => format!("{who} named the room {name}"),
            (None, Some(topic), _) if topic.is_empty() => format!("{who} removed the topic"),
            (None, Some(topic), _) => format!("{who} set the topic: {topic}"),
            (None, None, Some(true)) => format!("{who} archived the room"),
            (None, None, _) => format!("{who} brought the room back"),
        },
        Content::Joined => format!("{who} joined"),
        Content::Left => format!("{who} left"),
        Content::Invited(invited) => format!("{who} invited {}", whom(invited.member)),
        Content::Removed(removed) => format!("{who} removed {}", whom(removed.member)),
        _ => return String::new(),
    };
    format!(
        "<p class=\"happened\" dir=\"auto\">{}</p>\n",
        Escaped(&words)
    )
}

/// When a line stands in the page.
fn at(line: &Line) -> i64 {
    match line {
        Line::Message(row) => row.imported_at.unwrap_or(row.accepted_at),
        Line::System(row) => row.accepted_at,
    }
}

/// A time as people write it; one that no calendar has, as a number.
fn moment(at: i64, zone: &TimeZone, format: &str) -> String {
    Timestamp::from_millisecond(at).map_or_else(
        |_| at.to_string(),
        |at| at.to_zoned(zone.clone()).strftime(format).to_string(),
    )
}

/// A room as people call it.
struct Title<'r>(&'r Room);

impl std::fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0.kind == RoomKind::Direct {
            ""
        } else {
            "#"
        };
        write!(f, "{sign}{}", Escaped(&self.0.name))
    }
}
