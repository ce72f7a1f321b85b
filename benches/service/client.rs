//! muster, as its callers know it.

use std::path::Path;
use std::time::Duration;

use muster::api::v1::user_import_service_client::UserImportServiceClient;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use muster::api::v1::{
    CreateUserImportJobRequest, CreateUserPoolRequest, DescribeUserImportJobRequest,
    MfaConfiguration, StartUserImportJobRequest, UserImportJob, UserImportJobStatus,
};
use tokio::time::{Instant, sleep};
use tokio_util::io::ReaderStream;
use tonic::transport::{Channel, Endpoint};

use crate::fault::{Fault, Result, check, failed};
use crate::file::csv::UserFile;

/// How often to look whether a job has ended. Its dates are what is measured,
/// so that this only costs a little of the machine.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(600);

/// A client of a server.
#[derive(Clone, Debug)]
pub struct Client {
    /// For jobs.
    pub jobs: UserImportServiceClient<Channel>,
    pools: UserPoolServiceClient<Channel>,
    http: reqwest::Client,
}

/// A job's name.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its pool.
    pub pool: String,
    /// Its id.
    pub id: String,
    /// Where to upload its file.
    pub url: String,
}

/// A job that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// As it was answered.
    pub job: UserImportJob,
    /// When it was started, and when it ended, in seconds since 1970.
    pub from_to: (f64, f64),
}

impl Job {
    /// Its id as the database has it.
    pub fn uuid(&self) -> &str {
        self.id.trim_start_matches("import-")
    }
}

impl Ended {
    /// From Start to the end, in seconds.
    pub fn seconds(&self) -> f64 {
        self.from_to.1 - self.from_to.0
    }
}

impl Client {
    /// Connects to a server.
    pub async fn connect(grpc: &str) -> Result<Self> {
        let channel = Endpoint::from_shared(format!("http://{grpc}"))?
            .connect()
            .await?;
        Ok(Self {
            jobs: UserImportServiceClient::new(channel.clone()),
            pools: UserPoolServiceClient::new(channel),
            http: {
                muster::process::tls::use_ring();
                reqwest::Client::new()
            },
        })
    }

    /// Makes a pool that takes every user that is not broken on purpose.
    pub async fn pool(&self) -> Result<String> {
        let request = CreateUserPoolRequest {
            pool_name: "bench".to_owned(),
            auto_verified_attributes: vec!["email".to_owned(), "phone_number".to_owned()],
            mfa_configuration: MfaConfiguration::Optional.into(),
            ..CreateUserPoolRequest::default()
        };
        let answer = self.pools.clone().create_user_pool(request).await?;
        let pool = answer.into_inner().user_pool;
        Ok(pool.ok_or_else(nothing)?.user_pool_id)
    }

    /// Makes a job that bears any number of rejected rows, and uploads a file.
    pub async fn upload(&self, pool: &str, file: &UserFile) -> Result<Job> {
        let job = self.create(pool).await?;
        let answer = self.put(&job, &file.path).await?;
        check(
            "rows of the upload",
            answer["rows"].as_u64(),
            Some(file.rows),
        )?;
        check(
            "bytes of the upload",
            answer["bytes"].as_u64(),
            Some(file.bytes),
        )?;
        Ok(job)
    }

    /// Makes a job.
    pub async fn create(&self, pool: &str) -> Result<Job> {
        let request = CreateUserImportJobRequest {
            user_pool_id: pool.to_owned(),
            job_name: "bench".to_owned(),
            max_rejected_percent: Some(100),
            ..CreateUserImportJobRequest::default()
        };
        let answer = self.jobs.clone().create_user_import_job(request).await?;
        let job = answer.into_inner().user_import_job.ok_or_else(nothing)?;
        Ok(Job {
            pool: pool.to_owned(),
            id: job.job_id,
            url: job.pre_signed_url,
        })
    }

    /// Uploads a file to a job, and answers what the server says of it.
    pub async fn put(&self, job: &Job, file: &Path) -> Result<serde_json::Value> {
        let size = std::fs::metadata(file)?.len();
        let file = tokio::fs::File::open(file).await?;
        let body = reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, 1 << 18));
        let request = self.http.put(&job.url).header("content-length", size);
        let answer = request.body(body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return failed(format!("the upload was refused: {status} {text}"));
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Starts a job.
    pub async fn start(&self, job: &Job) -> Result<()> {
        let request = StartUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.id.clone(),
            ..StartUserImportJobRequest::default()
        };
        self.jobs.clone().start_user_import_job(request).await?;
        Ok(())
    }

    /// A job as it is.
    pub async fn describe(&self, job: &Job) -> Result<UserImportJob> {
        let request = DescribeUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.id.clone(),
        };
        let answer = self.jobs.clone().describe_user_import_job(request).await?;
        answer.into_inner().user_import_job.ok_or_else(nothing)
    }

    /// Waits for a job to succeed.
    pub async fn succeeded(&self, job: &Job) -> Result<Ended> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.describe(job).await?;
            match found.status() {
                UserImportJobStatus::Succeeded => return ended(found),
                UserImportJobStatus::Pending | UserImportJobStatus::InProgress => {}
                other => {
                    let name = other.as_str_name();
                    return Err(Fault::Wrong(format!(
                        "{name}: {}",
                        found.completion_message
                    )));
                }
            }
            if Instant::now() > deadline {
                return failed("the job does not end");
            }
            sleep(LOOK).await;
        }
    }
}

fn ended(job: UserImportJob) -> Result<Ended> {
    let seconds = |time: Option<prost_types::Timestamp>| {
        time.map(|t| t.seconds as f64 + f64::from(t.nanos) / 1e9)
            .ok_or_else(nothing)
    };
    let from_to = (seconds(job.start_date)?, seconds(job.completion_date)?);
    Ok(Ended { job, from_to })
}

fn nothing() -> Fault {
    Fault::Failed("the answer has nothing in it".to_owned())
}
