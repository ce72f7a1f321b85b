//! TLS to the database, as the URL's `sslmode` has it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use muster::dev::postgres::{Access, Account, Cluster, Options, StopMode};
use muster::store::{Database, DatabaseSettings};
use sqlx::{Connection as _, PgConnection};
use url::Url;

use super::authority::{Authority, Credentials};
use crate::support::cluster;
use crate::support::process::{MUSTER, Process, SERVER, code, command};

/// A PostgreSQL that takes TLS.
struct Postgres {
    cluster: Cluster,
    ca: PathBuf,
    other_ca: PathBuf,
}

impl Postgres {
    async fn start() -> Self {
        let account = Account::for_new_data().expect("an account");
        let folder = cluster::folder();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).expect("a file");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
            account.own(&path).expect("a file of the account's");
            path
        };
        let ca = Authority::new("a CA");
        let Credentials { cert, key } = ca.server();
        let setting = |name: &str, path: PathBuf| {
            let path = path.to_str().expect("UTF-8").to_owned();
            (name.to_owned(), path)
        };
        let settings = vec![
            ("ssl".to_owned(), "on".to_owned()),
            setting("ssl_cert_file", write("cert.pem", &cert)),
            setting("ssl_key_file", write("key.pem", &key)),
        ];
        let other = Authority::new("another CA");
        let (ca, other_ca) = (write("ca.pem", ca.pem()), write("other.pem", other.pem()));
        let options = Options {
            access: Access::Password,
            settings,
            ..Options::throwaway(folder.join("data"))
        };
        let cluster = Cluster::start(options).await.expect("a cluster");
        Self {
            cluster,
            ca,
            other_ca,
        }
    }

    /// A connection string with these parameters.
    fn url(&self, parameters: &[(&str, &str)]) -> Url {
        let mut url = Url::parse(&self.cluster.url("postgres")).expect("a URL");
        url.set_query(None);
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }
}

fn open(url: &Url) -> Database {
    Database::open(&DatabaseSettings {
        url: url.to_string(),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(10),
        lock_timeout: Duration::from_secs(10),
    })
    .expect("a database")
}

async fn is_encrypted(url: &Url) -> bool {
    let mut connection = PgConnection::connect(url.as_str())
        .await
        .expect("a connection");
    sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .expect("an answer")
}

#[tokio::test]
async fn the_urls_sslmode_is_heeded_and_a_wrong_ca_told_without_the_password() {
    let postgres = Postgres::start().await;
    let text = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
    let (ca, other_ca) = (text(&postgres.ca), text(&postgres.other_ca));
    let plain = postgres.url(&[("sslmode", "disable")]);
    assert!(!is_encrypted(&plain).await);
    let require = postgres.url(&[("sslmode", "require")]);
    let full = postgres.url(&[("sslmode", "verify-full"), ("sslrootcert", &ca)]);
    for url in [&require, &full] {
        open(url).ping().await.expect("a database");
        assert!(is_encrypted(url).await);
    }

    let wrong = postgres.url(&[("sslmode", "verify-full"), ("sslrootcert", &other_ca)]);
    open(&wrong).ping().await.expect_err("another CA");
    let password = wrong.password().expect("a password").to_owned();
    let arguments = [
        "--object-store=file:///tmp",
        "--signing-key=0123456789abcdef0123456789abcdef",
        "--grpc-addr=127.0.0.1:0",
        "--http-addr=127.0.0.1:0",
    ];
    let url = [("MUSTER_DATABASE_URL", wrong.as_str())];
    let mut server = Process::start(SERVER, &arguments, &url);
    let told = server.line("waiting for the database");
    assert!(told.contains("invalid peer certificate"), "{told}");
    assert_eq!(server.terminate(), 0);
    assert!(!server.errors().contains(&password));

    // The whole way: what the URL says holds for `muster migrate`, too.
    let migrated = command(MUSTER)
        .arg("migrate")
        .env("MUSTER_DATABASE_URL", full.as_str())
        .output()
        .expect("an answer");
    assert_eq!(code(migrated.status), 0, "{migrated:?}");
    let stopped = postgres.cluster.stop(StopMode::Fast).await;
    stopped.expect("an end");
}
