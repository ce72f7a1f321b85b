//! `rejected.csv` over HTTP.

use muster::operations::callers::Callers;
use reqwest::Response;

use crate::support::http::client;

use super::uploads::{put, told};
use super::{Options, TestServer, csv, ids, tokens};

async fn get(server: &TestServer, job_id: &str, authorization: Option<&str>) -> Response {
    let path = format!("/v1/user-import-jobs/{job_id}/rejected.csv");
    let mut request = client().get(server.url(&path));
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn rows_come_back_with_their_reasons_until_the_file_is_purged() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    let (pool, id) = ids(&job);
    assert_eq!(put(&url, csv(1_000)).await.0, 200);
    let uuid = job.job.job_id.0;
    server
        .sql(&format!(
            "INSERT INTO rejected_lines
                 (user_pool_id, job_id, first_line, code, column_name, offsets)
             VALUES ('{pool}', '{uuid}', 3, 'INVALID_EMAIL', 'email', '{{0}}'),
                    ('{pool}', '{uuid}', 1001, 'USER_ALREADY_EXISTS', NULL, '{{0}}')"
        ))
        .await;
    let answer = get(&server, &id, None).await;
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8");
    let disposition = format!("attachment; filename=\"{id}-rejected.csv\"");
    assert_eq!(header("content-disposition"), disposition);
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert!(answer.headers().contains_key("x-request-id"));
    let text = answer.text().await.expect("a file");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "cognito:username,email,email_verified,cognito:mfa_enabled,muster:line,muster:code,muster:message"
    );
    assert!(lines[1].starts_with("user1,user1@example.com,true,false,3,INVALID_EMAIL,"));
    assert!(
        lines[2].starts_with("user999,user999@example.com,true,false,1001,USER_ALREADY_EXISTS,")
    );
    assert_eq!(lines.len(), 3);

    // As the purge does.
    server
        .sql("UPDATE user_import_jobs SET upload_object = NULL")
        .await;
    let (status, error) = told(get(&server, &id, None).await).await;
    assert_eq!(
        (status, &error["reason"]),
        (404, &"UPLOAD_NOT_FOUND".into())
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|m| m.contains("deleted"))
    );
}

#[tokio::test]
async fn a_report_is_for_callers_who_may_know_of_the_job() {
    let server = TestServer::with(Options {
        callers: Callers::from_tokens(r#"{"tokens": []}"#).expect("a tokens file"),
        ..Options::default()
    })
    .await;
    let (job, url) = server.open_job().await;
    let (pool, id) = ids(&job);
    let other = server.pool().await;
    assert_eq!(put(&url, csv(1)).await.0, 200);
    let entries = [("mine", "reader", &*pool), ("other", "admin", &*other)];
    server.callers.replace(&tokens(&entries)).expect("tokens");
    for nobody in [None, Some("Bearer unknown"), Some("Basic bWluZQ==")] {
        let answer = get(&server, &id, nobody).await;
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        let (status, error) = told(answer).await;
        assert_eq!((status, &error["reason"]), (401, &"UNAUTHENTICATED".into()));
    }
    let (status, error) = told(get(&server, &id, Some("Bearer other")).await).await;
    assert_eq!(
        (status, &error["reason"]),
        (404, &"USER_IMPORT_JOB_NOT_FOUND".into())
    );
    let answer = get(&server, &id, Some("bearer mine")).await;
    assert_eq!(answer.status(), 200);
    for (bad, expected) in [("nonsense", 400), ("import-1", 404), ("%FF", 400)] {
        let (status, _) = told(get(&server, bad, Some("Bearer mine")).await).await;
        assert_eq!(status, expected, "{bad}");
    }
}

#[tokio::test]
async fn a_job_without_a_file_has_no_report() {
    let server = TestServer::new().await;
    let (job, _) = server.open_job().await;
    let (_, id) = ids(&job);
    let (status, error) = told(get(&server, &id, None).await).await;
    assert_eq!(
        (status, &error["reason"]),
        (404, &"UPLOAD_NOT_FOUND".into())
    );
}

#[tokio::test]
async fn a_report_that_breaks_off_does_not_look_whole() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    let (pool, id) = ids(&job);
    assert_eq!(put(&url, csv(5_000)).await.0, 200);
    let uuid = job.job.job_id.0;
    // The last code is none that this version knows: it is found on the third
    // page of rejections, long after the answer has begun.
    server
        .sql(&format!(
            "INSERT INTO rejected_lines (user_pool_id, job_id, first_line, code, offsets)
             SELECT '{pool}', '{uuid}', n,
                 CASE WHEN n = 4999 THEN 'UNHEARD_OF' ELSE 'INVALID_EMAIL' END, '{{0}}'
             FROM generate_series(2, 4999) n"
        ))
        .await;
    let answer = get(&server, &id, None).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
}
