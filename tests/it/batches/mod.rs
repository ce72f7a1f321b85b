//! Where batches end, and how many lanes write them, changes nothing about
//! what becomes of a file.

mod any_file;
mod boundaries;
mod file;
mod model;

use std::collections::BTreeMap;

use muster::domain::job::{Counters, JobStatus};
use muster::domain::rejection::Rejection;
use muster::domain::user::UserStatus;
use muster::scheduler::SchedulerSettings;

use crate::support::imports::{TestJob, work};
use crate::support::muster::TestMuster;

/// A user, without what is random or of the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub username: String,
    pub line: u64,
    pub status: UserStatus,
    pub attributes: BTreeMap<String, String>,
    /// Whether the job made it, and not one before.
    pub own: bool,
}

/// All that a job leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub users: Vec<Kept>,
    pub counters: Counters,
    pub rejections: Vec<Rejection>,
}

pub async fn left(test: &TestMuster, job: &TestJob) -> Left {
    let ended = test.describe(job).await;
    assert_eq!(ended.status, JobStatus::Succeeded);
    assert_eq!(Some(ended.processed_bytes), ended.total_bytes);
    assert_eq!(Some(ended.counters.total()), ended.total_rows);
    let users = test.users(&job.pool).await;
    let own = |u: &muster::domain::user::User| u.import_job_id == ended.job_id;
    let made = users.iter().filter(|u| own(u)).count();
    assert_eq!(made as u64, ended.counters.imported);
    let rejections = test.rejections(&ended).await;
    let rejected = ended.counters.skipped + ended.counters.failed;
    assert_eq!(rejections.len() as u64, rejected);
    Left {
        users: users
            .into_iter()
            .map(|u| Kept {
                own: own(&u),
                username: u.username,
                line: u.import_line,
                status: u.user_status,
                attributes: u.attributes,
            })
            .collect(),
        counters: ended.counters,
        rejections,
    }
}

/// Users of an earlier job, each with the e-mail address that it holds as
/// alias, if any.
pub async fn plant_users(test: &TestMuster, pool: &str, users: &[(String, Option<String>)]) {
    let mut connection = test.connection().await;
    for (name, alias) in users {
        sqlx::query(
            "INSERT INTO users (user_pool_id, username_key, username, sub,
                 user_create_date, import_job_id, import_line, email_alias)
             VALUES ($1, $2, $2, gen_random_uuid(), now(),
                 '00000000-0000-0000-0000-000000000001', 2, $3)",
        )
        .bind(pool)
        .bind(name)
        .bind(alias)
        .execute(&mut connection)
        .await
        .expect("a user");
    }
}

/// Imports a file into a pool, in batches of so many rows by so many lanes.
pub async fn import(test: &TestMuster, pool: &str, csv: &str, rows: usize, lanes: u16) -> Left {
    import_with(test, pool, csv.to_owned(), |s| {
        s.batch_rows = rows;
        s.lanes = lanes;
    })
    .await
}

/// Imports a file into a pool by a scheduler with other settings.
pub async fn import_with(
    test: &TestMuster,
    pool: &str,
    csv: String,
    change: impl FnOnce(&mut SchedulerSettings),
) -> Left {
    let job = test
        .create_with(pool, |j| j.max_rejected_percent = Some(100))
        .await
        .expect("a job");
    test.upload(&job, csv).await.expect("an upload");
    test.start(&job).await.expect("a start");
    work(&test.scheduler_with(change)).await;
    left(test, &job).await
}
