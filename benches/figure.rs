//! The figures, and what is wanted of them.

/// A figure.
#[derive(Debug)]
pub struct Figure {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it is, in a few words.
    pub what: &'static str,
    /// What is wanted.
    pub target: Target,
}

/// What is wanted of a figure.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// This ratio or more.
    AtLeast(f64),
    /// This ratio or less.
    AtMost(f64),
    /// Less than so many of a unit.
    Below(f64, &'static str),
    /// So many of a unit or more.
    Reaches(f64, &'static str),
    /// Nothing: it is there to compare with.
    None,
}

impl Target {
    /// Whether a value meets it. `None`: there is nothing to meet.
    pub fn met(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) | Self::Reaches(least, _) => Some(value >= least),
            Self::AtMost(most) => Some(value <= most),
            Self::Below(bound, _) => Some(value < bound),
            Self::None => None,
        }
    }

    /// The target in words.
    pub fn words(self) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {least} x"),
            Self::AtMost(most) => format!("<= {most} x"),
            Self::Below(bound, unit) => format!("< {bound} {unit}"),
            Self::Reaches(least, unit) => format!(">= {least} {unit}"),
            Self::None => "-".to_owned(),
        }
    }
}

/// A figure to be measured with others, because they share what is dear.
const fn figure(name: &'static str, what: &'static str, target: Target) -> Figure {
    Figure { name, what, target }
}

/// All figures, in the order of the table.
pub const FIGURES: &[Figure] = &[
    figure(
        "clean-one-lane",
        "a clean file into an empty pool by one lane, against psql \\copy",
        Target::AtLeast(1.25),
    ),
    figure(
        "clean-default-lanes",
        "the same by as many lanes as the default gives",
        Target::AtLeast(1.8),
    ),
    figure(
        "two-copies",
        "two \\copy of a half each at once, against one",
        Target::None,
    ),
    figure(
        "ten-percent-there",
        "10 % of the rows already in the pool, 5 % invalid, against the clean file",
        Target::AtLeast(0.6),
    ),
    figure(
        "all-already-there",
        "all rows already in the pool, against the clean file",
        Target::AtLeast(1.0),
    ),
    figure(
        "hundred-jobs",
        "100 jobs started at once, against one job with a clean file",
        Target::AtLeast(0.5),
    ),
    figure(
        "large-pool",
        "a pool that holds five times as many users already, against an empty one",
        Target::AtLeast(0.7),
    ),
    figure(
        "pgloader",
        "a clean file, against pgloader",
        Target::AtLeast(8.0),
    ),
    figure(
        "memory-small",
        "most memory of the scheduler, with a tenth of the rows",
        Target::Below(256.0, "MiB"),
    ),
    figure(
        "memory-large",
        "most memory of the scheduler, with five times the rows",
        Target::Below(256.0, "MiB"),
    ),
    figure(
        "first-row",
        "from Start to the first row that is to be seen, small file",
        Target::Below(250.0, "ms"),
    ),
    figure(
        "live-progress",
        "how often the counters move while a job runs",
        Target::Reaches(2.0, "a second"),
    ),
    figure(
        "describe-rate",
        "DescribeUserImportJob, 32 calls at once on 4 connections, against pgbench with its query",
        Target::AtLeast(0.5),
    ),
    figure(
        "describe-p99",
        "the same: in what time 99 of 100 are answered",
        Target::AtMost(4.0),
    ),
    figure(
        "list-pages",
        "ListUserImportJobs far down a pool with many jobs, against page 1",
        Target::AtMost(1.5),
    ),
    figure(
        "tick",
        "a round of all the scheduler's duties, many jobs that have ended and nothing to do",
        Target::Below(5.0, "ms"),
    ),
    figure(
        "upload",
        "an upload of 1 GiB, against dd with fsync",
        Target::AtLeast(0.5),
    ),
    figure(
        "server-ready",
        "from the start of muster-server to SERVING",
        Target::Below(500.0, "ms"),
    ),
    figure(
        "idle-server",
        "memory of muster-server after its start",
        Target::Below(40.0, "MiB"),
    ),
    figure(
        "idle-scheduler",
        "memory of muster-scheduler after its start",
        Target::Below(40.0, "MiB"),
    ),
];

/// The figures that are asked for: all, or for each word the one of that name,
/// or else those whose names contain it. A word that fits none is the error.
pub fn chosen(words: &[String]) -> Result<Vec<&'static Figure>, String> {
    let meant = |word: &str, figure: &Figure| {
        let exact = FIGURES.iter().any(|f| f.name == word);
        figure.name == word || (!exact && figure.name.contains(word))
    };
    if let Some(word) = words.iter().find(|w| !FIGURES.iter().any(|f| meant(w, f))) {
        return Err(format!("no figure is called {word}; --list names them"));
    }
    let wanted = |f: &&Figure| words.is_empty() || words.iter().any(|w| meant(w, f));
    Ok(FIGURES.iter().filter(wanted).collect())
}
