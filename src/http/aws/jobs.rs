//! User import jobs.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::{seconds, violation};
use crate::domain::error::Error;
use crate::domain::job::JobStatus;
use crate::domain::principal::Principal;
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;
use crate::operations::jobs::{CreateJob, JobView};
use crate::operations::{Muster, Page};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateRequest {
    user_pool_id: String,
    job_name: String,
    cloud_watch_logs_role_arn: String,
    password_hashing_algorithm: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedJob {
    user_pool_id: String,
    job_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRequest {
    user_pool_id: String,
    max_results: i32,
    pagination_token: Option<String>,
}

/// AWS's `UserImportJobType`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Job {
    job_name: String,
    job_id: String,
    user_pool_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pre_signed_url: Option<String>,
    creation_date: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_date: Option<f64>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_logs_role_arn: Option<String>,
    imported_users: u64,
    skipped_users: u64,
    failed_users: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hashing_algorithm: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneJob {
    user_import_job: Job,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Jobs {
    user_import_jobs: Vec<Job>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination_token: Option<String>,
}

pub(super) async fn create(
    muster: &Muster,
    caller: &Principal,
    request: CreateRequest,
) -> Result<OneJob, Fault> {
    let algorithm = request.password_hashing_algorithm;
    let request = CreateJob {
        user_pool_id: request.user_pool_id,
        job_name: request.job_name,
        cloud_watch_logs_role_arn: Some(request.cloud_watch_logs_role_arn),
        password_hashing_algorithm: algorithm.map(|word| known(&word)).transpose()?,
        max_rejected_percent: None,
        request_id: None,
    };
    Ok(one(muster.create_job(caller, request).await?))
}

/// The model has seen that it is one of them.
fn known(word: &str) -> Result<PasswordHashingAlgorithm, Fault> {
    PasswordHashingAlgorithm::from_name(word)
        .ok_or_else(|| Error::internal("the model has an algorithm that muster lacks").into())
}

pub(super) async fn describe(
    muster: &Muster,
    caller: &Principal,
    named: NamedJob,
) -> Result<OneJob, Fault> {
    let job = muster.describe_job(caller, &named.user_pool_id, &named.job_id);
    Ok(one(job.await?))
}

pub(super) async fn start(
    muster: &Muster,
    caller: &Principal,
    named: NamedJob,
) -> Result<OneJob, Fault> {
    let job = muster.start_job(caller, &named.user_pool_id, &named.job_id, None);
    Ok(one(job.await?))
}

pub(super) async fn stop(
    muster: &Muster,
    caller: &Principal,
    named: NamedJob,
) -> Result<OneJob, Fault> {
    let job = muster.stop_job(caller, &named.user_pool_id, &named.job_id);
    Ok(one(job.await?))
}

pub(super) async fn list(
    muster: &Muster,
    caller: &Principal,
    request: ListRequest,
) -> Result<Jobs, Fault> {
    let page = Page {
        size: Some(request.max_results),
        token: request.pagination_token,
    };
    let (jobs, next) = muster
        .list_jobs(caller, &request.user_pool_id, &page)
        .await
        .map_err(|error| Fault::of(error, member))?;
    Ok(Jobs {
        user_import_jobs: jobs.into_iter().map(job).collect(),
        pagination_token: next,
    })
}

fn member(field: &str) -> String {
    match field {
        "page_size" => "maxResults".to_owned(),
        "page_token" => "paginationToken".to_owned(),
        field => violation::member(field),
    }
}

fn one(view: JobView) -> OneJob {
    OneJob {
        user_import_job: job(view),
    }
}

fn job(view: JobView) -> Job {
    let job = view.job;
    Job {
        job_name: job.job_name,
        job_id: job.job_id.to_string(),
        user_pool_id: job.user_pool_id.to_string(),
        pre_signed_url: view.pre_signed_url,
        creation_date: seconds(job.creation_date),
        start_date: job.start_date.map(seconds),
        completion_date: job.completion_date.map(seconds),
        status: status(job.status),
        cloud_watch_logs_role_arn: job.cloud_watch_logs_role_arn,
        imported_users: job.counters.imported,
        skipped_users: job.counters.skipped,
        failed_users: job.counters.failed,
        completion_message: job.completion_message,
        password_hashing_algorithm: job.password_hashing_algorithm.map(|a| a.as_str()),
    }
}

/// The words of AWS's model, which are not those of its console and guide.
const fn status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Created => "Created",
        JobStatus::Pending => "Pending",
        JobStatus::InProgress => "InProgress",
        JobStatus::Stopping => "Stopping",
        JobStatus::Expired => "Expired",
        JobStatus::Stopped => "Stopped",
        JobStatus::Failed => "Failed",
        JobStatus::Succeeded => "Succeeded",
    }
}
