//! No link comes of it: who answered, and what they said.

use super::*;

#[tokio::test]
async fn a_refused_connection_is_unreachable_and_says_why() {
    let gone = TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    for address in [
        gone.to_string(),
        "no.such.name.invalid:1".to_owned(),
        "a b".to_owned(),
    ] {
        match dial(&address, impatient()).await.err() {
            Some(LinkLoss::Unreachable(why)) => assert!(why.starts_with(&address), "{why}"),
            other => panic!("{address}: {other:?}"),
        }
    }
    let nowhere = TcpDial::default().dial(Target::default()).await.err();
    assert_eq!(
        nowhere,
        Some(LinkLoss::Unreachable("no address is known".to_owned()))
    );
}

#[tokio::test]
async fn a_connection_reset_before_the_handshake_is_a_loss() {
    let node = Node::start(Manners::Good);
    let proxy = Proxy::start(node.address).await.unwrap();
    proxy.set(Weather::Refuse);
    let loss = dial(proxy.address(), impatient()).await.err().unwrap();
    assert!(
        matches!(loss, LinkLoss::Closed | LinkLoss::Unreachable(_)),
        "{loss:?}"
    );
    proxy.set(Weather::Fair);
    assert!(dial(proxy.address(), impatient()).await.is_ok());
}

#[tokio::test]
async fn a_node_that_turns_us_away_says_why() {
    let node = Node::start(Manners::Closed);
    match dial(node.address, impatient()).await.err() {
        Some(LinkLoss::Protocol(why)) => assert!(why.contains("this is not for you"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_node_that_never_welcomes_is_silent() {
    let timing = Timing {
        welcome: Duration::from_millis(500),
        ..Timing::default()
    };
    let node = Node::start(Manners::Mute);
    assert_eq!(
        dial(node.address, timing).await.err(),
        Some(LinkLoss::Silent)
    );

    // One that takes the connection and not a byte of what is said on it.
    let deaf = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let loss = dial(deaf.local_addr().unwrap(), timing).await.err();
    assert_eq!(loss, Some(LinkLoss::Silent));
}

#[tokio::test]
async fn another_program_on_the_port_is_told_apart() {
    for manners in [Manners::Rude, Manners::Foreign] {
        let node = Node::start(manners);
        let loss = dial(node.address, impatient()).await.err();
        assert!(
            matches!(loss, Some(LinkLoss::Protocol(_))),
            "{manners:?}: {loss:?}"
        );
    }
    for answer in [
        &b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46],
        &[0xff; 5_000],
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1_024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
            // Held open: it is what it says, and not its end, that is wrong.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let loss = dial(address, impatient()).await.err();
        assert!(
            matches!(loss, Some(LinkLoss::Protocol(_) | LinkLoss::Silent)),
            "{loss:?}"
        );
        timeout(SOON, server)
            .await
            .expect("the connection was given back")
            .unwrap();
    }
}

#[tokio::test]
async fn what_accepts_a_connection_and_is_no_node_does_not_hide_the_addresses_behind_it() {
    let closing = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let closes = closing.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = closing.accept().await {
            drop(stream);
        }
    });
    let kinds = [Manners::Mute, Manners::Foreign, Manners::Good];
    let nodes = kinds.map(Node::start);
    let [mute, foreign, good] = nodes.each_ref().map(|node| node.address.to_string());
    let dial = async |addresses: &[&String]| {
        let target = Target {
            addresses: addresses.iter().copied().cloned().collect(),
            fingerprint: None,
        };
        let dialled = timeout(SOON, TcpDial::new(impatient()).dial(target));
        dialled.await.expect("a dial has a limit")
    };
    let (link, mut events) = dial(&[&closes, &mute, &foreign, &good]).await.unwrap();
    assert_eq!(link.peer().address, good);
    assert!(matches!(next(&mut events).await, LinkEvent::Welcome(_)));

    // Where there is none, it is said what the first one did.
    let loss = dial(&[&foreign, &closes]).await.err();
    assert!(matches!(loss, Some(LinkLoss::Protocol(_))), "{loss:?}");
    server.abort();
}
