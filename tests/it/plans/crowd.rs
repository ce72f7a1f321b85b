//! A database with a million users and a million jobs that have ended, and
//! some of all the rest.

use sqlx::{AssertSqlSafe, PgConnection};

/// A pool that statements are tried on, and things of it by which they ask.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub pool: &'static str,
    pub job: &'static str,
}

/// A million users and jobs; the job has ended, with many rejected rows.
pub const BIG: Subject = Subject {
    pool: "local_big",
    job: "00000000-0000-7000-8000-000000500000",
};
/// Ten users, five jobs, one of which is being imported.
pub const SMALL: Subject = Subject {
    pool: "local_0000700",
    job: "00000000-0000-7000-9000-000000003502",
};
/// Every user goes by three aliases.
pub const ALIASES: Subject = Subject {
    pool: "local_aliases",
    job: "00000000-0000-7000-a000-000000000001",
};
pub const SUBJECTS: [Subject; 3] = [BIG, SMALL, ALIASES];

/// When things happened that have no time of their own.
pub const NOW: &str = "2026-03-01 12:00+00";
/// About half of the big pool's jobs are older.
pub const HALF_WAY: &str = "2025-03-20 12:00+00";
/// A token that some lanes are held by.
pub const TOKEN: &str = "00000000-0000-4000-8000-000000000001";

/// The pool that was there before all others, and its job and users.
const FIRST: &[&str] = &[
    "INSERT INTO user_pools (user_pool_id, pool_name, creation_date)
     SELECT 'local_first' || CASE WHEN n > 1 THEN n::text ELSE '' END, 'first', '2020-01-01'
     FROM generate_series(1, 50) AS n",
    "INSERT INTO users (user_pool_id, username_key, username, sub,
         user_create_date, import_job_id, import_line)
     SELECT 'local_first', 'u' || n, 'u' || n, gen_random_uuid(),
         '2020-01-01', '00000000-0000-7000-b000-000000000001', n + 1
     FROM generate_series(1, 1000) AS n",
    "INSERT INTO user_import_jobs (user_pool_id, job_id, job_name, status,
         max_rejected_percent, creation_date, expires_at, start_date, total_bytes,
         completion_date, completion_message)
     SELECT 'local_first', ('00000000-0000-7000-b000-' || lpad(n::text, 12, '0'))::uuid,
         'job', 'SUCCEEDED', 50, '2020-01-01', '2020-01-02', '2020-01-01', 10,
         '2020-01-01', 'done'
     FROM generate_series(1, 10) AS n",
    "INSERT INTO rejected_lines (user_pool_id, job_id, first_line, code, offsets)
     SELECT 'local_first', '00000000-0000-7000-b000-000000000001', n, 'INVALID_EMAIL', '{0}'
     FROM generate_series(2, 100) AS n",
    "INSERT INTO request_ids (user_pool_id, request_id, fingerprint, job_id, creation_date)
     SELECT 'local_first', gen_random_uuid(), '\\x00',
         '00000000-0000-7000-b000-000000000001', '2026-03-01'
     FROM generate_series(1, 10) AS n",
];

/// Pools: two of the subjects, 2,000 small ones, some that are deleted.
const POOLS: &str = "INSERT INTO user_pools (user_pool_id, pool_name, auto_verified_attributes,
         alias_attributes, creation_date, deletion_date)
     SELECT p, 'pool', '{email}'::text[], '{}'::text[], d, CASE WHEN n > 1990 THEN d END
     FROM generate_series(1, 2000) AS n,
         LATERAL (SELECT 'local_' || lpad(n::text, 7, '0'),
             timestamptz '2025-01-01' + n * interval '1 hour') AS t (p, d)
     UNION ALL
     SELECT 'local_big', 'big', '{email}', '{}', '2024-01-01', NULL
     UNION ALL
     SELECT 'local_aliases', 'aliases', '{email}', '{email,phone_number,preferred_username}',
         '2024-01-02', NULL";

const USERS: &[&str] = &[
    "INSERT INTO users (user_pool_id, username_key, username, sub,
         user_create_date, import_job_id, import_line, email_alias)
     SELECT 'local_big', k, k, '00000000-0000-4000-8000-000000000000',
         '2026-01-01', '00000000-0000-7000-8000-000000500000', n + 1, 'mail-' || n || '@example.com'
     FROM generate_series(1, 1000000) AS n,
         LATERAL (SELECT 'user-' || lpad(n::text, 7, '0')) AS u (k)",
    "INSERT INTO users (user_pool_id, username_key, username, sub,
         user_create_date, import_job_id, import_line)
     SELECT 'local_' || lpad(n::text, 7, '0'), k, k, gen_random_uuid(),
         '2026-01-01', '00000000-0000-7000-9000-000000003500', i + 1
     FROM generate_series(1, 2000) AS n, generate_series(1, 10) AS i,
         LATERAL (SELECT 'user-' || lpad(i::text, 7, '0')) AS u (k)",
    "INSERT INTO users (user_pool_id, username_key, username, sub,
         user_create_date, import_job_id, import_line,
         email_alias, phone_number_alias, preferred_username_alias)
     SELECT 'local_aliases', k, k, gen_random_uuid(),
         '2026-01-01', '00000000-0000-7000-a000-000000000001', n + 1,
         'mail-' || n || '@example.com', '+49' || 1000000 + n, 'name-' || n
     FROM generate_series(1, 50000) AS n,
         LATERAL (SELECT 'user-' || lpad(n::text, 7, '0')) AS u (k)",
];

const JOBS: &[&str] = &[
    // A job a minute; the last ones still have their uploads.
    "INSERT INTO user_import_jobs (user_pool_id, job_id, job_name, status,
         max_rejected_percent, creation_date, expires_at, start_date, total_bytes,
         completion_date, completion_message, upload_object, upload_purge_at)
     SELECT 'local_big', ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
         'job', 'SUCCEEDED', 50, d, d, d, 10, d, 'done',
         CASE WHEN n > 990000 THEN 'object' END,
         CASE WHEN n > 990000 THEN d + interval '6 days 22 hours' END
     FROM generate_series(1, 1000000) AS n,
         LATERAL (SELECT timestamptz '2026-03-01 12:00+00' - (1000000 - n) * interval '1 minute')
             AS t (d)",
    // Five a pool: one that waits for its file, one that is queued, and in one
    // pool of twenty two that are being imported and one that stops. Those of
    // the last pools are deleted.
    "INSERT INTO user_import_jobs (user_pool_id, job_id, job_name, status,
         max_rejected_percent, creation_date, expires_at, start_date, total_bytes,
         upload_object, completion_date, completion_message, deletion_date)
     SELECT 'local_' || lpad(p::text, 7, '0'),
         ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, 'job', status, 50, d,
         d + interval '1 day', CASE WHEN status NOT IN ('CREATED', 'EXPIRED') THEN d END, 10,
         'object', CASE WHEN status = 'EXPIRED' THEN d END,
         CASE WHEN status = 'EXPIRED' THEN 'too late' END,
         CASE WHEN p > 1980 THEN d END
     FROM generate_series(1, 2000) AS p, generate_series(0, 4) AS i,
         LATERAL (SELECT p * 5 + i, timestamptz '2026-02-28 11:00+00' + p * interval '1 minute',
             CASE WHEN p > 1900 OR i > 1 AND p % 20 > 0 THEN 'EXPIRED'
                 ELSE (ARRAY['CREATED', 'PENDING', 'IN_PROGRESS', 'IN_PROGRESS', 'STOPPING'])[i + 1]
             END) AS t (n, d, status)",
    "INSERT INTO user_import_jobs (user_pool_id, job_id, job_name, max_rejected_percent,
         creation_date, expires_at)
     VALUES ('local_aliases', '00000000-0000-7000-a000-000000000001', 'job', 50,
         '2026-03-01', '2026-03-02')",
    // Four lanes for each; some are held, some done, some got nowhere.
    "INSERT INTO import_lanes (user_pool_id, job_id, lane, finished, fruitless_claims,
         lease_token, lease_worker, lease_expires_at)
     SELECT user_pool_id, job_id, lane, n % 4 = 1, CASE WHEN n % 16 = 2 THEN 5 ELSE 0 END,
         CASE WHEN held THEN '00000000-0000-4000-8000-000000000001'::uuid END,
         CASE WHEN held THEN gen_random_uuid() END,
         CASE WHEN held THEN clock_timestamp() + interval '1 hour' END
     FROM (SELECT user_pool_id, job_id, row_number() OVER () AS n FROM user_import_jobs
               WHERE status IN ('IN_PROGRESS', 'STOPPING')) AS j,
         LATERAL (SELECT n % 4 IN (0, 3)) AS h (held), generate_series(0, 3) AS lane",
    "INSERT INTO rejected_lines (user_pool_id, job_id, first_line, code, column_name, offsets)
     SELECT 'local_big', ('00000000-0000-7000-8000-' || lpad(j::text, 12, '0'))::uuid, n,
         'INVALID_EMAIL', 'email', '{0}'
     FROM generate_series(500000, 500009) AS j, generate_series(2, 20000) AS n",
    "INSERT INTO rejected_lines (user_pool_id, job_id, first_line, code, column_name, offsets)
     SELECT user_pool_id, job_id, n, 'INVALID_EMAIL', 'email', '{0}'
     FROM user_import_jobs, generate_series(2, 9) AS n
     WHERE status IN ('IN_PROGRESS', 'EXPIRED')",
    "INSERT INTO request_ids (user_pool_id, request_id, fingerprint, job_id, creation_date)
     SELECT CASE WHEN n % 2 = 0 THEN 'local_big' ELSE 'local_' || lpad((1 + n % 2000)::text, 7, '0') END,
         ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, '\\x00',
         '00000000-0000-7000-8000-000000500000',
         timestamptz '2026-03-01 12:00+00' - n * interval '10 minutes'
     FROM generate_series(1, 100000) AS n",
    "INSERT INTO uploads_to_sweep (user_pool_id, job_id, expires_at)
     SELECT 'local_big', ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
         timestamptz '2026-03-01 12:00+00' + (n - 500000) * interval '1 minute'
     FROM generate_series(400000, 600000) AS n",
];

/// What the database knows of a table that it never looked at: of those that an
/// import fills. The others grow by a row a call.
const REMEMBER: &str = "CREATE TEMP TABLE unknown AS
    SELECT oid, relpages, reltuples FROM pg_class
    WHERE relname ~ '^(users|rejected_lines|import_lanes)'";
const FORGET: &[&str] = &[
    "DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM unknown)",
    "UPDATE pg_class c SET relpages = u.relpages, reltuples = u.reltuples
     FROM unknown u WHERE u.oid = c.oid",
];

/// Makes the first pool, and has the database look at its tables.
pub async fn begin(connection: &mut PgConnection) {
    // Statistics are made when this test says so.
    for table in TABLES {
        run(
            connection,
            format!("ALTER TABLE {table} SET (autovacuum_enabled = off)"),
        )
        .await;
    }
    // What is tried is how rows are found, also where none may be changed.
    run(
        connection,
        "ALTER TABLE user_import_jobs DROP CONSTRAINT deleted_only_at_rest".to_owned(),
    )
    .await;
    run(connection, REMEMBER.to_owned()).await;
    run_all(connection, FIRST).await;
    run(connection, format!("ANALYZE {}", TABLES.join(", "))).await;
}

/// Takes all statistics away.
pub async fn forget(connection: &mut PgConnection) {
    for statement in FORGET {
        run(connection, (*statement).to_owned()).await;
    }
}

/// Makes fresh statistics.
pub async fn take_stock(connection: &mut PgConnection) {
    let tables = TABLES.join(", ");
    run(connection, format!("VACUUM (ANALYZE) {tables}")).await;
}

/// Adds the crowd over two connections at once.
pub async fn fill(one: &mut PgConnection, other: &mut PgConnection) {
    run(one, POOLS.to_owned()).await;
    tokio::join!(run_all(one, USERS), run_all(other, JOBS));
}

/// All of muster's tables.
const TABLES: [&str; 7] = [
    "user_pools",
    "users",
    "user_import_jobs",
    "import_lanes",
    "rejected_lines",
    "request_ids",
    "uploads_to_sweep",
];

async fn run_all(connection: &mut PgConnection, statements: &[&str]) {
    // No look at a foreign key for each of a million rows.
    run(
        connection,
        "SET session_replication_role = replica".to_owned(),
    )
    .await;
    for statement in statements {
        run(connection, (*statement).to_owned()).await;
    }
    run(connection, "RESET session_replication_role".to_owned()).await;
}

pub async fn run(connection: &mut PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement.clone()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}
