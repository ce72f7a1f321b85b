//! A user, as a row describes it.

use std::borrow::Cow;

use crate::domain::attribute::StandardAttribute;
use crate::domain::rules::birthdate::Birthdate;

/// A row that keeps all rules that can be judged from the file alone.
/// `None` stands for an empty value.
#[derive(Clone, Debug)]
pub struct NewUser<'r> {
    /// The line on which the row begins.
    pub line: u64,
    /// The offset of its first byte in the file.
    pub start: u64,
    /// The offset just past its line ending.
    pub end: u64,
    /// As given.
    pub username: &'r str,
    /// What the username is compared by.
    pub username_key: Cow<'r, str>,
    /// Text attributes, by `StandardAttribute as usize`. The places of
    /// `birthdate`, `updated_at` and the `*_verified` pair stay `None`.
    pub text: [Option<&'r str>; StandardAttribute::COUNT],
    /// The date of birth.
    pub birthdate: Option<Birthdate>,
    /// Seconds since 1970.
    pub updated_at: Option<i64>,
    /// Whether the e-mail address is verified.
    pub email_verified: Option<bool>,
    /// Whether the phone number is verified.
    pub phone_number_verified: Option<bool>,
    /// Whether multi-factor authentication is on.
    pub mfa_enabled: Option<bool>,
    /// Custom attributes that are not empty, each with its place in the
    /// schema, in the schema's order.
    pub custom: Vec<(usize, &'r str)>,
    /// A hash that keeps the rules.
    pub password_hash: Option<&'r str>,
    /// The e-mail address, to be compared, if the pool has it as alias and it is verified.
    pub email_alias: Option<Cow<'r, str>>,
    /// The phone number, if the pool has it as alias and it is verified.
    pub phone_number_alias: Option<&'r str>,
    /// The preferred username, to be compared, if the pool has it as alias.
    pub preferred_username_alias: Option<Cow<'r, str>>,
}

impl<'r> NewUser<'r> {
    /// The value of a text attribute.
    #[must_use]
    pub const fn text(&self, attribute: StandardAttribute) -> Option<&'r str> {
        self.text[attribute as usize]
    }
}
