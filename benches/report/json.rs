//! The JSON: all that one needs to judge a figure, or to compute it anew.

use serde_json::{Value, json};

use super::machine::Setting;
use super::{Measure, Report};
use crate::figure::{Figure, Target};

/// The whole document.
pub fn document(report: &Report, figures: &[&Figure], setting: &Setting) -> Value {
    let figures: Vec<Value> = figures
        .iter()
        .map(|figure| {
            let mut value = match report.measure(figure.name) {
                Some(measure) => measured(figure, measure),
                None => json!({"why": report.why_not(figure.name).map(ToString::to_string)}),
            };
            value["figure"] = figure.name.into();
            value["what"] = figure.what.into();
            value["target"] = figure.target.words().into();
            value["verdict"] = report.verdict(figure).into();
            value
        })
        .collect();
    json!({ "setting": setting, "figures": figures })
}

fn measured(figure: &Figure, measure: &Measure) -> Value {
    let unit = match figure.target {
        Target::Below(_, unit) | Target::Reaches(_, unit) => unit,
        Target::AtLeast(_) | Target::AtMost(_) | Target::None => "x",
    };
    json!({
        "value": measure.value,
        "unit": unit,
        "sides": measure.sides,
        "rows": measure.rows,
        "bytes": measure.bytes,
        "note": measure.note,
    })
}
