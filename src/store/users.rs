//! Users, for reading. How they get in is in [`super::bulk`].

mod search;

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Database, unsigned};
use crate::domain::attribute::{CUSTOM_PREFIX, MFA_ENABLED_COLUMN};
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::user::{User, UserStatus};

pub use search::{Search, search};

struct UserRow {
    username_key: String,
    username: String,
    sub: Uuid,
    has_password: bool,
    enabled: bool,
    user_create_date: OffsetDateTime,
    import_job_id: Uuid,
    import_line: i64,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    middle_name: Option<String>,
    nickname: Option<String>,
    preferred_username: Option<String>,
    profile: Option<String>,
    picture: Option<String>,
    website: Option<String>,
    email: Option<String>,
    email_verified: Option<bool>,
    gender: Option<String>,
    birthdate: Option<String>,
    zoneinfo: Option<String>,
    locale: Option<String>,
    phone_number: Option<String>,
    phone_number_verified: Option<bool>,
    address: Option<String>,
    updated_at: Option<i64>,
    mfa_enabled: Option<bool>,
    custom_attributes: Option<sqlx::types::Json<BTreeMap<String, String>>>,
}

/// All columns of a user that callers may see, and a tail.
macro_rules! select_users {
    ($tail:tt $(, $arg:expr)*) => {
        sqlx::query_as!(
            UserRow,
            r#"SELECT username_key, username, sub, password_hash IS NOT NULL AS "has_password!",
                   enabled, user_create_date, import_job_id, import_line, name, given_name,
                   family_name, middle_name, nickname, preferred_username, profile, picture, website, email,
                   email_verified, gender, birthdate, zoneinfo, locale, phone_number,
                   phone_number_verified, address, updated_at, mfa_enabled,
                   custom_attributes AS "custom_attributes: sqlx::types::Json<BTreeMap<String, String>>"
            FROM users "# + $tail
            $(, $arg)*
        )
    };
}

use select_users;

/// A user, and the key by which a listing goes on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedUser {
    /// What usernames are compared by.
    pub username_key: String,
    /// The user.
    pub user: User,
}

impl TryFrom<UserRow> for KeyedUser {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<Self, Error> {
        let word = |b: bool| b.to_string();
        let mut attributes: BTreeMap<String, String> = [
            ("name", row.name),
            ("given_name", row.given_name),
            ("family_name", row.family_name),
            ("middle_name", row.middle_name),
            ("nickname", row.nickname),
            ("preferred_username", row.preferred_username),
            ("profile", row.profile),
            ("picture", row.picture),
            ("website", row.website),
            ("email", row.email),
            ("email_verified", row.email_verified.map(word)),
            ("gender", row.gender),
            ("birthdate", row.birthdate),
            ("zoneinfo", row.zoneinfo),
            ("locale", row.locale),
            ("phone_number", row.phone_number),
            ("phone_number_verified", row.phone_number_verified.map(word)),
            ("address", row.address),
            ("updated_at", row.updated_at.map(|n| n.to_string())),
            (MFA_ENABLED_COLUMN, row.mfa_enabled.map(word)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
        for (name, value) in row.custom_attributes.map(|c| c.0).unwrap_or_default() {
            attributes.insert(format!("{CUSTOM_PREFIX}{name}"), value);
        }
        Ok(Self {
            username_key: row.username_key,
            user: User {
                username: row.username,
                sub: row.sub,
                user_status: UserStatus::of(row.has_password),
                enabled: row.enabled,
                attributes,
                user_create_date: row.user_create_date,
                import_job_id: JobId(row.import_job_id),
                import_line: unsigned(row.import_line)?,
            },
        })
    }
}

/// One user by its key.
///
/// # Errors
/// Unavailable without a database.
pub async fn get(db: &Database, pool: &UserPoolId, key: &str) -> Result<Option<User>, Error> {
    select_users!(
        "WHERE user_pool_id = $1 AND username_key = $2",
        pool.as_str(),
        key
    )
    .fetch_optional(&db.pool)
    .await?
    .map(|r| KeyedUser::try_from(r).map(|k| k.user))
    .transpose()
}

/// Users of a pool by username key, from after a key.
///
/// # Errors
/// Unavailable without a database.
pub async fn list(
    db: &Database,
    pool: &UserPoolId,
    after: &str,
    limit: i64,
) -> Result<Vec<KeyedUser>, Error> {
    select_users!(
        "WHERE user_pool_id = $1 AND username_key > $2 ORDER BY username_key LIMIT $3",
        pool.as_str(),
        after,
        limit
    )
    .fetch_all(&db.pool)
    .await?
    .into_iter()
    .map(KeyedUser::try_from)
    .collect()
}

/// One user by the key of an alias. Where two users go by it, one by its
/// e-mail address and one by its preferred username, say, the first of e-mail
/// address, phone number and preferred username decides.
///
/// # Errors
/// Unavailable without a database.
pub async fn get_by_alias(
    db: &Database,
    pool: &UserPoolId,
    key: &str,
) -> Result<Option<User>, Error> {
    select_users!(
        "WHERE user_pool_id = $1
           AND (email_alias = $2 OR phone_number_alias = $2 OR preferred_username_alias = $2)
         ORDER BY email_alias = $2 DESC NULLS LAST, phone_number_alias = $2 DESC NULLS LAST
         LIMIT 1",
        pool.as_str(),
        key
    )
    .fetch_optional(&db.pool)
    .await?
    .map(|r| KeyedUser::try_from(r).map(|k| k.user))
    .transpose()
}

/// The jobs that an estimate looks at: as many as a pool may have by default.
const COUNTED_JOBS: i64 = 1_000;

/// How many users a pool has: counted up to `exact`, and beyond it at least
/// as many as its latest jobs say that they brought.
///
/// # Errors
/// Unavailable without a database.
pub async fn estimate(db: &Database, pool: &UserPoolId, exact: i64) -> Result<u64, Error> {
    let counted = sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM
               (SELECT FROM users WHERE user_pool_id = $1
                ORDER BY username_key LIMIT $2) AS counted"#,
        pool.as_str(),
        exact
    )
    .fetch_one(&db.pool)
    .await?;
    if counted < exact {
        return unsigned(counted);
    }
    let brought = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(imported_users), 0)::bigint AS "n!" FROM
               ((SELECT imported_users FROM user_import_jobs WHERE user_pool_id = $1
                 ORDER BY job_id DESC LIMIT $2)
                UNION ALL
                SELECT imported_users FROM import_lanes WHERE user_pool_id = $1) AS brought"#,
        pool.as_str(),
        COUNTED_JOBS
    )
    .fetch_one(&db.pool)
    .await?;
    unsigned(counted.max(brought))
}
