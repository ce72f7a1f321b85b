//! What a job has left behind, compared with what it should have: by the rules,
//! and by what the same file leaves when nothing happens.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::client::Job;
use crate::file::{Fate, File, Spec};
use crate::look::connect;
use crate::site::Site;
use crate::tally::Tally;

/// A rejected row: line, code, column, detail.
type Rejected = (i64, String, Option<String>, Option<i64>);

/// What a job leaves, less what is random or of the time.
#[derive(Debug)]
pub struct Outcome {
    status: i32,
    counters: [i64; 3],
    bytes: (i64, Option<i64>),
    rows: Option<i64>,
    /// By line.
    users: Vec<(i64, Value)>,
    rejected: Vec<Rejected>,
    report: String,
}

impl Outcome {
    /// Asks the server, and looks at the tables.
    pub async fn of(site: &mut Site, job: &Job) -> Self {
        let mut client = site.client();
        let ended = client.describe(job).await.expect("the job");
        let mut connection = connect(&site.database).await;
        let users = sqlx::query_as(
            "SELECT import_line, to_jsonb(u) - '{sub,user_pool_id,import_job_id,user_create_date}'::text[]
             FROM users u WHERE user_pool_id = $1 AND import_job_id = $2 ORDER BY 1, username_key",
        )
        .bind(&job.pool)
        .bind(job.uuid())
        .fetch_all(&mut connection)
        .await
        .expect("the users");
        let rejected = sqlx::query_as(
            "SELECT line, code, column_name, detail FROM rejected_rows
             WHERE user_pool_id = $1 AND job_id = $2 ORDER BY line",
        )
        .bind(&job.pool)
        .bind(job.uuid())
        .fetch_all(&mut connection)
        .await
        .expect("the rejected rows");
        let lanes: i64 = sqlx::query_scalar("SELECT count(*) FROM import_lanes WHERE job_id = $1")
            .bind(job.uuid())
            .fetch_one(&mut connection)
            .await
            .expect("the lanes");
        assert_eq!(lanes, 0, "lanes of a job that has ended");
        Self {
            status: ended.status,
            counters: [
                ended.imported_users,
                ended.skipped_users,
                ended.failed_users,
            ],
            bytes: (ended.processed_bytes, ended.total_bytes),
            rows: ended.total_rows,
            users,
            rejected,
            report: client.rejected_csv(job).await,
        }
    }

    /// Compares with the fates of the file's rows. Answers how many were lost
    /// and how many doubled, which is for the caller to refuse.
    fn judge(&self, file: &File) -> (u64, u64) {
        let mut outcomes: BTreeMap<i64, u64> = file.fates.keys().map(|l| (*l, 0)).collect();
        let lines = self.users.iter().map(|(line, _)| line);
        for line in lines.chain(self.rejected.iter().map(|(line, ..)| line)) {
            *outcomes.entry(*line).or_default() += 1;
        }
        let lost = outcomes.values().filter(|n| **n == 0).count();
        let doubled = outcomes.values().filter(|n| **n > 1).count();

        let mut found = BTreeMap::new();
        for (line, user) in &self.users {
            let text = |name: &str| user[name].as_str().map(str::to_owned);
            let fate = Fate::Imported {
                username: text("username").expect("a name"),
                email: text("email").expect("an address"),
                address: text("address"),
            };
            found.insert(*line, fate);
        }
        let codes = file.fates.values().filter_map(|fate| match fate {
            Fate::Rejected { code, .. } => Some(*code),
            Fate::Imported { .. } => None,
        });
        let codes: Vec<&'static str> = codes.collect();
        for (line, code, _, detail) in &self.rejected {
            let known = codes.iter().find(|known| **known == *code);
            let fate = Fate::Rejected {
                code: known.unwrap_or(&"a code that no row has"),
                // The number of fields is no matter of ours.
                detail: detail.filter(|_| code == "DUPLICATE_IN_FILE"),
            };
            found.insert(*line, fate);
        }
        if (lost, doubled) == (0, 0) {
            assert_same("fates", file.fates.iter(), found.iter());
        }
        let imported = self.users.len() as i64;
        let [counted, skipped, failed] = self.counters;
        assert_eq!(counted, imported, "imported users");
        assert_eq!(
            skipped + failed,
            self.rejected.len() as i64,
            "rejected rows"
        );
        (lost as u64, doubled as u64)
    }

    fn assert_same(&self, other: &Self) {
        assert_same("users", self.users.iter(), other.users.iter());
        assert_same("rejections", self.rejected.iter(), other.rejected.iter());
        assert_same("reports", self.report.lines(), other.report.lines());
        let rest = |o: &Self| (o.status, o.counters, o.bytes, o.rows);
        assert_eq!(rest(self), rest(other), "status, counters, bytes and rows");
    }
}

/// Compares, and tells of the first difference only.
fn assert_same<T: Debug + PartialEq>(
    what: &str,
    left: impl Iterator<Item = T>,
    right: impl Iterator<Item = T>,
) {
    let (mut left, mut right) = (left, right);
    loop {
        match (left.next(), right.next()) {
            (None, None) => return,
            (one, other) => assert_eq!(one, other, "{what} differ"),
        }
    }
}

/// Proves that a job, whatever was done to it, came to the end that its file
/// comes to when nothing happens, and notes its rows.
pub async fn prove(site: &mut Site, job: &Job, spec: Spec, tally: &mut Tally) {
    let file = File::new(spec);
    let outcome = Outcome::of(site, job).await;
    let (lost, doubled) = outcome.judge(&file);
    tally.rows(file.rows(), lost, doubled);
    assert_eq!((lost, doubled), (0, 0), "rows lost and doubled");
    outcome.assert_same(undisturbed(spec).await.as_ref());
}

/// What each kind of file leaves when nothing happens; imported once.
async fn undisturbed(spec: Spec) -> Arc<Outcome> {
    type Known = Mutex<HashMap<Spec, Arc<OnceCell<Arc<Outcome>>>>>;
    static KNOWN: LazyLock<Known> = LazyLock::new(Known::default);
    let cell = {
        let mut known = KNOWN.lock().expect("the outcomes");
        known.entry(spec).or_default().clone()
    };
    let import = async {
        let mut site = Site::new(1, &[]);
        let job = site.begin(spec).await;
        site.watch(&job).await.until_ended().await;
        let outcome = Outcome::of(&mut site, &job).await;
        site.end();
        assert_eq!(outcome.judge(&File::new(spec)), (0, 0));
        Arc::new(outcome)
    };
    // The future is long, and most often not needed.
    cell.get_or_init(|| Box::pin(import)).await.clone()
}
