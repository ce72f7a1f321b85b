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
];

/// The figures that are asked for: all, or those whose names contain one of
/// the words. A word that fits none is answered as the error.
pub fn chosen(words: &[String]) -> Result<Vec<&'static Figure>, String> {
    for word in words {
        if !FIGURES.iter().any(|f| f.name.contains(word.as_str())) {
            return Err(format!("no figure is called {word}; --list names them"));
        }
    }
    let wanted = |f: &&Figure| words.is_empty() || words.iter().any(|w| f.name.contains(&**w));
    Ok(FIGURES.iter().filter(wanted).collect())
}
