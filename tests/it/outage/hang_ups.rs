//! Clients that hang up half-way.

use std::time::Duration;

use muster::api::v1::{
    CreateUserImportJobRequest, DescribeUserImportJobRequest, ListUsersRequest,
    StartUserImportJobRequest, StopUserImportJobRequest,
};
use muster::domain::error::ErrorKind;
use muster::operations::Page;
use muster::operations::pools::CreatePool;

use super::{all_connections, cut_off_at};
use crate::support::imports::{TestJob, users_csv};
use crate::support::muster::{TestMuster, admin};
use crate::support::watch::{Watcher, in_time};
use crate::transport::{Options, TestServer};

/// Connections of a [`TestMuster`].
const CONNECTIONS: u32 = 8;

/// Nothing is left of the calls that were cut off but what they did whole.
async fn nothing_hangs(test: &TestMuster) {
    let mut watcher = Watcher::new(test.database_url()).await;
    watcher.until(0, "state <> 'idle'").await;
    drop(all_connections(&test.db, CONNECTIONS).await);
    watcher.until(0, "state <> 'idle'").await;
    let sessions = watcher.sessions("true").await;
    assert!(sessions <= i64::from(CONNECTIONS), "{sessions} sessions");
}

/// Every operation, by its number.
async fn operation(test: &TestMuster, job: &TestJob, nth: usize) -> Result<(), ErrorKind> {
    let (muster, admin) = (&test.muster, admin());
    let (pool, id) = (&job.pool, &job.id);
    let done = match nth {
        0 => muster.start_job(&admin, pool, id, None).await.map(drop),
        1 => muster.stop_job(&admin, pool, id).await.map(drop),
        2 => muster.delete_job(&admin, pool, id).await.map(drop),
        3 => test.create_with(pool, |_| ()).await.map(drop),
        4 => test.upload(job, users_csv(["bob"])).await.map(drop),
        5 => muster.describe_job(&admin, pool, id).await.map(drop),
        6 => muster
            .list_jobs(&admin, pool, &Page::default())
            .await
            .map(drop),
        7 => muster.delete_pool(&admin, pool).await.map(drop),
        8 => {
            let request = CreatePool {
                pool_name: "made up".to_owned(),
                ..CreatePool::default()
            };
            muster.create_pool(&admin, request).await.map(drop)
        }
        _ => panic!("there is no operation {nth}"),
    };
    done.map_err(|error| error.kind())
}
const OPERATIONS: usize = 9;

#[tokio::test]
async fn an_operation_that_is_dropped_at_any_point_is_done_whole_or_not_at_all() {
    let test = TestMuster::with(|settings| settings.max_jobs_per_pool = 10_000);
    for nth in 0..OPERATIONS {
        let mut cut_off = 0;
        for polls in 0.. {
            let pool = test.pool().await;
            let job = test.uploaded(&pool, users_csv(["ann"])).await;
            let done = in_time(cut_off_at(polls, operation(&test, &job, nth))).await;
            let Some(done) = done else {
                cut_off += 1;
                continue;
            };
            // A job that was never started cannot be stopped.
            let refused = (nth == 1).then_some(ErrorKind::FailedPrecondition);
            assert_eq!(done.err(), refused, "operation {nth}");
            break;
        }
        assert!(cut_off > 0, "operation {nth}");
        nothing_hangs(&test).await;
    }
    // What was counted is there, and nothing else.
    let wrong = "user_pools p WHERE import_job_count <> (SELECT count(*) FROM user_import_jobs j
        WHERE j.user_pool_id = p.user_pool_id AND j.deletion_date IS NULL)
        AND deletion_date IS NULL";
    assert_eq!(test.rows(wrong).await, 0);
    // Each job has at most the one object that its row names.
    let known = test.rows("user_import_jobs WHERE upload_object IS NOT NULL");
    assert_eq!(test.files() as i64, known.await);
}

/// A small generator whose seed says all.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_server_that_hang_up_at_any_instant_leave_nothing_open() {
    let server = TestServer::with(Options {
        max_jobs_per_pool: 10_000,
        ..Options::default()
    })
    .await;
    let pool = server.pool().await;
    let mut random = Random(0x5eed);
    let mut hung_up = 0;
    for round in 0..100 {
        // Others are at it at the same time.
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let (what, instant) = (random.below(5), random.below(4_000));
            let job = server.test.uploaded(&pool, users_csv(["ann"])).await;
            let (user_pool_id, job_id) = (job.pool.clone(), job.id.clone());
            let mut imports = server.imports().await;
            let mut users = server.users().await;
            calls.spawn(async move {
                let call = async {
                    match what {
                        0 => imports
                            .create_user_import_job(CreateUserImportJobRequest {
                                user_pool_id,
                                job_name: "cut".into(),
                                ..Default::default()
                            })
                            .await
                            .map(drop),
                        1 => imports
                            .start_user_import_job(StartUserImportJobRequest {
                                user_pool_id,
                                job_id,
                                ..Default::default()
                            })
                            .await
                            .map(drop),
                        2 => imports
                            .stop_user_import_job(StopUserImportJobRequest {
                                user_pool_id,
                                job_id,
                            })
                            .await
                            .map(drop),
                        3 => imports
                            .describe_user_import_job(DescribeUserImportJobRequest {
                                user_pool_id,
                                job_id,
                            })
                            .await
                            .map(drop),
                        _ => users
                            .list_users(ListUsersRequest {
                                user_pool_id,
                                ..Default::default()
                            })
                            .await
                            .map(drop),
                    }
                };
                // Dropping the call resets its stream; dropping the client
                // closes the connection.
                tokio::time::timeout(Duration::from_micros(instant), call)
                    .await
                    .is_err()
            });
        }
        while let Some(cut) = in_time(calls.join_next()).await {
            hung_up += usize::from(cut.unwrap_or_else(|e| panic!("round {round}: {e}")));
        }
    }
    assert!(hung_up > 30, "{hung_up} calls were cut off");
    nothing_hangs(&server.test).await;
}
