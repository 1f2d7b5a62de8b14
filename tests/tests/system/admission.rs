//! Who gets in.

use landline_client::command::{Join, SetName};
use landline_protocol::Code;
use landline_tests::Lan;

#[tokio::test]
async fn a_space_with_a_passcode_lets_in_who_knows_it() {
    let lan = Lan::with(&["--admission", "passcode:teapot"]);
    let client = landline_tests::person::client("ana", &lan.folder("ana")).await;
    client
        .set_name(SetName { name: "ana".into() })
        .await
        .unwrap();
    let address = lan.node.address().to_string();
    let join = async |passcode: Option<&str>| {
        let passcode = passcode.map(ToOwned::to_owned);
        client
            .join(Join {
                space: None,
                address: Some(address.clone()),
                passcode,
            })
            .await
    };

    for wrong in [None, Some("kettle")] {
        assert_eq!(
            join(wrong).await.unwrap_err().code,
            Code::WrongPasscode,
            "{wrong:?}"
        );
    }
    let joined = join(Some("teapot")).await.unwrap();
    assert_eq!(joined.space, lan.node.space());
    client.stop().await;
}
