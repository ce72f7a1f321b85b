//! The schema refuses rows that cannot be, and says what each column is.

use std::fs;
use std::path::{Path, PathBuf};

use muster::domain::attribute::{AliasAttribute, VerifiableAttribute};
use muster::domain::job::{JobStatus, MAX_COMPLETION_MESSAGE, Transition};
use muster::domain::pool::MfaConfiguration;
use muster::domain::rules::password_hash::PasswordHashingAlgorithm;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use crate::support::imports::{claim, users_csv};
use crate::support::muster::TestMuster;

/// Runs a statement that a CHECK refuses, and answers its name.
async fn refused_by(test: &TestMuster, statement: &str) -> String {
    let error = test.sql(statement).await.expect_err(statement);
    let error = error.as_database_error().expect("an answer of Postgres");
    assert!(error.is_check_violation(), "{statement}: {error}");
    error.constraint().expect("a name").to_owned()
}

#[tokio::test]
async fn jobs_that_cannot_be_are_refused() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.started(&pool, users_csv(["ann"])).await;
    let end = "completion_date = now(), completion_message = 'x'";
    let long = "x".repeat(MAX_COMPLETION_MESSAGE + 1);
    let start = "status = 'CREATED', start_date = NULL";
    let cases = [
        ("status = 'RUNNING'".to_owned(), "status_known"),
        (format!("status = 'FAILED', {end}"), "reason_when_failed"),
        (
            "failure_reason = 'NO_PROGRESS'".to_owned(),
            "reason_when_failed",
        ),
        (
            format!("status = 'STOPPED', failure_reason = 'NO_PROGRESS', {end}"),
            "reason_when_failed",
        ),
        ("status = 'SUCCEEDED'".to_owned(), "completed_when_terminal"),
        (end.to_owned(), "completed_when_terminal"),
        (
            "status = 'STOPPED', completion_date = now()".to_owned(),
            "message_when_terminal",
        ),
        (
            format!("status = 'STOPPED', completion_date = now(), completion_message = '{long}'"),
            "message_length",
        ),
        (
            "start_date = NULL".to_owned(),
            "started_unless_created_or_expired",
        ),
        (
            "status = 'CREATED'".to_owned(),
            "started_unless_created_or_expired",
        ),
        (
            format!("status = 'EXPIRED', {end}"),
            "started_unless_created_or_expired",
        ),
        ("total_bytes = NULL".to_owned(), "started_with_an_upload"),
        ("upload_object = NULL".to_owned(), "active_with_its_upload"),
        ("imported_users = -1".to_owned(), "counters_not_negative"),
        ("failed_users = -1".to_owned(), "counters_not_negative"),
        ("deletion_date = now()".to_owned(), "deleted_only_at_rest"),
        (
            "max_rejected_percent = 101".to_owned(),
            "max_rejected_percent_range",
        ),
        ("job_name = ''".to_owned(), "job_name_length"),
        ("upload_blake3 = '\\x00'".to_owned(), "blake3_has_32_bytes"),
        ("trace_parent = '00-x'".to_owned(), "trace_parent_form"),
        (
            format!(
                "trace_parent = '00-{}-{}-01'",
                "A".repeat(32),
                "1".repeat(16)
            ),
            "trace_parent_form",
        ),
        (
            "password_hashing_algorithm = 'MD5'".to_owned(),
            "password_hashing_algorithm_known",
        ),
    ];
    for (change, check) in cases {
        let statement = format!("UPDATE user_import_jobs SET {change}");
        assert_eq!(refused_by(&test, &statement).await, check, "{change}");
    }
    // The way back that no transition takes would be a row that can be.
    test.sql(&format!("UPDATE user_import_jobs SET {start}"))
        .await
        .expect("a job that is CREATED");
    assert_eq!(test.status(&job).await, JobStatus::Created);
}

#[tokio::test]
async fn lanes_reports_users_and_pools_that_cannot_be_are_refused() {
    let test = TestMuster::new();
    test.started(&test.pool().await, users_csv(["ann"])).await;
    test.scheduler().dispatch_tick().await.expect("a dispatch");
    claim(&test.db).await.expect("the job");
    let report = "INSERT INTO rejected_lines
        VALUES ('local_1', gen_random_uuid(), 1, 'X', NULL, '{0}')";
    for (statement, check) in [
        ("UPDATE import_lanes SET lease_token = NULL", "lease_whole"),
        ("UPDATE import_lanes SET lease_worker = NULL", "lease_whole"),
        (
            "UPDATE import_lanes SET lease_expires_at = NULL",
            "lease_whole",
        ),
        (
            "UPDATE import_lanes SET checkpoint_bytes = -1",
            "checkpoint_not_negative",
        ),
        (
            "UPDATE import_lanes SET checkpoint_line = 0",
            "checkpoint_not_negative",
        ),
        (
            "UPDATE import_lanes SET skipped_users = -1",
            "counters_not_negative",
        ),
        (
            "UPDATE import_lanes SET lane = -1 - lane",
            "lane_not_negative",
        ),
        (report, "line_after_header"),
        (
            "UPDATE user_pools SET import_job_count = -1",
            "import_job_count_not_negative",
        ),
        (
            "UPDATE user_pools SET alias_attributes = '{name}'",
            "alias_attributes_known",
        ),
        (
            "UPDATE user_pools SET mfa_configuration = ''",
            "mfa_configuration_known",
        ),
        ("UPDATE user_pools SET pool_name = ''", "pool_name_length"),
    ] {
        assert_eq!(refused_by(&test, statement).await, check, "{statement}");
    }
}

/// The words in quotes of a CHECK, as Postgres wrote it down.
async fn words_of(test: &TestMuster, check: &str) -> Vec<String> {
    let definition: String = sqlx::query_scalar(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1",
    )
    .bind(check)
    .fetch_one(&mut test.connection().await)
    .await
    .unwrap_or_else(|e| panic!("{check}: {e}"));
    let mut words: Vec<String> = definition
        .split('\'')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    words.sort();
    words
}

fn sorted<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    words.sort();
    words
}

#[tokio::test]
async fn the_words_of_the_checks_are_those_of_the_domain() {
    let test = TestMuster::new();
    let statuses = |keep: fn(JobStatus) -> bool| {
        sorted(
            JobStatus::ALL
                .into_iter()
                .filter(|s| keep(*s))
                .map(JobStatus::as_str),
        )
    };
    let verifiable = [VerifiableAttribute::Email, VerifiableAttribute::PhoneNumber];
    let aliases = [
        AliasAttribute::Email,
        AliasAttribute::PhoneNumber,
        AliasAttribute::PreferredUsername,
    ];
    let mfa = [
        MfaConfiguration::Off,
        MfaConfiguration::Optional,
        MfaConfiguration::On,
    ];
    for (check, words) in [
        ("status_known", statuses(|_| true)),
        ("completed_when_terminal", statuses(JobStatus::is_terminal)),
        ("deleted_only_at_rest", statuses(JobStatus::is_active)),
        (
            "started_unless_created_or_expired",
            statuses(|s| {
                // Where no Start leads to.
                s == JobStatus::Created || Transition::Expire.to() == s
            }),
        ),
        (
            "active_with_its_upload",
            statuses(|s| Transition::GiveUp.from().contains(&s)),
        ),
        (
            "reason_when_failed",
            sorted([Transition::GiveUp.to().as_str()]),
        ),
        (
            "password_hashing_algorithm_known",
            sorted(PasswordHashingAlgorithm::ALL.map(PasswordHashingAlgorithm::as_str)),
        ),
        (
            "auto_verified_attributes_known",
            sorted(verifiable.map(VerifiableAttribute::as_str)),
        ),
        (
            "username_attributes_known",
            sorted(verifiable.map(VerifiableAttribute::as_str)),
        ),
        (
            "alias_attributes_known",
            sorted(aliases.map(AliasAttribute::as_str)),
        ),
        (
            "mfa_configuration_known",
            sorted(mfa.map(MfaConfiguration::as_str)),
        ),
    ] {
        assert_eq!(words_of(&test, check).await, words, "{check}");
    }
}

#[tokio::test]
async fn every_table_and_column_says_what_it_is() {
    let test = TestMuster::new();
    let rows = sqlx::query(
        "SELECT c.relname::text AS \"table\", a.attname::text AS \"column\",
             obj_description(c.oid, 'pg_class') AS about_table,
             col_description(c.oid, a.attnum) AS about_column
         FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
           AND c.relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut test.connection().await)
    .await
    .expect("the columns");
    assert!(rows.len() > 80, "{} columns", rows.len());
    for row in rows {
        let (table, column): (String, String) = (row.get("table"), row.get("column"));
        for about in ["about_table", "about_column"] {
            let comment: Option<String> = row.get(about);
            let comment = comment.unwrap_or_default();
            assert!(
                comment.ends_with('.'),
                "{table}.{column}: {about}: {comment:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_pool_is_in_every_key_and_leads_them() {
    let test = TestMuster::new();
    let keys: Vec<(String, Vec<String>)> = sqlx::query_as(
        "SELECT x.indexrelid::regclass::text,
             ARRAY(SELECT attname::text FROM UNNEST(x.indkey) WITH ORDINALITY AS k (number, place)
                 JOIN pg_attribute ON attrelid = x.indrelid AND attnum = number ORDER BY place)
         FROM pg_index x
         JOIN pg_class c ON c.oid = x.indrelid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> '_sqlx_migrations'
           AND x.indisunique",
    )
    .fetch_all(&mut test.connection().await)
    .await
    .expect("the keys");
    assert!(keys.len() >= 8, "{keys:?}");
    for (index, columns) in keys {
        let place = columns.iter().position(|c| c == "user_pool_id");
        assert_eq!(place, Some(0), "{index}: {columns:?}");
    }
}

/// The order of a language is slow, and may change with the C library under an
/// index: then it no longer keeps a username from being taken twice.
#[tokio::test]
async fn every_key_is_compared_by_its_bytes() {
    let test = TestMuster::new();
    let keys: Vec<(String, String)> = sqlx::query_as(
        "SELECT x.indexrelid::regclass::text, l.collname::text FROM pg_index x
         JOIN pg_class c ON c.oid = x.indrelid
         CROSS JOIN UNNEST(x.indcollation::oid[]) AS k (collation_id)
         JOIN pg_collation l ON l.oid = k.collation_id
         WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut test.connection().await)
    .await
    .expect("the keys");
    assert!(keys.len() > 10, "{} keys of text", keys.len());
    let others: Vec<_> = keys.iter().filter(|(_, order)| order != "C").collect();
    assert!(others.is_empty(), "{others:?}");
}

/// `migrations/README.md`: its checksum is kept in every database that has had
/// it, so that not even a comment of it may change.
#[test]
fn no_migration_is_edited_once_it_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let kept = fs::read_to_string(folder.join("SHA256SUMS")).expect("the checksums");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the migrations")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .collect();
    files.sort();
    let now: String = files
        .iter()
        .map(|path| {
            let sum = hex::encode(Sha256::digest(fs::read(path).expect("a migration")));
            format!("{sum}  {}\n", path.file_name().expect("a name").display())
        })
        .collect();
    assert_eq!(
        now, kept,
        "a new migration needs a line, no other may change"
    );
}

#[tokio::test]
async fn reports_of_single_rows_are_still_the_same_rows_in_crowds() {
    let test = TestMuster::new();
    let mut db = test.connection().await;
    // The table as migration 0015 finds it, in a schema of its own.
    let before = "CREATE SCHEMA before; SET search_path = before;
        CREATE TABLE rejected_rows (user_pool_id text NOT NULL, job_id uuid NOT NULL,
            line bigint NOT NULL, code text NOT NULL, column_name text, detail bigint);
        INSERT INTO rejected_rows
        SELECT 'local_' || n % 2, ('00000000-0000-7000-8000-00000000000' || n % 3)::uuid, 2 + n,
            CASE WHEN n % 5 = 0 THEN 'DUPLICATE_IN_FILE' ELSE 'INVALID_EMAIL' END,
            CASE WHEN n % 11 > 0 THEN 'email' END,
            CASE WHEN n % 5 = 0 THEN n END
        FROM generate_series(0, 9999) AS n;
        CREATE TABLE kept AS TABLE rejected_rows";
    let migration = include_str!("../../migrations/0015_reports_by_the_span.sql");
    let differences = "SELECT
        (SELECT count(*) FROM (TABLE kept EXCEPT TABLE rejected_rows) AS lost)
        + (SELECT count(*) FROM (TABLE rejected_rows EXCEPT TABLE kept) AS new)
        + abs((SELECT count(*) FROM kept) - (SELECT count(*) FROM rejected_rows))";
    for statements in [before, migration] {
        let done = sqlx::raw_sql(statements).execute(&mut db).await;
        done.expect("a migration");
    }
    let mut count = async |query: &'static str| -> i64 {
        let counted = sqlx::query_scalar(query).fetch_one(&mut db);
        counted.await.expect("a number")
    };
    assert_eq!(count(differences).await, 0);
    let crowds = count("SELECT count(*) FROM rejected_lines").await;
    assert!(crowds < 10_000 / 10, "{crowds}");
}
