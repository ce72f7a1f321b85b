//! One file into an empty pool, and what is compared with that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::try_join_all;
use muster::api::v1::UserImportJob;

use crate::bench::{Bench, say};
use crate::fault::{Result, check};
use crate::file::csv::{Contents, UserFile};
use crate::file::mix::Mix;
use crate::file::truth::{self, Truth};
use crate::report::{Measure, Report, Side};
use crate::service::client::{Ended, Job};
use crate::service::cluster::{COPIED, Database};
use crate::service::programs::{Scheduler, Server};
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

/// Files and database of this group.
struct Imports {
    database: Database,
    server: Server,
    clean: (UserFile, Truth),
    dirty: Option<[(UserFile, Truth); 2]>,
    jobs: Vec<(UserFile, Truth)>,
    copies: Vec<PathBuf>,
}

/// Measures.
pub async fn run(bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
    let sides: Vec<(Load, Load)> = wanted.iter().map(|figure| Load::of(figure)).collect();
    // In the order of a round: `Again` needs what `DefaultLanes` left.
    let mut loads: Vec<Load> = sides.iter().flat_map(|(a, b)| [*a, *b]).collect();
    loads.sort_unstable();
    loads.dedup();
    let imports = Imports::prepare(bench, &loads).await?;
    // The first load of a cluster makes its log files, which later ones reuse.
    imports.copy(&imports.copies[..1]).await?;
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
        let (measured, against) = (side(measured), side(against));
        let value = measured.median() / against.median();
        report.add(Measure {
            figure: (*figure).to_owned(),
            value,
            sides: vec![measured, against],
            rows: u64::from(bench.rows),
            bytes: imports.clean.0.bytes,
            note: String::new(),
        });
    }
    imports.server.process.stop().await
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
        let database = bench.cluster.database("imports").await?;
        let server = Server::start(&database).await?;
        Ok(Self {
            database,
            server,
            clean,
            dirty,
            jobs,
            copies,
        })
    }

    /// Rows and seconds of one load, which is checked before its time counts.
    async fn run(&self, load: Load) -> Result<(u64, f64)> {
        match load {
            Load::Copy => self.copy(&self.copies[..1]).await,
            Load::TwoCopies => self.copy(&self.copies[1..]).await,
            Load::OneLane => {
                self.database.empty().await?;
                self.import(&["--import-lanes=1".to_owned()], &self.clean)
                    .await
            }
            Load::DefaultLanes => {
                self.database.empty().await?;
                self.import(&[], &self.clean).await
            }
            Load::Again => self.again().await,
            Load::Dirty => self.dirty().await,
            Load::Jobs => self.jobs().await,
        }
    }

    async fn copy(&self, files: &[PathBuf]) -> Result<(u64, f64)> {
        self.database.empty().await?;
        let files: Vec<_> = files.iter().map(PathBuf::as_path).collect();
        let (file, truth) = &self.clean;
        let seconds = copy::copy(&self.database, &files, file.rows).await?;
        let mut db = self.database.connect().await?;
        let found = truth::users(&mut db, COPIED, false, "true").await?;
        check("what \\copy left", found, truth.values)?;
        Ok((file.rows, seconds))
    }

    /// Imports a file into a new pool.
    async fn import(&self, flags: &[String], file: &(UserFile, Truth)) -> Result<(u64, f64)> {
        let pool = self.server.client.pool().await?;
        let (job, ended) = self.import_into(&pool, flags, &file.0).await?;
        self.check(&job, &ended.job, &file.1).await?;
        Ok((file.0.rows, ended.seconds()))
    }

    /// Imports a file by a scheduler of its own.
    async fn import_into(
        &self,
        pool: &str,
        flags: &[String],
        file: &UserFile,
    ) -> Result<(Job, Ended)> {
        let scheduler = Scheduler::start(&self.database, flags).await?;
        let client = &self.server.client;
        let job = client.upload(pool, file).await?;
        self.database.settle().await?;
        client.start(&job).await?;
        let ended = client.succeeded(&job).await?;
        scheduler.process.stop().await?;
        Ok((job, ended))
    }

    /// Whether a job imported what it should have, and rejected the rest.
    async fn check(&self, job: &Job, found: &UserImportJob, truth: &Truth) -> Result<()> {
        let (imported, rejected) = (truth.users.rows, truth.rejected.rows);
        check("imported users", found.imported_users as u64, imported)?;
        let not = (found.skipped_users + found.failed_users) as u64;
        check("skipped and failed users", not, rejected)?;
        let mut db = self.database.connect().await?;
        let condition = format!("import_job_id = '{}'", job.uuid());
        let users = truth::users(&mut db, "users", true, &condition).await?;
        check("the users of the job", users, truth.users)?;
        let reports = truth::rejected(&mut db, job.uuid()).await?;
        check("the rejected rows of the job", reports, truth.rejected)
    }

    /// A clean file, twice; the second time counts.
    async fn again(&self) -> Result<(u64, f64)> {
        let (file, truth) = &self.clean;
        self.database.empty().await?;
        let pool = self.server.client.pool().await?;
        let (first, _) = self.import_into(&pool, &[], file).await?;
        let (second, ended) = self.import_into(&pool, &[], file).await?;
        let nothing = Truth {
            users: truth::Sum::default(),
            values: truth::Sum::default(),
            rejected: Truth::all_there(file),
        };
        check("skipped users", ended.job.skipped_users as u64, file.rows)?;
        self.check(&second, &ended.job, &nothing).await?;
        // What the first one left is as it was.
        let mut db = self.database.connect().await?;
        let condition = format!("import_job_id = '{}'", first.uuid());
        let users = truth::users(&mut db, "users", true, &condition).await?;
        check("the users of the first job", users, truth.users)?;
        Ok((file.rows, ended.seconds()))
    }

    async fn dirty(&self) -> Result<(u64, f64)> {
        let Some([there, dirty]) = &self.dirty else {
            return Ok((0, f64::NAN));
        };
        self.database.empty().await?;
        let pool = self.server.client.pool().await?;
        self.import_into(&pool, &[], &there.0).await?;
        let (job, ended) = self.import_into(&pool, &[], &dirty.0).await?;
        self.check(&job, &ended.job, &dirty.1).await?;
        check(
            "skipped users",
            ended.job.skipped_users as u64,
            there.0.rows,
        )?;
        Ok((dirty.0.rows, ended.seconds()))
    }

    /// Many jobs at once in one pool: from the first start to the last end.
    async fn jobs(&self) -> Result<(u64, f64)> {
        self.database.empty().await?;
        let client = &self.server.client;
        let scheduler = Scheduler::start(&self.database, &[]).await?;
        let pool = client.pool().await?;
        let mut jobs = Vec::new();
        for (file, _) in &self.jobs {
            jobs.push(client.upload(&pool, file).await?);
        }
        self.database.settle().await?;
        try_join_all(jobs.iter().map(|job| client.start(job))).await?;
        let mut from_to = (f64::INFINITY, 0_f64);
        let mut rows = 0;
        for (job, (file, truth)) in jobs.iter().zip(&self.jobs) {
            let ended = client.succeeded(job).await?;
            let (from, to) = ended.from_to;
            from_to = (from_to.0.min(from), from_to.1.max(to));
            self.check(job, &ended.job, truth).await?;
            rows += file.rows;
        }
        scheduler.process.stop().await?;
        Ok((rows, from_to.1 - from_to.0))
    }
}
