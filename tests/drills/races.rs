//! Calls that race with each other and with the schedulers, through two real
//! servers and two real schedulers: one wins, and what is answered holds.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::client::{Client, Job};
use crate::file::{File, Spec};
use crate::look::until;
use crate::outcome::prove;
use crate::program::Program;
use crate::seeds::{Rng, each};
use crate::site::Site;
use crate::support::process::SERVER;
use crate::tally::Tally;

const SPEC: Spec = Spec {
    rows: 60,
    aliases: false,
};
const FLAGS: [&str; 4] = ["--poll", "10ms", "--batch-rows", "10"];
const ROUNDS: u64 = 10;

#[test]
fn of_calls_that_race_one_wins_and_every_answer_holds() {
    each("races", (1, 10), drill);
}

async fn drill(seed: u64) -> Tally {
    let mut rng = Rng::new(seed);
    let mut tally = Tally::default();
    let mut site = Site::new(2, &FLAGS);
    let mut second = Program::start(SERVER, &[], &site.database, site.folder());
    let other = Client::new(&second.address("grpc"), &second.address("http"));
    for round in 0..ROUNDS {
        two_starts(&mut site, other.clone(), round, &mut tally).await;
        stop_and_completion(&mut site, &mut rng, &mut tally).await;
        start_and_expiry(&mut site, &mut rng, &mut tally).await;
    }
    second.end();
    site.end();
    tally
}

/// A job in a pool of its own, with its file.
async fn uploaded(site: &mut Site) -> Job {
    let pool = site.pool(SPEC).await;
    site.client().uploaded(&pool, &File::new(SPEC).csv).await
}

async fn two_starts(site: &mut Site, mut other: Client, round: u64, tally: &mut Tally) {
    let job = uploaded(site).await;
    let mut one = site.client();
    // The same request sent twice acts once, and is answered twice.
    let id = round.is_multiple_of(2).then(Uuid::new_v4);
    let (left, right) = tokio::join!(one.start(&job, id), other.start(&job, id));
    match (id, left, right) {
        (Some(_), left, right) => {
            left.expect("a start");
            right.expect("the same start");
        }
        (None, Ok(_), Err(refused)) | (None, Err(refused), Ok(_)) => {
            assert_refused(&refused, &["JOB_NOT_STARTABLE"]);
        }
        (None, left, right) => panic!("{left:?} {right:?}"),
    }
    tally.fault("two Starts at once");
    let ended = site.watch(&job).await.until_ended().await;
    assert_eq!(ended.status, "SUCCEEDED");
    let begun = format!("\"import begins\".*{}", job.id);
    let begun = regex::Regex::new(&begun).expect("a pattern");
    let logs = site.schedulers.iter().map(Program::log);
    let times: usize = logs.map(|log| begun.find_iter(&log).count()).sum();
    assert_eq!(times, 1, "workers of {}", job.id);
    prove(site, &job, SPEC, tally).await;
}

async fn stop_and_completion(site: &mut Site, rng: &mut Rng, tally: &mut Tally) {
    let job = uploaded(site).await;
    let mut client = site.client();
    client.start(&job, None).await.expect("a start");
    rng.pause(90).await;
    let stopped = client.stop(&job).await;
    let mut watcher = site.watch(&job).await;
    let ended = watcher.until_ended().await;
    match stopped {
        Ok(_) => {
            tally.fault("Stop before completion");
            assert_eq!(ended.status, "STOPPED");
        }
        Err(refused) => {
            tally.fault("Stop behind completion");
            assert_refused(&refused, &["JOB_NOT_STOPPABLE"]);
            assert_eq!(ended.status, "SUCCEEDED");
            prove(site, &job, SPEC, tally).await;
        }
    }
    // The watcher holds it against what it saw at the end.
    watcher.look().await;
}

async fn start_and_expiry(site: &mut Site, rng: &mut Rng, tally: &mut Tally) {
    let job = uploaded(site).await;
    let mut client = site.client();
    let millis = rng.within(0..120);
    site.sql(&format!(
        "UPDATE user_import_jobs SET expires_at = now() + interval '{millis} milliseconds'
         WHERE job_id = '{}'",
        job.uuid()
    ))
    .await;
    rng.pause(120).await;
    let started = client.start(&job, None).await;
    let ended = site.watch(&job).await.until_ended().await;
    match started {
        Ok(_) => {
            tally.fault("Start before expiry");
            assert_eq!(ended.status, "SUCCEEDED");
            prove(site, &job, SPEC, tally).await;
        }
        Err(refused) => {
            tally.fault("Start behind expiry");
            assert_refused(&refused, &["JOB_EXPIRED", "JOB_NOT_STARTABLE"]);
            assert_eq!((ended.status.as_str(), ended.users), ("EXPIRED", 0));
            until("a purged upload", async || {
                site.files(&job).is_empty().then_some(())
            })
            .await;
        }
    }
}

fn assert_refused(status: &Status, reasons: &[&str]) {
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    let info = status.get_details_error_info().expect("ErrorInfo");
    assert!(reasons.contains(&info.reason.as_str()), "{status:?}");
}
