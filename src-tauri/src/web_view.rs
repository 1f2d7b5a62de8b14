//! What WebKitGTK must be told before it starts.

/// On NVIDIA's driver WebKitGTK's newer renderer shows an empty window. It is told by a variable
/// of the environment, which a running program can't safely change: the program starts itself
/// anew with it. A variable that somebody has set stays as it is.
#[cfg(target_os = "linux")]
pub(crate) fn prepare() {
    use std::os::unix::process::CommandExt as _;
    use std::path::Path;
    use std::{env, process::Command};

    const RENDERER: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    let has_nvidia = Path::new("/proc/driver/nvidia/version").exists();
    if !has_nvidia || env::var_os(RENDERER).is_some() {
        return;
    }
    if let Ok(program) = env::current_exe() {
        // Only returns if it fails, and then the window may still work.
        let error = Command::new(program)
            .args(env::args_os().skip(1))
            .env(RENDERER, "1")
            .exec();
        eprintln!("Landline could not start anew with {RENDERER}: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare() {}
