//! The desktop app's program. All of it is in the library beside.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    landline_desktop::main()
}
