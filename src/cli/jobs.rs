//! `muster jobs`.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tokio::time::Instant;

use super::failure::Failure;
use super::follow::follow;
use super::new_job::{JobOptions, request_id};
use super::paging::Paging;
use super::retry::retrying;
use super::session::{Output, Session, print, required};
use super::summary::{self, Summary};
use super::transfer::download;
use super::{exit_code, reporter_for, tables, text};
use crate::api::v1::{
    DeleteUserImportJobRequest, DescribeUserImportJobRequest, ListRejectedRowsRequest,
    ListUserImportJobsRequest, StartUserImportJobRequest, StartUserImportJobResponse,
    StopUserImportJobRequest, UserImportJob,
};

/// What can be done with jobs.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Make a job, and print the URL to upload its CSV file to
    #[command(after_help = "Examples:
  muster jobs create --pool local_1a2B3c4D5 --name june
  curl -T users.csv \"$(muster jobs create --pool local_1a2B3c4D5 --name june -o json |
    jq -r .user_import_job.pre_signed_url)\"")]
    Create(CreateArgs),
    /// List the jobs of a pool, newest first
    #[command(after_help = "Examples:
  muster jobs list --pool local_1a2B3c4D5
  muster jobs list --pool local_1a2B3c4D5 --all -o json")]
    List(ListArgs),
    /// Show a job
    #[command(after_help = "Examples:
  muster jobs describe --pool local_1a2B3c4D5 import-0197f2c0-6c1e-7000-8000-000000000000")]
    Describe(JobRef),
    /// Start a job whose file is uploaded
    #[command(after_help = "Examples:
  muster jobs start --pool local_1a2B3c4D5 import-0197f2c0-6c1e-7000-8000-000000000000")]
    Start(JobRef),
    /// Stop a job; the users that it imported stay
    #[command(after_help = "Examples:
  muster jobs stop --pool local_1a2B3c4D5 import-0197f2c0-6c1e-7000-8000-000000000000")]
    Stop(JobRef),
    /// Delete a job that never started or has ended; the users that it imported stay
    #[command(after_help = "Examples:
  muster jobs delete --pool local_1a2B3c4D5 import-0197f2c0-6c1e-7000-8000-000000000000")]
    Delete(JobRef),
    /// Follow a job to its end; exits with 0 when it SUCCEEDED, with 1 when not
    #[command(
        after_help = "With -o json, prints each change of the job as a line of JSON.

Examples:
  muster jobs watch --pool local_1a2B3c4D5 import-0197f2c0-6c1e-7000-8000-000000000000"
    )]
    Watch(JobRef),
    /// List the rows that were skipped or failed, or download them as CSV
    #[command(after_help = "Examples:
  muster jobs rejected --pool local_1a2B3c4D5 import-0197f2c0-6c1e-7000-8000-000000000000 --all
  muster jobs rejected --pool local_1a2B3c4D5 import-0197f2c0-6c1e-7000-8000-000000000000 --csv fix.csv")]
    Rejected(RejectedArgs),
}

/// One job. `Display` is how a command line names it.
#[derive(Clone, Debug, Args)]
pub struct JobRef {
    /// The job's user pool
    #[arg(long, value_name = "ID")]
    pub pool: String,
    /// The job
    pub job_id: String,
}

impl fmt::Display for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--pool {} {}", self.pool, self.job_id)
    }
}

/// A new job.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The job's name; need not be unique
    #[arg(long)]
    name: String,
    #[command(flatten)]
    options: JobOptions,
}

/// A page of jobs.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The user pool
    #[arg(long, value_name = "ID")]
    pool: String,
    #[command(flatten)]
    paging: Paging,
}

/// The rejected rows of a job.
#[derive(Debug, Args)]
pub struct RejectedArgs {
    #[command(flatten)]
    job: JobRef,
    #[command(flatten)]
    paging: Paging,
    /// Write the rows themselves, with line, code and message, to this file; `-` is
    /// standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["page_size", "page_token", "all"])]
    csv: Option<PathBuf>,
}

/// Runs one of the commands.
///
/// # Errors
///
/// When it fails.
pub async fn run(session: &Session, command: JobsCommand) -> Result<ExitCode, Failure> {
    match command {
        JobsCommand::Create(args) => create(session, args).await?,
        JobsCommand::List(args) => list(session, args).await?,
        JobsCommand::Describe(job) => {
            let request = DescribeUserImportJobRequest {
                user_pool_id: job.pool,
                job_id: job.job_id,
            };
            let answer = session.imports().describe_user_import_job(request).await?;
            session.answer(answer.get_ref(), |a| table_of(a.user_import_job.as_ref()))?;
        }
        JobsCommand::Start(job) => {
            let started = StartUserImportJobResponse {
                user_import_job: Some(start(session, &job).await?),
            };
            session.answer(&started, |a| {
                let watch = session.command(&format!("jobs watch {job}"));
                let table = table_of(a.user_import_job.as_ref());
                format!("{table}\n\nFollow it:  {watch}")
            })?;
        }
        JobsCommand::Stop(job) => {
            let request = StopUserImportJobRequest {
                user_pool_id: job.pool,
                job_id: job.job_id,
            };
            let answer = session.imports().stop_user_import_job(request).await?;
            session.answer(answer.get_ref(), |a| table_of(a.user_import_job.as_ref()))?;
        }
        JobsCommand::Delete(job) => {
            let text = format!("Deleted {}.", job.job_id);
            let request = DeleteUserImportJobRequest {
                user_pool_id: job.pool,
                job_id: job.job_id,
            };
            let answer = session.imports().delete_user_import_job(request).await?;
            session.answer(answer.get_ref(), |_| text)?;
        }
        JobsCommand::Watch(job) => return watch(session, &job).await,
        JobsCommand::Rejected(args) => rejected(session, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn table_of(job: Option<&UserImportJob>) -> String {
    job.map(tables::job).unwrap_or_default()
}

/// Starts a job, and answers it as it then is.
///
/// # Errors
///
/// When the server refuses.
pub async fn start(session: &Session, job: &JobRef) -> Result<UserImportJob, Failure> {
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
}

async fn create(session: &Session, args: CreateArgs) -> Result<(), Failure> {
    let request = args.options.request(args.name);
    let answer = retrying(async || {
        session
            .imports()
            .create_user_import_job(request.clone())
            .await
    })
    .await?;
    let job = required(answer.user_import_job.as_ref(), "user_import_job")?;
    session.answer(&answer, |_| {
        let start = session.command(&format!(
            "jobs start --pool {} {}",
            job.user_pool_id, job.job_id
        ));
        format!(
            "{}\n\nUpload:  curl -T users.csv {}'{}'\nStart:   {start}",
            tables::job(job),
            headers_of(job),
            job.pre_signed_url,
        )
    })
}

/// The headers of an upload, as curl takes them.
fn headers_of(job: &UserImportJob) -> String {
    let headers = job.pre_signed_url_headers.iter();
    headers
        .map(|(name, value)| format!("-H '{name}: {value}' "))
        .collect()
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let next = args
        .paging
        .run(async |page_size, page_token| {
            let request = ListUserImportJobsRequest {
                user_pool_id: args.pool.clone(),
                page_size,
                page_token,
            };
            let answer = session.imports().list_user_import_jobs(request).await?;
            session.answer(answer.get_ref(), |a| tables::jobs(&a.user_import_jobs))?;
            Ok(answer.into_inner().next_page_token)
        })
        .await?;
    session.more(next)
}

async fn watch(session: &Session, job: &JobRef) -> Result<ExitCode, Failure> {
    let mut reporter = reporter_for(session, true);
    let ended = follow(session, job, reporter.as_mut(), Instant::now()).await?;
    drop(reporter);
    // In JSON the last line has said it all.
    if session.output() == Output::Table {
        let rows = summary::first_rejected(session, job, &ended).await?;
        let summary = Summary {
            session,
            job: &ended,
            rows: &rows,
        };
        print(&summary.to_string())?;
    }
    Ok(exit_code(&ended))
}

async fn rejected(session: &Session, args: RejectedArgs) -> Result<(), Failure> {
    let RejectedArgs { job, paging, csv } = args;
    if let Some(path) = csv {
        return rejected_csv(session, &job, path).await;
    }
    let next = paging
        .run(async |page_size, page_token| {
            let request = ListRejectedRowsRequest {
                user_pool_id: job.pool.clone(),
                job_id: job.job_id.clone(),
                page_size,
                page_token,
            };
            let answer = session.imports().list_rejected_rows(request).await?;
            session.answer(answer.get_ref(), |a| {
                tables::rejected_rows(&a.rejected_rows)
            })?;
            Ok(answer.into_inner().next_page_token)
        })
        .await?;
    session.more(next)
}

/// Downloads `rejected.csv`: the original rows, ready to be fixed.
async fn rejected_csv(session: &Session, job: &JobRef, path: PathBuf) -> Result<(), Failure> {
    let url = session
        .http()
        .join(&["v1", "user-import-jobs", &job.job_id, "rejected.csv"]);
    if path.as_os_str() == "-" {
        download(url, session.token(), || Ok(io::stdout())).await?;
        return Ok(());
    }
    let written = download(url, session.token(), || File::create(&path))
        .await
        .map_err(|failure| match failure {
            Failure::Output(cause) => Failure::File {
                path: path.clone(),
                cause,
            },
            Failure::BrokenOff { .. } => {
                failure.advise(format!("{} is not complete.", path.display()))
            }
            other => other,
        })?;
    session.note(&format!("{}: {}", path.display(), text::bytes(written)))
}
