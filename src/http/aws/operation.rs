//! The operations of Amazon Cognito that this front has.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use super::fault::Fault;
use crate::domain::principal::Role;

/// The header that names the operation.
pub(super) const TARGET: &str = "x-amz-target";
/// What is before the operation's name in that header.
const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService.";
/// The media type of AWS JSON 1.1.
pub(super) const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// An operation, named as in AWS's service model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "AWS documents each")]
pub enum Operation {
    AdminGetUser,
    CreateUserImportJob,
    CreateUserPool,
    DeleteUserPool,
    DescribeUserImportJob,
    DescribeUserPool,
    GetCsvHeader,
    ListUserImportJobs,
    ListUserPools,
    ListUsers,
    StartUserImportJob,
    StopUserImportJob,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 12] = [
        Self::AdminGetUser,
        Self::CreateUserImportJob,
        Self::CreateUserPool,
        Self::DeleteUserPool,
        Self::DescribeUserImportJob,
        Self::DescribeUserPool,
        Self::GetCsvHeader,
        Self::ListUserImportJobs,
        Self::ListUserPools,
        Self::ListUsers,
        Self::StartUserImportJob,
        Self::StopUserImportJob,
    ];

    /// AWS's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdminGetUser => "AdminGetUser",
            Self::CreateUserImportJob => "CreateUserImportJob",
            Self::CreateUserPool => "CreateUserPool",
            Self::DeleteUserPool => "DeleteUserPool",
            Self::DescribeUserImportJob => "DescribeUserImportJob",
            Self::DescribeUserPool => "DescribeUserPool",
            Self::GetCsvHeader => "GetCSVHeader",
            Self::ListUserImportJobs => "ListUserImportJobs",
            Self::ListUserPools => "ListUserPools",
            Self::ListUsers => "ListUsers",
            Self::StartUserImportJob => "StartUserImportJob",
            Self::StopUserImportJob => "StopUserImportJob",
        }
    }

    /// The operation of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.as_str() == name)
    }

    /// The role that a caller needs for it: what the operation behind it asks.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::CreateUserPool | Self::DeleteUserPool => Role::Admin,
            Self::CreateUserImportJob | Self::StartUserImportJob | Self::StopUserImportJob => {
                Role::Operator
            }
            Self::AdminGetUser
            | Self::DescribeUserImportJob
            | Self::DescribeUserPool
            | Self::GetCsvHeader
            | Self::ListUserImportJobs
            | Self::ListUserPools
            | Self::ListUsers => Role::Reader,
        }
    }

    /// The operation that a call names.
    ///
    /// # Errors
    /// Unknown operation, which is AWS's answer to another protocol, too.
    pub(super) fn of_call(headers: &HeaderMap) -> Result<Self, Fault> {
        let json = single(headers, CONTENT_TYPE.as_str())
            .and_then(|value| value.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case(MEDIA_TYPE));
        if !json {
            return Err(Fault::unknown_operation(format!(
                "The content type has to be {MEDIA_TYPE}."
            )));
        }
        single(headers, TARGET)
            .and_then(|target| target.strip_prefix(TARGET_PREFIX))
            .and_then(Self::from_name)
            .ok_or_else(|| {
                Fault::unknown_operation(format!(
                    "The header X-Amz-Target has to be there once, and to name an operation that this server has: {TARGET_PREFIX}<Operation>."
                ))
            })
    }
}

/// The value of a header that is there once, and is text.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn a_call_names_its_operation_once() {
        let target = "AWSCognitoIdentityProviderService.GetCSVHeader";
        for media in [MEDIA_TYPE, "Application/X-Amz-JSON-1.1; charset=utf-8"] {
            let call = headers(&[("content-type", media), (TARGET, target)]);
            assert_eq!(
                Operation::of_call(&call).expect("known"),
                Operation::GetCsvHeader
            );
        }
        for call in [
            headers(&[]),
            headers(&[(TARGET, target)]),
            headers(&[("content-type", "application/json"), (TARGET, target)]),
            headers(&[("content-type", MEDIA_TYPE)]),
            headers(&[
                ("content-type", MEDIA_TYPE),
                (TARGET, target),
                (TARGET, target),
            ]),
            headers(&[("content-type", MEDIA_TYPE), (TARGET, "GetCSVHeader")]),
            headers(&[
                ("content-type", MEDIA_TYPE),
                (TARGET, "AWSCognitoIdentityProviderService.AdminDeleteUser"),
            ]),
        ] {
            assert!(Operation::of_call(&call).is_err(), "{call:?}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.as_str()), Some(operation));
        }
    }
}
