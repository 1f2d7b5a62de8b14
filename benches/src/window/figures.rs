//! The figures of the window, one function each.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use landline_client::ui::UNREAD_COUNTED;
use landline_tests::desktop::{App, Bus};
use serde_json::json;

use super::door::Door;
use super::look::{Look, Place, millis, paints, rests as settles};
use crate::client::core_at_rest;
use crate::machine::{resident_kib, status_kib, wall_clock};
use crate::mixed::{self, EVENTS};
use crate::report::{median, row, spread};
use crate::server::Server;
use crate::text;

/// Where the room is unread from, in parts of a hundred of it: never near the last place.
const PLACES: [u64; 11] = [50, 20, 70, 35, 90, 10, 60, 45, 80, 25, 55];
/// How long one scrolls in each direction, and how often the wheel turns.
const SCROLLED: Duration = Duration::from_secs(10);
const WHEEL_EVERY: Duration = Duration::from_millis(16);
/// Without a link before what came meanwhile is fetched.
const AWAY: Duration = Duration::from_secs(1);
/// For what a start sets off to be over.
const REST: Duration = Duration::from_secs(20);

/// From the click on a room to its first unread message drawn.
pub(super) async fn openings(look: &Look<'_>, messages: u64) -> anyhow::Result<()> {
    let (mut took, mut there) = (Vec::new(), Vec::new());
    for place in PLACES {
        look.goes_elsewhere().await;
        let seq = messages * place / 100;
        let unread = json!({"space": look.place.space, "room": look.place.room, "seq": seq});
        look.tells("mark_unread", &unread).await?;
        // More than that is not counted.
        let left = (messages - seq).min(UNREAD_COUNTED);
        // Events that are no messages have a seq, too.
        look.counts_unread(left.saturating_sub(20)..=left + 20)
            .await;
        settles().await;
        let opened = look.opens().await?;
        ensure!(opened.seq == seq, "opened at {} of {seq}", opened.seq);
        took.push(opened.took);
        there.push(opened.there);
        settles().await;
    }
    goal_row(
        "click on the room to its first unread message drawn, ms",
        "< 150",
        &spread(&took, 0),
    );
    goal_row(
        "of it, until the message is in the page, ms",
        "",
        &spread(&there, 0),
    );
    Ok(())
}

/// From the last of these places up and down again.
pub(super) async fn scrolling(look: &Look<'_>) -> anyhow::Result<()> {
    let times = u32::try_from(SCROLLED.as_millis() / WHEEL_EVERY.as_millis())?;
    let mut gaps = Vec::new();
    let (mut blank, mut loading, mut way) = (0, 0, Vec::new());
    for up in [true, false] {
        let wheel = look.app.wheel(up, times, WHEEL_EVERY);
        let (watched, ()) = tokio::join!(look.watches(SCROLLED), wheel);
        let mut watched = watched?;
        ensure!(watched.from != watched.to, "the wheel moves nothing");
        gaps.append(&mut watched.gaps);
        blank += watched.blank;
        loading += watched.loading;
        way.extend([watched.from, watched.to]);
        settles().await;
    }
    gaps.sort_by(f64::total_cmp);
    let part = |percent: usize| gaps.get((gaps.len() - 1) * percent / 100).copied();
    goal_row(
        &format!("scrolling by wheel, 10 s up, 10 s down (seq {way:?}): frames with a row missing"),
        "0",
        &format!("{blank} of {}", gaps.len()),
    );
    goal_row(
        "of these frames, with the line that says \"Loading\"",
        "0",
        &loading.to_string(),
    );
    goal_row(
        "frame to frame, median / 99th percentile / longest, ms",
        "",
        &format!(
            "{:.0} / {:.0} / {:.0}",
            median(&gaps),
            part(99).unwrap_or(f64::NAN),
            part(100).unwrap_or(f64::NAN)
        ),
    );
    Ok(())
}

/// A thousand mixed events as they are written, with the end of the room in view.
pub(super) async fn burst(look: &Look<'_>, server: &Server, rounds: usize) -> anyhow::Result<()> {
    let (texts, _) = text::conversation();
    let (mut took, mut written, mut longest) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        look.goes_to_the_end().await?;
        let sign = mixed::sign(round);
        let (wrote, seen) = tokio::join!(
            mixed::write(server, &look.place.room, &texts, round),
            look.sees(&sign, None)
        );
        let (told, seen) = (wrote?.told, seen?);
        let first = millis(told.start)?;
        took.push(seen.drawn - first);
        written.push(millis(told.end)? - first);
        longest.push(seen.longest);
    }
    goal_row(
        &format!("{EVENTS} mixed events as they are written: first arrival to last drawn, ms"),
        "< 150",
        &spread(&took, 0),
    );
    goal_row(
        "of it, until the node had answered the last, ms",
        "",
        &spread(&written, 0),
    );
    goal_row("longest frame meanwhile, ms", "", &spread(&longest, 0));
    Ok(())
}

/// A thousand mixed events that were written while the app's link was cut.
pub(super) async fn absence(
    look: &Look<'_>,
    server: &Server,
    door: &mut Door,
    rounds: usize,
) -> anyhow::Result<()> {
    let (texts, _) = text::conversation();
    let (mut took, mut longest) = (Vec::new(), Vec::new());
    for round in rounds + 1..=rounds * 2 {
        look.goes_to_the_end().await?;
        let words = look.app.text("connection-line").await;
        door.shut();
        let written = mixed::write(server, &look.place.room, &texts, round).await?;
        tokio::time::sleep(AWAY).await;
        let (entered, seen) = tokio::join!(door.open(), look.sees(&written.sign, words.as_deref()));
        let seen = seen?;
        took.push(seen.drawn - millis(entered?)?);
        longest.push(seen.longest);
    }
    goal_row(
        &format!(
            "{EVENTS} mixed events of an absence: connection to all fetched and the last drawn, ms"
        ),
        "< 150",
        &spread(&took, 0),
    );
    goal_row("longest frame meanwhile, ms", "", &spread(&longest, 0));
    Ok(())
}

/// From the start of the app's process to the room that was open last, drawn.
pub(super) async fn starts(
    app: &mut App,
    place: &Place,
    bus: &Bus,
    rounds: usize,
) -> anyhow::Result<()> {
    Look::new(app, place).goes_to_the_end().await?;
    let (mut took, mut late) = (Vec::new(), 0);
    for _ in 0..rounds {
        app.quit().await;
        app.start_again(bus).await;
        let painted = paints(app).await?;
        took.push(painted.at - started(app.process().as_raw())?);
        late += usize::from(painted.before);
        settles().await;
    }
    let what = if late == 0 {
        "start of the process to the last room drawn, ms".to_owned()
    } else {
        format!(
            "start of the process to the last room drawn, ms ({late} times it was when first looked at, so sooner)"
        )
    };
    goal_row(&what, "< 1,000", &spread(&took, 0));
    Ok(())
}

/// When a process was started, in milliseconds since 1970, to a hundredth of a second.
fn started(process: i32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/…/stat")?;
    let ticks: f64 = fields
        .split_whitespace()
        .nth(19)
        .context("starttime")?
        .parse()?;
    let uptime = fs::read_to_string("/proc/uptime")?;
    let uptime: f64 = uptime
        .split_whitespace()
        .next()
        .context("uptime")?
        .parse()?;
    // The kernel counts in hundredths of a second since it began.
    Ok(millis(wall_clock())? - (uptime * 1e3 - ticks * 10.0))
}

/// Memory at rest after a start: of the app's own process, and of the client core alone.
pub(super) async fn rests(app: &mut App) -> anyhow::Result<()> {
    tokio::time::sleep(REST).await;
    let process = u32::try_from(app.process().as_raw())?;
    let mib = |kib: u64| kib as f64 / 1024.0;
    goal_row(
        "the app's process at rest (shell and core, without the web view's processes), resident / of it its own, not mapped from programs and libraries, MiB",
        "",
        &format!(
            "{:.0} / {:.0}",
            mib(resident_kib(process)?),
            mib(status_kib(process, "RssAnon:")?)
        ),
    );
    app.quit().await;
    goal_row(
        "the client core alone on the same data (`landline-cli tail`), resident, MiB",
        "< 40",
        &format!("{:.0}", core_at_rest(app.data()).await?),
    );
    Ok(())
}

fn goal_row(what: &str, goal: &str, figure: &str) {
    row(&[what.to_owned(), goal.to_owned(), figure.to_owned()]);
}
