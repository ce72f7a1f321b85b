//! The operations over a database and a folder of a test's own, at a time
//! that the test sets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster::domain::clock::Clock;
use muster::domain::ids::SystemIds;
use muster::domain::principal::{Pools, Principal, Role};
use muster::objects::Objects;
use muster::operations::{Muster, Settings, SigningKey};
use muster::store::{Database, DatabaseSettings};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use url::Url;

use super::cluster::{self, TestDatabase};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<OffsetDateTime>);

impl ManualClock {
    /// When every test begins.
    pub const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().expect("the clock") += by;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self(Mutex::new(Self::START))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().expect("the clock")
    }
}

/// All operations, and what they stand on.
pub struct TestMuster {
    pub muster: Muster,
    pub db: Database,
    pub objects: Objects,
    pub clock: Arc<ManualClock>,
    /// What all servers of this installation share.
    pub key: SigningKey,
    // The last to be dropped.
    folder: TempDir,
    database: TestDatabase,
}

impl TestMuster {
    /// One with the settings of [`settings`].
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// One with other settings.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::over(None, change)
    }

    /// One with another object store than a folder.
    pub fn over(objects: Option<Objects>, change: impl FnOnce(&mut Settings)) -> Self {
        let database = cluster::database();
        let db = open(database.url());
        let folder = tempfile::tempdir().expect("a folder");
        let url = Url::from_directory_path(folder.path()).expect("an absolute path");
        let objects =
            objects.unwrap_or_else(|| Objects::open_folder(&url).expect("an object store"));
        let clock = Arc::new(ManualClock::default());
        let key = SigningKey::new([7; 32]).expect("long enough");
        let mut settings = settings();
        change(&mut settings);
        let muster = Muster::new(
            db.clone(),
            objects.clone(),
            clock.clone(),
            Arc::new(SystemIds),
            key.clone(),
            settings,
        );
        Self {
            muster,
            db,
            objects,
            clock,
            key,
            folder,
            database,
        }
    }

    /// Connection string of the database, for what only SQL can bring about.
    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    /// Where the object store keeps an object.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// How many files the object store holds, parts of broken uploads included.
    pub fn files(&self) -> usize {
        count(&self.folder.path().join("uploads"))
    }
}

/// A database as a process of its own would open it.
pub fn open(url: &str) -> Database {
    Database::open(&DatabaseSettings {
        url: url.to_owned(),
        max_connections: 8,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(20),
        lock_timeout: Duration::from_secs(20),
    })
    .expect("a database")
}

fn count(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { count(&path) } else { 1 })
        .sum()
}

/// Small limits, Cognito's times.
pub fn settings() -> Settings {
    Settings {
        expire_after: Duration::from_secs(24 * 3600),
        upload_url_ttl: Duration::from_secs(15 * 60),
        max_upload_bytes: 1 << 20,
        max_rows: 10_000,
        max_row_chars: 16_000,
        max_jobs_per_pool: 10,
        public_url: Url::parse("http://127.0.0.1:8080").expect("a URL"),
        region: "local".to_owned(),
    }
}

/// A caller that may do everything everywhere.
pub fn admin() -> Principal {
    Principal {
        name: "test".to_owned(),
        role: Role::Admin,
        pools: Pools::All,
    }
}

#[tokio::test]
async fn a_test_muster_has_no_pools_and_its_own_time() {
    let test = TestMuster::new();
    test.db.ping().await.expect("a database");
    assert!(test.database_url().starts_with("postgres"));
    assert_eq!(test.files(), 0);
    assert!(format!("{:?} {:?}", test.objects, test.key).contains("SigningKey(..)"));
    let (pools, next) = test
        .muster
        .list_pools(&admin(), &Default::default())
        .await
        .expect("a listing");
    assert!(pools.is_empty() && next.is_none());
    test.clock.advance(Duration::from_secs(1));
    assert_eq!(
        test.clock.now() - ManualClock::START,
        Duration::from_secs(1)
    );
}
