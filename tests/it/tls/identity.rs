//! Whom the names in a client's certificate make of a caller.

use muster::api::v1::CreateUserPoolRequest;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use muster::operations::callers::Callers;
use muster::process::config::ClientAuth;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use super::authority::{Authority, Credentials};
use super::{Files, Site, list};
use crate::transport::{Options, bearing};

const READER: &str = "spiffe://example.org/ns/prod/sa/reports";
const ADMIN: &str = "ops.example.org";
const STRANGER: &str = "spiffe://example.org/ns/prod/sa/stranger";

/// A server that knows a reader and an admin by certificate, and an operator by
/// token.
async fn site(ca: &Authority) -> Site {
    let hash = hex::encode(Sha256::digest("s3cret"));
    let callers = json!({"tokens": [
        {"certificate": READER, "name": "reports", "role": "reader", "pools": ["*"]},
        {"certificate": format!("dns:{ADMIN}"), "name": "ops", "role": "admin", "pools": ["*"]},
        {"sha256": hash, "name": "ci", "role": "operator", "pools": ["*"]},
    ]});
    let options = Options {
        callers: Callers::from_tokens(&callers.to_string()).expect("a tokens file"),
        ..Options::default()
    };
    let files = Files::new(&ca.server(), Some((ca, ClientAuth::Optional)));
    Site::with(files, options).await
}

/// How an attempt to make a pool ends.
async fn create(site: &Site, ca: &Authority, client: &Credentials, token: &str) -> Code {
    let channel = site.channel(ca, Some(client)).await.expect("a connection");
    let request = CreateUserPoolRequest {
        pool_name: "a pool".into(),
        ..CreateUserPoolRequest::default()
    };
    let made = UserPoolServiceClient::new(channel)
        .create_user_pool(bearing(token, request))
        .await;
    made.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn a_certificates_name_has_the_role_that_the_tokens_file_gives_it() {
    let ca = Authority::new("a CA");
    let site = site(&ca).await;
    let reader = ca.client(&[READER]);
    assert!(site.grpc(&ca, Some(&reader)).await.is_ok());
    assert_eq!(
        create(&site, &ca, &reader, "").await,
        Code::PermissionDenied
    );
    let admin = ca.client(&["unlisted.example.org", ADMIN]);
    assert_eq!(create(&site, &ca, &admin, "").await, Code::Ok);
}

#[tokio::test]
async fn a_name_that_is_not_known_is_as_good_as_none() {
    let ca = Authority::new("a CA");
    let site = site(&ca).await;
    for names in [&[STRANGER][..], &["x.ops.example.org"], &[]] {
        let refused = site.grpc(&ca, Some(&ca.client(names))).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{names:?}");
    }
    let refused = site.grpc(&ca, None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_token_goes_before_a_certificate() {
    let ca = Authority::new("a CA");
    let site = site(&ca).await;
    let admin = ca.client(&[ADMIN]);
    // An operator makes no pools.
    let code = create(&site, &ca, &admin, "s3cret").await;
    assert_eq!(code, Code::PermissionDenied);
    assert_eq!(
        create(&site, &ca, &admin, "wrong").await,
        Code::Unauthenticated
    );
    // A token needs no certificate.
    let channel = site.channel(&ca, None).await.expect("a connection");
    let mut pools = UserPoolServiceClient::new(channel.clone());
    let listed = pools.list_user_pools(bearing("s3cret", Default::default()));
    assert!(listed.await.is_ok());
    // Nor does it stay with the connection.
    let refused = list(channel).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn downloads_know_certificates_too() {
    let ca = Authority::new("a CA");
    let site = site(&ca).await;
    let job = "import-0192f0c1-2d4e-7a00-8000-000000000000";
    let path = format!("/v1/user-import-jobs/{job}/rejected.csv");
    let status = |client: Credentials| {
        let (site, ca, path) = (&site, &ca, &path);
        async move { site.http(ca, Some(&client), path).await.expect("an answer") }
    };
    // There is no such job, which only a caller is told.
    assert_eq!(status(ca.client(&[READER])).await, 404);
    assert_eq!(status(ca.client(&[STRANGER])).await, 401);
}
