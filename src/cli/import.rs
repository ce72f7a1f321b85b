//! `muster import`: from a file to a finished job in one command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::failure::Failure;
use super::follow::follow;
use super::jobs::{JobRef, start};
use super::json::{Json, pretty};
use super::new_job::{JobOptions, name_of};
use super::reporter::Reporter;
use super::retry::retrying;
use super::session::{Output, Session, print, required};
use super::summary::{Summary, first_rejected};
use super::transfer::{open, upload};
use super::{exit_code, reporter_for, tables};
use crate::api::v1::{RejectedRow, UserImportJob};

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
    let began = Instant::now();
    let no_follow = args.no_follow;
    let mut reporter = reporter_for(session, false);
    let (job, queued) = begin(session, args, reporter.as_mut(), began).await?;
    if no_follow {
        drop(reporter);
        print(&started_text(session, &job, &queued)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let ended = follow(session, &job, reporter.as_mut(), began).await?;
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

/// Everything up to the job's start.
async fn begin(
    session: &Session,
    args: ImportArgs,
    reporter: &mut dyn Reporter,
    began: Instant,
) -> Result<(JobRef, UserImportJob), Failure> {
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
    reporter.note(&format!("Job {} in pool {}", job.job_id, job.pool))?;

    let left_behind = format!(
        "The job {} is not started; `{}` deletes it.",
        job.job_id,
        session.command(&format!("jobs delete {job}"))
    );
    session.on_interrupt(Some(left_behind.clone()));
    let progress = |sent| reporter.upload(sent, size, began.elapsed());
    let queued = async {
        let headers = &created.pre_signed_url_headers;
        upload(&created.pre_signed_url, headers, file, size, progress).await?;
        start(session, &job).await
    }
    .await
    .map_err(|failure| failure.advise(left_behind))?;
    session.on_interrupt(None);
    Ok((job, queued))
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
    use std::io::Write as _;

    use super::*;
    use crate::cli::fake::{Fake, Script};
    use crate::cli::reporter::Lines;

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

    async fn begun(fake: &Fake) -> (Result<JobRef, Failure>, String) {
        let mut csv = tempfile::NamedTempFile::new().unwrap();
        csv.write_all(b"cognito:username,email\nada,a@b.c\n")
            .unwrap();
        let args = ImportArgs {
            file: csv.path().to_owned(),
            name: None,
            options: JobOptions::for_pool("local_a"),
            no_follow: true,
        };
        let session = fake.session().await;
        let mut out = Vec::new();
        let begun = begin(&session, args, &mut Lines::new(&mut out), Instant::now()).await;
        (begun.map(|(job, _)| job), String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn a_repeated_call_bears_the_same_request_id() {
        let fake = Fake::serve(Script {
            unavailable: 1,
            ..Default::default()
        })
        .await;
        let (begun, out) = begun(&fake).await;
        assert_eq!(begun.unwrap().job_id, "import-1");
        assert_eq!(
            out,
            "Job import-1 in pool local_a\nupload: 33 B of 33 B (100 %)\n"
        );
        let script = fake.script.lock().unwrap();
        for ids in [&script.created, &script.started] {
            assert_eq!(ids.len(), 2);
            assert_eq!(ids[0], ids[1]);
        }
        assert_ne!(script.created[0], script.started[0]);
    }

    #[tokio::test]
    async fn an_upload_has_a_length_what_its_job_asks_for_and_no_token() {
        let fake = Fake::serve(Script::default()).await;
        begun(&fake).await.0.unwrap();
        let script = fake.script.lock().unwrap();
        let body = "cognito:username,email\nada,a@b.c\n".to_owned();
        assert_eq!(script.uploads, [(Some("33".to_owned()), body)]);
        assert_eq!(script.tokens, [Some("Bearer s3cret".to_owned()), None]);
        assert_eq!(script.encryptions, [Some("aws:kms".to_owned())]);
    }

    #[tokio::test]
    async fn a_refused_upload_says_why_and_what_is_left_behind() {
        let fake = Fake::serve(Script {
            refuse_upload: Some((400, r#"{"message":"unknown column `mail`"}"#)),
            ..Default::default()
        })
        .await;
        let failure = begun(&fake).await.0.unwrap_err().to_string();
        assert!(
            failure.starts_with("the upload was refused with status 400: unknown column `mail`\n"),
            "{failure}"
        );
        assert!(failure.contains("jobs delete --pool local_a import-1"));
        assert!(fake.script.lock().unwrap().started.is_empty());
    }
}
