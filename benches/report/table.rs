//! The table: Markdown, so that it can be put wherever it is of use.

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::{Measure, Report, Side};
use crate::figure::{Figure, Target};

/// The figures that were asked for, a line each.
pub fn table(report: &Report, figures: &[&Figure]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_header(["figure", "target", "measured", "ratio", "result"]);
    for figure in figures {
        let (measured, ratio) = match report.measure(figure.name) {
            Some(measure) => (measured(measure), ratio(figure.target, measure.value)),
            None => {
                let why = report.why_not(figure.name);
                (
                    why.map(ToString::to_string).unwrap_or_default(),
                    String::new(),
                )
            }
        };
        table.add_row([
            Cell::new(figure.name),
            Cell::new(figure.target.words()),
            Cell::new(measured),
            Cell::new(ratio).set_alignment(CellAlignment::Right),
            Cell::new(report.verdict(figure)),
        ]);
    }
    table
}

/// What was measured, in words.
fn measured(measure: &Measure) -> String {
    let sides: Vec<String> = measure.sides.iter().map(side).collect();
    let mut text = sides.join(" : ");
    if !measure.note.is_empty() {
        text.push_str(&format!(" ({})", measure.note));
    }
    text
}

fn side(side: &Side) -> String {
    format!("{} {}", number(side.median()), side.unit)
}

/// A number with no more digits than say something.
fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio; of a bound, how much of it is used.
fn ratio(target: Target, value: f64) -> String {
    match target {
        Target::Below(bound, _) | Target::Reaches(bound, _) => format!("{:.2} x", value / bound),
        _ => format!("{value:.2} x"),
    }
}
