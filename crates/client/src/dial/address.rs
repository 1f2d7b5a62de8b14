//! Addresses as people and adverts write them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use landline_protocol::DEFAULT_PORT;

/// A place to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Literal(SocketAddr),
    Named { host: String, port: u16 },
}

impl Address {
    /// `host`, `host:port`, `1.2.3.4`, `[v6]:port`, `[v6%scope]`, or a bare `v6`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(address) = text.parse() {
            return Some(Self::Literal(address));
        }
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Some(address) = literal(bare) {
            return Some(Self::Literal(address));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)?),
            None => (text, DEFAULT_PORT),
        };
        let is_host = !host.is_empty()
            && host.len() <= 253
            && !host.contains(|c: char| c.is_whitespace() || c.is_control() || ":/@[]".contains(c));
        is_host.then(|| Self::Named {
            host: host.to_owned(),
            port,
        })
    }
}

/// An address without a port; a link-local one may name its interface by number.
fn literal(text: &str) -> Option<SocketAddr> {
    if let Some((address, scope)) = text.split_once('%') {
        let address: Ipv6Addr = address.parse().ok()?;
        let scope = scope.parse().ok()?;
        return Some(SocketAddrV6::new(address, DEFAULT_PORT, 0, scope).into());
    }
    text.parse::<IpAddr>()
        .ok()
        .map(|ip| SocketAddr::new(ip, DEFAULT_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Option<Address> {
        text.parse().ok().map(Address::Literal)
    }

    fn named(host: &str, port: u16) -> Option<Address> {
        Some(Address::Named {
            host: host.to_owned(),
            port,
        })
    }

    #[test]
    fn reads_every_form_that_people_and_adverts_use() {
        for (text, expected) in [
            ("192.168.1.7:7800", literal("192.168.1.7:7800")),
            (" 192.168.1.7 ", literal("192.168.1.7:7717")),
            ("[fe80::1%3]:7717", literal("[fe80::1%3]:7717")),
            ("[fe80::1%3]", literal("[fe80::1%3]:7717")),
            ("fe80::1", literal("[fe80::1]:7717")),
            ("::1", literal("[::1]:7717")),
            ("annas-laptop", named("annas-laptop", 7717)),
            ("annas-laptop.local:80", named("annas-laptop.local", 80)),
            ("bücher.example:65535", named("bücher.example", 65535)),
        ] {
            assert_eq!(Address::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        let long = "a".repeat(254);
        for text in [
            "", " ", ":", ":80", "a:0", "a:65536", "a:b", "a b", "http://a", "a:1:2", "[a]:1",
            "a\0b", &long,
        ] {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
    }
}
