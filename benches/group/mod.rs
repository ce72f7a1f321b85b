//! The figures in groups, each of which shares what is dear to make.

mod calls;
mod imports;
mod jobs;
mod large;
mod pgloader;
mod processes;
mod small;
mod upload;

use crate::bench::Bench;
use crate::fault::Result;
use crate::figure::Figure;
use crate::report::Report;

/// A group of figures.
#[derive(Clone, Copy, Debug)]
pub enum Group {
    /// One file into an empty pool, and what is compared with that.
    Imports,
    /// The same against pgloader.
    Pgloader,
    /// What a user of small files sees.
    Small,
    /// A pool that is full already.
    Large,
    /// Many calls at once.
    Calls,
    /// Many jobs that have ended.
    Jobs,
    /// A large upload.
    Upload,
    /// The processes by themselves.
    Processes,
}

impl Group {
    /// All groups, in the order in which they are run.
    pub const ALL: [Self; 8] = [
        Self::Imports,
        Self::Pgloader,
        Self::Small,
        Self::Large,
        Self::Calls,
        Self::Jobs,
        Self::Upload,
        Self::Processes,
    ];

    /// Whether a figure is of this group.
    pub fn has(self, figure: &Figure) -> bool {
        let figures: &[&str] = match self {
            Self::Imports => &imports::FIGURES,
            Self::Pgloader => &pgloader::FIGURES,
            Self::Small => &small::FIGURES,
            Self::Large => &large::FIGURES,
            Self::Calls => &calls::FIGURES,
            Self::Jobs => &jobs::FIGURES,
            Self::Upload => &upload::FIGURES,
            Self::Processes => &processes::FIGURES,
        };
        figures.contains(&figure.name)
    }

    /// Measures the figures that are wanted of this group.
    pub async fn run(self, bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
        match self {
            Self::Imports => imports::run(bench, wanted, report).await,
            Self::Pgloader => pgloader::run(bench, report).await,
            Self::Small => small::run(bench, wanted, report).await,
            Self::Large => large::run(bench, wanted, report).await,
            Self::Calls => calls::run(bench, wanted, report).await,
            Self::Jobs => jobs::run(bench, wanted, report).await,
            Self::Upload => upload::run(bench, report).await,
            Self::Processes => processes::run(bench, wanted, report).await,
        }
    }
}
