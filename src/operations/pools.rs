//! Create, describe, list and delete user pools; the CSV header of one.

use std::collections::BTreeSet;

use super::Muster;
use super::fields::{Fields, Page};
use super::tokens::{self, Listing};
use crate::domain::attribute::{
    AliasAttribute, CUSTOM_PREFIX, StandardAttribute, VerifiableAttribute,
};
use crate::domain::error::{Constraint, Error, Reason};
use crate::domain::ids::UserPoolId;
use crate::domain::pool::{
    AttributeDataType, CustomAttribute, MfaConfiguration, PoolSchema, UserPool,
};
use crate::domain::principal::{Pools, Principal, Role};
use crate::store;
use crate::store::pools::Deletion;

/// Most custom attributes of a pool (Cognito's limit).
const MAX_CUSTOM_ATTRIBUTES: usize = 50;
/// As many users are counted one by one (some tens of milliseconds).
const COUNTED_USERS: i64 = 100_000;
const VERIFIABLE: &[&str] = &["email", "phone_number"];
const ALIASES: &[&str] = &["email", "phone_number", "preferred_username"];

/// A request for a new pool.
#[derive(Clone, Debug, Default)]
#[expect(
    missing_docs,
    reason = "documented at the message of the same name in proto/"
)]
pub struct CreatePool {
    pub pool_name: String,
    pub auto_verified_attributes: Vec<String>,
    pub alias_attributes: Vec<String>,
    pub username_attributes: Vec<String>,
    pub custom_attributes: Vec<CustomAttribute>,
    pub required_attributes: Vec<String>,
    pub mfa_configuration: MfaConfiguration,
    pub case_sensitive: bool,
}

impl Muster {
    /// Makes a pool.
    ///
    /// # Errors
    /// Invalid argument, permission denied.
    pub async fn create_pool(
        &self,
        caller: &Principal,
        request: CreatePool,
    ) -> Result<UserPool, Error> {
        caller.authorise_everywhere(Role::Admin)?;
        let mut fields = Fields::default();
        fields.name("pool_name", &request.pool_name);
        let schema = schema(&mut fields, &request);
        fields.finish()?;
        let mut pool = UserPool {
            user_pool_id: self.new_pool_id(),
            pool_name: request.pool_name,
            schema,
            creation_date: self.0.clock.now(),
        };
        let muster = self.clone();
        self.detached(async move {
            loop {
                let mut tx = muster.0.db.begin("create_pool").await?;
                if store::pools::insert(&mut tx, &pool).await? {
                    tx.commit().await?;
                    tracing::info!(user_pool_id = %pool.user_pool_id, "pool created");
                    return Ok(pool);
                }
                // Nine letters and digits can be taken.
                pool.user_pool_id = muster.new_pool_id();
            }
        })
        .await
    }

    fn new_pool_id(&self) -> UserPoolId {
        UserPoolId::generate(&self.0.settings.region, self.0.ids.random())
    }

    /// Answers one pool.
    ///
    /// # Errors
    /// Invalid argument, not found.
    pub async fn describe_pool(&self, caller: &Principal, id: &str) -> Result<UserPool, Error> {
        let mut fields = Fields::default();
        let pool = fields.user_pool_id(id);
        let id = fields.finish_with(pool)?;
        self.pool(caller, Role::Reader, &id).await
    }

    /// Answers one pool, and about how many users it has: counted while they
    /// are few, and beyond that by what its jobs say that they brought.
    ///
    /// # Errors
    /// Invalid argument, not found.
    pub async fn describe_pool_with_users(
        &self,
        caller: &Principal,
        id: &str,
    ) -> Result<(UserPool, u64), Error> {
        let pool = self.describe_pool(caller, id).await?;
        let users = store::users::estimate(&self.0.db, &pool.user_pool_id, COUNTED_USERS).await?;
        Ok((pool, users))
    }

    /// Answers the columns of a pool's CSV files.
    ///
    /// # Errors
    /// Invalid argument, not found.
    pub async fn csv_header(&self, caller: &Principal, id: &str) -> Result<Vec<String>, Error> {
        Ok(self.describe_pool(caller, id).await?.schema.csv_header())
    }

    /// Answers a page of the pools that the caller may touch, newest first, and
    /// the next page's token.
    ///
    /// # Errors
    /// Invalid argument.
    pub async fn list_pools(
        &self,
        caller: &Principal,
        page: &Page,
    ) -> Result<(Vec<UserPool>, Option<String>), Error> {
        caller.require(Role::Reader)?;
        let mut fields = Fields::default();
        let size = fields.page_size(page.size);
        fields.finish()?;
        let listing = Listing {
            key: &self.0.key,
            name: &["pools"],
            size,
            token: page.token.as_deref(),
        };
        let after: Option<(i64, String)> = listing.after()?;
        let after = match &after {
            None => None,
            Some((micros, id)) => Some((tokens::date(*micros)?, id.as_str())),
        };
        let only: Option<Vec<String>> = match &caller.pools {
            Pools::All => None,
            Pools::Only(ids) => Some(ids.iter().map(ToString::to_string).collect()),
        };
        let pools = store::pools::list(&self.0.db, only.as_deref(), after, listing.limit()).await?;
        listing.page(pools, |p| {
            (
                tokens::micros(p.creation_date),
                p.user_pool_id.as_str().to_owned(),
            )
        })
    }

    /// Deletes a pool with all that is in it.
    ///
    /// # Errors
    /// Invalid argument, not found, permission denied, failed precondition.
    pub async fn delete_pool(&self, caller: &Principal, id: &str) -> Result<(), Error> {
        let mut fields = Fields::default();
        let pool = fields.user_pool_id(id);
        let id = fields.finish_with(pool)?;
        caller.authorise(Role::Admin, &id)?;
        let muster = self.clone();
        self.detached(async move {
            let mut tx = muster.0.db.begin("delete_pool").await?;
            match store::pools::delete(&mut tx, &id, muster.0.clock.now()).await? {
                Deletion::Deleted => {
                    tx.commit().await?;
                    tracing::info!(user_pool_id = %id, "pool deleted");
                    Ok(())
                }
                Deletion::Missing => Err(Error::user_pool_not_found(id.as_str())),
                Deletion::Busy => Err(Error::precondition(
                    Reason::UserImportInProgress,
                    "UserPool",
                    &id,
                    "A user import job of the user pool is in progress; stop it, or wait for its end.",
                )),
            }
        })
        .await
    }
}

/// Words of a list field, each once.
fn words<T: PartialEq>(
    fields: &mut Fields,
    field: &'static str,
    given: &[String],
    known: &'static [&'static str],
    parse: fn(&str) -> Option<T>,
) -> Vec<T> {
    let mut out = Vec::new();
    // Each word once is the most that can be right: a longer list is not gone
    // through, so that its faults do not take many times the memory it does.
    if given.len() > known.len() {
        let most = format!("must have at most {} entries", known.len());
        fields.refuse(field, None, Constraint::Other(most));
        return out;
    }
    for (i, word) in given.iter().enumerate() {
        match parse(word) {
            None => fields.refuse(format!("{field}[{i}]"), Some(word), Constraint::Enum(known)),
            Some(value) if out.contains(&value) => fields.refuse(
                format!("{field}[{i}]"),
                Some(word),
                Constraint::Other("is there twice".into()),
            ),
            Some(value) => out.push(value),
        }
    }
    out
}

const STANDARD: &[&str] = &{
    let mut names = [""; StandardAttribute::COUNT];
    let mut i = 0;
    while i < names.len() {
        names[i] = StandardAttribute::ALL[i].as_str();
        i += 1;
    }
    names
};

fn schema(fields: &mut Fields, request: &CreatePool) -> PoolSchema {
    let schema = PoolSchema {
        auto_verified_attributes: words(
            fields,
            "auto_verified_attributes",
            &request.auto_verified_attributes,
            VERIFIABLE,
            VerifiableAttribute::from_name,
        ),
        alias_attributes: words(
            fields,
            "alias_attributes",
            &request.alias_attributes,
            ALIASES,
            AliasAttribute::from_name,
        ),
        username_attributes: words(
            fields,
            "username_attributes",
            &request.username_attributes,
            VERIFIABLE,
            VerifiableAttribute::from_name,
        ),
        required_attributes: words(
            fields,
            "required_attributes",
            &request.required_attributes,
            STANDARD,
            StandardAttribute::from_name,
        ),
        custom_attributes: custom(fields, &request.custom_attributes),
        mfa_configuration: request.mfa_configuration,
        case_sensitive: request.case_sensitive,
    };
    if !schema.alias_attributes.is_empty() && !schema.username_attributes.is_empty() {
        fields.refuse(
            "alias_attributes",
            None,
            Constraint::Other("cannot be used together with username_attributes".into()),
        );
    }
    schema
}

fn custom(fields: &mut Fields, given: &[CustomAttribute]) -> Vec<CustomAttribute> {
    const FIELD: &str = "custom_attributes";
    if given.len() > MAX_CUSTOM_ATTRIBUTES {
        let most = format!("must have at most {MAX_CUSTOM_ATTRIBUTES} entries");
        fields.refuse(FIELD, None, Constraint::Other(most));
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    let mut out = Vec::with_capacity(given.len());
    for (i, attribute) in given.iter().enumerate() {
        let mut attribute = attribute.clone();
        // Cognito answers names with the prefix; callers may send them so.
        if let Some(bare) = attribute.name.strip_prefix(CUSTOM_PREFIX) {
            attribute.name = bare.to_owned();
        }
        let name = attribute.name.as_str();
        let n = name.chars().count();
        if n == 0
            || n > CustomAttribute::MAX_NAME
            || !name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b))
        {
            fields.refuse(
                format!("{FIELD}[{i}].name"),
                Some(name),
                Constraint::Pattern("[0-9A-Za-z_.:-]{1,20}"),
            );
        } else if !names.insert(name.to_owned()) {
            fields.refuse(
                format!("{FIELD}[{i}].name"),
                Some(name),
                Constraint::Other("is there twice".into()),
            );
        }
        bounds(fields, i, &attribute);
        out.push(attribute);
    }
    out
}

fn bounds(fields: &mut Fields, i: usize, attribute: &CustomAttribute) {
    let (min, max) = (attribute.minimum, attribute.maximum);
    let mut refuse =
        |bound: &str, rule| fields.refuse(format!("custom_attributes[{i}].{bound}"), None, rule);
    match attribute.data_type {
        AttributeDataType::Boolean | AttributeDataType::DateTime => {
            if min.is_some() || max.is_some() {
                refuse(
                    if min.is_some() { "minimum" } else { "maximum" },
                    Constraint::Other("applies to STRING and NUMBER only".into()),
                );
            }
        }
        AttributeDataType::String => {
            if min.is_some_and(|m| m < 0) {
                refuse("minimum", Constraint::Min(0));
            }
            if max.is_some_and(|m| m > CustomAttribute::MAX_LENGTH) {
                refuse("maximum", Constraint::Max(CustomAttribute::MAX_LENGTH));
            }
        }
        AttributeDataType::Number => {}
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        refuse("minimum", Constraint::Max(max));
    }
}
