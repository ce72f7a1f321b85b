//! `muster.v1.UserImportService`.

use futures_util::stream::{BoxStream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::call::open;
use super::convert::{job, optional, page, rejected_row, token};
use crate::api::v1::user_import_service_server::UserImportService;
use crate::api::v1::{
    CreateUserImportJobRequest, CreateUserImportJobResponse, DeleteUserImportJobRequest,
    DeleteUserImportJobResponse, DescribeUserImportJobRequest, DescribeUserImportJobResponse,
    GetCsvHeaderRequest, GetCsvHeaderResponse, ListRejectedRowsRequest, ListRejectedRowsResponse,
    ListUserImportJobsRequest, ListUserImportJobsResponse, StartUserImportJobRequest,
    StartUserImportJobResponse, StopUserImportJobRequest, StopUserImportJobResponse,
    WatchUserImportJobRequest, WatchUserImportJobResponse,
};
use crate::operations::Muster;

/// The service.
#[derive(Debug)]
pub(super) struct UserImports(pub(super) Muster);

#[tonic::async_trait]
impl UserImportService for UserImports {
    async fn create_user_import_job(
        &self,
        request: Request<CreateUserImportJobRequest>,
    ) -> Result<Response<CreateUserImportJobResponse>, Status> {
        let (call, r) = open(request)?;
        let made = match job::create_job(r) {
            Ok(request) => self.0.create_job(&call.caller, request).await,
            Err(error) => Err(error),
        };
        call.answer(made, |made| CreateUserImportJobResponse {
            user_import_job: Some(job::job(made)),
        })
    }

    async fn describe_user_import_job(
        &self,
        request: Request<DescribeUserImportJobRequest>,
    ) -> Result<Response<DescribeUserImportJobResponse>, Status> {
        let (call, r) = open(request)?;
        let found = self
            .0
            .describe_job(&call.caller, &r.user_pool_id, &r.job_id)
            .await;
        call.answer(found, |found| DescribeUserImportJobResponse {
            user_import_job: Some(job::job(found)),
        })
    }

    async fn list_user_import_jobs(
        &self,
        request: Request<ListUserImportJobsRequest>,
    ) -> Result<Response<ListUserImportJobsResponse>, Status> {
        let (call, r) = open(request)?;
        let page = page(r.page_size, r.page_token);
        let found = self.0.list_jobs(&call.caller, &r.user_pool_id, &page).await;
        call.answer(found, |(jobs, next)| ListUserImportJobsResponse {
            user_import_jobs: jobs.into_iter().map(job::job).collect(),
            next_page_token: token(next),
        })
    }

    async fn start_user_import_job(
        &self,
        request: Request<StartUserImportJobRequest>,
    ) -> Result<Response<StartUserImportJobResponse>, Status> {
        let (call, r) = open(request)?;
        let request_id = optional(r.request_id);
        let started = self
            .0
            .start_job(
                &call.caller,
                &r.user_pool_id,
                &r.job_id,
                request_id.as_deref(),
            )
            .await;
        call.answer(started, |started| StartUserImportJobResponse {
            user_import_job: Some(job::job(started)),
        })
    }

    async fn stop_user_import_job(
        &self,
        request: Request<StopUserImportJobRequest>,
    ) -> Result<Response<StopUserImportJobResponse>, Status> {
        let (call, r) = open(request)?;
        let stopped = self
            .0
            .stop_job(&call.caller, &r.user_pool_id, &r.job_id)
            .await;
        call.answer(stopped, |stopped| StopUserImportJobResponse {
            user_import_job: Some(job::job(stopped)),
        })
    }

    async fn delete_user_import_job(
        &self,
        request: Request<DeleteUserImportJobRequest>,
    ) -> Result<Response<DeleteUserImportJobResponse>, Status> {
        let (call, r) = open(request)?;
        let deleted = self
            .0
            .delete_job(&call.caller, &r.user_pool_id, &r.job_id)
            .await;
        call.answer(deleted, |()| DeleteUserImportJobResponse {})
    }

    type WatchUserImportJobStream = BoxStream<'static, Result<WatchUserImportJobResponse, Status>>;

    async fn watch_user_import_job(
        &self,
        request: Request<WatchUserImportJobRequest>,
    ) -> Result<Response<Self::WatchUserImportJobStream>, Status> {
        let (call, r) = open(request)?;
        let changes = self
            .0
            .watch_job(&call.caller, &r.user_pool_id, &r.job_id)
            .await;
        let id = call.id.clone();
        call.answer(changes, |changes| {
            changes
                .map(move |change| match change {
                    Ok(view) => Ok(WatchUserImportJobResponse {
                        user_import_job: Some(job::job(view)),
                    }),
                    Err(error) => Err(id.refuse(&error)),
                })
                .boxed()
        })
    }

    async fn get_csv_header(
        &self,
        request: Request<GetCsvHeaderRequest>,
    ) -> Result<Response<GetCsvHeaderResponse>, Status> {
        let (call, r) = open(request)?;
        let header = self.0.csv_header(&call.caller, &r.user_pool_id).await;
        call.answer(header, |csv_header| GetCsvHeaderResponse {
            user_pool_id: r.user_pool_id,
            csv_header,
        })
    }

    async fn list_rejected_rows(
        &self,
        request: Request<ListRejectedRowsRequest>,
    ) -> Result<Response<ListRejectedRowsResponse>, Status> {
        let (call, r) = open(request)?;
        let page = page(r.page_size, r.page_token);
        let found = self
            .0
            .list_rejected_rows(&call.caller, &r.user_pool_id, &r.job_id, &page)
            .await;
        call.answer(found, |(rows, next)| ListRejectedRowsResponse {
            rejected_rows: rows.into_iter().map(rejected_row::rejected_row).collect(),
            next_page_token: token(next),
        })
    }
}
