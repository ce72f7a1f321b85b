//! Looking at jobs and users, by the operations and by SQL.

use muster::domain::job::{JobStatus, UserImportJob};
use muster::domain::rejection::Rejection;
use muster::domain::user::User;
use muster::operations::Page;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::imports::TestJob;
use super::muster::{TestMuster, admin};

impl TestMuster {
    pub async fn describe(&self, job: &TestJob) -> UserImportJob {
        let view = self.muster.describe_job(&admin(), &job.pool, &job.id).await;
        view.expect("the job").job
    }

    /// Waits until a call that was refused has let go of its job: what passes
    /// locked jobs over would pass it over.
    pub async fn settled(&self) {
        self.sql("SELECT 1 FROM user_import_jobs FOR UPDATE")
            .await
            .expect("the jobs");
    }

    pub async fn status(&self, job: &TestJob) -> JobStatus {
        self.describe(job).await.status
    }

    /// All users of a pool, by username key.
    pub async fn users(&self, pool: &str) -> Vec<User> {
        let mut all = Vec::new();
        let mut page = biggest_page();
        loop {
            let (users, next) = self
                .muster
                .list_users(&admin(), pool, &page)
                .await
                .expect("users");
            all.extend(users);
            page.token = next;
            if page.token.is_none() {
                return all;
            }
        }
    }

    /// All usernames of a pool, by username key.
    pub async fn usernames(&self, pool: &str) -> Vec<String> {
        let users = self.users(pool).await;
        users.into_iter().map(|u| u.username).collect()
    }

    /// All rejected rows of a job, by line.
    pub async fn rejections(&self, job: &UserImportJob) -> Vec<Rejection> {
        let (pool, id) = (job.user_pool_id.as_str(), job.job_id.to_string());
        let mut all = Vec::new();
        let mut page = biggest_page();
        loop {
            let (rows, next) = self
                .muster
                .list_rejected_rows(&admin(), pool, &id, &page)
                .await
                .expect("rejected rows");
            all.extend(rows);
            page.token = next;
            if page.token.is_none() {
                return all;
            }
        }
    }

    pub async fn connection(&self) -> PgConnection {
        PgConnection::connect(self.database_url())
            .await
            .expect("a connection")
    }

    /// Runs a statement, and answers how many rows it touched.
    pub async fn sql(&self, statement: &str) -> Result<u64, sqlx::Error> {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut self.connection().await)
            .await?;
        Ok(done.rows_affected())
    }

    /// Lets all leases run out, as if their time had passed.
    pub async fn expire_leases(&self) {
        self.sql(
            "UPDATE import_lanes SET lease_expires_at = clock_timestamp() - interval '1 second'
             WHERE lease_token IS NOT NULL",
        )
        .await
        .expect("leases that have run out");
    }

    /// How many rows a table has.
    pub async fn rows(&self, table: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&mut self.connection().await)
            .await
            .expect("a count")
    }
}

pub fn biggest_page() -> Page {
    Page {
        size: Some(Page::MAX_SIZE),
        token: None,
    }
}
