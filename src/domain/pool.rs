//! A user pool: what it asks of its users.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::attribute::{
    AliasAttribute, CUSTOM_PREFIX, MFA_ENABLED_COLUMN, StandardAttribute, USERNAME_COLUMN,
    VerifiableAttribute,
};
use super::ids::UserPoolId;

/// Whether users may, may not or must use multi-factor authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MfaConfiguration {
    /// No user may.
    #[default]
    Off,
    /// Each user as it likes.
    Optional,
    /// Every user must.
    On,
}

impl MfaConfiguration {
    /// Cognito's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Optional => "OPTIONAL",
            Self::On => "ON",
        }
    }

    /// The setting of that word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "OFF" => Some(Self::Off),
            "OPTIONAL" => Some(Self::Optional),
            "ON" => Some(Self::On),
            _ => None,
        }
    }
}

/// The type of a custom attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeDataType {
    /// Text; bounds are lengths in characters.
    #[default]
    String,
    /// A decimal number; bounds are values.
    Number,
    /// `true` or `false`.
    Boolean,
    /// RFC 3339.
    DateTime,
}

/// An attribute of a pool's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomAttribute {
    /// Without the prefix `custom:`; 1-20 characters.
    pub name: String,
    /// Its type.
    pub data_type: AttributeDataType,
    /// String: least length in characters. Number: least value.
    pub minimum: Option<i64>,
    /// String: greatest length in characters. Number: greatest value.
    pub maximum: Option<i64>,
    /// Whether each user must have a value.
    pub required: bool,
}

impl CustomAttribute {
    /// The longest name, in characters (Cognito's limit).
    pub const MAX_NAME: usize = 20;
    /// The longest text value, in characters (Cognito's limit).
    pub const MAX_LENGTH: i64 = 2048;

    /// The attribute's CSV column: `custom:` and its name.
    #[must_use]
    pub fn column(&self) -> String {
        format!("{CUSTOM_PREFIX}{}", self.name)
    }
}

/// What a pool asks of its users: all that the row rules need to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSchema {
    /// At least one of these must be verified in each row.
    pub auto_verified_attributes: Vec<VerifiableAttribute>,
    /// Values of these name one user only.
    pub alias_attributes: Vec<AliasAttribute>,
    /// When not empty, usernames are values of one of these.
    pub username_attributes: Vec<VerifiableAttribute>,
    /// In the order in which they were given; no name twice.
    pub custom_attributes: Vec<CustomAttribute>,
    /// Standard attributes that may not be empty.
    pub required_attributes: Vec<StandardAttribute>,
    /// Multi-factor authentication.
    pub mfa_configuration: MfaConfiguration,
    /// Whether usernames that differ in case differ.
    pub case_sensitive: bool,
}

impl PoolSchema {
    /// The columns of the pool's CSV files, in Cognito's order: standard
    /// attributes, custom ones, `cognito:mfa_enabled`, `cognito:username`.
    #[must_use]
    pub fn csv_header(&self) -> Vec<String> {
        StandardAttribute::ALL
            .iter()
            .map(|a| a.as_str().to_owned())
            .chain(self.custom_attributes.iter().map(CustomAttribute::column))
            .chain([MFA_ENABLED_COLUMN.to_owned(), USERNAME_COLUMN.to_owned()])
            .collect()
    }
}

/// A user pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPool {
    /// Issued by muster.
    pub user_pool_id: UserPoolId,
    /// 1-128 characters.
    pub pool_name: String,
    /// What it asks of its users.
    pub schema: PoolSchema,
    /// When it was made.
    pub creation_date: OffsetDateTime,
}
