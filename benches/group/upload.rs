//! A large upload, against a plain copy to the same disk.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::Instant;

use crate::bench::{Bench, say};
use crate::fault::{Fault, Result, check, failed};
use crate::file::csv::Contents;
use crate::report::{Measure, Report, Side};
use crate::service::site::Site;

/// The figures of this group.
pub const FIGURES: [&str; 1] = ["upload"];

/// Measures with a file of 1 GiB for a run of 1,000,000 rows.
pub async fn run(bench: &mut Bench, report: &mut Report) -> Result<()> {
    let rows = bench.rows;
    let sample = Contents::clean(0..rows / 100).write(&bench.path("sample.csv"))?;
    let each = sample.bytes as f64 / sample.rows as f64;
    let bytes = f64::from(1 << 30) * f64::from(rows) / 1e6;
    say(&format!("making a file of {:.0} MiB", bytes / 1048576.0));
    let path = bench.path("upload.csv");
    let file = Contents::clean(0..(bytes / each) as u32).write(&path)?;
    let site = Site::open(&bench.cluster, "upload").await?;
    let client = &site.server.client;
    let pool = client.pool().await?;
    let copied = bench.path("copied.csv");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mib = file.bytes as f64 / 1048576.0;
    for round in 1..=bench.rounds {
        site.database.empty().await?;
        let begun = Instant::now();
        let arguments = [
            format!("if={}", path.display()),
            format!("of={}", copied.display()),
            "bs=1M".to_owned(),
            "conv=fsync".to_owned(),
        ];
        output("dd", &arguments).await?;
        let dd = begun.elapsed().as_secs_f64();
        check("what dd copied", same(&path, &copied).await?, true)?;
        std::fs::remove_file(&copied)?;

        site.database.empty().await?;
        let job = client.create(&pool).await?;
        let begun = Instant::now();
        let put = [
            "--silent",
            "--show-error",
            "--fail-with-body",
            "--upload-file",
        ];
        let mut arguments: Vec<String> = put.map(str::to_owned).into();
        arguments.extend([path.display().to_string(), job.url.clone()]);
        let answer = output("curl", &arguments).await?;
        let upload = begun.elapsed().as_secs_f64();
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        check(
            "rows of the upload",
            answer["rows"].as_u64(),
            Some(file.rows),
        )?;
        let stored = only_file(&site.database.store.join("uploads"))?;
        check("what was stored", same(&path, &stored).await?, true)?;

        say(&format!(
            "round {round} of {}: dd {dd:.2} s, upload {upload:.2} s",
            bench.rounds
        ));
        theirs.push(mib / dd);
        ours.push(mib / upload);
    }
    std::fs::remove_file(&path)?;
    let ours = Side::new("PUT by curl", "MiB/s", ours);
    let theirs = Side::new("dd conv=fsync", "MiB/s", theirs);
    report.add(Measure::ratio("upload", ours, theirs).of(file.rows, file.bytes));
    site.database.empty().await?;
    site.close().await
}

/// What a program prints, if all goes well.
async fn output(program: &str, arguments: &[String]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| Fault::Missing(format!("{program}: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    failed(format!("{program}: {text}{errors}"))
}

async fn same(one: &Path, other: &Path) -> Result<bool> {
    let compared = Command::new("cmp").arg("-s").args([one, other]).status();
    Ok(compared.await?.success())
}

/// The one file below a folder.
fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut entries = std::fs::read_dir(folder)?;
    match (entries.next().transpose()?, entries.next()) {
        (Some(entry), None) if entry.path().is_dir() => only_file(&entry.path()),
        (Some(entry), None) => Ok(entry.path()),
        _ => failed(format!("{} holds none or several", folder.display())),
    }
}
