//! Every statement of the code finds its rows by an index, in tables of a
//! million rows, whatever PostgreSQL knows of them.

mod allowed;
mod crowd;
mod life;
mod plan;
mod statement;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::support::muster::TestMuster;
use allowed::{ALLOWED, Allowed};
use crowd::{SUBJECTS, Subject, run};
use statement::Statement;

/// The rows that a statement is to find, at most.
const FEW: usize = 50;
/// More pages than any statement needs for so few rows, and far fewer than a
/// large table or one of its indexes has.
const MOST_PAGES: u64 = 2_500;
/// A batch as the importer makes them.
const BATCH: usize = 5_000;
/// More entries of a table's indexes than all of [`life`] needs.
const MOST_ENTRIES: i64 = 250_000;

async fn explain(
    connection: &mut PgConnection,
    options: &str,
    arguments: &str,
) -> Result<Value, sqlx::Error> {
    let explain = format!("EXPLAIN ({options}, FORMAT JSON) EXECUTE tried{arguments}");
    run(connection, "SAVEPOINT before".to_owned()).await;
    let answer = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_one(&mut *connection)
        .await;
    run(connection, "ROLLBACK TO before".to_owned()).await;
    answer?.try_get(0)
}

/// What is wrong with a prepared statement's plan for a subject.
async fn faults(
    connection: &mut PgConnection,
    statement: &Statement,
    subject: Subject,
    mode: &str,
) -> Vec<String> {
    let set = format!("SET LOCAL plan_cache_mode = force_{mode}_plan");
    run(connection, set).await;
    let few = statement.arguments(subject, FEW);
    let mut plans = vec![explain(connection, "ANALYZE, BUFFERS, TIMING OFF", &few).await];
    // A plan of its own takes a batch for as large as it is.
    if mode == "custom" && statement.takes_batches() {
        let batch = statement.arguments(subject, BATCH);
        plans.push(explain(connection, "COSTS OFF", &batch).await);
    }
    let mut faults = Vec::new();
    for plan in plans {
        match plan {
            Ok(plan) => {
                let mut of_this = plan::faults(&plan);
                let pages = plan::pages(&plan);
                if pages > MOST_PAGES {
                    of_this.push(format!("looks at {pages} pages"));
                }
                let shape = plan::outline(&plan);
                faults.extend(of_this.iter().map(|fault| format!("{fault}: {shape}")));
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    faults
}

/// Tries all statements, on all subjects, with plans of either kind.
async fn try_all(connection: &mut PgConnection, statistics: &str) -> Vec<(Statement, String)> {
    let mut found = Vec::new();
    for statement in statement::all() {
        let prepare = format!("PREPARE tried{} AS {}", statement.types(), statement.text);
        run(connection, prepare).await;
        let mut of_this = Vec::new();
        for mode in ["generic", "custom"] {
            for subject in SUBJECTS {
                let faults = faults(connection, &statement, subject, mode).await;
                let place = format!("{statistics} statistics, {mode} plan, {}", subject.pool);
                of_this.extend(faults.iter().map(|fault| format!("{place}: {fault}")));
            }
        }
        run(connection, "DEALLOCATE tried".to_owned()).await;
        if !of_this.is_empty() {
            found.push((statement, of_this.join("\n")));
        }
    }
    found
}

/// The faults that nothing excuses, and the excuses without a fault.
fn judge(found: &[(Statement, String)]) -> String {
    let is_allowed = |s: &Statement| ALLOWED.iter().any(|a| a.is_for(s));
    let is_needed = |a: &Allowed| found.iter().any(|(s, _)| a.is_for(s));
    let faults = found.iter().filter(|(s, _)| !is_allowed(s));
    let faults = faults.map(|(s, faults)| format!("{}\n{faults}\n", s.text));
    let excuses = ALLOWED.iter().filter(|a| !is_needed(a));
    let excuses = excuses.map(|a| format!("not needed any more: {} ({})\n", a.text, a.why));
    faults.chain(excuses).collect()
}

#[tokio::test]
async fn nothing_reads_a_large_table_or_a_large_pool_whole() {
    let test = TestMuster::new();
    let (mut one, mut other) = (test.connection().await, test.connection().await);
    crowd::begin(&mut one).await;
    crowd::fill(&mut one, &mut other).await;
    // What goes wrong shall say so soon.
    run(&mut one, "SET statement_timeout = '10s'".to_owned()).await;

    // What PostgreSQL knows is from before the crowd came.
    run(&mut one, "BEGIN".to_owned()).await;
    let mut found = try_all(&mut one, "old").await;
    crowd::forget(&mut one).await;
    found.extend(try_all(&mut one, "no").await);
    run(&mut one, "ROLLBACK".to_owned()).await;
    crowd::take_stock(&mut one).await;
    run(&mut one, "BEGIN".to_owned()).await;
    found.extend(try_all(&mut one, "fresh").await);
    run(&mut one, "ROLLBACK".to_owned()).await;
    let faults = judge(&found);
    assert!(faults.is_empty(), "{faults}");

    // The same by what the database counts, of all that muster's own
    // connections do, foreign keys included.
    life::end_the_queue(&mut one).await;
    crowd::forget(&mut one).await;
    other.close().await.expect("a goodbye");
    life::alone(&mut one).await;
    let before = life::looks(&mut one).await;
    life::tick(&test).await;
    life::live(&test).await;
    test.db.close().await;
    life::alone(&mut one).await;
    for (table, (whole, entries)) in life::looks(&mut one).await {
        let (whole_before, entries_before) = before[&table];
        let entries = entries - entries_before;
        if table != "import_lanes" {
            assert_eq!(whole, whole_before, "{table} was read from end to end");
        }
        if table != "request_ids" {
            assert!(
                entries < MOST_ENTRIES,
                "{table}: {entries} entries of its indexes"
            );
        }
    }
}
