//! A pool with very many jobs that have ended.

use std::sync::Arc;
use std::time::Duration;

use clap::CommandFactory as _;
use muster::api::v1::ListUserImportJobsRequest;
use muster::domain::clock::SystemClock;
use muster::domain::ids::SystemIds;
use muster::objects::Encryption;
use muster::process::config::{SchedulerConfig, parse_from};
use muster::scheduler::Scheduler;
use tokio::time::Instant;

use crate::bench::{Bench, say};
use crate::fault::{Fault, Result, check};
use crate::report::{Measure, Report, Side};
use crate::service::cluster::{Database, execute};
use crate::service::site::Site;

/// The figures of this group.
pub const FIGURES: [&str; 2] = ["list-pages", "tick"];

const PAGE: i32 = 60;
/// How often a page, or a round of all duties, is timed.
const TIMES: usize = 300;

/// Measures.
pub async fn run(bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
    let site = Site::open(&bench.cluster, "jobs").await?;
    let pool = site.server.client.pool().await?;
    say(&format!("making {} jobs", bench.rows));
    fill(&site.database, &pool, bench.rows).await?;
    if wanted.contains(&"list-pages") {
        list_pages(bench, &site, &pool, report).await?;
    }
    let database = site.database.clone();
    site.close().await?;
    if wanted.contains(&"tick") {
        tick(bench, &database, report).await?;
    }
    Ok(())
}

/// Jobs that have ended, of which each still has its upload to be deleted.
async fn fill(database: &Database, pool: &str, jobs: u32) -> Result<()> {
    let mut db = database.connect().await?;
    execute(
        &mut db,
        &format!(
            "INSERT INTO user_import_jobs (user_pool_id, job_id, job_name, status,
                 max_rejected_percent, creation_date, expires_at, start_date, completion_date,
                 completion_message, imported_users, processed_bytes, total_rows, total_bytes,
                 upload_object, upload_e_tag, upload_purge_at)
             SELECT '{pool}',
                 (lpad(to_hex(1700000000000 + n), 12, '0') || '70008000'
                     || lpad(to_hex(n), 12, '0'))::uuid,
                 'job ' || n, 'SUCCEEDED', 50, made, made + interval '1 day', made, made,
                 'Import Job Completed Successfully.', 1000, 185000, 1000, 185000,
                 'uploads/{pool}/' || n, md5(n::text), made + interval '30 days'
             FROM generate_series(1, {jobs}) n,
                  LATERAL (SELECT now() - ({jobs} - n) * interval '1 second' AS made) m;
             UPDATE user_pools SET import_job_count = {jobs} WHERE user_pool_id = '{pool}'"
        ),
    )
    .await?;
    database.settle().await
}

/// The first page against one far down, both over gRPC. On the way down, no job
/// may be left out or come twice.
async fn list_pages(bench: &Bench, site: &Site, pool: &str, report: &mut Report) -> Result<()> {
    // Page 10,000 of 1,000,000 jobs.
    let far = bench.rows / 100;
    let mut jobs = site.server.client.jobs.clone();
    let mut page = async |token: &str| {
        let request = ListUserImportJobsRequest {
            user_pool_id: pool.to_owned(),
            page_size: PAGE,
            page_token: token.to_owned(),
        };
        let begun = Instant::now();
        let answer = jobs.list_user_import_jobs(request).await?.into_inner();
        Ok::<_, Fault>((answer, begun.elapsed().as_secs_f64() * 1e3))
    };
    let mut token = String::new();
    let mut expected = i64::from(bench.rows);
    for _ in 1..far {
        let (answer, _) = page(&token).await?;
        for job in &answer.user_import_jobs {
            check(
                "a job of the list",
                &*job.job_name,
                &*format!("job {expected}"),
            )?;
            expected -= 1;
        }
        token = answer.next_page_token;
    }
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let (answer, millis) = page("").await?;
        check(
            "jobs of page 1",
            answer.user_import_jobs.len(),
            PAGE as usize,
        )?;
        first.push(millis);
        let (answer, millis) = page(&token).await?;
        let name = answer
            .user_import_jobs
            .first()
            .map(|job| job.job_name.clone());
        check(
            "the first job of the page",
            name,
            Some(format!("job {expected}")),
        )?;
        last.push(millis);
    }
    let first = Side::new("page 1", "ms", first);
    let last = Side::new(&format!("page {far}"), "ms", last);
    let ratio = last.median() / first.median();
    let measure = Measure::new("list-pages", ratio.max(1.0 / ratio), vec![last, first]);
    let note = format!("{PAGE} jobs a page");
    report.add(measure.of(bench.rows.into(), 0).note(note));
    Ok(())
}

/// A round of all duties, in this process, with nothing to do for any of them.
async fn tick(bench: &Bench, database: &Database, report: &mut Report) -> Result<()> {
    let before = scans(database).await?;
    let arguments = [
        "muster-scheduler".to_owned(),
        format!("--database-url={}", database.url()),
        format!("--object-store=file://{}", database.store.display()),
    ];
    let config: SchedulerConfig = parse_from(SchedulerConfig::command(), arguments)?;
    let (least, enough) = config.importing.connections();
    let db = muster::store::Database::open(&config.database.settings(least, enough)?)?;
    let scheduler = Scheduler::new(
        db.clone(),
        config.object_store.open(Encryption::Kms)?,
        Arc::new(SystemClock),
        Arc::new(SystemIds),
        config.importing.settings(&config.limits),
    );
    let mut rounds = Vec::new();
    let mut duties = [Duration::ZERO; 6];
    // The first round prepares the statements.
    for round in 0..=TIMES {
        let begun = Instant::now();
        let mut ends = [begun; 6];
        let mut done = [0; 6];
        done[0] = scheduler.dispatch_tick().await?;
        ends[0] = Instant::now();
        done[1] = scheduler.import_tick().await?.len() as u64;
        ends[1] = Instant::now();
        done[2] = scheduler.finish_tick().await?;
        ends[2] = Instant::now();
        done[3] = scheduler.expire_tick().await?;
        ends[3] = Instant::now();
        done[4] = scheduler.rescue_tick().await?;
        ends[4] = Instant::now();
        done[5] = scheduler.purge_tick().await?;
        ends[5] = Instant::now();
        check("what the duties found to do", done, [0; 6])?;
        if round == 0 {
            continue;
        }
        rounds.push((ends[5] - begun).as_secs_f64() * 1e3);
        let mut from = begun;
        for (duty, to) in duties.iter_mut().zip(ends) {
            *duty += to - from;
            from = to;
        }
    }
    db.close().await;
    let scanned = scans(database).await? - before;
    let names = ["dispatch", "import", "finish", "expire", "rescue", "purge"];
    let each: Vec<String> = names
        .iter()
        .zip(duties)
        .map(|(name, all)| format!("{name} {:.2}", all.as_secs_f64() * 1e3 / TIMES as f64))
        .collect();
    say(&format!("duties: {} ms", each.join(", ")));
    let side = Side::new("a round of all duties", "ms", rounds);
    let measure = Measure::new("tick", side.median(), vec![side]).of(bench.rows.into(), 0);
    let note = format!("{scanned} sequential scans");
    report.add(measure.only_if(scanned == 0).note(note));
    Ok(())
}

/// Sequential scans of the table of jobs until now. Sessions report theirs
/// when they end.
async fn scans(database: &Database) -> Result<i64> {
    let mut db = database.connect().await?;
    Ok(sqlx::query_scalar(
        "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'user_import_jobs'",
    )
    .fetch_one(&mut db)
    .await?)
}
