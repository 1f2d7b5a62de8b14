//! The program itself: what it prints, what it refuses, what survives its death.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, DEADLINE, event, message};

/// A running `landline-node`; killed when dropped.
struct Program {
    child: Child,
    ready: Value,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landline-node"));
    command
        .arg("--data")
        .arg(data)
        .args(["--bind", "127.0.0.1", "--no-tls", "--no-mdns"]);
    command
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    fn start(data: &Path, flags: &[&str]) -> Self {
        let mut command = command(data, &["--port", "0", "--append-rate", "0"]);
        let mut child = command
            .args(flags)
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
        Self { child, ready }
    }

    fn address(&self) -> SocketAddr {
        self.ready["address"].as_str().unwrap().parse().unwrap()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    fn ends(&mut self) -> Option<i32> {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not end")
    }
}

/// Starts the program where it must refuse, and answers its exit code and what it said.
fn refused(data: &Path, flags: &[&str]) -> (i32, String) {
    let mut child = command(data, flags).spawn().unwrap();
    let until = Instant::now() + DEADLINE;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > until => {
                let _ = child.kill();
                panic!("it was not refused");
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let (mut out, mut err) = (String::new(), String::new());
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!(out, "", "standard output is for the ready line");
    let said: Vec<&str> = err
        .lines()
        .filter(|l| l.starts_with("landline-node: "))
        .collect();
    assert!(
        said.len() == 1 || status.code() == Some(2),
        "one clear line: {err}"
    );
    (status.code().unwrap(), err)
}

#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut answered: Vec<(String, String, u64)> = Vec::new();
    let mut room = String::new();
    for round in 0..3 {
        let node = Program::start(dir.path(), &["--name", "Test"]);
        let mut client = Client::enter(node.address(), "ann").await;
        if round == 0 {
            room = client.general().await;
        }
        // Many under way at once, so that the kill falls into the middle of some.
        let mut sent = Vec::new();
        for n in 0..120 {
            let text = format!("{round} {n}");
            let event = event(&room, message(&text));
            let id = event["id"].as_str().unwrap().to_owned();
            sent.push((
                id,
                text,
                client.send("append", json!({ "events": [event] })).await,
            ));
        }
        for (id, text, rid) in sent.drain(..60) {
            let answer = client.answer(&rid).await.expect("accepted");
            let seq = answer["results"][0]["seq"].as_u64().expect("a seq");
            answered.push((id, text, seq));
        }
        node.kill();
    }
    let node = Program::start(dir.path(), &["--request-rate", "0"]);
    let mut client = Client::enter(node.address(), "ann").await;
    let log = client.log(&room).await;
    for (at, event) in log.iter().enumerate() {
        assert_eq!(event["seq"], at as u64 + 1, "no hole, none twice");
    }
    for (id, text, seq) in answered {
        let event = &log[seq as usize - 1];
        assert_eq!(
            (&event["id"], &event["content"]["text"]),
            (&json!(id), &json!(text))
        );
        let found = client
            .ask("search", json!({ "query": format!("\"{text}\"") }))
            .await
            .unwrap();
        let hits = found["hits"].as_array().unwrap();
        assert!(
            hits.iter().any(|hit| hit["id"] == json!(id)),
            "{text} is found"
        );
    }
}

#[tokio::test]
async fn a_stop_signal_says_goodbye_and_exits_with_0() {
    for signal in ["-TERM", "-INT"] {
        let dir = tempfile::tempdir().unwrap();
        let mut node = Program::start(dir.path(), &["--name", "Test", "--log", "json"]);
        assert_eq!(node.ready["ready"], true);
        assert_eq!(node.ready["name"], "Test");
        assert_eq!(node.ready["fingerprint"], Value::Null);
        let mut client = Client::enter(node.address(), "ann").await;
        assert_eq!(node.ready["space"], json!(client.space()));
        let general = client.general().await;
        client.say(&general, "stays").await;
        let last = client
            .send(
                "append",
                json!({ "events": [event(&general, message("last"))] }),
            )
            .await;
        assert!(client.answer(&last).await.is_ok());
        node.signal(signal);
        assert_eq!(client.push("goodbye").await["reason"], "shutting_down");
        assert!(client.is_closed().await);
        assert_eq!(node.ends(), Some(0));

        let node = Program::start(dir.path(), &[]);
        let mut client = Client::enter(node.address(), "ann").await;
        assert_eq!(client.log(&general).await.len(), 3);
    }
}

#[test]
fn what_can_not_be_served_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = dir.path().join("fresh");
    let (code, said) = refused(&fresh, &[]);
    assert_eq!(code, 1);
    assert!(said.contains("name"), "{said}");
    let (code, said) = refused(&fresh, &["--name", &"x".repeat(65)]);
    assert_eq!(code, 1);
    assert!(said.contains("the limit is 64"), "{said}");

    let data = dir.path().join("data");
    let node = Program::start(&data, &["--name", "Test"]);
    let (code, said) = refused(&data, &["--name", "Test", "--port", "0"]);
    assert_eq!(code, 1);
    assert!(said.contains("another node is running"), "{said}");
    let port = node.address().port().to_string();
    let (code, said) = refused(
        &dir.path().join("other"),
        &["--name", "Test", "--port", &port],
    );
    assert_eq!(code, 1);
    assert!(said.contains("can't listen"), "{said}");
    node.kill();

    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (code, said) = refused(&file, &["--name", "Test"]);
    assert_eq!(code, 1);
    assert!(said.contains("can't use the data folder"), "{said}");

    let database = rusqlite::Connection::open(data.join("node.sqlite")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    let (code, said) = refused(&data, &[]);
    assert_eq!(code, 1);
    assert!(said.contains("newer"), "{said}");

    std::fs::write(
        data.join("node.sqlite"),
        "this is no database at all ".repeat(400),
    )
    .unwrap();
    let (code, said) = refused(&data, &[]);
    assert_eq!(code, 1);
    assert!(said.contains("damaged"), "{said}");

    for flags in [
        &["--port", "x"][..],
        &["--admission", "closed"],
        &["--owner", "me"],
        &["--what"],
    ] {
        assert_eq!(refused(&fresh, flags).0, 2, "{flags:?}");
    }
}

#[tokio::test]
async fn without_a_port_the_next_free_one_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let mut command = command(&dir.path().join(name), &["--name", name]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Program {
            child,
            ready: serde_json::from_str(&line).unwrap(),
        }
    };
    let (one, two) = (start("one"), start("two"));
    assert!(one.address().port() >= 7717);
    assert_ne!(one.address(), two.address());
    Client::enter(two.address(), "ann").await;
}

#[tokio::test]
async fn whoever_reads_its_log_may_leave() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = command(dir.path(), &["--port", "0", "--name", "Test"]);
    // As after `| head`, or where the terminal is closed that it was started from.
    let (reader, log) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = command.stderr(log).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
    let mut node = Program { child, ready };
    let mut client = Client::enter(node.address(), "ann").await;
    let general = client.general().await;
    client.say(&general, "still here").await;
    node.signal("-TERM");
    assert_eq!(node.ends(), Some(0));
}

#[tokio::test]
async fn a_database_put_back_from_an_older_copy_shows_by_head_and_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy.sqlite"));
    let database = data.join("node.sqlite");

    let mut node = Program::start(&data, &["--name", "Test"]);
    let mut client = Client::enter(node.address(), "ann").await;
    let general = client.general().await;
    client.say(&general, "kept").await;
    node.signal("-TERM");
    node.ends();
    std::fs::copy(&database, &copy).unwrap();

    let mut node = Program::start(&data, &[]);
    let mut client = Client::enter(node.address(), "ann").await;
    let lost: Vec<Value> = (0..30)
        .map(|n| event(&general, message(&n.to_string())))
        .collect();
    client.append(json!(lost)).await.unwrap();
    let before = client.fetch(&general, 0).await.unwrap();
    node.signal("-TERM");
    node.ends();
    std::fs::copy(&copy, &database).unwrap();

    let mut node = Program::start(&data, &[]);
    let mut client = Client::enter(node.address(), "ann").await;
    assert_eq!(client.welcome["node"]["epoch"], 2);
    let after = client.fetch(&general, 0).await.unwrap();
    assert_eq!((&before["head"], &after["head"]), (&json!(32), &json!(2)));
    assert_ne!(before["head_id"], after["head_id"]);
    assert_eq!((&before["epoch"], &after["epoch"]), (&json!(1), &json!(2)));
    // What was lost may be appended again, with its ids.
    let again = client.append(json!(lost)).await.unwrap();
    assert_eq!(again[29]["seq"], 32);
    node.signal("-TERM");
    node.ends();

    let node = Program::start(&data, &[]);
    let client = Client::enter(node.address(), "ann").await;
    assert_eq!(client.welcome["node"]["epoch"], 2, "raised once");
}

/// `GET /health`: status and body.
async fn health(node: SocketAddr) -> (u16, Value) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut http = tokio::net::TcpStream::connect(node).await.unwrap();
    let request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    http.write_all(request).await.unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    (status, serde_json::from_str(body).unwrap())
}

async fn until_health(node: SocketAddr, status: u16) {
    let until = Instant::now() + DEADLINE;
    while health(node).await.0 != status {
        assert!(Instant::now() < until, "/health did not become {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The program on a small disk of its own, or `None` where this system does not let us have one.
fn on_small_disk(data: &Path) -> Option<Program> {
    std::fs::create_dir(data).unwrap();
    let node = env!("CARGO_BIN_EXE_landline-node");
    let script = format!(
        "mount -t tmpfs -o size=4m none {data} && exec {node} --data {data} --name Full \
         --bind 127.0.0.1 --port 0 --no-tls --no-mdns --append-rate 0",
        data = data.display()
    );
    let mut child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take()?)
        .read_line(&mut line)
        .ok()?;
    match serde_json::from_str(&line) {
        Ok(ready) => Some(Program { child, ready }),
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            None
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_said_so_and_passes_with_no_hole_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(node) = on_small_disk(&data) else {
        println!("skipped: no mount namespaces here");
        return;
    };
    let mut client = Client::enter(node.address(), "ann").await;
    let room = client.general().await;
    client.say(&room, "before").await;
    // Seen from outside of its mount namespace.
    let inside = format!("/proc/{}/root{}", node.child.id(), data.display());
    let filler = Path::new(&inside).join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    drop(file);

    let text = "x".repeat(16 * 1024);
    let mut accepted = 1;
    let refused = loop {
        let events: Vec<Value> = (0..8).map(|_| event(&room, message(&text))).collect();
        match client.append(json!(events)).await {
            Ok(results) => accepted += results.len(),
            Err(code) => break code,
        }
        assert!(accepted < 1000, "the disk is not full");
    };
    assert_eq!(refused, "unavailable");
    until_health(node.address(), 503).await;
    assert_eq!(
        client.log(&room).await.len(),
        accepted + 1,
        "what was answered is there"
    );

    std::fs::remove_file(&filler).unwrap();
    until_health(node.address(), 200).await;
    let after = client.say(&room, "after").await;
    assert_eq!(after["seq"], accepted as u64 + 2, "no seq was lost");
    assert_eq!(client.log(&room).await.len(), accepted + 2);
}
