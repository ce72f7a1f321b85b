//! The figures of muster: how fast, how small, and against what. Each is
//! printed with its target. See "Figures" in README.md.

mod args;
mod bench;
mod fault;
mod figure;
mod file;
mod group;
mod report;
mod service;
mod tool;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use args::Args;
use bench::{Bench, say};
use fault::Result;
use figure::{FIGURES, Figure};
use group::Group;
use report::Report;
use report::machine::Setting;
use service::cluster::Cluster;

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        for figure in FIGURES {
            println!(
                "{}\t{}\t{}",
                figure.name,
                figure.target.words(),
                figure.what
            );
        }
        return ExitCode::SUCCESS;
    }
    let wanted = match figure::chosen(&args.figures) {
        Ok(wanted) => wanted,
        Err(why) => {
            say(&format!("error: {why}"));
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("error: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&args, &wanted)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            say(&format!("error: {fault}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints and cleans up. Answers whether all went well.
async fn run(args: &Args, wanted: &[&'static Figure]) -> Result<bool> {
    let dir = args.dir.clone().unwrap_or_else(default_dir);
    std::fs::create_dir_all(&dir)?;
    // Held until the end: two runs would measure each other.
    let lock = File::create(dir.join("lock"))?;
    if lock.try_lock().is_err() {
        return fault::failed(format!("another run is at work in {}", dir.display()));
    }
    let folder = dir.join("run");
    if folder.exists() {
        // Left by a run that was killed. To start its Postgres again stops
        // the one that may still be running.
        match Cluster::start(&folder, &[]).await {
            Ok(cluster) => cluster.stop().await?,
            Err(fault) => say(&format!("what an earlier run left: {fault}")),
        }
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let mut bench = Bench::start(&folder, args).await?;
    let mut terminated = signal(SignalKind::terminate())?;
    let ended = tokio::select! {
        ended = measure(&mut bench, args, wanted, &dir) => ended.map(Some),
        _ = tokio::signal::ctrl_c() => Ok(None),
        _ = terminated.recv() => Ok(None),
    };
    bench.cluster.stop().await?;
    std::fs::remove_dir_all(&folder)?;
    match ended? {
        Some(well) => Ok(well),
        None => fault::failed("interrupted"),
    }
}

async fn measure(
    bench: &mut Bench,
    args: &Args,
    wanted: &[&'static Figure],
    dir: &Path,
) -> Result<bool> {
    let mut report = Report::default();
    let setting = Setting::of(bench).await?;
    for group in Group::ALL {
        let names: Vec<&str> = wanted
            .iter()
            .filter(|figure| group.has(figure))
            .map(|figure| figure.name)
            .collect();
        if names.is_empty() {
            continue;
        }
        if let Err(fault) = group.run(bench, &names, &mut report).await {
            say(&fault.to_string());
            report.fault(&names, &fault);
        }
    }
    report.print(wanted);
    let json = args
        .json
        .clone()
        .unwrap_or_else(|| dir.join("figures.json"));
    report.write(wanted, &setting, &json)?;
    say(&format!("The same and more is in {}", json.display()));
    Ok(report.went_well())
}

/// `target/bench`, wherever `target` is.
fn default_dir() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).join("bench")
}
