//! kill -9 at random instants: of schedulers in mid-import, of the server in
//! mid-upload, in mid-Start and whenever else. Who is killed is started again,
//! as Kubernetes would.

use std::time::Instant;

use bytes::Bytes;
use reqwest::{Body, StatusCode};
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use crate::client::{Job, put};
use crate::file::{File, Spec};
use crate::look::{Look, Watcher, until};
use crate::outcome::prove;
use crate::seeds::{Rng, each};
use crate::site::{QUICK, Site};
use crate::tally::Tally;

const ROWS: u64 = 800;

#[test]
fn kills_at_random_instants_lose_and_double_nothing() {
    each("kills", (5, 1), drill);
}

/// What a seed does to the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ServerKill {
    Never,
    InMidUpload,
    BehindAnUpload,
    InMidStart,
    InMidImport,
}

async fn drill(seed: u64) -> Tally {
    let mut rng = Rng::new(seed);
    let mut tally = Tally::default();
    let spec = Spec {
        rows: ROWS,
        aliases: rng.one_in(4),
    };
    let lanes = rng.within(1..4).to_string();
    let batch = rng.within(3..40).to_string();
    let mut arguments = vec!["--import-jobs", "1", "--import-lanes", &lanes];
    arguments.extend(["--batch-rows", &batch]);
    arguments.extend(QUICK);
    let mut site = Site::new(2, &arguments);
    if rng.one_in(2) {
        site.slow_down(2).await;
    }
    let server_kill = match rng.within(0..8) {
        0 | 1 => ServerKill::InMidUpload,
        2 => ServerKill::BehindAnUpload,
        3 | 4 => ServerKill::InMidStart,
        5 => ServerKill::InMidImport,
        _ => ServerKill::Never,
    };

    let file = File::new(spec);
    let pool = site.pool(spec).await;
    let job = site.client().create(&pool).await.expect("a job");
    match server_kill {
        ServerKill::InMidUpload => {
            killed_in_mid_upload(&mut site, &job, &file, &mut rng).await;
            tally.fault("server killed in mid-upload");
        }
        ServerKill::BehindAnUpload => {
            killed_behind_an_upload(&mut site, &job, &file, &mut rng).await;
            tally.fault("server killed behind an upload");
        }
        _ => {}
    }
    // Whatever became of the first upload, this one is the job's file.
    let answer = site.client().upload(&job, file.csv.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);

    let request_id = Some(Uuid::from_u64_pair(seed, rng.next()));
    if server_kill == ServerKill::InMidStart {
        killed_in_mid_start(&mut site, &job, request_id, &mut rng).await;
        tally.fault("server killed in mid-Start");
    }
    // The same request: it acts once, whether the first one did or not.
    let started = site.client().start(&job, request_id).await;
    started.expect("a start");

    let mut watcher = site.watch(&job).await;
    if server_kill == ServerKill::InMidImport {
        let at = rng.within(0..ROWS) as i64;
        watcher.until_processed(at).await;
        restart_server(&mut site);
        tally.fault("server killed in mid-import");
    }
    kill_schedulers(&mut site, &mut watcher, &mut rng, &mut tally).await;
    let ended = watcher.until_ended().await;
    assert_eq!(ended.status, "SUCCEEDED");
    prove(&mut site, &job, spec, &mut tally).await;
    if server_kill != ServerKill::Never {
        nothing_is_left_behind(&mut site, &job).await;
    }
    site.end();
    tally
}

fn restart_server(site: &mut Site) {
    site.server.kill();
    site.server.restart();
}

/// Half of a file is sent when the server dies.
async fn killed_in_mid_upload(site: &mut Site, job: &Job, file: &File, rng: &mut Rng) {
    let url = site.client().describe(job).await.expect("a job");
    let (pieces, body) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let body = Body::wrap_stream(ReceiverStream::new(body));
    let upload = tokio::spawn(async move { put(&url.pre_signed_url, body).await });
    let some = rng.within(1..file.csv.len() as u64) as usize;
    let piece = Bytes::copy_from_slice(&file.csv.as_bytes()[..some]);
    pieces.send(Ok(piece)).await.expect("a reader");
    until("an upload under way", async || {
        (!site.files(job).is_empty()).then_some(())
    })
    .await;
    rng.pause(4).await;
    restart_server(site);
    let answer = upload.await.expect("a task");
    assert!(answer.is_err(), "an upload that was cut off: {answer:?}");
    drop(pieces);
    let now = site.client().describe(job).await.expect("the job");
    assert_eq!(now.total_bytes, None, "half of a file was kept");
    let refused = site.client().start(job, None).await;
    refused.expect_err("a start without a file");
}

/// All of a file is sent when the server dies; it may be kept, or not.
async fn killed_behind_an_upload(site: &mut Site, job: &Job, file: &File, rng: &mut Rng) {
    let url = site.client().describe(job).await.expect("a job");
    let csv = file.csv.clone();
    let upload = tokio::spawn(async move { put(&url.pre_signed_url, csv).await });
    rng.pause(12).await;
    restart_server(site);
    let answer = upload.await.expect("a task");
    let now = site.client().describe(job).await.expect("the job");
    let whole = i64::try_from(file.csv.len()).expect("a size");
    match answer {
        Ok(answer) => {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert_eq!(now.total_bytes, Some(whole), "an upload that was answered");
        }
        Err(_) => assert!([None, Some(whole)].contains(&now.total_bytes)),
    }
}

async fn killed_in_mid_start(site: &mut Site, job: &Job, id: Option<Uuid>, rng: &mut Rng) {
    let mut client = site.client();
    // The connection is made before, so that the call is what is hit.
    client.describe(job).await.expect("the job");
    let named = job.clone();
    let call = tokio::spawn(async move { client.start(&named, id).await });
    rng.pause(8).await;
    restart_server(site);
    let answered = call.await.expect("a task").is_ok();
    let now = site.client().describe(job).await.expect("the job");
    assert!(!answered || now.start_date.is_some(), "an answered Start");
}

/// Kills up to three times, mostly who has the job, and waits for another to
/// go on.
async fn kill_schedulers(site: &mut Site, watcher: &mut Watcher, rng: &mut Rng, tally: &mut Tally) {
    let mut instants: Vec<i64> = (0..rng.within(1..4))
        .map(|_| match rng.within(0..8) {
            // As it is taken up, and as it comes to its end.
            0 => 0,
            1 => ROWS as i64 - rng.within(0..60) as i64,
            _ => rng.within(0..ROWS) as i64,
        })
        .collect();
    instants.sort_unstable();
    for rows in instants {
        let before = watcher.until_processed(rows).await;
        rng.pause(8).await;
        if before.has_ended() {
            return;
        }
        let holder = site.holder();
        let both = rng.one_in(6);
        let victim = match holder {
            Some(holder) if !rng.one_in(6) => holder,
            _ => rng.within(0..2) as usize,
        };
        let killed = Instant::now();
        site.schedulers[victim].kill();
        tally.fault("scheduler killed");
        if both {
            site.schedulers[1 - victim].kill();
            tally.fault("scheduler killed");
            site.schedulers[1 - victim].restart();
        }
        site.schedulers[victim].restart();
        let before = watcher.look().await;
        if before.has_ended() || before.token.is_none() || !(both || holder == Some(victim)) {
            continue;
        }
        let (next, took) = watcher.until_taken_over(&before, killed).await;
        if is_by_another(&before, &next) {
            tally.takeover(took);
        }
    }
}

/// A job that has ended tells nothing of who ended it.
fn is_by_another(before: &Look, next: &Look) -> bool {
    next.token.is_some() && next.token != before.token
}

/// What broken uploads left goes with the job.
async fn nothing_is_left_behind(site: &mut Site, job: &Job) {
    site.client().delete(job).await.expect("a deletion");
    until("an empty folder", async || {
        site.files(job).is_empty().then_some(())
    })
    .await;
}
