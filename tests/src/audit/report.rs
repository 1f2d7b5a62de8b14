//! The table in which an audit ends.

use std::time::Duration;

use super::Plan;
use super::fate::{KILLS as CLIENTS, LINKS};
use super::host::KILLS as NODE;
use super::ledger::{Broken, Ledger};

/// Prints it, in Markdown.
pub fn print(plan: &Plan, ledger: &Ledger, events: usize, took: Duration) {
    let tally = ledger.tally();
    let count = |what: &str| tally.get(what).copied().unwrap_or_default();
    let sum = |of: &[&'static str]| of.iter().map(|what| count(what)).sum::<u64>();
    let node = sum(&NODE) + count("node killed on a full disk");
    let clients = sum(&CLIENTS);
    let rows = [
        ("seconds, comparisons included", took.as_secs()),
        (
            "seconds that an absence lasted at least",
            plan.absence.as_secs(),
        ),
        ("client cores", plan.apps as u64),
        ("plain Socket.IO members", plan.bots as u64),
        ("events in the node's logs", events as u64),
        (
            "of these answered or shown as sent to their author",
            ledger.answers() as u64,
        ),
        ("**kills (-9)**", node + clients),
        ("– of the node", node),
        ("– of clients", clients),
        ("**link faults**", sum(&LINKS)),
    ];
    println!("\n| seed {} | |\n|---|--:|", plan.seed);
    for (what, number) in rows {
        println!("| {what} | {number} |");
    }
    for (what, number) in &tally {
        println!("| {what} | {number} |");
    }
    if count("disk full") == 0 {
        println!("| disk full | passed over, or not thrown |");
    }
    let violations = ledger.violations();
    let all = [
        Broken::Lost,
        Broken::Twice,
        Broken::OutOfOrder,
        Broken::Differing,
        Broken::Otherwise,
    ];
    for what in all {
        let number = violations.get(&what).copied().unwrap_or_default();
        println!("| **{what}** | **{number}** |");
    }
}
