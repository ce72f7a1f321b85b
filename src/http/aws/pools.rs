//! User pools, and the CSV header of one.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::schema::{self, AskedAttribute, Attribute};
use super::{seconds, violation};
use crate::domain::error::Error;
use crate::domain::pool::{MfaConfiguration, UserPool};
use crate::domain::principal::Principal;
use crate::operations::pools::CreatePool;
use crate::operations::{Muster, Page};

/// ARNs name an account, and muster has none: AWS's own placeholder.
const ACCOUNT: &str = "000000000000";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateRequest {
    pool_name: String,
    schema: Option<Vec<AskedAttribute>>,
    alias_attributes: Option<Vec<String>>,
    username_attributes: Option<Vec<String>>,
    auto_verified_attributes: Option<Vec<String>>,
    mfa_configuration: Option<String>,
    username_configuration: Option<UsernameConfiguration>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct UsernameConfiguration {
    case_sensitive: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedPool {
    user_pool_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRequest {
    max_results: i32,
    next_token: Option<String>,
}

/// AWS's `UserPoolType`, without what muster does not have.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pool {
    id: String,
    name: String,
    last_modified_date: f64,
    creation_date: f64,
    schema_attributes: Vec<Attribute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    auto_verified_attributes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alias_attributes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    username_attributes: Vec<&'static str>,
    mfa_configuration: &'static str,
    /// AWS's type is a 32-bit number.
    estimated_number_of_users: i32,
    username_configuration: UsernameConfiguration,
    arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OnePool {
    user_pool: Pool,
}

/// AWS's `UserPoolDescriptionType`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    id: String,
    name: String,
    last_modified_date: f64,
    creation_date: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Pools {
    user_pools: Vec<Description>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CsvHeader {
    user_pool_id: String,
    #[serde(rename = "CSVHeader")]
    csv_header: Vec<String>,
}

pub(super) async fn create(
    muster: &Muster,
    caller: &Principal,
    request: CreateRequest,
) -> Result<OnePool, Fault> {
    let asked = schema::read(request.schema.unwrap_or_default())?;
    let mfa = request.mfa_configuration.as_deref();
    let create = CreatePool {
        pool_name: request.pool_name,
        auto_verified_attributes: request.auto_verified_attributes.unwrap_or_default(),
        alias_attributes: request.alias_attributes.unwrap_or_default(),
        username_attributes: request.username_attributes.unwrap_or_default(),
        custom_attributes: asked.custom,
        required_attributes: asked.required,
        mfa_configuration: mfa.map(known).transpose()?.unwrap_or_default(),
        case_sensitive: request
            .username_configuration
            .is_some_and(|c| c.case_sensitive),
    };
    let places = asked.places;
    let created = muster
        .create_pool(caller, create)
        .await
        .map_err(|error| Fault::of(error, |field| places.member(field)))?;
    Ok(pool(created, 0))
}

/// The model has seen that it is one of them.
fn known(word: &str) -> Result<MfaConfiguration, Fault> {
    MfaConfiguration::from_name(word)
        .ok_or_else(|| Error::internal("the model has a word that muster lacks").into())
}

pub(super) async fn describe(
    muster: &Muster,
    caller: &Principal,
    named: NamedPool,
) -> Result<OnePool, Fault> {
    let (described, users) = muster
        .describe_pool_with_users(caller, &named.user_pool_id)
        .await?;
    Ok(pool(described, users))
}

pub(super) async fn csv_header(
    muster: &Muster,
    caller: &Principal,
    named: NamedPool,
) -> Result<CsvHeader, Fault> {
    let csv_header = muster.csv_header(caller, &named.user_pool_id).await?;
    Ok(CsvHeader {
        user_pool_id: named.user_pool_id,
        csv_header,
    })
}

pub(super) async fn delete(
    muster: &Muster,
    caller: &Principal,
    named: NamedPool,
) -> Result<(), Fault> {
    Ok(muster.delete_pool(caller, &named.user_pool_id).await?)
}

pub(super) async fn list(
    muster: &Muster,
    caller: &Principal,
    request: ListRequest,
) -> Result<Pools, Fault> {
    let page = Page {
        size: Some(request.max_results),
        token: request.next_token,
    };
    let (pools, next) = muster
        .list_pools(caller, &page)
        .await
        .map_err(|error| Fault::of(error, member))?;
    Ok(Pools {
        user_pools: pools.into_iter().map(description).collect(),
        next_token: next,
    })
}

fn member(field: &str) -> String {
    match field {
        "page_size" => "maxResults".to_owned(),
        "page_token" => "nextToken".to_owned(),
        field => violation::member(field),
    }
}

fn description(pool: UserPool) -> Description {
    let date = seconds(pool.creation_date);
    Description {
        id: pool.user_pool_id.to_string(),
        name: pool.pool_name,
        // A pool never changes.
        last_modified_date: date,
        creation_date: date,
    }
}

fn pool(pool: UserPool, users: u64) -> OnePool {
    let date = seconds(pool.creation_date);
    let id = pool.user_pool_id.to_string();
    let schema = pool.schema;
    let region = id.rsplit_once('_').map_or("", |(region, _)| region);
    let user_pool = Pool {
        arn: format!("arn:aws:cognito-idp:{region}:{ACCOUNT}:userpool/{id}"),
        name: pool.pool_name,
        last_modified_date: date,
        creation_date: date,
        schema_attributes: schema::answer(&schema),
        auto_verified_attributes: names(&schema.auto_verified_attributes, |a| a.as_str()),
        alias_attributes: names(&schema.alias_attributes, |a| a.as_str()),
        username_attributes: names(&schema.username_attributes, |a| a.as_str()),
        mfa_configuration: schema.mfa_configuration.as_str(),
        estimated_number_of_users: i32::try_from(users).unwrap_or(i32::MAX),
        username_configuration: UsernameConfiguration {
            case_sensitive: schema.case_sensitive,
        },
        id,
    };
    OnePool { user_pool }
}

fn names<T: Copy>(attributes: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    attributes.iter().map(|a| name(*a)).collect()
}
