//! Who gets through to a port, and who does not.

use std::time::Duration;

use muster::operations::callers::Callers;
use muster::process::config::ClientAuth;
use muster::process::listen::ConnectionLimits;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tonic::Code;

use super::authority::Authority;
use super::{Files, Site};
use crate::support::http;
use crate::transport::{Options, PATIENCE, TestServer};

#[tokio::test]
async fn both_ports_are_open_to_who_trusts_the_ca_and_speaks_tls() {
    let (ca, other) = (Authority::new("a CA"), Authority::new("another CA"));
    let site = Site::new(Files::new(&ca.server(), None)).await;
    assert_eq!(site.lets_in(&ca, None).await, (true, true));
    assert_eq!(site.lets_in(&other, None).await, (false, false));
    // Nor is anything said to who does not speak it.
    assert!(http::get(site.server.url("/readyz")).await.is_err());
    let plain = tonic::transport::Endpoint::from_shared(format!("http://{}", site.server.grpc));
    let heard = match plain.expect("an address").connect().await {
        Ok(channel) => super::list(channel).await.is_ok(),
        Err(_) => false,
    };
    assert!(!heard);
}

#[tokio::test]
async fn a_server_whose_time_is_over_is_not_talked_to() {
    let ca = Authority::new("a CA");
    let site = Site::new(Files::new(&ca.expired_server(), None)).await;
    assert_eq!(site.lets_in(&ca, None).await, (false, false));
}

#[tokio::test]
async fn where_client_certificates_are_required_only_good_ones_get_through() {
    let (ca, other) = (Authority::new("a CA"), Authority::new("another CA"));
    let required = Some((&ca, ClientAuth::Required));
    let site = Site::new(Files::new(&ca.server(), required)).await;
    let name = &["spiffe://example.org/sync"];
    let good = ca.client(name);
    assert_eq!(site.lets_in(&ca, Some(&good)).await, (true, true));
    assert_eq!(site.lets_in(&ca, None).await, (false, false));
    // A server's certificate is none of a client.
    for bad in [other.client(name), ca.expired_client(name), ca.server()] {
        assert_eq!(site.lets_in(&ca, Some(&bad)).await, (false, false));
    }
}

#[tokio::test]
async fn where_they_are_optional_none_will_do_and_a_bad_one_will_not() {
    let (ca, other) = (Authority::new("a CA"), Authority::new("another CA"));
    let optional = Some((&ca, ClientAuth::Optional));
    let site = Site::new(Files::new(&ca.server(), optional)).await;
    let name = &["spiffe://example.org/sync"];
    assert_eq!(site.lets_in(&ca, None).await, (true, true));
    let good = ca.client(name);
    assert_eq!(site.lets_in(&ca, Some(&good)).await, (true, true));
    for bad in [other.client(name), ca.expired_client(name)] {
        assert_eq!(site.lets_in(&ca, Some(&bad)).await, (false, false));
    }
}

#[tokio::test]
async fn a_certificate_alone_opens_no_guarded_method() {
    let ca = Authority::new("a CA");
    let required = Some((&ca, ClientAuth::Required));
    let options = Options {
        callers: Callers::from_tokens(r#"{"tokens": []}"#).expect("a tokens file"),
        ..Options::default()
    };
    let site = Site::with(Files::new(&ca.server(), required), options).await;
    let client = ca.client(&["spiffe://example.org/sync"]);
    let refused = site.grpc(&ca, Some(&client)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

/// Whether the server closes a connection, having said nothing.
async fn is_closed(mut stream: TcpStream) -> bool {
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 64])).await;
    matches!(read.expect("an end in time"), Ok(0) | Err(_))
}

#[tokio::test]
async fn who_says_nothing_is_in_nobodys_way_and_is_not_waited_for_for_ever() {
    let ca = Authority::new("a CA");
    let options = Options {
        connections: ConnectionLimits {
            header_timeout: Duration::from_secs(2),
            ..ConnectionLimits::default()
        },
        ..Options::default()
    };
    let site = Site::with(Files::new(&ca.server(), None), options).await;
    let TestServer { grpc, http, .. } = site.server;
    let mut silent = Vec::new();
    for port in [grpc, http].into_iter().cycle().take(40) {
        silent.push(TcpStream::connect(port).await.expect("a connection"));
    }
    assert_eq!(site.lets_in(&ca, None).await, (true, true));
    for stream in silent {
        assert!(is_closed(stream).await);
    }
    assert_eq!(site.lets_in(&ca, None).await, (true, true));
}
