//! The figures in groups, each of which shares what is dear to make.

pub mod imports;

use crate::bench::Bench;
use crate::fault::Result;
use crate::figure::Figure;
use crate::report::Report;

/// A group of figures.
#[derive(Clone, Copy, Debug)]
pub enum Group {
    /// One file into an empty pool, and what is compared with that.
    Imports,
}

impl Group {
    /// All groups, in the order in which they are run.
    pub const ALL: [Self; 1] = [Self::Imports];

    /// Whether a figure is of this group.
    pub fn has(self, figure: &Figure) -> bool {
        match self {
            Self::Imports => imports::FIGURES.contains(&figure.name),
        }
    }

    /// Measures the figures that are wanted of this group.
    pub async fn run(self, bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
        match self {
            Self::Imports => imports::run(bench, wanted, report).await,
        }
    }
}
