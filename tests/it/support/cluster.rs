//! One PostgreSQL for all test processes, a fresh database for every test.
//!
//! `cargo nextest` runs each test in a process of its own, `cargo test` in
//! threads of one. Either way the first that needs the cluster starts it, and
//! a supervisor outside of them all (supervisor.sh) stops it a few seconds
//! after the last has ended, be it by `kill -9`. Everything is in one folder:
//!
//! ```text
//! <temporary>/muster-it-<user id>-<hash of the source tree's path>/
//!     users.lock        shared: each test process, for its life
//!     start.lock        exclusive: whoever looks after cluster and template
//!     supervisor.lock   exclusive: the supervisor, for its life
//!     current           connection string of the cluster that runs
//!     cluster-<random>/
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use muster::dev::postgres::{Account, Binaries, Cluster, Options};
use nix::unistd::geteuid;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::template;

/// A database of one test's own, with the schema in place; dropped with this.
pub struct TestDatabase {
    name: String,
    url: String,
}

impl TestDatabase {
    /// The connection string.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        let dropped = blocking(|| execute(&shared().url, &statement));
        if let Err(error) = dropped {
            eprintln!(
                "database {} stays until the cluster ends: {error}",
                self.name
            );
        }
    }
}

/// A fresh database with every migration applied. Starts the shared cluster
/// if this is the first test to need it.
pub fn database() -> TestDatabase {
    let shared = shared();
    let name = format!("t_{}", Uuid::new_v4().simple());
    let statement = format!(
        "CREATE DATABASE \"{name}\" TEMPLATE \"{}\"",
        shared.template
    );
    blocking(|| execute(&shared.url, &statement)).expect("a fresh database");
    let url = template::with_database(&shared.url, &name);
    TestDatabase { name, url }
}

/// A folder for a cluster of a test's own. The supervisor stops it, too, if
/// the test is killed before it can.
pub fn folder() -> PathBuf {
    let account = Account::for_new_data().expect("an account to run PostgreSQL as");
    new_folder(&shared().dir, &account)
}

fn new_folder(dir: &Path, account: &Account) -> PathBuf {
    let folder = dir.join(format!("cluster-{:08x}", Uuid::new_v4().as_fields().0));
    make_dir(&folder, account).expect("a folder for a cluster");
    folder
}

/// The cluster that this process takes part in.
struct Shared {
    /// Connection string of its database `postgres`.
    url: String,
    template: String,
    /// Where it is.
    dir: PathBuf,
    /// Says to the supervisor that this process is there.
    _user: File,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| blocking(join))
}

/// Takes part in the shared cluster, starting whatever of it is missing.
async fn join() -> Shared {
    let account = Account::for_new_data().expect("an account to run PostgreSQL as");
    let (dir, user) = enter(&account);
    let start = open(&dir.join("start.lock"), &account);
    start.lock().expect("the start lock");
    ensure_supervisor(&dir, &account).await;
    let current = dir.join("current");
    let url = match fs::read_to_string(&current) {
        Ok(url) if is_alive(&url).await => url,
        _ => {
            // Never on the data of a cluster that died: nothing was flushed.
            let url = start_cluster(new_folder(&dir, &account)).await;
            fs::write(&current, &url).expect("a note of the running cluster");
            url
        }
    };
    let template = template::ensure(&url).await;
    Shared {
        url,
        template,
        dir,
        _user: user,
    }
}

async fn start_cluster(folder: PathBuf) -> String {
    let mut options = Options::throwaway(folder);
    options.settings = vec![("max_connections".to_owned(), "300".to_owned())];
    let cluster = Cluster::start(options).await.expect("the shared cluster");
    let url = cluster.url("postgres");
    cluster.detach();
    url
}

async fn is_alive(url: &str) -> bool {
    match PgConnection::connect(url).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}

/// The shared folder, with this process's lock on `users.lock`.
fn enter(account: &Account) -> (PathBuf, File) {
    // Other accounts may be unable to enter root's TMPDIR.
    let temporary = if account.steps_down() {
        PathBuf::from("/tmp")
    } else {
        std::env::temp_dir()
    };
    let hash = hex::encode(Sha256::digest(env!("CARGO_MANIFEST_DIR")));
    let dir = temporary.join(format!("muster-it-{}-{}", geteuid(), &hash[..12]));
    loop {
        match make_dir(&dir, account) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => panic!("{}: {e}", dir.display()),
            _ => {}
        }
        // The supervisor takes the folder away with the lock held: what was
        // waited for may be gone by the time it is had.
        let Ok(user) = try_open(&dir.join("users.lock"), account) else {
            continue;
        };
        user.lock_shared().expect("the users' lock");
        let held = user.metadata().expect("the lock's metadata");
        if fs::metadata(dir.join("users.lock")).is_ok_and(|found| found.ino() == held.ino()) {
            let owner = fs::symlink_metadata(&dir).expect("the folder's metadata");
            if owner.uid() == geteuid().as_raw() {
                // Whoever made it may not have given it away yet.
                account.own(&dir).expect("a folder of the account's");
            } else {
                assert_eq!(owner.uid(), account.uid(), "owner of {}", dir.display());
            }
            return (dir, user);
        }
    }
}

fn make_dir(dir: &Path, account: &Account) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)?;
    account.own(dir).map_err(io::Error::other)
}

/// A lock's file, which the supervisor can open under whatever umask.
fn try_open(path: &Path, account: &Account) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    account.own(path).map_err(io::Error::other)?;
    Ok(file)
}

fn open(path: &Path, account: &Account) -> File {
    try_open(path, account).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Starts the supervisor unless there is one. It runs as the cluster's own
/// account, so that it may stop the cluster and remove the folder.
async fn ensure_supervisor(dir: &Path, account: &Account) {
    let lock = open(&dir.join("supervisor.lock"), account);
    if lock.try_lock().is_err() {
        return;
    }
    // Free for the supervisor; should two be started, the second one ends.
    drop(lock);
    let binaries = Binaries::find(None, None, account)
        .await
        .expect("PostgreSQL's programs");
    account
        .command("sh", Path::new("/"))
        .args(["-c", include_str!("supervisor.sh"), "muster-it-supervisor"])
        .arg(dir)
        .arg(binaries.program("pg_ctl"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a supervisor for the cluster");
}

async fn execute(url: &str, statement: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// Runs `work` to its end on a thread with a runtime of its own: the caller
/// may be a test within a runtime, or a `Drop`, where nothing can be awaited.
fn blocking<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(work())
        });
        match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

#[tokio::test]
async fn test_databases_do_not_see_each_other() {
    let (one, other) = (database(), database());
    let table = "CREATE TABLE the_same (a int)";
    // A second table of that name in one database would be an error.
    for url in [one.url(), other.url()] {
        execute(url, table).await.expect("a table");
    }
}

#[test]
fn every_cluster_has_a_folder_of_its_own_beside_the_others() {
    let (one, other) = (folder(), folder());
    assert_ne!(one, other);
    assert_eq!(one.parent(), other.parent());
}
