//! Against pgloader.

use crate::bench::{Bench, say};
use crate::fault::Result;
use crate::file::csv::Contents;
use crate::report::{Measure, Report, Side};
use crate::service::site::Site;
use crate::tool::pgloader;

/// The figures of this group.
pub const FIGURES: [&str; 1] = ["pgloader"];

/// Measures. Half of the rows: pgloader takes its time, but of a small file two
/// seconds of it would be spent on nothing.
pub async fn run(bench: &mut Bench, report: &mut Report) -> Result<()> {
    pgloader::there().await?;
    let contents = Contents::clean(0..bench.rows / 2);
    let made = bench.file(&contents)?;
    let copy = bench.path("pgloader.csv");
    contents.write_for_copy(&copy)?;
    let script = bench.path("pgloader.load");
    let site = Site::open(&bench.cluster, "pgloader").await?;
    let rows = made.0.rows as f64;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=bench.rounds {
        site.database.empty().await?;
        let seconds = pgloader::load(&site.database, &copy, &script, &made.1).await?;
        theirs.push(rows / seconds);
        site.database.empty().await?;
        let import = site.import_checked(&[], &made).await?;
        ours.push(rows / import.seconds());
        say(&format!(
            "round {round} of {}: pgloader {seconds:.2} s, muster {:.2} s",
            bench.rounds,
            import.seconds()
        ));
    }
    let ours = Side::new("muster, default lanes", "rows/s", ours);
    let theirs = Side::new("pgloader", "rows/s", theirs);
    report.add(Measure::ratio("pgloader", ours, theirs).of(made.0.rows, made.0.bytes));
    site.close().await
}
