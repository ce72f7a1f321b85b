//! The files of a server: wrong ones, and new ones.

use std::fs;

use muster::process::config::ClientAuth;

use super::authority::Authority;
use super::{Files, Site, list};
use crate::support::process::{SERVER, code, command};
use crate::transport::PATIENCE;

#[tokio::test]
async fn new_certificates_are_for_new_connections_and_the_old_ones_stay_up() {
    let (old, new) = (Authority::new("an old CA"), Authority::new("a new CA"));
    let site = Site::new(Files::new(&old.server(), None)).await;
    let before = site.channel(&old, None).await.expect("a connection");
    list(before.clone()).await.expect("an answer");

    site.files.write(&new.server());
    let seen = async {
        while site.lets_in(&new, None).await != (true, true) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, seen)
        .await
        .expect("a reread");
    assert_eq!(site.lets_in(&old, None).await, (false, false));
    // It trusts the old CA only, so that it cannot have connected again.
    list(before).await.expect("an answer on the old connection");
}

#[tokio::test]
async fn a_new_ca_of_clients_is_heeded_too() {
    let (old, new) = (Authority::new("an old CA"), Authority::new("a new CA"));
    let required = Some((&old, ClientAuth::Required));
    let site = Site::new(Files::new(&old.server(), required)).await;
    let name = &["spiffe://example.org/sync"];
    let (of_old, of_new) = (old.client(name), new.client(name));
    assert_eq!(site.lets_in(&old, Some(&of_old)).await, (true, true));
    assert_eq!(site.lets_in(&old, Some(&of_new)).await, (false, false));

    fs::write(site.files.path("ca.pem"), new.pem()).expect("a file");
    let seen = async {
        while site.lets_in(&old, Some(&of_new)).await != (true, true) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, seen)
        .await
        .expect("a reread");
    assert_eq!(site.lets_in(&old, Some(&of_old)).await, (false, false));
}

/// A server that is started with files that it cannot use, and what it says.
fn refusal(files: &Files) -> String {
    let text = |name: &str| files.path(name).to_str().expect("UTF-8").to_owned();
    let answer = command(SERVER)
        .args(["--database-url", "postgres://muster:s3cret@127.0.0.1:1/m"])
        .args(["--object-store", "file:///tmp", "--signing-key"])
        .arg("0123456789abcdef0123456789abcdef")
        .args(["--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"])
        .args(["--tls-cert", &text("cert.pem")])
        .args(["--tls-key", &text("key.pem")])
        .args(["--tls-client-ca", &text("ca.pem")])
        .output()
        .expect("an answer");
    assert_eq!(code(answer.status), 1);
    String::from_utf8_lossy(&answer.stderr).into_owned()
}

#[test]
fn files_that_cannot_be_used_are_refused_by_flag_and_name() {
    let ca = Authority::new("a CA");
    let (server, other) = (ca.server(), ca.server());
    let good = || Files::new(&server, Some((&ca, ClientAuth::Optional)));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (file, holds, flag, said) in [
        ("cert.pem", None, "--tls-cert", "No such file"),
        ("cert.pem", Some(""), "--tls-cert", "holds no certificate"),
        (
            "cert.pem",
            Some(&*server.key),
            "--tls-cert",
            "holds no certificate",
        ),
        ("cert.pem", Some(broken), "--tls-cert", "cannot be used"),
        ("key.pem", None, "--tls-key", "No such file"),
        (
            "key.pem",
            Some(&*server.cert),
            "--tls-key",
            "holds no private key",
        ),
        (
            "key.pem",
            Some(&*other.key),
            "--tls-key",
            "is not the key of",
        ),
        ("ca.pem", None, "--tls-client-ca", "No such file"),
        (
            "ca.pem",
            Some("nothing"),
            "--tls-client-ca",
            "holds no certificate",
        ),
        ("ca.pem", Some(broken), "--tls-client-ca", "is no CA's"),
    ] {
        let files = good();
        match holds {
            None => fs::remove_file(files.path(file)).expect("a file"),
            Some(text) => fs::write(files.path(file), text).expect("a file"),
        }
        let refusal = refusal(&files);
        for part in [flag, file, said] {
            assert!(refusal.contains(part), "{part} in {refusal}");
        }
        let secret = server.key.lines().nth(1).expect("a line of the key");
        assert!(!refusal.contains(secret));
    }
}
