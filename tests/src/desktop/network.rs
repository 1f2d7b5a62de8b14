//! A network of its own: what the apps say to each other by mDNS is nobody else's business.

use std::process::Command;

use nix::sched::{CloneFlags, unshare};

/// Takes this thread, and whatever it starts from now on, out of the machine's network into one
/// with nothing but loopback and a pair of interfaces that multicast. Where that is not permitted,
/// says so and stays.
pub fn leave() {
    if let Err(reason) = unshare(CloneFlags::CLONE_NEWNET) {
        println!("no network of its own ({reason}): the apps meet on this machine's");
        return;
    }
    for arguments in [
        "link set lo up",
        "link add desk0 type veth peer name desk1",
        "addr add 10.77.18.1/24 dev desk0",
        "link set desk0 up",
        "link set desk1 up",
        "route add default dev desk0",
    ] {
        let status = Command::new("ip").args(arguments.split(' ')).status();
        assert!(status.unwrap().success(), "ip {arguments}");
    }
}
