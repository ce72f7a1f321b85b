//! User pools.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::{Database, Transaction, unknown_word};
use crate::domain::attribute::{AliasAttribute, StandardAttribute, VerifiableAttribute};
use crate::domain::error::Error;
use crate::domain::ids::UserPoolId;
use crate::domain::pool::{CustomAttribute, MfaConfiguration, PoolSchema, UserPool};

struct PoolRow {
    user_pool_id: String,
    pool_name: String,
    auto_verified_attributes: Vec<String>,
    alias_attributes: Vec<String>,
    username_attributes: Vec<String>,
    required_attributes: Vec<String>,
    custom_attributes: sqlx::types::Json<Vec<CustomAttribute>>,
    mfa_configuration: String,
    case_sensitive: bool,
    creation_date: OffsetDateTime,
}

/// All columns of a pool, and a tail.
macro_rules! select_pools {
    ($tail:tt $(, $arg:expr)*) => {
        sqlx::query_as!(
            PoolRow,
            r#"SELECT user_pool_id, pool_name, auto_verified_attributes, alias_attributes,
                   username_attributes, required_attributes,
                   custom_attributes AS "custom_attributes: sqlx::types::Json<Vec<CustomAttribute>>",
                   mfa_configuration, case_sensitive, creation_date
            FROM user_pools "# + $tail
            $(, $arg)*
        )
    };
}

fn known<T>(words: Vec<String>, parse: fn(&str) -> Option<T>) -> Result<Vec<T>, Error> {
    words
        .iter()
        .map(|w| parse(w).ok_or_else(|| unknown_word("user_pools")))
        .collect()
}

impl TryFrom<PoolRow> for UserPool {
    type Error = Error;

    fn try_from(row: PoolRow) -> Result<Self, Error> {
        Ok(Self {
            user_pool_id: UserPoolId::parse(&row.user_pool_id)
                .ok_or_else(|| unknown_word("user_pool_id"))?,
            pool_name: row.pool_name,
            schema: PoolSchema {
                auto_verified_attributes: known(
                    row.auto_verified_attributes,
                    VerifiableAttribute::from_name,
                )?,
                alias_attributes: known(row.alias_attributes, AliasAttribute::from_name)?,
                username_attributes: known(
                    row.username_attributes,
                    VerifiableAttribute::from_name,
                )?,
                custom_attributes: row.custom_attributes.0,
                required_attributes: known(row.required_attributes, StandardAttribute::from_name)?,
                mfa_configuration: MfaConfiguration::from_name(&row.mfa_configuration)
                    .ok_or_else(|| unknown_word("mfa_configuration"))?,
                case_sensitive: row.case_sensitive,
            },
            creation_date: row.creation_date,
        })
    }
}

/// Adds a pool. Answers false when its id is taken.
///
/// # Errors
/// Unavailable without a database.
pub async fn insert(tx: &mut Transaction, pool: &UserPool) -> Result<bool, Error> {
    let s = &pool.schema;
    let words = |w: Vec<&'static str>| w.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let done = sqlx::query!(
        "INSERT INTO user_pools (user_pool_id, pool_name, auto_verified_attributes,
             alias_attributes, username_attributes, required_attributes, custom_attributes,
             mfa_configuration, case_sensitive, creation_date)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT DO NOTHING",
        pool.user_pool_id.as_str(),
        pool.pool_name,
        &words(
            s.auto_verified_attributes
                .iter()
                .map(|a| a.as_str())
                .collect()
        ),
        &words(s.alias_attributes.iter().map(|a| a.as_str()).collect()),
        &words(s.username_attributes.iter().map(|a| a.as_str()).collect()),
        &words(s.required_attributes.iter().map(|a| a.as_str()).collect()),
        sqlx::types::Json(&s.custom_attributes) as _,
        s.mfa_configuration.as_str(),
        s.case_sensitive,
        pool.creation_date,
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One pool, unless it is deleted.
///
/// # Errors
/// Unavailable without a database.
pub async fn get(db: &Database, id: &UserPoolId) -> Result<Option<UserPool>, Error> {
    get_by(&db.pool, id).await
}

/// The same, by a connection of the caller's choice.
pub(super) async fn get_by(
    executor: impl PgExecutor<'_>,
    id: &UserPoolId,
) -> Result<Option<UserPool>, Error> {
    select_pools!(
        "WHERE user_pool_id = $1 AND deletion_date IS NULL",
        id.as_str()
    )
    .fetch_optional(executor)
    .await?
    .map(UserPool::try_from)
    .transpose()
}

/// One pool, held against deletion until the transaction ends.
///
/// # Errors
/// Unavailable without a database.
pub async fn hold(tx: &mut Transaction, id: &UserPoolId) -> Result<Option<UserPool>, Error> {
    select_pools!(
        "WHERE user_pool_id = $1 AND deletion_date IS NULL FOR SHARE",
        id.as_str()
    )
    .fetch_optional(tx.connection())
    .await?
    .map(UserPool::try_from)
    .transpose()
}

/// Pools that are not deleted, newest first, from after a position. `only`
/// limits them to those ids.
///
/// # Errors
/// Unavailable without a database.
pub async fn list(
    db: &Database,
    only: Option<&[String]>,
    after: Option<(OffsetDateTime, &str)>,
    limit: i64,
) -> Result<Vec<UserPool>, Error> {
    // Before the first pool comes a position that is newer than all.
    let (date, id) = after.unzip();
    let rows = match only {
        None => {
            select_pools!(
                "WHERE deletion_date IS NULL
                   AND (creation_date, user_pool_id) < (coalesce($1::timestamptz, 'infinity'), coalesce($2, ''))
                 ORDER BY creation_date DESC, user_pool_id DESC LIMIT $3",
                date,
                id,
                limit
            )
            .fetch_all(&db.pool)
            .await?
        }
        Some(only) => {
            select_pools!(
                "WHERE deletion_date IS NULL AND user_pool_id = ANY($4)
                   AND (creation_date, user_pool_id) < (coalesce($1::timestamptz, 'infinity'), coalesce($2, ''))
                 ORDER BY creation_date DESC, user_pool_id DESC LIMIT $3",
                date,
                id,
                limit,
                only
            )
            .fetch_all(&db.pool)
            .await?
        }
    };
    rows.into_iter().map(UserPool::try_from).collect()
}

/// What became of a request to delete a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// Done.
    Deleted,
    /// There is no such pool.
    Missing,
    /// One of its jobs is PENDING, IN_PROGRESS or STOPPING.
    Busy,
}

/// Hides a pool, for the purge to remove.
///
/// # Errors
/// Unavailable without a database.
pub async fn delete(
    tx: &mut Transaction,
    id: &UserPoolId,
    now: OffsetDateTime,
) -> Result<Deletion, Error> {
    let held = sqlx::query!(
        "SELECT user_pool_id FROM user_pools
         WHERE user_pool_id = $1 AND deletion_date IS NULL FOR UPDATE",
        id.as_str()
    )
    .fetch_optional(tx.connection())
    .await?;
    if held.is_none() {
        return Ok(Deletion::Missing);
    }
    let busy = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM user_import_jobs
               WHERE user_pool_id = $1 AND status IN ('PENDING', 'IN_PROGRESS', 'STOPPING')) AS "busy!""#,
        id.as_str()
    )
    .fetch_one(tx.connection())
    .await?;
    if busy {
        return Ok(Deletion::Busy);
    }
    sqlx::query!(
        "UPDATE user_pools SET deletion_date = $2 WHERE user_pool_id = $1",
        id.as_str(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(Deletion::Deleted)
}

/// What became of a request for room for one more job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobSlot {
    /// The job is counted.
    Taken,
    /// There is no such pool.
    Missing,
    /// The pool holds as many jobs as it may.
    Full,
}

/// Counts one more job of a pool, unless that would be more than `limit`.
///
/// # Errors
/// Unavailable without a database.
pub async fn take_job_slot(
    tx: &mut Transaction,
    id: &UserPoolId,
    limit: u32,
) -> Result<JobSlot, Error> {
    let count = sqlx::query_scalar!(
        "SELECT import_job_count FROM user_pools
         WHERE user_pool_id = $1 AND deletion_date IS NULL FOR NO KEY UPDATE",
        id.as_str()
    )
    .fetch_optional(tx.connection())
    .await?;
    match count {
        None => return Ok(JobSlot::Missing),
        Some(count) if i64::from(count) >= i64::from(limit) => return Ok(JobSlot::Full),
        Some(_) => {}
    }
    sqlx::query!(
        "UPDATE user_pools SET import_job_count = import_job_count + 1 WHERE user_pool_id = $1",
        id.as_str()
    )
    .execute(tx.connection())
    .await?;
    Ok(JobSlot::Taken)
}

/// Counts one job of a pool less. A pool that has none is left alone: there is
/// no job to be deleted either, which is for the caller to find.
///
/// # Errors
/// Unavailable without a database.
pub async fn free_job_slot(tx: &mut Transaction, id: &UserPoolId) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE user_pools SET import_job_count = import_job_count - 1
         WHERE user_pool_id = $1 AND import_job_count > 0",
        id.as_str()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
