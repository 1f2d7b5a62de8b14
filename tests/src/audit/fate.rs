//! What befalls the people of the audit and their links: chosen by the dice, counted when it has
//! really happened, and over before the step ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::Day;
use super::app::App;
use super::bot::Bot;
use super::ledger::Ledger;
use crate::Dice;
use crate::proxy::{Point, Proxy, Weather};

/// How long a trap waits for its moment.
const TRAP: Duration = Duration::from_secs(4);

/// How long things last.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two faults of one person, on average.
    pub between: Duration,
    /// A link is bad, a process is down or suspended for at most this.
    pub lasting: Duration,
}

impl Pace {
    pub fn pause(&self, dice: &mut Dice) -> Duration {
        dice.millis(0..self.between.as_millis() as u64 * 2)
    }

    pub fn while_(&self, dice: &mut Dice) -> Duration {
        // Most are short: where a program is about to notice is where it may err.
        let most = self.lasting.as_millis() as u64;
        let most = if dice.percent(70) { most / 8 } else { most };
        dice.millis(0..most.max(2))
    }
}

/// One person with the client core, until the day ends.
pub async fn of_app(app: Arc<App>, mut dice: Dice, day: Day, pace: Pace) {
    loop {
        sleep(pace.pause(&mut dice)).await;
        let Some(_until_over) = day.at_work().await else {
            return;
        };
        if !app.is_away() && app.is_running() {
            befall(&app, &mut dice, pace).await;
        }
    }
}

/// One bot, until the day ends.
pub async fn of_bot(bot: Arc<Bot>, ledger: Arc<Ledger>, mut dice: Dice, day: Day, pace: Pace) {
    loop {
        sleep(pace.pause(&mut dice)).await;
        let Some(_until_over) = day.at_work().await else {
            return;
        };
        disturb(&bot.proxy, &ledger, &mut dice, pace).await;
    }
}

async fn befall(app: &Arc<App>, dice: &mut Dice, pace: Pace) {
    match dice.within(0..100) {
        0..18 => {
            app.kill().await;
            app.ledger.count(KILLS[0]);
            come_back(app, dice, pace).await;
        }
        18..44 => {
            let (point, kind) = *dice
                .one_of(&[
                    (Point::AppendWritten, KILLS[1]),
                    (Point::AnswerSeen, KILLS[2]),
                    (Point::AnswerPassed, KILLS[3]),
                ])
                .unwrap();
            let delay = dice.one_of(&[0, 0, 1, 3, 10]).copied().unwrap();
            let strike = app.executioner();
            if sprung(&app.proxy, point, false, delay, strike).await {
                app.kill().await;
                app.ledger.count(kind);
                come_back(app, dice, pace).await;
            }
        }
        44..52 => {
            app.suspend();
            sleep(pace.while_(dice)).await;
            app.resume();
            app.ledger.count("clients suspended");
        }
        52..60 if super::clock::library().is_some() => {
            app.clock.jump_to(some_error(dice));
            app.ledger.count("clock jumps of clients");
        }
        _ => disturb(&app.proxy, &app.ledger, dice, pace).await,
    }
}

/// `kill -9` of clients, by the moment.
pub const KILLS: [&str; 4] = [
    "clients killed at random",
    "clients killed as an append was written",
    "clients killed before the answer came",
    "clients killed as the answer came",
];

/// Faults of links, by kind.
pub const LINKS: [&str; 10] = [
    "links reset",
    "links ended",
    "links black-holed",
    "links delayed",
    "links slowed to a trickle",
    "links cut in mid-frame",
    "links half-open",
    "links refused for a while",
    "links cut as an append was written",
    "links cut before the answer came",
];

async fn come_back(app: &Arc<App>, dice: &mut Dice, pace: Pace) {
    sleep(pace.while_(dice)).await;
    app.start();
}

/// Seconds by which a clock is wrong: from half a second to two days, either way.
pub fn some_error(dice: &mut Dice) -> i64 {
    let most = *dice.one_of(&[2, 90, 4_000, 172_800]).unwrap();
    let seconds = dice.within(0..most) as i64;
    if dice.percent(50) { seconds } else { -seconds }
}

/// Makes a link bad for a while.
async fn disturb(proxy: &Proxy, ledger: &Ledger, dice: &mut Dice, pace: Pace) {
    let kind = dice.within(0..LINKS.len() as u64) as usize;
    if proxy.open() == 0 {
        return;
    }
    let lasting = pace.while_(dice);
    let weather = match kind {
        0 => {
            proxy.kill();
            None
        }
        1 => {
            proxy.finish();
            None
        }
        2 => Some(Weather::BlackHole),
        3 => Some(Weather::Delay(dice.millis(5..800))),
        4 => Some(Weather::Trickle {
            bytes: dice.within(1..200) as usize,
            every: dice.millis(1..40),
        }),
        5 => Some(Weather::CutAfter {
            bytes: dice.within(1..3_000) as usize,
        }),
        6 => Some(Weather::HalfOpen),
        7 => {
            proxy.kill();
            Some(Weather::Refuse)
        }
        _ => {
            let point = [Point::AppendWritten, Point::AnswerSeen][kind % 2];
            if !sprung(proxy, point, true, 0, || {}).await {
                return;
            }
            None
        }
    };
    if let Some(weather) = weather {
        proxy.set(weather);
        sleep(lasting).await;
        proxy.set(Weather::Fair);
    }
    ledger.count(LINKS[kind]);
}

/// Sets a trap and waits for it; whether it has sprung. `delay` is in milliseconds: between the
/// moment and the strike.
pub async fn sprung(
    proxy: &Proxy,
    point: Point,
    lose: bool,
    delay: u64,
    strike: impl FnOnce() + Send + 'static,
) -> bool {
    let (done, sprung) = oneshot::channel();
    let strike = move || {
        strike();
        let _ = done.send(());
    };
    proxy.trap(point, lose, move || {
        if delay == 0 {
            return strike();
        }
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(delay));
            strike();
        });
    });
    let in_time = timeout(TRAP, sprung)
        .await
        .is_ok_and(|sprung| sprung.is_ok());
    // It may spring at this very moment.
    in_time || !proxy.untrap()
}
