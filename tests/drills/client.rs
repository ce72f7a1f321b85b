//! A caller of muster, as any other.

use muster::api::v1::user_import_service_client::UserImportServiceClient;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use muster::api::v1::{
    CreateUserImportJobRequest, CreateUserPoolRequest, DeleteUserImportJobRequest,
    DescribeUserImportJobRequest, StartUserImportJobRequest, StopUserImportJobRequest,
    UserImportJob, WatchUserImportJobRequest, WatchUserImportJobResponse,
};
use reqwest::{Body, StatusCode};
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::look::PATIENCE;

/// A job, as its callers name it.
#[derive(Clone, Debug)]
pub struct Job {
    pub pool: String,
    pub id: String,
}

impl Job {
    /// As the tables name it.
    pub fn uuid(&self) -> Uuid {
        let id = self.id.strip_prefix("import-").expect("an id of muster's");
        Uuid::parse_str(id).expect("an id of muster's")
    }
}

/// One server's caller.
#[derive(Clone)]
pub struct Client {
    imports: UserImportServiceClient<Channel>,
    pools: UserPoolServiceClient<Channel>,
    http: String,
}

/// What a PUT or GET was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub text: String,
}

impl Client {
    pub fn new(grpc: &str, http: &str) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{grpc}")).expect("an address");
        let channel = endpoint.timeout(PATIENCE).connect_lazy();
        Self {
            imports: UserImportServiceClient::new(channel.clone()),
            pools: UserPoolServiceClient::new(channel),
            http: format!("http://{http}"),
        }
    }

    /// A pool that auto-verifies e-mail addresses.
    pub async fn pool(&mut self, aliases: bool) -> Result<String, Status> {
        let email = vec!["email".to_owned()];
        let request = CreateUserPoolRequest {
            pool_name: "drill".to_owned(),
            auto_verified_attributes: email.clone(),
            alias_attributes: if aliases { email } else { Vec::new() },
            ..CreateUserPoolRequest::default()
        };
        let answer = self.pools.create_user_pool(request).await?.into_inner();
        Ok(answer.user_pool.expect("a pool").user_pool_id)
    }

    pub async fn create(&mut self, pool: &str) -> Result<Job, Status> {
        let request = CreateUserImportJobRequest {
            user_pool_id: pool.to_owned(),
            job_name: "drill".to_owned(),
            max_rejected_percent: Some(100),
            ..CreateUserImportJobRequest::default()
        };
        let answer = self.imports.create_user_import_job(request).await?;
        let job = answer.into_inner().user_import_job.expect("a job");
        Ok(Job {
            pool: job.user_pool_id,
            id: job.job_id,
        })
    }

    pub async fn describe(&mut self, job: &Job) -> Result<UserImportJob, Status> {
        let request = DescribeUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.id.clone(),
        };
        let answer = self.imports.describe_user_import_job(request).await?;
        Ok(answer.into_inner().user_import_job.expect("a job"))
    }

    pub async fn watch(
        &mut self,
        job: &Job,
    ) -> Result<Streaming<WatchUserImportJobResponse>, Status> {
        let request = WatchUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.id.clone(),
        };
        let answer = self.imports.watch_user_import_job(request).await?;
        Ok(answer.into_inner())
    }

    /// Starts a job; the request id makes it safe to do so again.
    pub async fn start(
        &mut self,
        job: &Job,
        request_id: Option<Uuid>,
    ) -> Result<UserImportJob, Status> {
        let request = StartUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.id.clone(),
            request_id: request_id.map(|id| id.to_string()).unwrap_or_default(),
        };
        let answer = self.imports.start_user_import_job(request).await?;
        Ok(answer.into_inner().user_import_job.expect("a job"))
    }

    pub async fn stop(&mut self, job: &Job) -> Result<UserImportJob, Status> {
        let request = StopUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.id.clone(),
        };
        let answer = self.imports.stop_user_import_job(request).await?;
        Ok(answer.into_inner().user_import_job.expect("a job"))
    }

    pub async fn delete(&mut self, job: &Job) -> Result<(), Status> {
        let request = DeleteUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.id.clone(),
        };
        self.imports.delete_user_import_job(request).await?;
        Ok(())
    }

    /// Uploads a file to a fresh URL of the job's.
    pub async fn upload(&mut self, job: &Job, file: impl Into<Body>) -> Answer {
        let url = self.describe(job).await.expect("the job").pre_signed_url;
        put(&url, file).await.expect("an answer")
    }

    /// A job whose file is uploaded.
    pub async fn uploaded(&mut self, pool: &str, csv: &str) -> Job {
        let job = self.create(pool).await.expect("a job");
        let answer = self.upload(&job, csv.to_owned()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        job
    }

    /// A job that is started.
    pub async fn started(&mut self, pool: &str, csv: &str) -> Job {
        let job = self.uploaded(pool, csv).await;
        self.start(&job, None).await.expect("a start");
        job
    }

    /// The rows that were not imported.
    pub async fn rejected_csv(&self, job: &Job) -> String {
        let url = format!("{}/v1/user-import-jobs/{}/rejected.csv", self.http, job.id);
        let answer = http_client().get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.expect("a whole report")
    }

    /// Whether the server says that it can serve.
    pub async fn is_ready(&self) -> bool {
        let url = format!("{}/readyz", self.http);
        let answer = http_client().get(url).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}

/// A plain HTTP client. Its library leaves the choice of a cryptography to the
/// process, and panics without one.
fn http_client() -> reqwest::Client {
    // Another test may have been quicker.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::new()
}

/// A PUT to a signed URL.
pub async fn put(url: &str, file: impl Into<Body>) -> Result<Answer, reqwest::Error> {
    let request = http_client().put(url).timeout(PATIENCE).body(file);
    let answer = request.send().await?;
    Ok(Answer {
        status: answer.status(),
        text: answer.text().await?,
    })
}
