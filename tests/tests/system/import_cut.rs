//! Imports as the window does them: given up on the way, and refused before anything is made.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use landline_client::ClientError;
use landline_client::import::{ImportKind, ImportProgress, ImportReport, ImportSource};
use landline_protocol::Code;
use landline_tests::conversation::{self, Line};
use landline_tests::{Lan, Person, logs};
use tokio_util::sync::CancellationToken;

const MESSAGES: usize = 2_000;
/// When the person thinks better of it: some are in, most are not.
const GIVEN_UP_AFTER: u64 = 300;

fn talk(lan: &Lan) -> (PathBuf, Vec<Line>) {
    let mut lines = conversation::read(&conversation::file(&lan.folder("")));
    lines.truncate(MESSAGES);
    let file = lan.folder("talk.jsonl");
    conversation::write(&file, &lines);
    (file, lines)
}

async fn import(
    person: &Person,
    file: &Path,
    into: Option<&str>,
    progress: impl FnMut(ImportProgress),
) -> Result<ImportReport, ClientError> {
    let source = ImportSource::open(file.to_owned(), into.map(str::to_owned)).await?;
    person
        .client()
        .import(person.space(), source, progress)
        .await
}

/// The texts of all messages that the node has, in their order.
fn texts(lan: &Lan) -> Vec<String> {
    let rows = logs::events(&lan.node.database()).into_iter();
    rows.filter(|row| row.kind == "message")
        .map(|row| row.content["text"].as_str().unwrap().to_owned())
        .collect()
}

fn refused(result: Result<ImportReport, ClientError>) -> (Code, String) {
    match result.unwrap_err() {
        ClientError::Refused(refusal) => (refusal.code, refusal.message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_given_up_keeps_what_is_in_and_goes_on_with_nothing_twice() {
    let lan = Lan::start();
    let (file, lines) = talk(&lan);
    let ana = lan.person("ana").await;

    let (given_up, last) = (CancellationToken::new(), Mutex::default());
    let watch = |so_far: ImportProgress| {
        *last.lock().unwrap() = so_far;
        if so_far.messages >= GIVEN_UP_AFTER {
            given_up.cancel();
        }
    };
    let work = import(&ana, &file, None, watch);
    assert!(given_up.run_until_cancelled(work).await.is_none());
    let ImportProgress { messages, read, of } = *last.lock().unwrap();
    assert_eq!(of, file.metadata().unwrap().len());
    assert!(read > 0 && read <= of);
    let first = texts(&lan).len();
    assert!(first as u64 >= messages && first < MESSAGES, "{first}");

    let mut end = ImportProgress::default();
    let again = import(&ana, &file, None, |so_far| end = so_far).await;
    let report = again.unwrap();
    // What came in a moment ago may still count as new: the log tells what is there.
    assert_eq!(report.imported + report.already, MESSAGES as u64);
    assert!(report.is_whole() && report.rooms.len() == 1, "{report:?}");
    assert_eq!((end.messages, end.read), (MESSAGES as u64, of));
    let expected: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts(&lan), expected);
}

#[tokio::test]
async fn a_plain_member_imports_nothing_and_makes_no_room() {
    let lan = Lan::start();
    let (file, _) = talk(&lan);
    let _owner = lan.person("ana").await;
    let ben = lan.person("ben").await;
    let before = logs::events(&lan.node.database());
    let never = |so_far: ImportProgress| panic!("{so_far:?}");
    let (code, words) = refused(import(&ben, &file, None, never).await);
    assert_eq!(code, Code::NotAllowed);
    assert_eq!(words, "only the owner and admins of a space may import");
    assert_eq!(logs::events(&lan.node.database()), before);
    assert!(ben.now().room("new-members").is_none());
}

#[tokio::test]
async fn what_is_nothing_to_import_is_refused_by_its_name_before_anything_is_made() {
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let before = logs::events(&lan.node.database());
    let never = |so_far: ImportProgress| panic!("{so_far:?}");
    let picture = lan.folder("crane.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\n\n").unwrap();
    let (code, words) = refused(import(&ana, &picture, Some("new"), never).await);
    assert_eq!(code, Code::BadRequest);
    let expected = "crane.png can't be imported: it is no export of Landline or Slack";
    assert!(words.starts_with(expected), "{words}");
    for none in [lan.folder("nowhere.jsonl"), lan.folder("")] {
        let error = import(&ana, &none, Some("new"), never).await.unwrap_err();
        assert!(matches!(error, ClientError::File { .. }), "{error:?}");
    }
    assert_eq!(logs::events(&lan.node.database()), before);
}

#[tokio::test]
async fn lines_that_name_no_room_go_where_they_are_told_to() {
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let file = lan.folder("talk.jsonl");
    std::fs::write(&file, "{\"author\":\"Eve\",\"at\":1,\"text\":\"one\"}\n").unwrap();
    let about = ImportSource::open(file.clone(), None)
        .await
        .unwrap()
        .about();
    assert_eq!(
        (about.name.as_str(), about.kind, about.room),
        ("talk.jsonl", ImportKind::Lines, None)
    );
    let (code, _) = refused(import(&ana, &file, None, |_| {}).await);
    assert_eq!(code, Code::BadRequest);
    assert_eq!(texts(&lan), [""; 0]);
    let report = import(&ana, &file, Some("archive"), |_| {}).await.unwrap();
    assert_eq!(
        (report.name.as_deref(), report.imported),
        (Some("archive"), 1)
    );
    let room = ana.room("archive").await;
    assert_eq!(ana.texts(room).await, ["one"]);
}
