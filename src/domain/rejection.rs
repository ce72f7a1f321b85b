//! Why a row was not imported: codes, outcomes and messages.

use std::borrow::Cow;
use std::fmt;

/// What became of a row that was not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Its username was there already.
    Skipped,
    /// It breaks a rule.
    Failed,
}

impl Outcome {
    /// The word for it, in reports and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "SKIPPED",
            Self::Failed => "FAILED",
        }
    }
}

/// The rule that a row breaks; `docs/contract.md`, "Rules for one row".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "`message` says each in a sentence")]
pub enum RejectionCode {
    WrongFieldCount,
    InvalidEncoding,
    UnterminatedQuote,
    RowTooLong,
    MissingUsername,
    InvalidUsername,
    InvalidEmail,
    InvalidPhoneNumber,
    InvalidBoolean,
    VerifiedWithoutValue,
    NoVerifiedAttribute,
    InvalidBirthdate,
    InvalidUpdatedAt,
    AttributeTooLong,
    MissingRequiredAttribute,
    InvalidCustomAttribute,
    MfaNotAllowed,
    InvalidPasswordHash,
    PasswordHashTooCostly,
    AliasAlreadyExists,
    UserAlreadyExists,
    DuplicateInFile,
}

impl RejectionCode {
    /// All codes, in the order in which the rules are applied.
    pub const ALL: [Self; 22] = [
        Self::WrongFieldCount,
        Self::InvalidEncoding,
        Self::UnterminatedQuote,
        Self::RowTooLong,
        Self::MissingUsername,
        Self::InvalidUsername,
        Self::InvalidEmail,
        Self::InvalidPhoneNumber,
        Self::InvalidBoolean,
        Self::VerifiedWithoutValue,
        Self::NoVerifiedAttribute,
        Self::InvalidBirthdate,
        Self::InvalidUpdatedAt,
        Self::AttributeTooLong,
        Self::MissingRequiredAttribute,
        Self::InvalidCustomAttribute,
        Self::MfaNotAllowed,
        Self::InvalidPasswordHash,
        Self::PasswordHashTooCostly,
        Self::AliasAlreadyExists,
        Self::UserAlreadyExists,
        Self::DuplicateInFile,
    ];

    /// The stable name that callers see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongFieldCount => "WRONG_FIELD_COUNT",
            Self::InvalidEncoding => "INVALID_ENCODING",
            Self::UnterminatedQuote => "UNTERMINATED_QUOTE",
            Self::RowTooLong => "ROW_TOO_LONG",
            Self::MissingUsername => "MISSING_USERNAME",
            Self::InvalidUsername => "INVALID_USERNAME",
            Self::InvalidEmail => "INVALID_EMAIL",
            Self::InvalidPhoneNumber => "INVALID_PHONE_NUMBER",
            Self::InvalidBoolean => "INVALID_BOOLEAN",
            Self::VerifiedWithoutValue => "VERIFIED_WITHOUT_VALUE",
            Self::NoVerifiedAttribute => "NO_VERIFIED_ATTRIBUTE",
            Self::InvalidBirthdate => "INVALID_BIRTHDATE",
            Self::InvalidUpdatedAt => "INVALID_UPDATED_AT",
            Self::AttributeTooLong => "ATTRIBUTE_TOO_LONG",
            Self::MissingRequiredAttribute => "MISSING_REQUIRED_ATTRIBUTE",
            Self::InvalidCustomAttribute => "INVALID_CUSTOM_ATTRIBUTE",
            Self::MfaNotAllowed => "MFA_NOT_ALLOWED",
            Self::InvalidPasswordHash => "INVALID_PASSWORD_HASH",
            Self::PasswordHashTooCostly => "PASSWORD_HASH_TOO_COSTLY",
            Self::AliasAlreadyExists => "ALIAS_ALREADY_EXISTS",
            Self::UserAlreadyExists => "USER_ALREADY_EXISTS",
            Self::DuplicateInFile => "DUPLICATE_IN_FILE",
        }
    }

    /// The code of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == name)
    }

    /// Whether a row with this fault counts as skipped or as failed.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::UserAlreadyExists | Self::DuplicateInFile => Outcome::Skipped,
            _ => Outcome::Failed,
        }
    }
}

impl fmt::Display for RejectionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row that was not imported, and why. Holds no value of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The line on which the row begins; the header is line 1.
    pub line: u64,
    /// The rule that it breaks.
    pub code: RejectionCode,
    /// The column at fault; `None` where it is the row as a whole. Borrowed
    /// where it is none of the pool's own: a file may have a million of these.
    pub column: Option<Cow<'static, str>>,
    /// `WrongFieldCount`: the number of fields found. `DuplicateInFile`: the
    /// earlier line. Otherwise `None`.
    pub detail: Option<u64>,
}

impl Rejection {
    /// What is wrong, in a sentence that holds no value of the row.
    #[must_use]
    pub fn message(&self) -> String {
        let column = self.column.as_deref().unwrap_or("row");
        match (self.code, self.detail) {
            (RejectionCode::WrongFieldCount, Some(found)) => {
                format!("The row has {found} fields, which is not the number of columns in the header.")
            }
            (RejectionCode::WrongFieldCount, None) => {
                "The row has not as many fields as the header has columns.".to_owned()
            }
            (RejectionCode::InvalidEncoding, _) => {
                "The row is not valid UTF-8, or holds a NUL character.".to_owned()
            }
            (RejectionCode::UnterminatedQuote, _) => {
                "A quoted field is not closed within the row limit.".to_owned()
            }
            (RejectionCode::RowTooLong, _) => {
                "The row is longer than the row limit.".to_owned()
            }
            (RejectionCode::MissingUsername, _) => "The username is empty.".to_owned(),
            (RejectionCode::InvalidUsername, _) => {
                "The username is not 1-128 characters without white space or control characters, or not of the kind that the pool asks for.".to_owned()
            }
            (RejectionCode::InvalidEmail, _) => "The e-mail address is not valid.".to_owned(),
            (RejectionCode::InvalidPhoneNumber, _) => {
                "The phone number is not in E.164 format: + and 7 to 15 digits, the first not 0.".to_owned()
            }
            (RejectionCode::InvalidBoolean, _) => {
                format!("The value of {column} is neither true nor false.")
            }
            (RejectionCode::VerifiedWithoutValue, _) => {
                format!("{column} is true, but the attribute that it verifies is empty.")
            }
            (RejectionCode::NoVerifiedAttribute, _) => {
                "None of the pool's auto-verified attributes is verified.".to_owned()
            }
            (RejectionCode::InvalidBirthdate, _) => {
                "The birthdate is not a day in the form mm/dd/yyyy.".to_owned()
            }
            (RejectionCode::InvalidUpdatedAt, _) => {
                "The value of updated_at is not a whole number of seconds since 1970.".to_owned()
            }
            (RejectionCode::AttributeTooLong, _) => {
                format!("The value of {column} is longer than 2,048 characters.")
            }
            (RejectionCode::MissingRequiredAttribute, _) => {
                format!("The pool requires {column}, and it is empty.")
            }
            (RejectionCode::InvalidCustomAttribute, _) => {
                format!("The value of {column} is not of the type, or not within the bounds, that the pool sets.")
            }
            (RejectionCode::MfaNotAllowed, _) => {
                "The pool's multi-factor setting does not allow this value of cognito:mfa_enabled.".to_owned()
            }
            (RejectionCode::InvalidPasswordHash, _) => {
                "The password hash is not of an accepted format.".to_owned()
            }
            (RejectionCode::PasswordHashTooCostly, _) => {
                "The password hash has cost parameters over the limit.".to_owned()
            }
            (RejectionCode::AliasAlreadyExists, _) => {
                format!("Another user holds this {column} as an alias already.")
            }
            (RejectionCode::UserAlreadyExists, _) => "The user already exists.".to_owned(),
            (RejectionCode::DuplicateInFile, Some(line)) => {
                format!("The username is on line {line} of this file already.")
            }
            (RejectionCode::DuplicateInFile, None) => {
                "The username is on an earlier line of this file already.".to_owned()
            }
        }
    }
}
