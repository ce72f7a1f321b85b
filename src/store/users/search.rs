//! Searching the users of a pool.

use std::collections::BTreeMap;

use super::{KeyedUser, UserRow, select_users};
use crate::domain::error::Error;
use crate::domain::ids::UserPoolId;
use crate::domain::rules::username::username_key;
use crate::domain::user::{Comparison, SearchAttribute, UserFilter, UserStatus};
use crate::store::Database;

/// A filter, ready to be compared in a pool.
#[derive(Clone, Debug)]
pub struct Search {
    attribute: SearchAttribute,
    comparison: Comparison,
    value: String,
    case_sensitive: bool,
}

impl Search {
    /// What a filter means in a pool that is or is not case-sensitive.
    #[must_use]
    pub fn new(filter: &UserFilter, case_sensitive: bool) -> Self {
        let value = filter.value.as_str();
        let value = match filter.attribute {
            SearchAttribute::Username => username_key(value, case_sensitive).into_owned(),
            // Words of one case only.
            SearchAttribute::UserStatus => value.to_uppercase(),
            SearchAttribute::Sub => value.to_lowercase(),
            _ => value.to_owned(),
        };
        Self {
            attribute: filter.attribute,
            comparison: filter.comparison,
            value,
            case_sensitive,
        }
    }
}

/// Users of a pool that a search is for, by username key, from after a key.
/// A username is found by the primary key; for anything else the pool's users
/// are looked through: an index would be paid for by every row of every import.
///
/// # Errors
/// Unavailable without a database.
pub async fn search(
    db: &Database,
    pool: &UserPoolId,
    search: &Search,
    after: &str,
    limit: i64,
) -> Result<Vec<KeyedUser>, Error> {
    if search.attribute == SearchAttribute::Username && search.comparison == Comparison::Equals {
        return select_users!(
            "WHERE user_pool_id = $1 AND username_key = $2 AND username_key > $3",
            pool.as_str(),
            search.value,
            after
        )
        .fetch_all(&db.pool)
        .await?
        .into_iter()
        .map(KeyedUser::try_from)
        .collect();
    }
    select_users!(
        "CROSS JOIN LATERAL (SELECT CASE $4
             WHEN 'username' THEN username_key
             WHEN 'email' THEN CASE WHEN $5 THEN email ELSE lower(email) END
             WHEN 'phone_number' THEN phone_number
             WHEN 'name' THEN name
             WHEN 'given_name' THEN given_name
             WHEN 'family_name' THEN family_name
             WHEN 'preferred_username' THEN preferred_username
             WHEN 'cognito:user_status' THEN
                 CASE WHEN password_hash IS NULL THEN $8 ELSE $9 END
             WHEN 'status' THEN CASE WHEN enabled THEN 'Enabled' ELSE 'Disabled' END
             WHEN 'sub' THEN sub::text END) AS found (value)
         CROSS JOIN LATERAL (SELECT
             CASE WHEN $4 = 'email' AND NOT $5 THEN lower($6) ELSE $6 END) AS asked (wanted)
         WHERE user_pool_id = $1 AND username_key > $2
           AND CASE WHEN $7 THEN starts_with(value, wanted) ELSE value = wanted END
         ORDER BY username_key LIMIT $3",
        pool.as_str(),
        after,
        limit,
        search.attribute.as_str(),
        search.case_sensitive,
        search.value,
        search.comparison == Comparison::StartsWith,
        UserStatus::of(false).as_str(),
        UserStatus::of(true).as_str()
    )
    .fetch_all(&db.pool)
    .await?
    .into_iter()
    .map(KeyedUser::try_from)
    .collect()
}
