//! What was measured, as a table and as JSON.

mod json;
pub mod machine;
mod table;

use std::path::Path;

use serde::Serialize;

use crate::bench::median;
use crate::fault::{Fault, Result};
use crate::figure::Figure;
use machine::Setting;

/// One side of a comparison, or what was measured by itself.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// What.
    pub name: String,
    /// The unit of the numbers.
    pub unit: &'static str,
    /// One number a round.
    pub rounds: Vec<f64>,
}

impl Side {
    /// What was measured in each round.
    pub fn new(name: &str, unit: &'static str, rounds: Vec<f64>) -> Self {
        Self {
            name: name.to_owned(),
            unit,
            rounds,
        }
    }

    /// The number in the middle.
    pub fn median(&self) -> f64 {
        median(&self.rounds)
    }
}

/// A figure that was measured.
#[derive(Clone, Debug)]
pub struct Measure {
    figure: String,
    /// What is held against the target.
    value: f64,
    /// What it was made of: the measured side, then the one it is held against.
    sides: Vec<Side>,
    rows: u64,
    bytes: u64,
    note: String,
    /// Whether what the target asks for beside the value holds.
    holds: bool,
}

impl Measure {
    /// A value that is held against the target of a figure, and what it was
    /// made of.
    pub fn new(figure: &str, value: f64, sides: Vec<Side>) -> Self {
        Self {
            figure: figure.to_owned(),
            value,
            sides,
            rows: 0,
            bytes: 0,
            note: String::new(),
            holds: true,
        }
    }

    /// The ratio of two sides that were measured by turns: the middle one of
    /// their rounds, because a machine's speed may change from one to the next.
    pub fn ratio(figure: &str, measured: Side, against: Side) -> Self {
        let rounds = measured.rounds.iter().zip(&against.rounds);
        let ratios: Vec<f64> = rounds.map(|(ours, theirs)| ours / theirs).collect();
        Self::new(figure, median(&ratios), vec![measured, against])
    }

    /// Rows of the file, or what else there are many of; bytes, if it is a file.
    pub fn of(self, rows: u64, bytes: u64) -> Self {
        Self {
            rows,
            bytes,
            ..self
        }
    }

    /// What else there is to say.
    pub fn note(self, note: impl Into<String>) -> Self {
        let note = note.into();
        Self { note, ..self }
    }

    /// Whether what the target asks for beside the value holds.
    pub fn only_if(self, holds: bool) -> Self {
        Self { holds, ..self }
    }
}

/// All that was measured, and what was not.
#[derive(Debug, Default)]
pub struct Report {
    measures: Vec<Measure>,
    faults: Vec<(String, Fault)>,
}

impl Report {
    /// Takes a figure in.
    pub fn add(&mut self, measure: Measure) {
        self.measures.push(measure);
    }

    /// Notes why figures of a group were not measured; of those that were, it
    /// says nothing.
    pub fn fault(&mut self, wanted: &[&str], fault: &Fault) {
        for figure in wanted {
            if self.measure(figure).is_none() {
                let fault = match fault {
                    Fault::Missing(why) => Fault::Missing(why.clone()),
                    Fault::Wrong(why) => Fault::Wrong(why.clone()),
                    Fault::Failed(why) => Fault::Failed(why.clone()),
                };
                self.faults.push(((*figure).to_owned(), fault));
            }
        }
    }

    /// Whether all went well, missing tools aside.
    pub fn went_well(&self) -> bool {
        let missing = |(_, fault): &(_, Fault)| matches!(fault, Fault::Missing(_));
        self.faults.iter().all(missing)
    }

    /// Prints the table.
    pub fn print(&self, figures: &[&Figure]) {
        println!("{}", table::table(self, figures));
    }

    /// Writes the JSON.
    pub fn write(&self, figures: &[&Figure], setting: &Setting, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&json::document(self, figures, setting))?;
        Ok(std::fs::write(path, text + "\n")?)
    }

    fn measure(&self, figure: &str) -> Option<&Measure> {
        self.measures.iter().find(|m| m.figure == figure)
    }

    fn why_not(&self, figure: &str) -> Option<&Fault> {
        let found = self.faults.iter().find(|(name, _)| name == figure);
        found.map(|(_, fault)| fault)
    }

    /// `pass`, `short`, or what else became of a figure.
    fn verdict(&self, figure: &Figure) -> &'static str {
        match (self.measure(figure.name), self.why_not(figure.name)) {
            (Some(measure), _) => match figure.target.met(measure.value) {
                Some(true) if measure.holds => "pass",
                Some(_) => "short",
                None => "-",
            },
            (None, Some(Fault::Missing(_))) => "not measured",
            (None, Some(Fault::Wrong(_))) => "wrong",
            (None, _) => "failed",
        }
    }
}
