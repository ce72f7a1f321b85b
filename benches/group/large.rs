//! A pool that holds millions of users already: loading it, and adding to it.

use crate::bench::{Bench, say};
use crate::fault::Result;
use crate::file::csv::Contents;
use crate::report::{Measure, Report, Side};
use crate::service::site::Site;

/// The figures of this group.
pub const FIGURES: [&str; 2] = ["memory-large", "large-pool"];

/// The pool holds so many times the rows of the file.
const TIMES: u32 = 5;

/// Measures.
pub async fn run(bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
    let rows = bench.rows;
    // Two databases: an empty pool beside a full one would share its indexes.
    let large = Site::open(&bench.cluster, "large").await?;
    let pool = large.server.client.pool().await?;
    say(&format!("making and loading {} users", TIMES * rows));
    let (file, truth) = bench.file(&Contents::clean(0..TIMES * rows))?;
    let load = large.import(&pool, &[], &file).await?;
    large.check(&load.job, &load.ended.job, &truth).await?;
    say(&format!(
        "{} users in {:.1} s, {:.0} MiB",
        file.rows,
        load.seconds(),
        load.memory
    ));
    bench.forget(&file)?;
    if wanted.contains(&"memory-large") {
        let side = Side::new("VmHWM of muster-scheduler", "MiB", vec![load.memory]);
        let measure = Measure::new("memory-large", load.memory, vec![side]);
        let note = format!("in {:.1} s", load.seconds());
        report.add(measure.of(file.rows, file.bytes).note(note));
    }
    // A database that is copied has nobody in it.
    large.close().await?;
    if wanted.contains(&"large-pool") {
        add_to(bench, &pool, report).await?;
    }
    Ok(())
}

/// The same new users into an empty pool and into the full one, by turns; each
/// time into a copy of the full one, so that it does not grow on the way.
async fn add_to(bench: &mut Bench, pool: &str, report: &mut Report) -> Result<()> {
    let users = TIMES * bench.rows;
    let made = bench.file(&Contents::clean(users..users + bench.rows))?;
    let (file, truth) = &made;
    let small = Site::open(&bench.cluster, "small_pool").await?;
    let (mut empty, mut full) = (Vec::new(), Vec::new());
    for round in 1..=bench.rounds {
        small.database.empty().await?;
        let seconds = small.import_checked(&[], &made).await?.seconds();
        empty.push(file.rows as f64 / seconds);
        let large = Site::on(bench.cluster.copy("large", "large_again").await?).await?;
        let import = large.import(pool, &[], file).await?;
        large.check(&import.job, &import.ended.job, truth).await?;
        large.close().await?;
        full.push(file.rows as f64 / import.seconds());
        say(&format!(
            "round {round} of {}: empty pool {seconds:.2} s, pool of {users} users {:.2} s",
            bench.rounds,
            import.seconds()
        ));
    }
    let full = Side::new("into the full pool", "rows/s", full);
    let empty = Side::new("into an empty pool", "rows/s", empty);
    let measure = Measure::ratio("large-pool", full, empty);
    report.add(measure.of(file.rows, file.bytes));
    bench.forget(file)?;
    small.close().await
}
