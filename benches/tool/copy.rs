//! `psql \copy`.

use std::path::Path;
use std::process::Stdio;

use futures_util::future::try_join_all;
use tokio::process::Command;

use crate::fault::{Fault, Result, check, failed};
use crate::file::user::{COLUMNS, USERNAME};
use crate::service::cluster::{COPIED, Database};

/// Copies files into the table beside `users`, all at once, each over a
/// connection of its own. Answers the seconds of the slowest, as psql's
/// `\timing` has them: without psql's own start.
pub async fn copy(database: &Database, files: &[&Path], rows: u64) -> Result<f64> {
    let copies = files.iter().map(|file| one(database, file));
    let done = try_join_all(copies).await?;
    check(
        "rows of \\copy",
        done.iter().map(|(rows, _)| rows).sum(),
        rows,
    )?;
    Ok(done.iter().map(|(_, s)| *s).fold(0.0, f64::max))
}

/// The columns of the file, by the names of the table.
pub fn columns() -> String {
    let mut columns = vec!["username_key", "username"];
    let others = COLUMNS[..USERNAME].iter();
    columns.extend(others.map(|c| c.trim_start_matches("cognito:")));
    columns.join(", ")
}

async fn one(database: &Database, file: &Path) -> Result<(u64, f64)> {
    let columns = columns();
    let copy = format!(
        "\\copy {COPIED} ({columns}) from '{}' with (format csv)",
        file.display()
    );
    let output = Command::new(database.program("psql"))
        .args([
            "-X",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            "\\timing on",
            "-c",
            &copy,
        ])
        .envs(database.variables()?)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| Fault::Missing(format!("psql: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    match (number("COPY "), number("Time: ")) {
        (Some(rows), Some(millis)) if output.status.success() => Ok((rows as u64, millis / 1e3)),
        _ => failed(format!(
            "psql: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
