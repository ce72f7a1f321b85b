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
    if wanted.contains(&"large-pool") {
        add_to(bench, &large, &pool, report).await?;
    }
    large.close().await
}

/// The same new users into an empty pool and into the full one, by turns. The
/// full one grows on the way.
async fn add_to(bench: &mut Bench, large: &Site, pool: &str, report: &mut Report) -> Result<()> {
    let rows = bench.rows;
    let small = Site::open(&bench.cluster, "small_pool").await?;
    let (mut empty, mut full) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for round in 0..bench.rounds {
        let first = (TIMES + round) * rows;
        let made = bench.file(&Contents::clean(first..first + rows))?;
        bytes = made.0.bytes;
        small.database.empty().await?;
        let seconds = small.import_checked(&[], &made).await?.seconds();
        empty.push(made.0.rows as f64 / seconds);
        let import = large.import(pool, &[], &made.0).await?;
        large.check(&import.job, &import.ended.job, &made.1).await?;
        full.push(made.0.rows as f64 / import.seconds());
        say(&format!(
            "round {} of {}: empty pool {seconds:.2} s, pool of {first} users {:.2} s",
            round + 1,
            bench.rounds,
            import.seconds()
        ));
        bench.forget(&made.0)?;
    }
    let full = Side::new("into the full pool", "rows/s", full);
    let empty = Side::new("into an empty pool", "rows/s", empty);
    let note = format!("{} users at first", TIMES * rows);
    let measure = Measure::ratio("large-pool", full, empty);
    report.add(measure.of(rows.into(), bytes).note(note));
    small.close().await
}
