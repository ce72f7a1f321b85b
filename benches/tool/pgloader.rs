//! pgloader.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::Instant;

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
/// pgloader's own defaults. Answers the seconds that it took in all.
pub async fn load(database: &Database, file: &Path, script: &Path, truth: &Truth) -> Result<f64> {
    let columns = columns();
    // As `\copy` has it, what is empty is null.
    let fields: Vec<String> = columns
        .split(", ")
        .map(|column| format!("{column} [null if blanks]"))
        .collect();
    let url = database.url().split('?').next().unwrap_or_default();
    std::fs::write(
        script,
        format!(
            "LOAD CSV FROM '{}' ({})
             INTO {url} TARGET TABLE public.{COPIED} ({columns})
             WITH fields terminated by ',', fields optionally enclosed by '\"',
                  fields escaped by double-quote;\n",
            file.display(),
            fields.join(", ")
        ),
    )?;
    let root = script.with_extension("root");
    let begun = Instant::now();
    let output = Command::new("pgloader")
        .arg("--quiet")
        .arg("--root-dir")
        .arg(&root)
        .arg(script)
        .env("PGSSLMODE", "disable")
        .stdin(Stdio::null())
        .output()
        .await?;
    let seconds = begun.elapsed().as_secs_f64();
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
    Ok(seconds)
}
