//! Many jobs on three schedulers: two hundred of them in `make drill`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tokio::task::JoinSet;

use crate::client::{Client, Job};
use crate::look::{connect, until};
use crate::program::Program;
use crate::seeds::{each, is_long};
use crate::site::Site;
use crate::support::process::SCHEDULER;
use crate::tally::Tally;

const SCHEDULERS: usize = 3;
const ROWS: usize = 40;
const POOLS: usize = 8;

#[test]
fn many_jobs_on_three_schedulers_are_imported_once_each_and_in_turn() {
    each("many jobs", (1, 100), drill);
}

fn how_many() -> usize {
    if is_long() { 200 } else { 60 }
}

/// Good rows, which no other job has.
fn file(job: usize) -> String {
    let mut csv = "cognito:username,email,email_verified\n".to_owned();
    for row in 0..ROWS {
        writeln!(csv, "user-{job}-{row},user-{job}-{row}@example.com,true").expect("a string");
    }
    csv
}

async fn drill(_seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut site = Site::new(0, &[]);
    let mut client = site.client();
    let mut pools = Vec::new();
    for n in 0..POOLS {
        pools.push(client.pool(n % 2 == 0).await.expect("a pool"));
    }
    // Ready before anybody looks for work, so that all have a choice.
    let mut uploads = JoinSet::new();
    for (n, pool) in pools.into_iter().enumerate() {
        uploads.spawn(upload(client.clone(), pool, n));
    }
    let uploaded = uploads.join_all().await;
    let mut jobs: Vec<(usize, Job)> = uploaded.into_iter().flatten().collect();
    jobs.sort_by_key(|(n, _)| *n);
    for _ in 0..SCHEDULERS {
        site.add_scheduler(&["--poll", "100ms"]);
    }
    for (_, job) in &jobs {
        client.start(job, None).await.expect("a start");
    }

    let mut connection = connect(&site.database).await;
    let ended: Vec<(String, i64, i64, i64)> = until("the end of all jobs", async || {
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT j.status, j.imported_users, count(u.*), count(DISTINCT u.import_line)
             FROM user_import_jobs j LEFT JOIN users u
               ON u.user_pool_id = j.user_pool_id AND u.import_job_id = j.job_id
             GROUP BY j.user_pool_id, j.job_id HAVING bool_and(j.completion_date IS NOT NULL)",
        )
        .fetch_all(&mut connection)
        .await
        .expect("the jobs");
        (rows.len() == jobs.len()).then_some(rows)
    })
    .await;
    for (status, counted, users, lines) in ended {
        let all = ROWS as i64;
        tally.rows(ROWS as u64, (all - lines) as u64, (users - lines) as u64);
        assert_eq!((status.as_str(), counted), ("SUCCEEDED", all));
        assert_eq!((users, lines), (all, all));
    }
    imported_once_each(&site, &jobs, &mut tally);
    in_turn(&mut connection, &mut tally).await;
    site.end();
    tally
}

/// The share of the jobs that one of the pools has.
async fn upload(mut client: Client, pool: String, share: usize) -> Vec<(usize, Job)> {
    let mut jobs = Vec::new();
    for n in (share..how_many()).step_by(POOLS) {
        jobs.push((n, client.uploaded(&pool, &file(n)).await));
    }
    jobs
}

/// By the logs: one worker began each, and each scheduler had some.
fn imported_once_each(site: &Site, jobs: &[(usize, Job)], tally: &mut Tally) {
    let mut begun: BTreeMap<&str, usize> = BTreeMap::new();
    for scheduler in &site.schedulers {
        let log = scheduler.log();
        let imports: Vec<&str> = log
            .lines()
            .filter(|l| l.contains("\"import begins\""))
            .collect();
        assert!(!imports.is_empty(), "a {SCHEDULER} without a job");
        tally.figure("most_jobs_of_one_scheduler", imports.len() as u64);
        for (_, job) in jobs {
            let times = imports.iter().filter(|l| l.contains(&job.id)).count();
            *begun.entry(&job.id).or_default() += times;
        }
    }
    assert_eq!(begun.len(), jobs.len());
    for (job, times) in begun {
        let told = |line: &&str| line.contains(job);
        let logs: Vec<String> = site.schedulers.iter().map(Program::log).collect();
        let lines: Vec<&str> = logs.iter().flat_map(|l| l.lines().filter(told)).collect();
        assert_eq!(times, 1, "workers of one job:\n{}", lines.join("\n"));
    }
}

/// No job waits while half of them all pass it by. No more than twelve are
/// imported at once.
async fn in_turn(connection: &mut sqlx::PgConnection, tally: &mut Tally) {
    let passed: Vec<(i64,)> = sqlx::query_as(
        "SELECT count(*) FROM user_import_jobs a JOIN user_import_jobs b
           ON b.start_date > a.start_date AND b.completion_date < a.completion_date
         GROUP BY a.job_id",
    )
    .fetch_all(connection)
    .await
    .expect("the order of the jobs");
    let most = passed.into_iter().map(|(n,)| n as usize).max();
    let most = most.unwrap_or_default();
    tally.figure("most_jobs_that_passed_one", most as u64);
    assert!(
        most <= how_many() / 2,
        "{most} jobs passed one that was started before"
    );
}
