//! What `--help` says, word for word. After a change on purpose:
//! `SNAPSHOTS=overwrite cargo test --test it process_help`.

use snapbox::{Data, assert_data_eq};

use crate::support::process::{MUSTER, SCHEDULER, SERVER, command};

fn help(program: &str, arguments: &[&str]) -> String {
    // In an environment that could show: no value of a variable is printed.
    let answer = command(program)
        .args(arguments)
        .arg("--help")
        .env("MUSTER_DATABASE_URL", "postgres://m:s3cret@db/m")
        .env("MUSTER_SIGNING_KEY", "s3cret")
        .env("MUSTER_TOKEN", "s3cret")
        .output()
        .expect("an answer");
    assert!(answer.status.success());
    let text = String::from_utf8(answer.stdout).expect("UTF-8");
    assert!(!text.contains("s3cret"));
    text
}

fn pinned(name: &str) -> Data {
    let path = format!(
        "{}/tests/it/snapshots/help/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    Data::read_from(std::path::Path::new(&path), None)
}

#[test]
fn the_services_say_what_they_take() {
    assert_data_eq!(help(SERVER, &[]), pinned("muster-server"));
    assert_data_eq!(help(SCHEDULER, &[]), pinned("muster-scheduler"));
}

#[test]
fn the_commands_that_run_muster_say_what_they_take() {
    for name in ["dev", "demo", "migrate", "health"] {
        assert_data_eq!(help(MUSTER, &[name]), pinned(&format!("muster-{name}")));
    }
}
