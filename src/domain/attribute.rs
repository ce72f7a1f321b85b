//! The attributes that every pool has, and the columns of a CSV file.

/// A standard attribute of a user, after Amazon Cognito (which took them from
/// OpenID Connect Core 1.0, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(
    missing_docs,
    reason = "the names are those of OpenID Connect Core 1.0, section 5.1"
)]
pub enum StandardAttribute {
    Name,
    GivenName,
    FamilyName,
    MiddleName,
    Nickname,
    PreferredUsername,
    Profile,
    Picture,
    Website,
    Email,
    EmailVerified,
    Gender,
    Birthdate,
    Zoneinfo,
    Locale,
    PhoneNumber,
    PhoneNumberVerified,
    Address,
    UpdatedAt,
}

impl StandardAttribute {
    /// How many there are.
    pub const COUNT: usize = 19;

    /// All of them, in the order of Cognito's CSV header.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Name,
        Self::GivenName,
        Self::FamilyName,
        Self::MiddleName,
        Self::Nickname,
        Self::PreferredUsername,
        Self::Profile,
        Self::Picture,
        Self::Website,
        Self::Email,
        Self::EmailVerified,
        Self::Gender,
        Self::Birthdate,
        Self::Zoneinfo,
        Self::Locale,
        Self::PhoneNumber,
        Self::PhoneNumberVerified,
        Self::Address,
        Self::UpdatedAt,
    ];

    /// The attribute's name, which is its CSV column too.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::MiddleName => "middle_name",
            Self::Nickname => "nickname",
            Self::PreferredUsername => "preferred_username",
            Self::Profile => "profile",
            Self::Picture => "picture",
            Self::Website => "website",
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
            Self::Gender => "gender",
            Self::Birthdate => "birthdate",
            Self::Zoneinfo => "zoneinfo",
            Self::Locale => "locale",
            Self::PhoneNumber => "phone_number",
            Self::PhoneNumberVerified => "phone_number_verified",
            Self::Address => "address",
            Self::UpdatedAt => "updated_at",
        }
    }

    /// The attribute of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == name)
    }
}

/// The column of the username, required in every file.
pub const USERNAME_COLUMN: &str = "cognito:username";
/// The column that says whether the user has multi-factor authentication.
pub const MFA_ENABLED_COLUMN: &str = "cognito:mfa_enabled";
/// The column of password hashes, accepted though a pool's header does not list it.
pub const PASSWORD_HASH_COLUMN: &str = "password_hash";
/// What the columns of custom attributes begin with.
pub const CUSTOM_PREFIX: &str = "custom:";
/// The columns that `rejected.csv` adds; accepted on upload, and ignored.
pub const REPORT_COLUMNS: [&str; 3] = ["muster:line", "muster:code", "muster:message"];

/// An attribute whose value can be verified, and so can be auto-verified or
/// used as a username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as the attributes themselves")]
pub enum VerifiableAttribute {
    Email,
    PhoneNumber,
}

impl VerifiableAttribute {
    /// The attribute's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
        }
    }

    /// The attribute of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "email" => Some(Self::Email),
            "phone_number" => Some(Self::PhoneNumber),
            _ => None,
        }
    }
}

/// An attribute whose value can stand in for the username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as the attributes themselves")]
pub enum AliasAttribute {
    Email,
    PhoneNumber,
    PreferredUsername,
}

impl AliasAttribute {
    /// The attribute's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
            Self::PreferredUsername => "preferred_username",
        }
    }

    /// The attribute of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "email" => Some(Self::Email),
            "phone_number" => Some(Self::PhoneNumber),
            "preferred_username" => Some(Self::PreferredUsername),
            _ => None,
        }
    }
}
