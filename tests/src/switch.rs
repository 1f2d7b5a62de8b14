//! A LAN in a box: computers with addresses of their own, each a network namespace, and a switch
//! (a bridge in one more namespace) between them. Nothing of it touches this machine's network.
//!
//! ```text
//! computer a ── eth0 ─── port-a ┐
//! computer b ── eth0 ─── port-b ┤ bridge
//! computer c ── eth0 ─── port-c ┘
//! ```

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Node;
use crate::cli::Cli;

/// Namespaces of this harness are called so, then the test's process, its switch, the computer.
const PREFIX: &str = "landline-test-";

/// The switch and what is plugged in. Dropping it removes all.
#[derive(Debug)]
pub struct Switch {
    namespace: String,
    computers: Vec<Computer>,
}

/// One computer on the switch.
#[derive(Debug, Clone)]
pub struct Computer {
    namespace: String,
    switch: String,
    port: String,
    address: String,
}

impl Switch {
    /// `Err` says why this machine does not permit it.
    pub fn new(names: &[&str]) -> Result<Self, String> {
        remove_left_behind();
        static SWITCHES: AtomicU32 = AtomicU32::new(0);
        let number = SWITCHES.fetch_add(1, Ordering::Relaxed);
        let of_test = format!("{PREFIX}{}-{number}", std::process::id());
        let mut switch = Self {
            namespace: format!("{of_test}-switch"),
            computers: Vec::new(),
        };
        ip(&["netns", "add", &switch.namespace])?;
        let inside = switch.namespace.clone();
        // Without snooping the bridge floods multicast, as plain switches do.
        ip(&[
            "-n",
            &inside,
            "link",
            "add",
            "bridge",
            "type",
            "bridge",
            "mcast_snooping",
            "0",
        ])?;
        ip(&["-n", &inside, "link", "set", "bridge", "up"])?;
        for (at, name) in names.iter().enumerate() {
            switch.plug_in(&format!("{of_test}-{name}"), name, at + 1)?;
        }
        Ok(switch)
    }

    fn plug_in(&mut self, namespace: &str, name: &str, number: usize) -> Result<(), String> {
        let (switch, port) = (self.namespace.clone(), format!("port-{name}"));
        let address = format!("10.77.17.{number}");
        self.computers.push(Computer {
            namespace: namespace.to_owned(),
            switch: switch.clone(),
            port: port.clone(),
            address: address.clone(),
        });
        ip(&["netns", "add", namespace])?;
        ip(&[
            "-n", namespace, "link", "add", "eth0", "type", "veth", "peer", "name", &port, "netns",
            &switch,
        ])?;
        ip(&[
            "-n", &switch, "link", "set", &port, "master", "bridge", "up",
        ])?;
        ip(&[
            "-n",
            namespace,
            "addr",
            "add",
            &format!("{address}/24"),
            "dev",
            "eth0",
        ])?;
        ip(&["-n", namespace, "link", "set", "lo", "up"])?;
        ip(&["-n", namespace, "link", "set", "eth0", "up"])
    }

    pub fn computer(&self, at: usize) -> &Computer {
        &self.computers[at]
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let computers = self.computers.iter().map(|computer| &computer.namespace);
        for namespace in computers.chain([&self.namespace]) {
            if let Err(why) = ip(&["netns", "del", namespace]) {
                eprintln!("{namespace} stays behind: {why}");
            }
        }
    }
}

impl Computer {
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Pulls the cable.
    pub fn cut(&self) {
        ip(&["-n", &self.switch, "link", "set", &self.port, "down"]).unwrap();
    }

    pub fn heal(&self) {
        ip(&["-n", &self.switch, "link", "set", &self.port, "up"]).unwrap();
    }

    /// A person at this computer.
    pub fn person(&self, data: &Path) -> Cli {
        Cli::on(data, &self.namespace)
    }

    /// A node on this computer, on all its addresses, advertised.
    pub fn node(&self, data: &Path, more: &[&str]) -> Node {
        Node::start_on(data, &self.namespace, more)
    }
}

/// Those of test processes that are gone: they were killed before they could clean up.
fn remove_left_behind() {
    let Ok(output) = Command::new("ip").args(["netns", "list"]).output() else {
        return;
    };
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| name.starts_with(PREFIX)) {
        let process = name
            .trim_start_matches(PREFIX)
            .split('-')
            .next()
            .unwrap_or_default();
        if !fs::exists(format!("/proc/{process}")).unwrap_or(true) {
            // Somebody else may have been quicker.
            let _ = ip(&["netns", "del", name]);
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|error| format!("`ip`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("`ip {}`: {}", arguments.join(" "), words.trim()))
}
