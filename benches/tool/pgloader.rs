//! pgloader.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::copy::columns;
use crate::fault::{Fault, Result, check, failed};
use crate::file::truth::{self, Truth};
use crate::service::cluster::{COPIED, Database};

/// Whether it is on this machine.
pub async fn there() -> Result<()> {
    match Command::new("pgloader").arg("--version").output().await {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(Fault::Missing(
            "there is no pgloader; type: apt-get install pgloader".to_owned(),
        )),
    }
}

/// Loads the file that `\copy` takes into the table beside `users`, by
/// pgloader's own defaults. Answers the seconds of its own summary: without
/// its start.
pub async fn load(database: &Database, file: &Path, script: &Path, truth: &Truth) -> Result<f64> {
    let columns = columns();
    let url = database.port_url().split('?').next().unwrap_or_default();
    std::fs::write(
        script,
        format!(
            "LOAD CSV FROM '{}' ({columns})
             INTO {url} TARGET TABLE public.{COPIED} ({columns})
             WITH fields terminated by ',', fields optionally enclosed by '\"',
                  fields escaped by double-quote;\n",
            file.display()
        ),
    )?;
    let (root, summary) = (script.with_extension("root"), script.with_extension("json"));
    let output = Command::new("pgloader")
        .arg("--quiet")
        .arg("--root-dir")
        .arg(&root)
        .arg("--summary")
        .arg(&summary)
        .arg(script)
        .env("PGSSLMODE", "disable")
        .stdin(Stdio::null())
        .output()
        .await?;
    if !output.status.success() {
        return failed(format!(
            "pgloader: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let mut db = database.connect().await?;
    let found = truth::users(&mut db, COPIED, false, "true").await?;
    check("what pgloader left", found, truth.values)?;
    // The last time in it is that of the whole; it is no JSON all through.
    let summary = std::fs::read_to_string(&summary)?;
    let last = summary.rsplit_once("\"SECS\":").map(|(_, rest)| rest);
    let seconds = last.and_then(|rest| rest.trim_end_matches(['}', '\n', ' ']).parse().ok());
    match seconds {
        Some(seconds) => Ok(seconds),
        None => failed(format!("no time in pgloader's summary: {summary}")),
    }
}
