//! mdns-sd, and nothing of ours but how it is used.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use mdns_sd::{
    DaemonEvent, DaemonStatus, IfKind, IfPredicate, Receiver, ResolvedService, ScopedIp,
    ServiceDaemon, ServiceEvent, ServiceInfo, UnregisterStatus,
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::addresses::Heard;
use crate::board::Heralded;
use crate::{Advert, txt};

const SERVICE: &str = "_landline._tcp.local.";
/// Seconds between looks at the computer's interfaces.
const INTERFACES_EVERY: u32 = 3;
/// For somebody to answer for an advert that is in doubt.
const VERIFY_WITHIN: Duration = Duration::from_secs(3);
/// Bytes of the computer's name in a host name; a label of DNS has at most 63.
const HOST_BYTES: usize = 40;
/// Interfaces of virtual machines, containers and tunnels, by the beginning of their names: their
/// addresses lead nowhere for others, and each would be tried. Not `veth`: a container's own
/// network is one, and those on a host have no address.
const NOISE: [&str; 9] = [
    "docker",
    "br-",
    "virbr",
    "vboxnet",
    "vmnet",
    "vEthernet",
    "lxcbr",
    "podman",
    "utun",
];

/// A running mdns-sd. Dropping it ends its thread, with goodbyes for what is still advertised.
pub(crate) struct Radio {
    daemon: ServiceDaemon,
    pub(crate) services: Receiver<ServiceEvent>,
    pub(crate) daemon_events: Receiver<DaemonEvent>,
}

impl Radio {
    pub(crate) fn open(port: u16) -> Result<Self, mdns_sd::Error> {
        let daemon = ServiceDaemon::new_with_port(port)?;
        let daemon_events = daemon.monitor()?;
        let is_noise = |name: &str| NOISE.iter().any(|noise| name.starts_with(noise));
        daemon.disable_interface(IfKind::Predicate(IfPredicate::new(move |i| {
            is_noise(&i.name)
        })))?;
        daemon.set_ip_check_interval(INTERFACES_EVERY)?;
        let services = daemon.browse(SERVICE)?;
        Ok(Self {
            daemon,
            services,
            daemon_events,
        })
    }

    /// A subscription ends when nobody reads it for long, and without a word.
    pub(crate) fn listen_again(&mut self) -> Result<(), mdns_sd::Error> {
        self.services = self.daemon.browse(SERVICE)?;
        Ok(())
    }

    /// Returns the name under which to withdraw it.
    pub(crate) fn advertise(
        &self,
        advert: &Advert,
        instance: &str,
        unique: &str,
    ) -> Result<String, mdns_sd::Error> {
        let host = host_name(&advert.host, unique);
        let words = txt::write(advert);
        let mut info = ServiceInfo::new(SERVICE, instance, &host, "", advert.port, &words[..])?;
        info.set_interfaces(vec![reachable(advert.bound)]);
        let fullname = info.get_fullname().to_owned();
        self.daemon.register(info.enable_addr_auto())?;
        Ok(fullname)
    }

    pub(crate) fn withdraw(
        &self,
        fullname: &str,
    ) -> Result<Receiver<UnregisterStatus>, mdns_sd::Error> {
        self.daemon.unregister(fullname)
    }

    pub(crate) fn verify(&self, fullname: String) -> Result<(), mdns_sd::Error> {
        self.daemon.verify(fullname, VERIFY_WITHIN)
    }

    pub(crate) fn shutdown(&self) -> Result<Receiver<DaemonStatus>, mdns_sd::Error> {
        self.daemon.shutdown()
    }
}

/// The addresses that a node bound to this one answers at.
fn reachable(bound: IpAddr) -> IfKind {
    match bound {
        IpAddr::V4(ip) if ip.is_unspecified() => IfKind::IPv4,
        IpAddr::V6(ip) if ip.is_unspecified() => IfKind::All,
        ip => IfKind::Addr(ip),
    }
}

impl Drop for Radio {
    fn drop(&mut self) {
        // Its thread does not end by itself. If it has ended, there is nothing to do.
        let _ = self.daemon.shutdown();
    }
}

/// mdns-sd does not tell when it can't have its port: it is then deaf for good.
pub(crate) fn check_port(port: u16) -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())
}

/// `Anna's Laptop` → `annas-laptop-1a2b3c4d.local.`: two nodes of one name would share their
/// addresses, so each has an end of its own.
pub(crate) fn host_name(computer: &str, unique: &str) -> String {
    let mut label = String::new();
    for c in computer.chars().filter(|c| !matches!(c, '\'' | '’')) {
        if label.len() >= HOST_BYTES {
            break;
        }
        if c.is_ascii_alphanumeric() {
            label.push(c.to_ascii_lowercase());
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
    }
    let label = label.trim_end_matches('-');
    let label = if label.is_empty() { "landline" } else { label };
    format!("{label}-{unique}.local.")
}

/// None: not an advert that anybody should see.
pub(crate) fn heralded(service: &ResolvedService) -> Option<Heralded> {
    let words = txt::read(|key| service.get_property_val(key).flatten())?;
    let addresses = service.addresses.iter().filter_map(heard).collect();
    Some(Heralded {
        words,
        host: service.host.clone(),
        port: service.port,
        addresses,
    })
}

fn heard(address: &ScopedIp) -> Option<Heard> {
    match address {
        ScopedIp::V4(v4) => Some(Heard {
            ip: (*v4.addr()).into(),
            interfaces: v4.interface_ids().iter().map(|id| id.index).collect(),
        }),
        ScopedIp::V6(v6) => Some(Heard {
            ip: (*v6.addr()).into(),
            interfaces: vec![v6.scope_id().index],
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_one_label_whatever_the_computer_is_called() {
        for (computer, host) in [
            ("annas-laptop", "annas-laptop-1a2b3c4d.local."),
            ("Anna’s Laptop", "annas-laptop-1a2b3c4d.local."),
            ("pc.office.example", "pc-office-example-1a2b3c4d.local."),
            ("--", "landline-1a2b3c4d.local."),
            ("工房", "landline-1a2b3c4d.local."),
            ("", "landline-1a2b3c4d.local."),
        ] {
            assert_eq!(host_name(computer, "1a2b3c4d"), host, "{computer}");
        }
        assert!(host_name(&"x".repeat(500), "1a2b3c4d").len() < 63);
    }

    #[test]
    fn a_port_that_somebody_keeps_to_themselves_is_noticed() {
        let alone = std::net::UdpSocket::bind(("0.0.0.0", 0)).unwrap();
        let port = alone.local_addr().unwrap().port();
        assert!(check_port(port).is_err());
        drop(alone);
        check_port(port).unwrap();
    }
}
