//! Following a job.

use std::time::Duration;

use muster::api::v1::*;
use tonic::{Code, Request, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use super::{Options, PATIENCE, TestServer, csv, ids};
use muster::operations::jobs::JobView;

use crate::support::muster::admin;

fn request(job: &JobView) -> WatchUserImportJobRequest {
    let (user_pool_id, job_id) = ids(job);
    WatchUserImportJobRequest {
        user_pool_id,
        job_id,
    }
}

/// The next status of a followed job.
async fn next(
    stream: &mut Streaming<WatchUserImportJobResponse>,
) -> Result<Option<UserImportJobStatus>, Status> {
    let message = tokio::time::timeout(PATIENCE, stream.message())
        .await
        .expect("something in time")?;
    Ok(message.map(|m| m.user_import_job.expect("a job").status()))
}

#[tokio::test]
async fn a_job_is_followed_to_its_end() {
    // Far shorter than the stream lasts: it bounds the beginning alone.
    let server = TestServer::with(Options {
        request_timeout: Duration::from_millis(200),
        ..Options::default()
    })
    .await;
    let (job, url) = server.open_job().await;
    let mut imports = server.imports().await;
    let watched = imports.watch_user_import_job(request(&job)).await;
    let mut watched = watched.expect("a stream").into_inner();
    assert_eq!(
        next(&mut watched).await.expect("a job"),
        Some(UserImportJobStatus::Created)
    );

    let put = crate::support::http::client()
        .put(url)
        .body(csv(2))
        .send()
        .await;
    assert_eq!(put.expect("an answer").status(), 200);
    assert_eq!(
        next(&mut watched).await.expect("a job"),
        Some(UserImportJobStatus::Created)
    );

    server.start(&job).await;
    assert_eq!(
        next(&mut watched).await.expect("a job"),
        Some(UserImportJobStatus::Pending)
    );

    let id = job.job.job_id.0;
    server
        .sql(&format!(
            "UPDATE user_import_jobs SET status = 'SUCCEEDED', imported_users = 2, completion_date = now(),
                 completion_message = 'Import Job Completed Successfully.' WHERE job_id = '{id}'"
        ))
        .await;
    assert_eq!(
        next(&mut watched).await.expect("a job"),
        Some(UserImportJobStatus::Succeeded)
    );
    assert_eq!(next(&mut watched).await.expect("the end"), None);
}

#[tokio::test]
async fn a_job_that_is_deleted_meanwhile_is_not_found() {
    let server = TestServer::new().await;
    let (job, _) = server.open_job().await;
    let mut imports = server.imports().await;
    let watched = imports.watch_user_import_job(request(&job)).await;
    let mut watched = watched.expect("a stream").into_inner();
    next(&mut watched).await.expect("a job");
    let (pool, id) = ids(&job);
    let deleted = server.test.muster.delete_job(&admin(), &pool, &id).await;
    deleted.expect("a deletion");
    let status = next(&mut watched).await.expect_err("no such job");
    assert_eq!(status.code(), Code::NotFound);
    let details = status.get_error_details();
    assert!(details.resource_info().is_some() && details.request_info().is_some());
}

#[tokio::test]
async fn streams_end_when_the_server_goes_away() {
    let server = TestServer::new().await;
    let (job, _) = server.open_job().await;
    let mut imports = server.imports().await;
    let watched = imports.watch_user_import_job(request(&job)).await;
    let mut watched = watched.expect("a stream").into_inner();
    next(&mut watched).await.expect("a job");
    // Probes that watch hold up a shutdown no more than callers do.
    let mut health = HealthClient::new(server.channel().await);
    let probe = health.watch(HealthCheckRequest::default()).await;
    let mut probe = probe.expect("a stream").into_inner();
    probe.message().await.expect("an answer");

    server.shutdown.cancel();
    let status = next(&mut watched).await.expect_err("the server goes away");
    assert_eq!(status.code(), Code::Unavailable);
    let details = status.get_error_details();
    assert_eq!(
        details.error_info().expect("ErrorInfo").reason,
        "SHUTTING_DOWN"
    );
    assert!(details.retry_info().is_some());
    let status = tokio::time::timeout(PATIENCE, probe.message()).await;
    let status = status.expect("an end in time").expect_err("an end");
    assert_eq!(status.code(), Code::Unavailable);
    // Calls that do not wait are served to the last.
    let mut pools = server.pools().await;
    let listed = pools.list_user_pools(ListUserPoolsRequest::default()).await;
    assert_eq!(listed.expect("pools").into_inner().user_pools.len(), 1);
}

#[tokio::test]
async fn a_stream_ends_at_its_callers_deadline() {
    let server = TestServer::new().await;
    let (job, _) = server.open_job().await;
    let mut request = Request::new(request(&job));
    request.set_timeout(Duration::from_millis(300));
    let mut imports = server.imports().await;
    let watched = imports.watch_user_import_job(request).await;
    let mut watched = watched.expect("a stream").into_inner();
    next(&mut watched).await.expect("a job");
    let status = next(&mut watched).await.expect_err("time is up");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.get_error_details().request_info().is_some());
}

#[tokio::test]
async fn a_stream_of_a_job_that_is_not_there_does_not_begin() {
    let server = TestServer::new().await;
    let (mut job, _) = server.open_job().await;
    job.job.job_id.0 = uuid::Uuid::nil();
    let mut imports = server.imports().await;
    let status = imports.watch_user_import_job(request(&job)).await;
    assert_eq!(status.expect_err("no job").code(), Code::NotFound);
}
