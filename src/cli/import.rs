//! `muster import`: from a file to a finished job in one command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::failure::Failure;
use super::follow::follow;
use super::jobs::JobRef;
use super::json::{Json, pretty};
use super::new_job::{JobOptions, name_of, request_id};
use super::retry::retrying;
use super::session::{Output, Session, print, required};
use super::summary::{Summary, first_rejected};
use super::transfer::{open, upload};
use super::{exit_code, reporter_for, tables};
use crate::api::v1::{RejectedRow, StartUserImportJobRequest, UserImportJob};

/// A file to import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The CSV file
    #[arg(value_parser = file)]
    file: PathBuf,
    /// The job's name [default: the file's]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    options: JobOptions,
    /// Return once the job is started
    #[arg(long)]
    no_follow: bool,
}

/// Refuses `-`: a signed URL takes a file of known size.
fn file(text: &str) -> Result<PathBuf, &'static str> {
    match text {
        "-" => Err("standard input cannot be imported, as its size is not known; use a file"),
        path => Ok(PathBuf::from(path)),
    }
}

/// What `-o json` prints.
#[derive(Serialize)]
struct ImportAnswer {
    user_import_job: Json,
    rejected_rows: Vec<Json>,
}

/// Makes a job, uploads the file, starts the job, follows it to its end.
///
/// # Errors
///
/// When any of that fails. A job that ends otherwise than SUCCEEDED is no
/// error but an exit code.
pub async fn run(session: &Session, args: ImportArgs) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    // Before anything is asked of the server: a typing error leaves no job behind.
    let (file, size) = open(&args.file).await?;
    let name = args.name.unwrap_or_else(|| default_name(&args.file));
    let request = args.options.request(name);
    let created = retrying(async || {
        session
            .imports()
            .create_user_import_job(request.clone())
            .await
    })
    .await?;
    let created = required(created.user_import_job, "user_import_job")?;
    let job = JobRef {
        pool: created.user_pool_id,
        job_id: created.job_id,
    };
    let left_behind = format!(
        "The job {} is not started; `{}` deletes it.",
        job.job_id,
        session.command(&format!("jobs delete {job}"))
    );
    session.on_interrupt(Some(left_behind.clone()));

    let mut reporter = reporter_for(session, false);
    reporter.note(&format!("Job {} in pool {}", job.job_id, job.pool))?;
    let start = async {
        upload(&created.pre_signed_url, file, size, |sent| {
            reporter.upload(sent, size, started.elapsed())
        })
        .await?;
        let request = StartUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.job_id.clone(),
            request_id: request_id(),
        };
        let answer = retrying(async || {
            session
                .imports()
                .start_user_import_job(request.clone())
                .await
        })
        .await?;
        required(answer.user_import_job, "user_import_job")
    };
    let queued = start.await.map_err(|failure| failure.advise(left_behind))?;
    session.on_interrupt(None);
    if args.no_follow {
        drop(reporter);
        print(&started_text(session, &job, &queued)?)?;
        return Ok(ExitCode::SUCCESS);
    }

    let ended = follow(session, &job, reporter.as_mut(), started).await?;
    drop(reporter);
    let rows = first_rejected(session, &job, &ended).await?;
    let text = match session.output() {
        Output::Json => json(&ended, &rows)?,
        Output::Table => Summary {
            session,
            job: &ended,
            rows: &rows,
        }
        .to_string(),
    };
    print(&text)?;
    Ok(exit_code(&ended))
}

fn default_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name_of(&name.to_string_lossy())
}

fn started_text(
    session: &Session,
    job: &JobRef,
    queued: &UserImportJob,
) -> Result<String, Failure> {
    match session.output() {
        Output::Json => json(queued, &[]),
        Output::Table => Ok(format!(
            "{}\n\nFollow it:  {}",
            tables::job(queued),
            session.command(&format!("jobs watch {job}"))
        )),
    }
}

fn json(job: &UserImportJob, rows: &[RejectedRow]) -> Result<String, Failure> {
    pretty(&ImportAnswer {
        user_import_job: Json::of(job)?,
        rejected_rows: rows.iter().map(Json::of).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_answer_holds_job_and_rows() {
        let row = RejectedRow {
            line_number: 3,
            ..Default::default()
        };
        let text = json(&UserImportJob::default(), &[row]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["user_import_job"]["failed_users"], "0");
        assert_eq!(value["rejected_rows"][0]["line_number"], "3");
    }

    #[test]
    fn standard_input_is_refused() {
        assert!(file("-").unwrap_err().contains("standard input"));
        assert_eq!(file("./-").unwrap(), Path::new("./-"));
    }
}
