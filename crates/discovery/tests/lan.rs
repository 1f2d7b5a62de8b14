//! Several computers' worth of lookouts on this one, over real multicast, each test on a UDP port
//! of its own.
//!
//! Where the machine has no multicast at all, they say so and pass: discovery is never required.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a panic here is a failed test, and what is printed its report"
)]

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use landline_discovery::{Advert, Discovery, Sighting, SpaceSeen};
use landline_protocol::{Admission, SpaceId};
use mdns_sd::{ServiceDaemon, ServiceInfo};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// For anything that must happen at all.
const SOON: Duration = Duration::from_secs(30);

fn free_port() -> u16 {
    UdpSocket::bind(("0.0.0.0", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn space(number: u8) -> SpaceId {
    format!("0193e0f0-1111-7222-8333-4444555566{number:02x}")
        .parse()
        .unwrap()
}

fn advert(number: u8) -> Advert {
    Advert {
        space: space(number),
        name: format!("Space {number}"),
        fingerprint: None,
        admission: Admission::Open,
        bound: Ipv4Addr::UNSPECIFIED.into(),
        port: 7_000 + u16::from(number),
        host: "Anna’s Laptop".to_owned(),
    }
}

/// The next sighting that fits.
async fn sighting<T>(of: &mut Receiver<Sighting>, fits: impl Fn(&Sighting) -> Option<T>) -> T {
    let found = async {
        loop {
            let sighting = of.recv().await.expect("the lookout goes on");
            if let Some(found) = fits(&sighting) {
                return found;
            }
        }
    };
    timeout(SOON, found).await.expect("it is seen")
}

async fn seen(of: &mut Receiver<Sighting>, number: u8) -> SpaceSeen {
    sighting(of, |sighting| match sighting {
        Sighting::SpaceSeen(seen) if seen.space == space(number) => Some(seen.clone()),
        _ => None,
    })
    .await
}

async fn gone(of: &mut Receiver<Sighting>, number: u8) {
    let is_it =
        |s: &Sighting| matches!(s, Sighting::SpaceGone { space: of, .. } if *of == space(number));
    sighting(of, |sighting| is_it(sighting).then_some(())).await;
}

/// Whether multicast works here at all: two plain mdns-sd daemons, none of our code.
fn multicast_works() -> bool {
    let port = free_port();
    let (one, other) = (
        ServiceDaemon::new_with_port(port).unwrap(),
        ServiceDaemon::new_with_port(port).unwrap(),
    );
    let info = ServiceInfo::new("_probe._tcp.local.", "p", "p.local.", "", 1, None).unwrap();
    one.register(info.enable_addr_auto()).unwrap();
    let found = other.browse("_probe._tcp.local.").unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    let mut works = false;
    while !works && std::time::Instant::now() < deadline {
        let event = found.recv_timeout(Duration::from_millis(500));
        works = matches!(event, Ok(mdns_sd::ServiceEvent::ServiceResolved(_)));
    }
    let _ = (one.shutdown(), other.shutdown());
    if !works {
        println!("skipped: no multicast on this machine");
    }
    works
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_space_is_seen_with_all_that_it_says_and_gone_after_its_goodbye() {
    if !multicast_works() {
        return;
    }
    let port = free_port();
    let (anna, ben) = (
        Discovery::new_with_port(port),
        Discovery::new_with_port(port),
    );
    let mut near = ben.sightings();
    let advertised = anna.advertise(advert(1));

    let first = seen(&mut near, 1).await;
    assert_eq!(
        (first.name.as_str(), first.host.as_str()),
        ("Space 1", "annas-laptop")
    );
    assert_eq!(
        (first.admission, first.fingerprint),
        (Admission::Open, None)
    );
    assert!(
        first
            .addresses
            .iter()
            .all(|address| address.ends_with(":7001")),
        "{:?}",
        first.addresses
    );
    assert_eq!(ben.nearby().len(), 1);

    drop(advertised);
    gone(&mut near, 1).await;
    assert_eq!(ben.nearby(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_who_comes_late_is_told_all_that_is_there() {
    if !multicast_works() {
        return;
    }
    let port = free_port();
    let anna = Discovery::new_with_port(port);
    let _advertised: Vec<_> = (1..=3)
        .map(|number| anna.advertise(advert(number)))
        .collect();
    let ben = Discovery::new_with_port(port);
    let mut early = ben.sightings();
    let mut numbers = Vec::new();
    while numbers.len() < 3 {
        let space = sighting(&mut early, |s| match s {
            Sighting::SpaceSeen(seen) => Some(seen.space),
            Sighting::SpaceGone { .. } => None,
        });
        let space = space.await;
        if !numbers.contains(&space) {
            numbers.push(space);
        }
    }
    let mut late = ben.sightings();
    for number in 1..=3 {
        seen(&mut late, number).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_advert_is_seen_in_its_place() {
    if !multicast_works() {
        return;
    }
    let port = free_port();
    let (anna, ben) = (
        Discovery::new_with_port(port),
        Discovery::new_with_port(port),
    );
    let mut near = ben.sightings();
    let _first = anna.advertise(advert(1));
    seen(&mut near, 1).await;
    let changed = Advert {
        name: "Attic".into(),
        admission: Admission::Passcode,
        ..advert(1)
    };
    let _second = anna.advertise(changed);
    let is_new = |s: &Sighting| match s {
        Sighting::SpaceSeen(seen) => (seen.name == "Attic").then(|| seen.clone()),
        Sighting::SpaceGone { .. } => panic!("it never was away"),
    };
    assert_eq!(
        sighting(&mut near, is_new).await.admission,
        Admission::Passcode
    );
    assert_eq!(ben.nearby().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_spaces_whose_names_on_the_network_clash_are_both_seen_and_both_withdrawn() {
    if !multicast_works() {
        return;
    }
    let port = free_port();
    let (anna, ben) = (
        Discovery::new_with_port(port),
        Discovery::new_with_port(port),
    );
    let eva = Discovery::new_with_port(port);
    let mut near = eva.sightings();
    // The first eight characters of the ids, and so the instance names, are equal.
    let first = anna.advertise(advert(1));
    seen(&mut near, 1).await;
    let second = ben.advertise(advert(2));
    seen(&mut near, 2).await;
    let both = async {
        while eva.nearby().len() != 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, both).await.expect("both at once");
    let ports: Vec<_> = eva
        .nearby()
        .iter()
        .map(|s| s.addresses[0].rsplit_once(':').unwrap().1.to_owned())
        .collect();
    assert_eq!(ports, ["7001", "7002"]);
    drop(second);
    gone(&mut near, 2).await;
    drop(first);
    gone(&mut near, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_learns_that_another_hosts_the_space_but_not_of_itself() {
    if !multicast_works() {
        return;
    }
    let port = free_port();
    let (anna, ben) = (
        Discovery::new_with_port(port),
        Discovery::new_with_port(port),
    );
    let mut near = anna.sightings();
    let _advertised = anna.advertise(advert(1));
    seen(&mut near, 1).await;
    seen(&mut ben.sightings(), 1).await;
    let second = Duration::from_secs(1);
    let others = ben.others(space(1), second).await;
    let hosts: Vec<&str> = others.iter().map(|seen| &*seen.host).collect();
    assert_eq!(hosts, ["annas-laptop"]);
    assert_eq!(anna.others(space(1), second).await, []);
    assert_eq!(ben.others(space(2), second).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stops_says_goodbye_and_one_that_crashed_is_gone_after_a_look() {
    if !multicast_works() {
        return;
    }
    let port = free_port();
    let ben = Discovery::new_with_port(port);
    let mut near = ben.sightings();

    let anna = Discovery::new_with_port(port);
    let _advertised = anna.advertise(advert(1));
    seen(&mut near, 1).await;
    anna.stop().await;
    gone(&mut near, 1).await;

    // Somebody else who advertised and is gone without a word: a message of theirs, and no daemon.
    let crashed = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    crashed.set_multicast_loop_v4(true).unwrap();
    let packet = announcement("crashed", &space(2).to_string());
    let mut told = None;
    for _ in 0..50 {
        crashed.send_to(&packet, ("224.0.0.251", port)).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        told = ben.nearby().into_iter().find(|seen| seen.space == space(2));
        if told.is_some() {
            break;
        }
    }
    let Some(told) = told else {
        println!("skipped: a plain socket's multicast does not arrive here");
        return;
    };
    assert_eq!(told.addresses, ["10.99.99.99:7002"]);
    let look = async {
        while ben.nearby().iter().any(|seen| seen.space == space(2)) {
            ben.verify(space(2));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    timeout(SOON, look).await.expect("nobody answers for it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adverts_of_strangers_and_liars_are_not_seen() {
    if !multicast_works() {
        return;
    }
    let port = free_port();
    let stranger = ServiceDaemon::new_with_port(port).unwrap();
    let id = space(9).to_string();
    let adverts: [&[(&str, &str)]; 5] = [
        &[],
        &[
            ("v", "2"),
            ("space", &id),
            ("name", "Later"),
            ("admission", "open"),
            ("tls", "0"),
        ],
        &[
            ("v", "1"),
            ("space", "nonsense"),
            ("name", "x"),
            ("admission", "open"),
            ("tls", "0"),
        ],
        &[
            ("v", "1"),
            ("space", &id),
            ("name", "a\u{1b}[31mb"),
            ("admission", "open"),
            ("tls", "0"),
        ],
        &[
            ("v", "1"),
            ("space", &id),
            ("name", "x"),
            ("admission", "open"),
            ("tls", "1"),
            ("fp", "?"),
        ],
    ];
    for (number, words) in adverts.iter().enumerate() {
        let (name, host) = (format!("liar{number}"), format!("liar{number}.local."));
        let info = ServiceInfo::new("_landline._tcp.local.", &name, &host, "", 1, *words).unwrap();
        stranger.register(info.enable_addr_auto()).unwrap();
    }
    let ben = Discovery::new_with_port(port);
    let mut near = ben.sightings();
    let anna = Discovery::new_with_port(port);
    let _advertised = anna.advertise(advert(1));
    // Whoever advertised before anna would have been seen before her goodbye.
    seen(&mut near, 1).await;
    anna.stop().await;
    gone(&mut near, 1).await;
    assert_eq!(ben.nearby(), []);
    let _ = stranger.shutdown();
}

#[tokio::test]
async fn a_port_that_is_kept_from_us_is_a_problem_in_words() {
    let alone = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    let port = alone.local_addr().unwrap().port();
    let anna = Discovery::new_with_port(port);
    let _advertised = anna.advertise(advert(1));
    let mut problem = anna.problem();
    let told = timeout(SOON, problem.wait_for(Option::is_some))
        .await
        .unwrap()
        .unwrap()
        .clone();
    assert!(told.unwrap().contains(&port.to_string()));
    // Freed, it is taken at one of the next turns, and the problem is none any more.
    drop(alone);
    let hopeful = |problem: &Option<String>| !problem.as_ref().is_some_and(|p| p.contains("UDP"));
    timeout(SOON, problem.wait_for(hopeful))
        .await
        .expect("tries again")
        .unwrap();
    timeout(SOON, anna.stop()).await.expect("ends");
}

/// An unsolicited mDNS response with PTR, SRV, TXT and A, as it goes over the wire.
fn announcement(instance: &str, space: &str) -> Vec<u8> {
    let service = name(&["_landline", "_tcp", "local"]);
    let full = name(&[instance, "_landline", "_tcp", "local"]);
    let host = name(&["crashed-00112233", "local"]);
    let words = [
        "v=1",
        &format!("space={space}"),
        "name=Crashed",
        "fp=-",
        "admission=open",
        "tls=0",
    ];
    let txt: Vec<u8> = words
        .iter()
        .flat_map(|word| std::iter::once(u8::try_from(word.len()).unwrap()).chain(word.bytes()))
        .collect();
    let srv: Vec<u8> = [0, 0, 0, 0]
        .into_iter()
        .chain(7_002u16.to_be_bytes())
        .chain(host.clone())
        .collect();
    let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    for (name, kind, class, data) in [
        (&service, 12u16, 1u16, full.clone()),
        (&full, 33, 0x8001, srv),
        (&full, 16, 0x8001, txt),
        (&host, 1, 0x8001, vec![10, 99, 99, 99]),
    ] {
        packet.extend_from_slice(name);
        packet.extend(kind.to_be_bytes());
        packet.extend(class.to_be_bytes());
        packet.extend(120u32.to_be_bytes());
        packet.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        packet.extend(data);
    }
    packet
}

fn name(labels: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in labels {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
