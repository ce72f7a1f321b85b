//! A user, as callers see it.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::ids::JobId;

/// Whether a user can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// Imported with a password hash.
    Confirmed,
    /// Imported without a password: the user must set one.
    ResetRequired,
}

impl UserStatus {
    /// Cognito's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "CONFIRMED",
            Self::ResetRequired => "RESET_REQUIRED",
        }
    }

    /// That of a user who has or has not got a password hash.
    #[must_use]
    pub const fn of(has_password: bool) -> Self {
        if has_password {
            Self::Confirmed
        } else {
            Self::ResetRequired
        }
    }
}

/// A user of a pool. Password hashes never leave the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// As it stood in the file.
    pub username: String,
    /// Never changes.
    pub sub: Uuid,
    /// Whether the user can sign in.
    pub user_status: UserStatus,
    /// Always true for an imported user.
    pub enabled: bool,
    /// Values by CSV column, the empty ones left out.
    pub attributes: BTreeMap<String, String>,
    /// When the user was imported.
    pub user_create_date: OffsetDateTime,
    /// The job that imported the user.
    pub import_job_id: JobId,
    /// The line of that job's file; the header is 1.
    pub import_line: u64,
}

/// What users can be searched by (Cognito's list).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the attributes themselves")]
pub enum SearchAttribute {
    Username,
    Email,
    PhoneNumber,
    Name,
    GivenName,
    FamilyName,
    PreferredUsername,
    UserStatus,
    Enabled,
    Sub,
}

impl SearchAttribute {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Username,
        Self::Email,
        Self::PhoneNumber,
        Self::Name,
        Self::GivenName,
        Self::FamilyName,
        Self::PreferredUsername,
        Self::UserStatus,
        Self::Enabled,
        Self::Sub,
    ];

    /// Cognito's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::PreferredUsername => "preferred_username",
            Self::UserStatus => "cognito:user_status",
            // Its values are Enabled and Disabled.
            Self::Enabled => "status",
            Self::Sub => "sub",
        }
    }

    /// The attribute of that word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == name)
    }
}

/// How a search compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The whole value.
    Equals,
    /// The beginning of the value.
    StartsWith,
}

impl Comparison {
    /// Cognito's sign for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "=",
            Self::StartsWith => "^=",
        }
    }
}

/// Which users a search is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFilter {
    /// What is compared.
    pub attribute: SearchAttribute,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub value: String,
}
