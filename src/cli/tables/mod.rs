//! Messages as tables. Nothing is wrapped or drawn around, so that lines can
//! be searched and ids copied.

mod job;
mod pool;
mod user;

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::text::{enum_name, one_line};

pub use job::{counters, job, jobs, rejected_rows, status};
pub use pool::{pool, pools};
pub use user::{user, users};

/// The enum's value, or nothing where it has none.
fn set(name: &'static str, prefix: &str) -> &'static str {
    match enum_name(name, prefix) {
        "UNSPECIFIED" => "",
        value => value,
    }
}

fn fields(fields: &[(&str, String)]) -> String {
    let mut table = table(&[]);
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        table.add_row([cell(name), cell(value)]);
    }
    rendered(&table)
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if !header.is_empty() {
        table.set_header(header);
    }
    table
}

fn cell(text: &str) -> Cell {
    Cell::new(one_line(text))
}

fn number(number: i64) -> Cell {
    Cell::new(number).set_alignment(CellAlignment::Right)
}

/// The table's lines, flush left and without spaces at their ends.
fn rendered(table: &Table) -> String {
    let text = table.trim_fmt();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}
