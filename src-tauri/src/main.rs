//! The desktop app's program. All of it is in the library beside.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

/// The C library's keeps what bursts have freed, for each thread apart: a core that follows a busy
/// room for hours grew by that alone.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    landline_desktop::main()
}
