//! Users.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::{filter, seconds, violation};
use crate::domain::attribute::MFA_ENABLED_COLUMN;
use crate::domain::principal::Principal;
use crate::domain::user::User;
use crate::operations::{Muster, Page};

/// The kind of multi-factor authentication that a CSV file can turn on: a code
/// to the phone number.
const SMS_MFA: &str = "SMS_MFA";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetRequest {
    user_pool_id: String,
    username: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRequest {
    user_pool_id: String,
    attributes_to_get: Option<Vec<String>>,
    limit: Option<i32>,
    pagination_token: Option<String>,
    filter: Option<String>,
}

/// AWS's `AttributeType`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    name: String,
    value: String,
}

/// AWS's `AdminGetUserResponse`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneUser {
    username: String,
    user_attributes: Vec<Attribute>,
    user_create_date: f64,
    user_last_modified_date: f64,
    enabled: bool,
    user_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_mfa_setting: Option<&'static str>,
    #[serde(rename = "UserMFASettingList", skip_serializing_if = "Option::is_none")]
    user_mfa_setting_list: Option<[&'static str; 1]>,
}

/// AWS's `UserType`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedUser {
    username: String,
    attributes: Vec<Attribute>,
    user_create_date: f64,
    user_last_modified_date: f64,
    enabled: bool,
    user_status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Users {
    users: Vec<ListedUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination_token: Option<String>,
}

pub(super) async fn get(
    muster: &Muster,
    caller: &Principal,
    request: GetRequest,
) -> Result<OneUser, Fault> {
    let user = muster
        .find_user(caller, &request.user_pool_id, &request.username)
        .await?;
    let with_mfa = user
        .attributes
        .get(MFA_ENABLED_COLUMN)
        .is_some_and(|value| value == "true");
    let date = seconds(user.user_create_date);
    Ok(OneUser {
        username: user.username.clone(),
        // A user never changes.
        user_create_date: date,
        user_last_modified_date: date,
        enabled: user.enabled,
        user_status: user.user_status.as_str(),
        preferred_mfa_setting: with_mfa.then_some(SMS_MFA),
        user_mfa_setting_list: with_mfa.then_some([SMS_MFA]),
        user_attributes: attributes(user, None),
    })
}

pub(super) async fn list(
    muster: &Muster,
    caller: &Principal,
    request: ListRequest,
) -> Result<Users, Fault> {
    let filter = request
        .filter
        .as_deref()
        .map(filter::parse)
        .transpose()?
        .flatten();
    let page = Page {
        // As many as there may be, which AWS answers to 0, too.
        size: Some(match request.limit {
            None | Some(0) => Page::MAX_SIZE,
            Some(limit) => limit,
        }),
        token: request.pagination_token,
    };
    let (users, next) = muster
        .search_users(caller, &request.user_pool_id, filter.as_ref(), &page)
        .await
        .map_err(|error| Fault::of(error, member))?;
    let only = request.attributes_to_get.as_deref();
    Ok(Users {
        users: users.into_iter().map(|user| listed(user, only)).collect(),
        pagination_token: next,
    })
}

fn member(field: &str) -> String {
    match field {
        "page_size" => "limit".to_owned(),
        "page_token" => "paginationToken".to_owned(),
        field => violation::member(field),
    }
}

fn listed(user: User, only: Option<&[String]>) -> ListedUser {
    let date = seconds(user.user_create_date);
    ListedUser {
        username: user.username.clone(),
        user_create_date: date,
        user_last_modified_date: date,
        enabled: user.enabled,
        user_status: user.user_status.as_str(),
        attributes: attributes(user, only),
    }
}

/// A user's attributes as AWS lists them: `sub` among them, and not the
/// column that is none.
fn attributes(user: User, only: Option<&[String]>) -> Vec<Attribute> {
    let wanted = |name: &str| only.is_none_or(|only| only.iter().any(|o| o == name));
    std::iter::once(("sub".to_owned(), user.sub.to_string()))
        .chain(user.attributes)
        .filter(|(name, _)| name != MFA_ENABLED_COLUMN && wanted(name))
        .map(|(name, value)| Attribute { name, value })
        .collect()
}
