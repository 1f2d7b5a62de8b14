//! The audit in short: `cargo test -p landline-tests --test audit`. The long one is
//! `cargo xtask audit`.

#![allow(clippy::unwrap_used, reason = "a panic here is a failed test")]

use std::process::Command;

use landline_tests::programs;

mod checks;

#[test]
fn nothing_is_lost_twice_out_of_order_or_different_whatever_is_killed_or_cut() {
    let node = programs::node();
    let mut audit = Command::new(env!("CARGO_BIN_EXE_landline-audit"));
    audit.args(["run", "--short"]);
    if let Ok(seed) = std::env::var("LANDLINE_SEED") {
        audit.args(["--seed", &seed]);
    }
    let status = audit
        .env("LANDLINE_PROGRAMS", node.parent().unwrap())
        .status();
    assert!(status.unwrap().success(), "a promise was broken: see above");
}
