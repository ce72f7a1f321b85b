//! One file into an empty pool, and what is compared with that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::try_join_all;

use crate::bench::{Bench, say};
use crate::fault::{Result, check, failed};
use crate::file::csv::{Contents, UserFile};
use crate::file::mix::Mix;
use crate::file::truth::{self, Sum, Truth};
use crate::report::{Measure, Report, Side};
use crate::service::client::Job;
use crate::service::cluster::COPIED;
use crate::service::programs::Scheduler;
use crate::service::site::Site;
use crate::tool::copy;

/// The figures of this group.
pub const FIGURES: [&str; 6] = [
    "clean-one-lane",
    "clean-default-lanes",
    "two-copies",
    "ten-percent-there",
    "all-already-there",
    "hundred-jobs",
];

/// Jobs of `hundred-jobs`.
const JOBS: u32 = 100;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Load {
    Copy,
    OneLane,
    DefaultLanes,
    /// The same file again, into the pool that has it all.
    Again,
    Dirty,
    Jobs,
    TwoCopies,
}

impl Load {
    const fn words(self) -> &'static str {
        match self {
            Self::Copy => "psql \\copy",
            Self::OneLane => "muster, one lane",
            Self::DefaultLanes => "muster, default lanes",
            Self::Again => "muster, all rows there already",
            Self::Dirty => "muster, 10 % there and 5 % invalid",
            Self::Jobs => "muster, 100 jobs",
            Self::TwoCopies => "two psql \\copy",
        }
    }

    /// The two sides of a figure: what is compared, and with what.
    fn of(figure: &str) -> (Self, Self) {
        match figure {
            "clean-one-lane" => (Self::OneLane, Self::Copy),
            "clean-default-lanes" => (Self::DefaultLanes, Self::Copy),
            "two-copies" => (Self::TwoCopies, Self::Copy),
            "ten-percent-there" => (Self::Dirty, Self::DefaultLanes),
            "all-already-there" => (Self::Again, Self::DefaultLanes),
            _ => (Self::Jobs, Self::DefaultLanes),
        }
    }
}

/// What this group works on.
struct Imports {
    site: Site,
    clean: (UserFile, Truth),
    dirty: Option<[(UserFile, Truth); 2]>,
    jobs: Vec<(UserFile, Truth)>,
    copies: Vec<PathBuf>,
    /// The pool and the job of the last clean import.
    last: Option<(String, Job)>,
}

/// Measures.
pub async fn run(bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
    let sides: Vec<(Load, Load)> = wanted.iter().map(|figure| Load::of(figure)).collect();
    // In the order of a round: `Again` needs what `DefaultLanes` left.
    let mut loads: Vec<Load> = sides.iter().flat_map(|(a, b)| [*a, *b]).collect();
    loads.sort_unstable();
    loads.dedup();
    let mut imports = Imports::prepare(bench, &loads).await?;
    // The first load of a cluster makes its log files, which later ones reuse.
    imports.run(Load::Copy).await?;
    let mut rates: BTreeMap<Load, Vec<f64>> = BTreeMap::new();
    for round in 1..=bench.rounds {
        for load in &loads {
            let (rows, seconds) = imports.run(*load).await?;
            let rate = rows as f64 / seconds;
            say(&format!(
                "round {round} of {}: {}: {seconds:.2} s, {rate:.0} rows/s",
                bench.rounds,
                load.words()
            ));
            rates.entry(*load).or_default().push(rate);
        }
    }
    let side = |load: &Load| Side::new(load.words(), "rows/s", rates[load].clone());
    for (figure, (measured, against)) in wanted.iter().zip(&sides) {
        let measure = Measure::ratio(figure, side(measured), side(against));
        report.add(measure.of(bench.rows.into(), imports.clean.0.bytes));
    }
    imports.site.close().await
}

impl Imports {
    async fn prepare(bench: &mut Bench, loads: &[Load]) -> Result<Self> {
        let rows = bench.rows;
        say(&format!("making files of {rows} users"));
        let all = Contents::clean(0..rows);
        let clean = bench.file(&all)?;
        let mut dirty = None;
        if loads.contains(&Load::Dirty) {
            let mixed = |mix| Contents { mix, ..all.clone() };
            dirty = Some([
                bench.file(&mixed(Mix::There))?,
                bench.file(&mixed(Mix::Dirty))?,
            ]);
        }
        let mut jobs = Vec::new();
        if loads.contains(&Load::Jobs) {
            let each = rows / 1_000;
            for job in 0..JOBS {
                jobs.push(bench.file(&Contents::clean(job * each..(job + 1) * each))?);
            }
        }
        // The whole, and its halves.
        let mut copies = Vec::new();
        for (name, numbers) in [
            ("whole", 0..rows),
            ("first", 0..rows / 2),
            ("second", rows / 2..rows),
        ] {
            let path = bench.path(&format!("{name}.copy.csv"));
            Contents::clean(numbers).write_for_copy(&path)?;
            copies.push(path);
        }
        Ok(Self {
            site: Site::open(&bench.cluster, "imports").await?,
            clean,
            dirty,
            jobs,
            copies,
            last: None,
        })
    }

    /// Rows and seconds of one load, which is checked before its time counts.
    async fn run(&mut self, load: Load) -> Result<(u64, f64)> {
        if load != Load::Again {
            self.site.database.empty().await?;
        }
        match load {
            Load::Copy => self.copy(&self.copies[..1]).await,
            Load::TwoCopies => self.copy(&self.copies[1..]).await,
            Load::OneLane => self.import(&["--import-lanes=1"]).await,
            Load::DefaultLanes => self.import(&[]).await,
            Load::Again => self.again().await,
            Load::Dirty => self.dirty().await,
            Load::Jobs => self.jobs().await,
        }
    }

    async fn copy(&self, files: &[PathBuf]) -> Result<(u64, f64)> {
        let files: Vec<_> = files.iter().map(PathBuf::as_path).collect();
        let (file, truth) = &self.clean;
        let seconds = copy::copy(&self.site.database, &files, file.rows).await?;
        let mut db = self.site.database.connect().await?;
        let found = truth::users(&mut db, COPIED, false, "true").await?;
        check("what \\copy left", found, truth.values)?;
        Ok((file.rows, seconds))
    }

    async fn import(&mut self, flags: &[&str]) -> Result<(u64, f64)> {
        let (file, truth) = &self.clean;
        let pool = self.site.server.client.pool().await?;
        let import = self.site.import(&pool, flags, file).await?;
        let found = &import.ended.job;
        self.site.check(&import.job, found, truth).await?;
        let seconds = import.seconds();
        self.last = Some((pool, import.job));
        Ok((file.rows, seconds))
    }

    /// The clean file once more, into the pool where it just went.
    async fn again(&self) -> Result<(u64, f64)> {
        let (file, truth) = &self.clean;
        let Some((pool, first)) = &self.last else {
            return failed("nothing was imported before");
        };
        let second = self.site.import(pool, &[], file).await?;
        let nothing = Truth {
            users: Sum::default(),
            values: Sum::default(),
            rejected: Truth::all_there(file),
        };
        let found = &second.ended.job;
        check(
            "skipped users",
            found.skipped_users,
            i64::try_from(file.rows)?,
        )?;
        self.site.check(&second.job, found, &nothing).await?;
        // What the first one left is as it was.
        self.site.check_users(first, truth).await?;
        Ok((file.rows, second.seconds()))
    }

    async fn dirty(&self) -> Result<(u64, f64)> {
        let Some([there, dirty]) = &self.dirty else {
            return failed("the files were not made");
        };
        let pool = self.site.server.client.pool().await?;
        self.site.import(&pool, &[], &there.0).await?;
        let import = self.site.import(&pool, &[], &dirty.0).await?;
        let found = &import.ended.job;
        self.site.check(&import.job, found, &dirty.1).await?;
        check(
            "skipped users",
            found.skipped_users,
            i64::try_from(there.0.rows)?,
        )?;
        Ok((dirty.0.rows, import.seconds()))
    }

    /// Many jobs at once in one pool: from the first start to the last end.
    async fn jobs(&self) -> Result<(u64, f64)> {
        let client = &self.site.server.client;
        let scheduler = Scheduler::start(&self.site.database, &[]).await?;
        let pool = client.pool().await?;
        let mut jobs = Vec::new();
        for (file, _) in &self.jobs {
            jobs.push(client.upload(&pool, file).await?);
        }
        self.site.database.settle().await?;
        try_join_all(jobs.iter().map(|job| client.start(job))).await?;
        let mut from_to = (f64::INFINITY, 0_f64);
        let mut rows = 0;
        let mut ends = Vec::new();
        for (job, (file, _)) in jobs.iter().zip(&self.jobs) {
            let ended = client.succeeded(job).await?;
            let (from, to) = ended.from_to;
            from_to = (from_to.0.min(from), from_to.1.max(to));
            rows += file.rows;
            ends.push(ended);
        }
        scheduler.process.stop().await?;
        for ((job, ended), (_, truth)) in jobs.iter().zip(&ends).zip(&self.jobs) {
            self.site.check(job, &ended.job, truth).await?;
        }
        Ok((rows, from_to.1 - from_to.0))
    }
}
