use std::fmt::Write as _;
use std::fs;

use super::programs::{muster, start};
use crate::support::process::{SCHEDULER, SERVER, word_after};
use crate::support::s3::S3Server;
use crate::support::services::Shared;

#[test]
#[ignore = "a measurement"]
fn measure() {
    let s3 = S3Server::new();
    for round in 0..2 {
        for remote in [false, true] {
            let shared = Shared::new();
            let store = if remote {
                s3.url()
            } else {
                format!("file://{}", shared.folder.path().display())
            };
            let variables = if remote { s3.variables() } else { vec![] };
            let mut server = start(&shared, SERVER, &store, &variables);
            let line = server.line("muster-server is ready");
            let grpc = word_after(&line, r#""grpc":""#);
            let mut scheduler = start(&shared, SCHEDULER, &store, &variables);
            scheduler.line("muster-scheduler is ready");
            let (_, pool, _) = muster(&grpc, &["pools", "create", "--name", "test"]);
            let pool = pool["user_pool"]["user_pool_id"].as_str().expect("an id");
            let mut csv = "cognito:username,email,email_verified,name,given_name,family_name,address,locale,zoneinfo,nickname\n".to_owned();
            for n in 0..200_000 {
                let _ = writeln!(
                    csv,
                    "user-{n},user-{n}@example.com,true,Some Name {n},Some,Name {n},\"12 Long Street, 12345 Town of {n}\",en-GB,Europe/London,nick{n}"
                );
            }
            let path = shared.folder.path().join("users.csv");
            let bytes = csv.len();
            fs::write(&path, csv).expect("a file");
            let file = path.to_str().expect("a path");
            let (code, answer, errors) = muster(&grpc, &["import", file, "--pool", pool]);
            assert_eq!(code, 0, "{errors}");
            let job = &answer["user_import_job"];
            let status = fs::read_to_string(format!("/proc/{}/status", scheduler.pid())).unwrap();
            let server_status =
                fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
            let hwm = |s: &str| {
                s.lines()
                    .find(|l| l.starts_with("VmHWM"))
                    .unwrap()
                    .to_owned()
            };
            println!(
                "round {round} remote {remote} bytes {bytes} {} -> {} imported {} scheduler {} server {}",
                job["start_date"],
                job["completion_date"],
                job["imported_users"],
                hwm(&status),
                hwm(&server_status)
            );
        }
    }
}
