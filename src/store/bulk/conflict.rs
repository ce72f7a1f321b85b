//! The path for collisions: `ON CONFLICT DO NOTHING`, and a look at what stood
//! in the way.

use time::OffsetDateTime;

use super::columns::UserColumns;
use super::rows::UserRows;
use crate::domain::attribute::StandardAttribute as A;
use crate::domain::error::{Error, Reason};
use crate::domain::rejection::{Rejection, RejectionCode};
use crate::store::lanes::JobKey;
use crate::store::{Transaction, unsigned};

/// Rows of one statement: as columns, and as what is sent, they take several
/// times the memory of the batch that they are of.
const AT_ONCE: usize = 5_000;

/// Inserts those rows of a batch that collide with no user that is there, in
/// the order given; answers why each of the others is rejected.
///
/// # Errors
/// Unavailable without a database, or when a user that stood in the way is
/// gone again: the batch is to be tried once more.
pub async fn insert_or_reject(
    tx: &mut Transaction,
    job: &JobKey,
    users: &UserRows,
    now: OffsetDateTime,
) -> Result<Vec<Rejection>, Error> {
    let mut rejections = Vec::new();
    for from in (0..users.len()).step_by(AT_ONCE) {
        let columns = users.columns(users.all().skip(from).take(AT_ONCE))?;
        rejections.append(&mut insert_some(tx, job, columns, now).await?);
    }
    Ok(rejections)
}

async fn insert_some(
    tx: &mut Transaction,
    job: &JobKey,
    u: UserColumns<'_>,
    now: OffsetDateTime,
) -> Result<Vec<Rejection>, Error> {
    let mut inserted = sqlx::query_scalar!(
        "INSERT INTO users (user_pool_id, import_job_id, user_create_date,
                 import_line, username_key, username, sub, name, given_name, family_name,
                 middle_name, nickname, preferred_username, profile, picture, website,
                 email, gender, birthdate, zoneinfo, locale, phone_number, address,
                 email_verified, phone_number_verified, updated_at, mfa_enabled,
                 custom_attributes, password_hash, email_alias, phone_number_alias,
                 preferred_username_alias)
             SELECT $1, $2, $3,
                 u.import_line, u.username_key, u.username, u.sub, u.name, u.given_name,
                 u.family_name, u.middle_name, u.nickname, u.preferred_username, u.profile,
                 u.picture, u.website, u.email, u.gender, u.birthdate, u.zoneinfo,
                 u.locale, u.phone_number, u.address, u.email_verified,
                 u.phone_number_verified, u.updated_at, u.mfa_enabled,
                 u.custom_attributes::jsonb, u.password_hash, u.email_alias,
                 u.phone_number_alias, u.preferred_username_alias
             FROM UNNEST(
                 $4::bigint[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[],
                 $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                 $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
                 $20::text[], $21::text[], $22::text[], $23::text[], $24::boolean[],
                 $25::boolean[], $26::bigint[], $27::boolean[], $28::text[], $29::text[],
                 $30::text[], $31::text[], $32::text[]
             ) AS u (
                 import_line, username_key, username, sub, name, given_name, family_name,
                 middle_name, nickname, preferred_username, profile, picture, website,
                 email, gender, birthdate, zoneinfo, locale, phone_number, address,
                 email_verified, phone_number_verified, updated_at, mfa_enabled,
                 custom_attributes, password_hash, email_alias, phone_number_alias,
                 preferred_username_alias
             )
             ON CONFLICT DO NOTHING RETURNING import_line",
        job.user_pool_id.as_str(),
        job.job_id.0,
        now,
        &u.import_line[..] as _,
        &u.username_key[..] as _,
        &u.username[..] as _,
        &u.sub[..] as _,
        u.text(A::Name) as _,
        u.text(A::GivenName) as _,
        u.text(A::FamilyName) as _,
        u.text(A::MiddleName) as _,
        u.text(A::Nickname) as _,
        u.text(A::PreferredUsername) as _,
        u.text(A::Profile) as _,
        u.text(A::Picture) as _,
        u.text(A::Website) as _,
        u.text(A::Email) as _,
        u.text(A::Gender) as _,
        u.text(A::Birthdate) as _,
        u.text(A::Zoneinfo) as _,
        u.text(A::Locale) as _,
        u.text(A::PhoneNumber) as _,
        u.text(A::Address) as _,
        &u.email_verified[..] as _,
        &u.phone_number_verified[..] as _,
        &u.updated_at[..] as _,
        &u.mfa_enabled[..] as _,
        &u.custom_attributes[..] as _,
        &u.password_hash[..] as _,
        &u.email_alias[..] as _,
        &u.phone_number_alias[..] as _,
        &u.preferred_username_alias[..] as _,
    )
    .fetch_all(tx.connection())
    .await?;
    if inserted.len() == u.len() {
        return Ok(Vec::new());
    }
    inserted.sort_unstable();
    let out: Vec<usize> = (0..u.len())
        .filter(|i| inserted.binary_search(&u.import_line[*i]).is_err())
        .collect();
    explain(tx, job, &u, &out).await
}

/// Says of each row at `out` which user stands in its way. Users that this job
/// made from a later line do not count: row by row, they were not there yet.
/// Each row is looked up by itself; as one join, Postgres may read the whole
/// pool for it when it takes the pool for small.
async fn explain(
    tx: &mut Transaction,
    job: &JobKey,
    users: &UserColumns<'_>,
    out: &[usize],
) -> Result<Vec<Rejection>, Error> {
    fn pick<T: Copy>(from: &[T], out: &[usize]) -> Vec<T> {
        out.iter().map(|i| from[*i]).collect()
    }
    let rows = sqlx::query!(
        r#"SELECT c.line AS "line!",
               EXISTS (SELECT 1 FROM users a WHERE a.user_pool_id = $1
                   AND a.email_alias = c.email_alias AND a.username_key <> c.username_key
                   AND NOT (a.import_job_id = $2 AND a.import_line > c.line)) AS "email!",
               EXISTS (SELECT 1 FROM users a WHERE a.user_pool_id = $1
                   AND a.phone_number_alias = c.phone_number_alias AND a.username_key <> c.username_key
                   AND NOT (a.import_job_id = $2 AND a.import_line > c.line)) AS "phone_number!",
               EXISTS (SELECT 1 FROM users a WHERE a.user_pool_id = $1
                   AND a.preferred_username_alias = c.preferred_username_alias AND a.username_key <> c.username_key
                   AND NOT (a.import_job_id = $2 AND a.import_line > c.line)) AS "preferred_username!",
               u.username_key IS NOT NULL AS "username!",
               CASE WHEN u.import_job_id = $2 THEN u.import_line END AS earlier_line
           FROM UNNEST($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
               AS c (line, username_key, email_alias, phone_number_alias, preferred_username_alias)
           LEFT JOIN LATERAL (
               SELECT username_key, import_job_id, import_line FROM users
               WHERE user_pool_id = $1 AND username_key = c.username_key
                 AND NOT (import_job_id = $2 AND import_line > c.line)
               LIMIT 1) u ON true"#,
        job.user_pool_id.as_str(),
        job.job_id.0,
        &pick(&users.import_line, out)[..] as _,
        &pick(&users.username_key, out)[..] as _,
        &pick(&users.email_alias, out)[..] as _,
        &pick(&users.phone_number_alias, out)[..] as _,
        &pick(&users.preferred_username_alias, out)[..] as _,
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|r| {
            let alias = if r.email {
                Some("email")
            } else if r.phone_number {
                Some("phone_number")
            } else if r.preferred_username {
                Some("preferred_username")
            } else {
                None
            };
            let (code, column, detail) = match (alias, r.username, r.earlier_line) {
                (Some(alias), ..) => (RejectionCode::AliasAlreadyExists, alias, None),
                (None, true, None) => (RejectionCode::UserAlreadyExists, USERNAME, None),
                (None, true, Some(line)) => (RejectionCode::DuplicateInFile, USERNAME, Some(line)),
                (None, false, _) => {
                    return Err(Error::unavailable(
                        Reason::DatabaseUnavailable,
                        "A user that stood in the way of a row is gone again.",
                    ));
                }
            };
            Ok(Rejection {
                line: unsigned(r.line)?,
                code,
                column: Some(column.into()),
                detail: detail.map(unsigned).transpose()?,
            })
        })
        .collect()
}

const USERNAME: &str = crate::domain::attribute::USERNAME_COLUMN;
