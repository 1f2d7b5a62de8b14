//! A named part of `cargo xtask test`, and the list of how they went.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::workspace::Workspace;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) is: &'static str,
    pub(crate) perform: fn(&Workspace) -> Result<()>,
}

#[derive(Debug)]
struct Outcome {
    name: &'static str,
    took: Duration,
    failure: Option<String>,
}

/// Performs each step, also after a failed one, and prints the list. True if all passed.
pub(crate) fn perform(steps: &[Step], workspace: &Workspace) -> bool {
    let outcomes: Vec<Outcome> = steps
        .iter()
        .map(|step| perform_one(step, workspace))
        .collect();

    println!("\n──── results");
    for Outcome {
        name,
        took,
        failure,
    } in &outcomes
    {
        let word = if failure.is_some() { "FAILED" } else { "ok" };
        println!("{name:<16} {word:<7} {:>7.1} s", took.as_secs_f64());
    }
    for Outcome { name, failure, .. } in &outcomes {
        if let Some(failure) = failure {
            println!("{name}: {failure}");
        }
    }
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.failure.is_some())
        .count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    failed == 0
}

fn perform_one(step: &Step, workspace: &Workspace) -> Outcome {
    println!("\n──── {}: {}", step.name, step.is);
    let start = Instant::now();
    let failure = (step.perform)(workspace)
        .err()
        .map(|error| format!("{error:#}"));
    if let Some(failure) = &failure {
        println!("{} failed: {failure}", step.name);
    }
    Outcome {
        name: step.name,
        took: start.elapsed(),
        failure,
    }
}
