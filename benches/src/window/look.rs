//! What `page.js` does in the app's page, and what it answers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use landline_tests::deadline::eventually;
use landline_tests::desktop::App;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const PAGE: &str = include_str!("page.js");

/// The room with the long history.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) space: String,
    pub(super) room: String,
    pub(super) name: String,
}

/// Somebody who looks at the window.
pub(super) struct Look<'a> {
    pub(super) app: &'a App,
    pub(super) place: &'a Place,
}

/// A start of the app, as the page saw it.
#[derive(Debug, Deserialize)]
pub(super) struct Painted {
    /// When the last room was drawn; where `before`, when that was seen, which is later.
    pub(super) at: f64,
    /// It was drawn when the page was first asked.
    pub(super) before: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Opened {
    /// Milliseconds from the click until the first unread message was drawn.
    pub(super) took: f64,
    /// Of them, those until it was in the page.
    pub(super) there: f64,
    /// The first unread message.
    pub(super) seq: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Watched {
    /// Milliseconds from frame to frame.
    pub(super) gaps: Vec<f64>,
    /// Frames in which a part of the view was covered by no row.
    pub(super) blank: u64,
    /// Frames in which it said that it loads.
    pub(super) loading: u64,
    /// The first message in view, before and after.
    pub(super) from: u64,
    pub(super) to: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    pub(super) drawn: f64,
    /// The longest from frame to frame meanwhile, in milliseconds.
    pub(super) longest: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Ok(Value),
    Error(String),
}

impl<'a> Look<'a> {
    pub(super) const fn new(app: &'a App, place: &'a Place) -> Self {
        Self { app, place }
    }

    /// A command of the core, past the interface.
    pub(super) async fn tells(&self, name: &str, request: &Value) -> anyhow::Result<Value> {
        ask(self.app, "tells", vec![name.into(), request.clone()]).await
    }

    /// Away from the room and back to its end, all of it read.
    pub(super) async fn goes_to_the_end(&self) -> anyhow::Result<()> {
        self.goes_elsewhere().await;
        let read = json!({"space": self.place.space, "room": self.place.room, "seq": u32::MAX});
        self.tells("read", &read).await?;
        self.counts_unread(0..=0).await;
        self.app.look_at(&self.place.name).await;
        rests().await;
        Ok(())
    }

    pub(super) async fn goes_elsewhere(&self) {
        self.app.look_at("general").await;
        rests().await;
    }

    /// Waits until the sidebar says that about so much of the room is unread.
    pub(super) async fn counts_unread(&self, wanted: std::ops::RangeInclusive<u64>) {
        let row = format!("[data-room='{}']", self.place.room);
        let count =
            "row => Number(row.querySelector('[data-testid=unread-count]')?.dataset.count ?? 0)";
        eventually(format!("{wanted:?} unread"), async || {
            let count = self.app.evaluate(count, &row).await;
            wanted.contains(&count.as_u64()?).then_some(())
        })
        .await;
    }

    pub(super) async fn opens(&self) -> anyhow::Result<Opened> {
        ask(self.app, "opens", vec![self.place.name.as_str().into()]).await
    }

    pub(super) async fn watches(&self, time: Duration) -> anyhow::Result<Watched> {
        let millis = u64::try_from(time.as_millis())?;
        ask(self.app, "watches", vec![millis.into()]).await
    }

    /// Waits until the last that was done in the room is drawn.
    pub(super) async fn sees(&self, sign: &str, words: Option<&str>) -> anyhow::Result<Seen> {
        ask(self.app, "sees", vec![sign.into(), words.into()]).await
    }
}

/// Waits until something of the room that was open last is drawn.
pub(super) async fn paints(app: &App) -> anyhow::Result<Painted> {
    ask(app, "paints", Vec::new()).await
}

/// What follows from a look (marks, drafts, pages read ahead) is over.
pub(super) async fn rests() {
    tokio::time::sleep(Duration::from_millis(800)).await;
}

/// A time as the page says it.
pub(super) fn millis(time: SystemTime) -> anyhow::Result<f64> {
    Ok(time.duration_since(UNIX_EPOCH)?.as_secs_f64() * 1e3)
}

async fn ask<T: DeserializeOwned>(
    app: &App,
    task: &str,
    mut given: Vec<Value>,
) -> anyhow::Result<T> {
    given.insert(0, task.into());
    let answer = app.run(PAGE, given).await;
    match serde_json::from_value(answer).context("the page's answer")? {
        Answer::Ok(ok) => Ok(serde_json::from_value(ok)?),
        Answer::Error(error) => bail!("in the page: {error}"),
    }
}
