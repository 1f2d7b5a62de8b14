//! Rooms as files.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{Node, Person};

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of_kind<'l>(lines: &'l [Value], kind: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["line"] == kind).collect()
}

fn path(folder: &TempDir, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    let words = path.to_str().unwrap().to_owned();
    (path, words)
}

fn names(folder: &TempDir) -> Vec<String> {
    let files = std::fs::read_dir(folder.path()).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_event_of_every_room_is_a_line_as_the_space_has_it() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    ana.ok(&["send", "general", "one", "--wait"]);
    ana.ok(&["send", "general", "two", "--wait"]);
    let history = ana.json(&["history", "general"]);
    let first = history["lines"].as_array().unwrap();
    let first = first.iter().find(|line| line["text"] == "one").unwrap()["id"].clone();
    let first = first.as_str().unwrap();
    bo.ok(&["reply", first, "three", "--thread", "--wait"]);
    bo.ok(&["react", first, "👍"]);
    ana.ok(&["edit", first, "one again"]);
    ana.ok(&["create", "secret", "--private"]);
    ana.ok(&["send", "secret", "nobody else", "--wait"]);

    let folder = TempDir::new().unwrap();
    let (file, to) = path(&folder, "all.jsonl");
    let done = ana.json(&["export", "--to", &to]);
    assert_eq!(
        (&done["rooms"], &done["complete"], &done["format"]),
        (&json!(2), &json!(true), &json!("jsonl"))
    );
    assert_eq!(done["messages"], 4);
    assert_eq!(
        done["bytes"].as_u64().unwrap(),
        std::fs::metadata(&file).unwrap().len()
    );
    let lines = lines(&file);
    assert_eq!(lines[0]["line"], "export");
    assert_eq!(lines[0]["format"], 1);
    assert_eq!(
        lines[0]["space"],
        json!({ "id": node.space, "name": "Lab" })
    );
    let rooms: Vec<_> = of_kind(&lines, "room")
        .iter()
        .map(|room| (room["name"].clone(), room["kind"].clone()))
        .collect();
    assert_eq!(
        rooms,
        [
            (json!("general"), json!("public")),
            (json!("secret"), json!("private"))
        ]
    );
    let events = of_kind(&lines, "event");
    assert_eq!(
        lines.last().unwrap(),
        &json!({ "line": "end", "rooms": 2, "events": events.len() })
    );
    for room in of_kind(&lines, "room") {
        let seqs: Vec<u64> = events
            .iter()
            .filter(|event| event["room"] == room["id"])
            .map(|event| event["seq"].as_u64().unwrap())
            .collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    }
    let reaction = events
        .iter()
        .find(|event| event["content"]["type"] == "reaction")
        .unwrap();
    assert_eq!(reaction["name"], "Bo");
    assert_eq!(
        reaction["content"],
        json!({ "type": "reaction", "target": first, "emoji": "👍", "on": true })
    );
    assert_eq!(reaction["sig"].as_str().unwrap().len(), 86);

    // Others see no more than they may.
    let (_, to) = path(&folder, "bo.jsonl");
    assert_eq!(bo.json(&["export", "--to", &to])["rooms"], 1);
    let (file, to) = path(&folder, "one.jsonl");
    let done = ana.json(&["export", "#secret", "--to", &to]);
    assert_eq!((&done["rooms"], &done["messages"]), (&json!(1), &json!(1)));
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .contains("nobody else")
    );
}

#[test]
fn a_page_can_be_read_and_runs_nothing() {
    let node = Node::start(&[]);
    let (ana, bo) = (
        Person::joined(&node, "Ana"),
        Person::joined(&node, "Bo <b>"),
    );
    ana.ok(&["send", "general", "the **kettle**\nis on", "--wait"]);
    let history = ana.json(&["history", "general"]);
    let lines = history["lines"].as_array().unwrap();
    let first = lines.iter().find(|line| line["type"] == "message").unwrap()["id"].clone();
    let first = first.as_str().unwrap();
    bo.ok(&["reply", first, "in the thread", "--thread", "--wait"]);
    bo.ok(&["reply", first, "an answer", "--wait"]);
    bo.ok(&["react", first, "🫖"]);
    for text in [
        "<script>alert(1)</script>",
        "![x](https://example.org/x.png)",
    ] {
        bo.ok(&["send", "general", text, "--wait"]);
    }

    let folder = TempDir::new().unwrap();
    let (file, to) = path(&folder, "page.html");
    let done = ana.json(&["export", "general", "--to", &to]);
    assert_eq!(
        (&done["format"], &done["messages"]),
        (&json!("html"), &json!(5))
    );
    let page = std::fs::read_to_string(file).unwrap();
    for shown in [
        "the <strong>kettle</strong><br />\nis on",
        "<b dir=\"auto\">Bo &lt;b&gt;</b>",
        "title=\"Bo &lt;b&gt;\">🫖 1</li>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<a href=\"https://example.org/x.png\">",
        "prefers-color-scheme: dark",
        "default-src 'none'",
        "The room was created with the space",
    ] {
        assert!(page.contains(shown), "{shown} is in {page}");
    }
    for not in ["<script", "<img", "src=", "Bo <b>"] {
        assert!(!page.contains(not), "{not} is in {page}");
    }
    let thread = page.find("<details class=\"thread\"").unwrap();
    assert!(page[thread..].contains("in the thread"));
    assert!(page[..thread].contains(&format!("id=\"m-{first}\"")));
    assert!(page.contains(&format!(
        "<a href=\"#m-{first}\">Ana: the **kettle** is on</a>"
    )));
}

#[test]
fn a_file_that_is_there_is_replaced_only_where_that_is_asked_for() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    ana.ok(&["send", "general", "hello", "--wait"]);
    let folder = TempDir::new().unwrap();
    let (file, to) = path(&folder, "diary.txt");
    std::fs::write(&file, "dear diary").unwrap();
    let (code, words) = ana.fails(4, &["export", "--to", &to]);
    assert_eq!(code, "conflict");
    assert!(words.contains("diary.txt"), "{words}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "dear diary");
    assert_eq!(
        ana.json(&["export", "--to", &to, "--replace"])["messages"],
        1
    );
    assert_eq!(lines(&file)[0]["line"], "export");
    assert_eq!(names(&folder), ["diary.txt"], "nothing is left beside it");
}

#[test]
fn what_can_not_be_written_or_is_not_there_is_said_in_words() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let folder = TempDir::new().unwrap();
    let (_, nowhere) = path(&folder, "no/such/folder.jsonl");
    let (_, words) = ana.fails(4, &["export", "--to", &nowhere]);
    assert_eq!(
        words,
        format!("can't write {nowhere}: there is no such folder")
    );
    let (_, words) = ana.fails(4, &["export", "--to", folder.path().to_str().unwrap()]);
    assert!(words.contains("is a folder"), "{words}");
    let (_, to) = path(&folder, "x.jsonl");
    let (code, _) = ana.fails(5, &["export", "nosuchroom", "--to", &to]);
    assert_eq!(code, "not_found");
    assert_eq!(names(&folder), [""; 0]);
}

#[test]
fn without_the_space_what_is_here_is_exported() {
    let mut node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    ana.ok(&["send", "general", "kept", "--wait"]);
    node.kill();
    let folder = TempDir::new().unwrap();
    let (file, to) = path(&folder, "kept.jsonl");
    let done = ana.json(&["export", "--to", &to]);
    assert_eq!(
        (&done["up_to_date"], &done["messages"]),
        (&json!(false), &json!(1))
    );
    assert!(std::fs::read_to_string(file).unwrap().contains("\"kept\""));
}

/// The smallest picture that there is.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

#[test]
fn files_stand_in_a_folder_beside_the_page() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let folder = TempDir::new().unwrap();
    let (picture, picture_path) = path(&folder, "tea pot.png");
    std::fs::write(&picture, PNG).unwrap();
    let (site, site_path) = path(&folder, "site.html");
    std::fs::write(&site, "<script>alert(1)</script>").unwrap();
    ana.ok(&["upload", "general", &picture_path, &site_path, "--wait"]);

    let out = TempDir::new().unwrap();
    let (file, to) = path(&out, "page.html");
    ana.ok(&["export", "general", "--to", &to]);
    let page = std::fs::read_to_string(file).unwrap();
    let kept = out.path().join("page_files");
    let mut names: Vec<String> = std::fs::read_dir(&kept)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_by_key(|name| name.ends_with(".png"));
    let [site, picture] = names.as_slice() else {
        panic!("{names:?}");
    };
    // Whoever opens it reads it; nothing runs.
    assert!(site.ends_with("-site.html.txt"), "{site}");
    assert!(picture.ends_with("-tea pot.png"), "{picture}");
    assert_eq!(std::fs::read(kept.join(picture)).unwrap(), PNG);
    let address = format!("page_files/{}", picture.replace(' ', "%20"));
    assert!(
        page.contains(&format!("<img src=\"{address}\" alt=\"tea pot.png\"")),
        "{page}"
    );
    assert!(page.contains(&format!(
        "<a href=\"page_files/{site}\" download>site.html</a>"
    )));

    // Neither page nor folder is written over unasked.
    std::fs::remove_file(out.path().join("page.html")).unwrap();
    let (code, words) = ana.fails(4, &["export", "general", "--to", &to]);
    assert_eq!(code, "conflict");
    assert!(words.contains("page_files"), "{words}");
    ana.ok(&["export", "general", "--to", &to, "--replace"]);
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 2);
}
