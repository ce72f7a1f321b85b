//! `pgbench`.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::Load;
use crate::fault::{Fault, Result, failed};
use crate::service::cluster::Database;

/// Runs a query over and over, prepared, by as many clients. `query` names its
/// parameters `:name`; `folder` is for its files.
pub async fn run(
    database: &Database,
    folder: &Path,
    query: &str,
    parameters: &[(&str, &str)],
    clients: u32,
    seconds: u32,
) -> Result<Load> {
    let script = folder.join("pgbench.sql");
    std::fs::write(&script, format!("{query};\n"))?;
    let log = folder.join("pgbench_log");
    let mut command = Command::new(database.program("pgbench"));
    command
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--log"])
        .arg(format!("--client={clients}"))
        .arg(format!("--time={seconds}"))
        .arg(format!("--log-prefix={}", log.display()))
        .arg(format!("--file={}", script.display()));
    for (name, value) in parameters {
        command.arg(format!("--define={name}={value}"));
    }
    let output = command
        .envs(database.variables()?)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| Fault::Missing(format!("pgbench: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let (Some(rate), true) = (number("tps = "), output.status.success()) else {
        let errors = String::from_utf8_lossy(&output.stderr);
        return failed(format!("pgbench: {text}{errors}"));
    };
    // client, transaction, microseconds, script, and when it was.
    let mut micros = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().starts_with(&*log.to_string_lossy()) {
            micros.extend(super::column(&std::fs::read_to_string(&path)?, 2));
            std::fs::remove_file(path)?;
        }
    }
    Load::new(rate, micros)
}
