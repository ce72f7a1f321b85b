//! The AWS front of the real `muster-server`: on, off, and with what keys.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::http;
use crate::support::process::{Process, SERVER, code, word_after};
use crate::support::services::Shared;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn keys(id: &str) -> String {
    format!(
        r#"{{"keys": [{{"access_key_id": "{id}", "secret_access_key": "{SECRET}",
            "name": "ci", "pools": ["*"], "actions": ["*"]}}]}}"#
    )
}

/// Sends an unsigned call, and answers its status and body.
async fn call(server: &mut Process) -> (u16, String) {
    let http = word_after(&server.line("muster-server is ready"), r#""http":""#);
    let answer = http::client()
        .post(format!("http://{http}/"))
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            "AWSCognitoIdentityProviderService.ListUserPools",
        )
        .body(r#"{"MaxResults": 1}"#)
        .send()
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("a body"))
}

#[tokio::test]
async fn without_keys_it_takes_any_credentials_and_says_so() {
    let shared = Shared::new();
    let mut server = shared.start(SERVER, &[]);
    assert_eq!(call(&mut server).await, (200, r#"{"UserPools":[]}"#.into()));
    server.line("the AWS front takes any credentials");
    assert_eq!(server.terminate(), 0);
}

#[tokio::test]
async fn beside_a_tokens_file_and_without_keys_there_is_none() {
    let shared = Shared::new();
    let tokens = shared.folder.path().join("tokens.json");
    fs::write(&tokens, r#"{"tokens": []}"#).expect("a file");
    let tokens = tokens.to_str().expect("UTF-8");
    let mut server = shared.start(SERVER, &["--tokens-file", tokens]);
    assert_eq!(call(&mut server).await.0, 404);
    assert_eq!(server.terminate(), 0);
}

#[test]
fn it_is_not_opened_to_the_network_without_keys() {
    let shared = Shared::new();
    let tokens = shared.folder.path().join("tokens.json");
    fs::write(&tokens, r#"{"tokens": []}"#).expect("a file");
    let tokens = tokens.to_str().expect("UTF-8");
    let arguments = [
        "--aws-front=on",
        "--http-addr=0.0.0.0:0",
        "--tokens-file",
        tokens,
    ];
    let mut server = shared.start(SERVER, &arguments);
    assert_ne!(code(server.wait()), 0);
    let text = server.errors();
    assert!(text.contains("MUSTER_AWS_ACCESS_KEYS"), "{text}");
}

#[tokio::test]
async fn keys_are_read_at_the_start_and_again_on_sighup() {
    let shared = Shared::new();
    let file = shared.folder.path().join("keys.json");
    let path = file.to_str().expect("UTF-8");
    fs::write(&file, keys("short")).expect("a file");
    let mut server = shared.start(SERVER, &["--aws-access-keys", path]);
    assert_ne!(code(server.wait()), 0);
    let text = server.errors();
    assert!(text.contains("keys[0].access_key_id"), "{text}");
    assert!(!text.contains(SECRET));

    fs::write(&file, keys("AKIAIOSFODNN7EXAMPLE")).expect("a file");
    let mut server = shared.start(SERVER, &["--aws-access-keys", path]);
    let (status, body) = call(&mut server).await;
    assert_eq!(status, 400);
    assert!(
        body.contains("MissingAuthenticationTokenException"),
        "{body}"
    );
    fs::write(&file, "{").expect("a file");
    server.signal(Signal::SIGHUP);
    server.line("the access keys of before stay in force");
    fs::write(&file, keys("AKIAIOSFODNN7EXAMPLF")).expect("a file");
    server.signal(Signal::SIGHUP);
    server.line("read the access keys file again");
    assert_eq!(server.terminate(), 0);
    assert!(!server.errors().contains(SECRET));
}
