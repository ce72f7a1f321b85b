//! The embedded PostgreSQL against the installed programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use muster::dev::postgres::{Access, Cluster, Error, Options, StopMode};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use sqlx::postgres::PgQueryResult;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

/// A folder that any account can enter.
fn open_folder() -> TempDir {
    folder(0o755)
}

fn folder(mode: u32) -> TempDir {
    tempfile::Builder::new()
        .prefix("muster-embedded-")
        .permissions(Permissions::from_mode(mode))
        .tempdir()
        .expect("a folder")
}

/// As a task, which may move between the threads of a runtime.
async fn start(options: Options) -> Cluster {
    let started = tokio::spawn(Cluster::start(options)).await;
    started.expect("a task").expect("a cluster")
}

/// As `muster dev` has it, but without the waiting for the disk.
fn quick(folder: &TempDir) -> Options {
    Options {
        durable: false,
        ..Options::durable(folder.path())
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}

async fn attempt(url: &str, statement: &'static str) -> sqlx::Result<PgQueryResult> {
    let mut connection = connect(url).await;
    sqlx::raw_sql(statement).execute(&mut connection).await
}

async fn run(url: &str, statement: &'static str) {
    attempt(url, statement).await.expect(statement);
}

async fn text(url: &str, query: &'static str) -> String {
    sqlx::query_scalar(query)
        .fetch_one(&mut connect(url).await)
        .await
        .expect(query)
}

/// A bound on what should happen at once, so that a failure is no hang.
async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), event)
        .await
        .expect("it happened in time")
}

#[tokio::test]
async fn data_is_found_again_after_a_stop() {
    let folder = open_folder();
    // What an interrupted initdb leaves behind is no data.
    fs::create_dir_all(folder.path().join("postgres/data.new/base")).expect("some rubbish");

    let cluster = start(Options::durable(folder.path())).await;
    let url = cluster.url("muster");
    run(&url, "CREATE TABLE kept AS SELECT 'still here' AS note").await;
    for promise in [
        "SHOW fsync",
        "SHOW synchronous_commit",
        "SHOW full_page_writes",
    ] {
        assert_eq!(text(&url, promise).await, "on", "{promise}");
    }
    assert_eq!(text(&url, "SELECT lower('ÄÉ')").await, "äé");
    cluster.stop(StopMode::Fast).await.expect("a stop");

    let cluster = start(Options::durable(folder.path())).await;
    let note = text(&cluster.url("muster"), "SELECT note FROM kept").await;
    assert_eq!(note, "still here");
    cluster.stop(StopMode::Immediate).await.expect("a stop");
}

#[tokio::test]
async fn a_password_is_asked_for_on_every_way_in() {
    let folder = open_folder();
    let cluster = start(quick(&folder)).await;
    let with = url::Url::parse(&cluster.url("muster")).expect("a URL");
    let mut without = with.clone();
    without.set_password(Some("guess")).expect("a password");
    let mut over_socket = without.clone();
    let socket = cluster.home().join("run").display().to_string();
    over_socket.query_pairs_mut().append_pair("host", &socket);
    for url in [without, over_socket] {
        let refused = PgConnection::connect(url.as_str()).await;
        let error = refused.expect_err("a refusal");
        assert!(
            error.to_string().contains("password authentication failed"),
            "{error}"
        );
    }
    let secret = fs::metadata(cluster.home().join("password")).expect("the password's file");
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    cluster.stop(StopMode::Immediate).await.expect("a stop");
}

#[tokio::test]
async fn a_second_start_on_a_folder_in_use_is_refused() {
    let folder = open_folder();
    let first = start(Options::throwaway(folder.path())).await;
    let error = Cluster::start(Options::throwaway(folder.path()))
        .await
        .expect_err("a refusal");
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("in use by another muster"), "{said}");
    assert_eq!(text(&first.url("postgres"), "SELECT 'fine'").await, "fine");
    first.stop(StopMode::Immediate).await.expect("a stop");
}

#[tokio::test]
async fn a_server_left_running_by_a_killed_muster_is_replaced() {
    let folder = open_folder();
    let killed = start(quick(&folder)).await;
    run(&killed.url("muster"), "CREATE TABLE kept (a int)").await;
    let (old, old_ended) = (killed.pid(), killed.exited());
    // As after SIGKILL: the lock is free, and Postgres runs on.
    killed.detach();

    let cluster = start(quick(&folder)).await;
    assert_ne!(cluster.pid(), old);
    soon(old_ended).await;
    run(&cluster.url("muster"), "INSERT INTO kept VALUES (1)").await;
    cluster.stop(StopMode::Fast).await.expect("a stop");
}

#[tokio::test]
async fn a_process_that_was_given_the_id_of_a_dead_postmaster_is_left_alone() {
    let folder = open_folder();
    let cluster = start(Options::throwaway(folder.path())).await;
    let pid_file = cluster.home().join("data/postmaster.pid");
    let gone = fs::read_to_string(&pid_file).expect("a pid file");
    let (dead, rest) = gone.split_once('\n').expect("lines");
    assert_eq!(dead, cluster.pid().to_string());
    cluster.stop(StopMode::Immediate).await.expect("a stop");
    // A signal to that id would end this very test.
    fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).expect("a stale pid file");

    let cluster = start(Options::throwaway(folder.path())).await;
    cluster.stop(StopMode::Immediate).await.expect("a stop");
}

#[tokio::test]
async fn an_unexpected_death_is_noticed_and_mended_by_the_next_start() {
    let folder = open_folder();
    let cluster = start(Options::durable(folder.path())).await;
    run(&cluster.url("muster"), "CREATE TABLE committed (a int)").await;
    let ended = tokio::spawn(cluster.exited());
    let pid = Pid::from_raw(cluster.pid().try_into().expect("a pid"));
    kill(pid, Signal::SIGKILL).expect("a kill");
    let status = soon(ended).await.expect("a task").expect("a status");
    assert_eq!(status.signal(), Some(9));
    drop(cluster);

    let cluster = start(Options::durable(folder.path())).await;
    run(&cluster.url("muster"), "INSERT INTO committed VALUES (1)").await;
    cluster.stop(StopMode::Fast).await.expect("a stop");
}

#[tokio::test]
async fn a_dropped_cluster_stops() {
    let folder = open_folder();
    let cluster = start(Options::throwaway(folder.path())).await;
    let ended = cluster.exited();
    drop(cluster);
    soon(ended).await.expect("a status");
}

#[tokio::test]
async fn without_the_programs_the_error_says_how_to_get_them() {
    let (folder, empty) = (open_folder(), open_folder());
    let options = Options {
        binaries: Some(empty.path().to_owned()),
        ..quick(&folder)
    };
    let error = Cluster::start(options).await.expect_err("an error");
    assert!(matches!(error, Error::NoBinaries { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("apt-get install postgresql"), "{said}");
    assert!(said.contains("--database-url"), "{said}");
}

#[tokio::test]
async fn a_failed_start_quotes_the_end_of_the_log() {
    let folder = open_folder();
    let mut options = Options::throwaway(folder.path());
    options.settings = vec![("shared_buffers".to_owned(), "plenty".to_owned())];
    let error = Cluster::start(options).await.expect_err("an error");
    assert!(matches!(error, Error::Start { .. }), "{error}");
    assert!(error.to_string().contains(r#""plenty""#), "{error}");
}

#[tokio::test]
async fn a_folder_that_the_account_cannot_enter_points_elsewhere() {
    let folder = folder(0o700);
    let cluster = start(Options::throwaway(folder.path())).await;
    let home = cluster.home().to_owned();
    let pointer = folder.path().join("postgres.elsewhere");
    if geteuid().is_root() {
        assert!(home.starts_with("/var/lib/muster"), "{}", home.display());
        let text = fs::read_to_string(&pointer).expect("a pointer");
        assert_eq!(text.lines().next().map(Path::new), Some(home.as_path()));
    } else {
        assert_eq!(home, folder.path().join("postgres"));
        assert!(!pointer.exists());
    }
    run(&cluster.url("postgres"), "CREATE TABLE kept (a int)").await;
    cluster.stop(StopMode::Fast).await.expect("a stop");

    let cluster = start(Options::throwaway(folder.path())).await;
    assert_eq!(cluster.home(), home);
    run(&cluster.url("postgres"), "INSERT INTO kept VALUES (1)").await;
    cluster.stop(StopMode::Immediate).await.expect("a stop");
    fs::remove_dir_all(home).expect("a tidy end");
}

/// As after `sudo muster dev` on a folder that its owner made.
#[tokio::test]
async fn root_runs_existing_data_as_its_owner() {
    if !geteuid().is_root() {
        return;
    }
    let folder = open_folder();
    let cluster = start(Options::throwaway(folder.path())).await;
    let home = cluster.home().to_owned();
    cluster.stop(StopMode::Fast).await.expect("a stop");
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let chown = Command::new("chown")
        .args(["-R", "nobody"])
        .arg(&home)
        .status();
    assert!(chown.expect("chown").success());

    let cluster = start(Options::throwaway(folder.path())).await;
    let pid_file = home.join("data/postmaster.pid");
    let owner = fs::metadata(pid_file).expect("a pid file").uid();
    assert_eq!(owner, nobody.uid.as_raw());
    cluster.stop(StopMode::Immediate).await.expect("a stop");
}

#[tokio::test]
async fn a_long_path_has_its_socket_elsewhere() {
    let parent = open_folder();
    let folder = parent.path().join("x".repeat(120));
    let options = Options::throwaway(&folder);
    assert_eq!(options.access, Access::Socket);
    let cluster = start(options).await;
    assert_eq!(cluster.home(), folder.join("postgres"));
    let answer = text(&cluster.url("postgres"), "SELECT 'fine'").await;
    assert_eq!(answer, "fine");
    cluster.stop(StopMode::Immediate).await.expect("a stop");
}

#[tokio::test]
async fn no_data_of_a_row_reaches_the_log() {
    let folder = open_folder();
    let cluster = start(quick(&folder)).await;
    let url = cluster.url("muster");
    run(&url, "CREATE TABLE people (name text PRIMARY KEY)").await;
    let insert = "INSERT INTO people VALUES ('mary.secret')";
    run(&url, insert).await;
    attempt(&url, insert).await.expect_err("a duplicate");
    let cast = "SELECT 'mary.secret'::int";
    attempt(&url, cast).await.expect_err("not a number");
    let parameter = sqlx::query("SELECT $1::text::int").bind("mary.secret");
    let failed = parameter.execute(&mut connect(&url).await).await;
    failed.expect_err("not a number");
    let log = cluster.log();
    cluster.stop(StopMode::Fast).await.expect("a stop");
    let log = fs::read_to_string(log).expect("a log");
    assert!(log.contains("database system is shut down"), "{log}");
    assert!(!log.contains("mary"), "{log}");
}
