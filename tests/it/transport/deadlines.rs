//! What is left of a call when its deadline has come: nothing.

use std::time::Duration;

use muster::api::v1::*;
use prost::Message as _;
use tonic::Code;

use super::raw::{call, frame};
use super::{Options, TestServer, ids};
use crate::support::gate::Gate;

/// Less than any other limit that could end a statement here.
const SOON: Duration = Duration::from_secs(10);
const CREATE: &str = "muster.v1.UserImportService/CreateUserImportJob";
const DESCRIBE: &str = "muster.v1.UserImportService/DescribeUserImportJob";

/// Waits until no session of muster's runs or waits for anything.
async fn at_rest(server: &TestServer) {
    let busy = "pg_stat_activity WHERE datname = current_database()
        AND application_name = 'muster' AND state <> 'idle'";
    let resting = async {
        while server.test.rows(busy).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    let rested = tokio::time::timeout(SOON, resting).await;
    rested.expect("nothing left of the call");
}

fn create(pool: &str) -> Vec<u8> {
    let request = CreateUserImportJobRequest {
        user_pool_id: pool.to_owned(),
        job_name: "late".into(),
        ..Default::default()
    };
    frame(&request.encode_to_vec())
}

#[tokio::test]
async fn a_read_that_waits_for_a_lock_ends_with_its_deadline_in_the_database_too() {
    let server = TestServer::new().await;
    let (job, _) = server.open_job().await;
    let (user_pool_id, job_id) = ids(&job);
    let request = DescribeUserImportJobRequest {
        user_pool_id,
        job_id,
    };
    let body = frame(&request.encode_to_vec());
    let gate = Gate::shut(&server.test, "LOCK TABLE user_import_jobs").await;
    // Over fresh connections and over those that have been used.
    for _ in 0..2 {
        let headers = [("grpc-timeout", "400m")];
        let answer = call(server.grpc, DESCRIBE, &headers, body.clone()).await;
        assert_eq!(answer.status.code(), Code::DeadlineExceeded);
        at_rest(&server).await;
    }
    gate.open().await;
    // What was told of the deadline does not stay with the connections.
    let answer = call(server.grpc, DESCRIBE, &[], body).await;
    assert_eq!(answer.status.code(), Code::Ok, "{:?}", answer.status);
}

#[tokio::test]
async fn a_change_that_waits_for_a_lock_is_undone_at_its_deadline() {
    let server = TestServer::new().await;
    let pool = server.pool().await;
    let lock = "SELECT 1 FROM user_pools FOR UPDATE";
    let gate = Gate::shut(&server.test, lock).await;
    let headers = [("grpc-timeout", "400m")];
    let answer = call(server.grpc, CREATE, &headers, create(&pool)).await;
    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
    at_rest(&server).await;
    gate.open().await;
    assert_eq!(server.test.rows("user_import_jobs").await, 0);
    let answer = call(server.grpc, CREATE, &[], create(&pool)).await;
    assert_eq!(answer.status.code(), Code::Ok, "{:?}", answer.status);
    assert_eq!(server.test.rows("user_import_jobs").await, 1);
}

#[tokio::test]
async fn the_servers_own_deadline_ends_statements_as_well() {
    let server = TestServer::with(Options {
        request_timeout: Duration::from_millis(300),
        ..Options::default()
    })
    .await;
    let pool = server.pool().await;
    let lock = "SELECT 1 FROM user_pools FOR UPDATE";
    let gate = Gate::shut(&server.test, lock).await;
    let answer = call(server.grpc, CREATE, &[], create(&pool)).await;
    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
    at_rest(&server).await;
    gate.open().await;
    assert_eq!(server.test.rows("user_import_jobs").await, 0);
}

#[tokio::test]
async fn time_that_one_statement_used_up_is_not_given_to_the_next() {
    let server = TestServer::new().await;
    let pool = server.pool().await;
    // The first statement takes its time, and the second says how much it has.
    server
        .sql(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(0.6); RETURN NEW; END $$;
             CREATE TRIGGER slow BEFORE UPDATE ON user_pools
             FOR EACH ROW EXECUTE FUNCTION slow();
             CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN
               SELECT setting INTO NEW.job_name FROM pg_settings
               WHERE name = 'statement_timeout';
               RETURN NEW;
             END $$;
             CREATE TRIGGER tell BEFORE INSERT ON user_import_jobs
             FOR EACH ROW EXECUTE FUNCTION tell()",
        )
        .await;
    let headers = [("grpc-timeout", "9S")];
    let answer = call(server.grpc, CREATE, &headers, create(&pool)).await;
    assert_eq!(answer.status.code(), Code::Ok, "{:?}", answer.status);
    // 9 s, less what the sleep took.
    let told = "user_import_jobs WHERE job_name::bigint BETWEEN 1 AND 8400";
    assert_eq!(server.test.rows(told).await, 1);
}
