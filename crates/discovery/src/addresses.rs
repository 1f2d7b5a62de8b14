//! Which addresses of an advert are worth dialling, and in which order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address in an advert, with the interfaces (by index, 0: unknown) on which it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) ip: IpAddr,
    pub(crate) interfaces: Vec<u32>,
}

/// This computer's own addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Interfaces(Vec<Own>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Own {
    ip: IpAddr,
    mask: IpAddr,
    index: u32,
}

impl Interfaces {
    /// As they are now. None are known where the system does not tell.
    pub(crate) fn now() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        Self(interfaces.iter().map(Own::new).collect())
    }

    /// There is more than this computer alone.
    pub(crate) fn reach_others(&self) -> bool {
        self.0.iter().any(|own| !own.ip.is_loopback())
    }

    fn is_loopback(&self, index: u32) -> bool {
        self.0
            .iter()
            .any(|own| own.index == index && own.ip.is_loopback())
    }

    fn is_near(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|own| own.shares_subnet(ip))
    }
}

impl Own {
    fn new(interface: &if_addrs::Interface) -> Self {
        let mask = match &interface.addr {
            if_addrs::IfAddr::V4(v4) => IpAddr::V4(v4.netmask),
            if_addrs::IfAddr::V6(v6) => IpAddr::V6(v6.netmask),
        };
        Self {
            ip: interface.ip(),
            mask,
            index: interface.index.unwrap_or(0),
        }
    }

    fn shares_subnet(&self, ip: IpAddr) -> bool {
        match (self.ip, self.mask, ip) {
            (IpAddr::V4(own), IpAddr::V4(mask), IpAddr::V4(ip)) => own & mask == ip & mask,
            (IpAddr::V6(own), IpAddr::V6(mask), IpAddr::V6(ip)) => own & mask == ip & mask,
            _ => false,
        }
    }
}

/// How good an address is; the first is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    ThisComputer,
    SameSubnetV4,
    SameSubnetV6,
    OtherV4,
    OtherV6,
    LinkLocalV6,
    LinkLocalV4,
}

/// `host:port`, best first. Left out are addresses that nobody can have, loopback addresses that
/// were not heard on our own loopback (another computer's, or somebody who wants us to talk to
/// ourselves), and link-local ones without a known link.
pub(crate) fn best_first(heard: &[Heard], port: u16, own: &Interfaces) -> Vec<String> {
    if port == 0 {
        return Vec::new();
    }
    let mut ranked: Vec<(Rank, String)> = heard
        .iter()
        .filter_map(|heard| match heard.ip {
            IpAddr::V4(ip) => Some((rank_v4(ip, heard, own)?, format!("{ip}:{port}"))),
            IpAddr::V6(ip) => rank_v6(ip, heard, own).map(|rank| (rank, text_v6(ip, heard, port))),
        })
        .collect();
    ranked.sort();
    ranked.dedup();
    ranked.into_iter().map(|(_, address)| address).collect()
}

fn rank_v4(ip: Ipv4Addr, heard: &Heard, own: &Interfaces) -> Option<Rank> {
    if ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() {
        None
    } else if ip.is_loopback() {
        heard.on_loopback(own).then_some(Rank::ThisComputer)
    } else if own.is_near(ip.into()) {
        Some(Rank::SameSubnetV4)
    } else if ip.is_link_local() {
        Some(Rank::LinkLocalV4)
    } else {
        Some(Rank::OtherV4)
    }
}

fn rank_v6(ip: Ipv6Addr, heard: &Heard, own: &Interfaces) -> Option<Rank> {
    if ip.is_unspecified() || ip.is_multicast() || ip.to_ipv4_mapped().is_some() {
        None
    } else if ip.is_loopback() {
        heard.on_loopback(own).then_some(Rank::ThisComputer)
    } else if ip.is_unicast_link_local() {
        heard.link().map(|_| Rank::LinkLocalV6)
    } else if own.is_near(ip.into()) {
        Some(Rank::SameSubnetV6)
    } else {
        Some(Rank::OtherV6)
    }
}

fn text_v6(ip: Ipv6Addr, heard: &Heard, port: u16) -> String {
    match heard.link() {
        Some(link) if ip.is_unicast_link_local() => format!("[{ip}%{link}]:{port}"),
        _ => format!("[{ip}]:{port}"),
    }
}

impl Heard {
    fn on_loopback(&self, own: &Interfaces) -> bool {
        self.interfaces.iter().any(|index| own.is_loopback(*index))
    }

    fn link(&self) -> Option<u32> {
        self.interfaces.iter().copied().find(|index| *index != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Interfaces {
        let own = |ip: &str, mask: &str, index| Own {
            ip: ip.parse().unwrap(),
            mask: mask.parse().unwrap(),
            index,
        };
        Interfaces(vec![
            own("127.0.0.1", "255.0.0.0", 1),
            own("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1),
            own("192.168.1.20", "255.255.255.0", 2),
            own("fd00:1::20", "ffff:ffff:ffff:ffff::", 2),
            own("169.254.9.9", "255.255.0.0", 3),
        ])
    }

    fn heard(ip: &str, interface: u32) -> Heard {
        Heard {
            ip: ip.parse().unwrap(),
            interfaces: vec![interface],
        }
    }

    #[test]
    fn the_nearest_come_first() {
        let all = [
            heard("fe80::1", 2),
            heard("2001:db8::5", 2),
            heard("10.8.0.5", 2),
            heard("169.253.1.1", 2),
            heard("192.168.1.5", 2),
            heard("fd00:1::5", 2),
            heard("127.0.0.1", 1),
        ];
        assert_eq!(
            best_first(&all, 7717, &own()),
            [
                "127.0.0.1:7717",
                "192.168.1.5:7717",
                "[fd00:1::5]:7717",
                "10.8.0.5:7717",
                "169.253.1.1:7717",
                "[2001:db8::5]:7717",
                "[fe80::1%2]:7717",
            ]
        );
    }

    #[test]
    fn loopback_counts_only_when_heard_on_loopback() {
        for (ip, interface, kept) in [
            ("127.0.0.1", 1, true),
            ("127.0.0.1", 2, false),
            ("127.8.8.8", 2, false),
            ("127.0.0.1", 0, false),
            ("::1", 1, true),
            ("::1", 2, false),
        ] {
            let addresses = best_first(&[heard(ip, interface)], 1, &own());
            assert_eq!(!addresses.is_empty(), kept, "{ip} on {interface}");
        }
    }

    #[test]
    fn what_nobody_can_have_is_left_out() {
        for ip in [
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.251",
            "::",
            "ff02::fb",
            "::ffff:127.0.0.1",
        ] {
            assert!(best_first(&[heard(ip, 1)], 7717, &own()).is_empty(), "{ip}");
        }
        assert!(
            best_first(&[heard("fe80::1", 0)], 7717, &own()).is_empty(),
            "which link?"
        );
        assert!(
            best_first(&[heard("192.168.1.5", 2)], 0, &own()).is_empty(),
            "no port"
        );
    }

    #[test]
    fn link_local_v4_is_near_only_on_its_own_link() {
        let both = [heard("169.254.1.1", 3), heard("10.0.0.1", 2)];
        assert_eq!(
            best_first(&both, 1, &own()),
            ["169.254.1.1:1", "10.0.0.1:1"]
        );
        assert_eq!(
            best_first(&both, 1, &Interfaces::default()),
            ["10.0.0.1:1", "169.254.1.1:1"]
        );
    }

    #[test]
    fn an_address_is_given_once() {
        let twice = [heard("10.0.0.1", 2), heard("10.0.0.1", 3)];
        assert_eq!(best_first(&twice, 1, &own()), ["10.0.0.1:1"]);
    }
}
