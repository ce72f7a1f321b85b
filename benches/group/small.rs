//! What a user of small files sees: how soon it begins, how it moves on, and
//! how much memory it takes.

use std::time::Duration;

use muster::api::v1::UserImportJobStatus;
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, say};
use crate::fault::{Result, check, failed};
use crate::file::csv::{Contents, UserFile};
use crate::file::truth::Truth;
use crate::report::{Measure, Report, Side};
use crate::service::programs::Scheduler;
use crate::service::site::Site;

/// The figures of this group.
pub const FIGURES: [&str; 3] = ["first-row", "live-progress", "memory-small"];

/// Small jobs, one after the other.
const JOBS: u32 = 20;
/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures.
pub async fn run(bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
    let site = Site::open(&bench.cluster, "small").await?;
    for figure in wanted {
        match *figure {
            "first-row" => first_row(bench, &site, report).await?,
            "live-progress" => live_progress(bench, &site, report).await?,
            _ => memory(bench, &site, report).await?,
        }
        site.database.empty().await?;
    }
    site.close().await
}

/// From the call of Start to a user that another connection sees.
async fn first_row(bench: &mut Bench, site: &Site, report: &mut Report) -> Result<()> {
    let rows = (bench.rows / 1_000).max(10);
    let scheduler = Scheduler::start(&site.database, &[]).await?;
    let client = &site.server.client;
    let mut db = site.database.connect().await?;
    let mut times = Vec::new();
    let mut bytes = 0;
    for number in 0..JOBS {
        let (file, truth) = bench.file(&Contents::clean(number * rows..(number + 1) * rows))?;
        let pool = client.pool().await?;
        let job = client.upload(&pool, &file).await?;
        let begun = Instant::now();
        let (started, seen) = tokio::join!(client.start(&job), async {
            loop {
                let there: bool =
                    sqlx::query_scalar("SELECT EXISTS (SELECT FROM users WHERE user_pool_id = $1)")
                        .bind(&pool)
                        .fetch_one(&mut db)
                        .await?;
                if there {
                    return Ok(begun.elapsed());
                }
                if begun.elapsed() > PATIENCE {
                    return failed("no row is to be seen");
                }
                sleep(Duration::from_millis(1)).await;
            }
        });
        started?;
        times.push(seen?.as_secs_f64() * 1e3);
        let ended = client.succeeded(&job).await?;
        site.check(&job, &ended.job, &truth).await?;
        bytes = file.bytes;
    }
    scheduler.process.stop().await?;
    let slowest = times.iter().copied().fold(0.0, f64::max);
    say(&format!("first row: {times:.0?} ms"));
    let side = Side::new("from Start to the first row", "ms", times);
    let note = format!("the slowest of {JOBS} {slowest:.0} ms");
    let measure = Measure::new("first-row", side.median(), vec![side]);
    report.add(measure.of(rows.into(), bytes).note(note));
    Ok(())
}

/// What a caller sees who asks again and again.
async fn live_progress(bench: &mut Bench, site: &Site, report: &mut Report) -> Result<()> {
    let (file, truth) = bench.file(&Contents::clean(0..bench.rows))?;
    let scheduler = Scheduler::start(&site.database, &[]).await?;
    let client = &site.server.client;
    let pool = client.pool().await?;
    let job = client.upload(&pool, &file).await?;
    site.database.settle().await?;
    client.start(&job).await?;
    let (mut seen, mut changes) = (None, Vec::new());
    loop {
        let now = client.describe(&job).await?;
        check(
            "total_rows",
            now.total_rows,
            Some(i64::try_from(file.rows)?),
        )?;
        let rows = now.imported_users + now.skipped_users + now.failed_users;
        let progress = (rows, now.processed_bytes);
        if seen != Some(progress) {
            seen = Some(progress);
            changes.push(Instant::now());
        }
        if now.status() == UserImportJobStatus::Succeeded {
            break;
        }
        sleep(LOOK).await;
    }
    let ended = client.succeeded(&job).await?;
    scheduler.process.stop().await?;
    site.check(&job, &ended.job, &truth).await?;
    let gaps = changes.windows(2).map(|pair| pair[1] - pair[0]);
    let longest = gaps.max().unwrap_or_default().as_millis();
    let rate = changes.len() as f64 / ended.seconds();
    let side = Side::new("changes of the counters", "a second", vec![rate]);
    let measure = Measure::new("live-progress", rate, vec![side]).of(file.rows, file.bytes);
    report.add(measure.note(format!("the longest pause {longest} ms")));
    Ok(())
}

/// A tenth of the rows, by a scheduler that has done nothing else.
async fn memory(bench: &mut Bench, site: &Site, report: &mut Report) -> Result<()> {
    let made: (UserFile, Truth) = bench.file(&Contents::clean(0..bench.rows / 10))?;
    let mut peaks = Vec::new();
    for _ in 0..bench.rounds {
        site.database.empty().await?;
        peaks.push(site.import_checked(&[], &made).await?.memory);
    }
    say(&format!("memory: {peaks:.1?} MiB"));
    let most = peaks.iter().copied().fold(0.0, f64::max);
    let side = Side::new("VmHWM of muster-scheduler", "MiB", peaks);
    let measure = Measure::new("memory-small", most, vec![side]);
    report.add(measure.of(made.0.rows, made.0.bytes));
    Ok(())
}
