//! The machine, and how things were set on it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::bench::Bench;
use crate::fault::Result;
use crate::service::cluster::SETTINGS;

/// What the figures hold for.
#[derive(Debug, Serialize)]
pub struct Setting {
    /// The machine.
    pub machine: Machine,
    /// Postgres's version and settings.
    pub postgres: BTreeMap<&'static str, String>,
    /// How muster's scheduler imports by default.
    pub importer: Importer,
    /// Rows of the file of users.
    pub rows: u32,
    /// How often each side was measured.
    pub rounds: u32,
    /// The version of muster.
    pub muster: &'static str,
}

/// A machine.
#[derive(Debug, Serialize)]
pub struct Machine {
    cpus: usize,
    model: String,
    memory_mib: u64,
    kernel: String,
}

/// The scheduler's defaults.
#[derive(Debug, Serialize)]
pub struct Importer {
    /// Lanes of a job.
    pub lanes: u16,
    /// Jobs at once.
    pub jobs: usize,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// Most bytes of a batch.
    pub batch_bytes: usize,
}

impl Setting {
    /// That of a run.
    pub async fn of(bench: &Bench) -> Result<Self> {
        let mut postgres = BTreeMap::new();
        for name in SETTINGS {
            postgres.insert(*name, bench.cluster.setting(name).await?);
        }
        let defaults = crate::service::programs::defaults()?;
        Ok(Self {
            machine: Machine::here(),
            postgres,
            importer: Importer {
                lanes: defaults.lanes,
                jobs: defaults.max_jobs,
                batch_rows: defaults.batch_rows,
                batch_bytes: defaults.batch_bytes,
            },
            rows: bench.rows,
            rounds: bench.rounds,
            muster: env!("CARGO_PKG_VERSION"),
        })
    }
}

impl Machine {
    /// This one; what the system does not tell is left empty.
    fn here() -> Self {
        let value = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let value = line.map(|rest| rest.trim_start_matches([':', ' ', '\t']).to_owned());
            value.unwrap_or_default()
        };
        let kib = value("/proc/meminfo", "MemTotal");
        let kernel = Command::new("uname").arg("-sr").output();
        Self {
            cpus: std::thread::available_parallelism().map_or(0, Into::into),
            model: value("/proc/cpuinfo", "model name"),
            memory_mib: kib.trim_end_matches(" kB").parse().unwrap_or(0) / 1024,
            kernel: kernel
                .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
                .unwrap_or_default(),
        }
    }
}
