//! From a row to a user, or to the first rule that it breaks.

use crate::domain::attribute::{
    AliasAttribute, MFA_ENABLED_COLUMN, PASSWORD_HASH_COLUMN, StandardAttribute, USERNAME_COLUMN,
};
use crate::domain::pool::{MfaConfiguration, PoolSchema};
use crate::domain::rejection::{Rejection, RejectionCode};
use crate::domain::rules::birthdate::Birthdate;
use crate::domain::rules::password_hash::{self, HashFault, PasswordHashingAlgorithm};
use crate::domain::rules::username::username_key;
use crate::domain::rules::{custom, text, updated_at};

use super::contacts::Contacts;
use super::fault::{Fault, parsed, truth};
use super::fields::{Fields, Values};
use super::header::Header;
use super::layout::{Layout, value};
use super::rows::{Row, RowFault};
pub use super::user::NewUser;

/// The rules for the rows of one file, as `docs/contract.md` lists them under
/// "Rules for one row": of several that a row breaks the first is reported.
#[derive(Clone, Debug)]
pub struct RowRules<'a> {
    schema: &'a PoolSchema,
    algorithm: Option<PasswordHashingAlgorithm>,
    layout: Layout,
    /// In the order of the standard attributes.
    required: Vec<StandardAttribute>,
}

impl<'a> RowRules<'a> {
    /// For the rows under `header`, which was parsed with the same schema and algorithm.
    #[must_use]
    pub fn new(
        schema: &'a PoolSchema,
        header: &Header,
        algorithm: Option<PasswordHashingAlgorithm>,
    ) -> Self {
        Self {
            schema,
            algorithm,
            layout: Layout::new(header, schema),
            required: StandardAttribute::ALL
                .into_iter()
                .filter(|a| schema.required_attributes.contains(a))
                .collect(),
        }
    }

    /// Judges a row. `fields` is room that is used again from row to row.
    pub fn check<'r>(
        &self,
        row: &Row<'r>,
        fields: &'r mut Fields,
    ) -> Result<NewUser<'r>, Rejection> {
        self.judge(row, fields).map_err(|fault| Rejection {
            line: row.line,
            code: fault.code,
            column: fault.column,
            detail: fault.detail,
        })
    }

    fn judge<'r>(&self, row: &Row<'r>, fields: &'r mut Fields) -> Result<NewUser<'r>, Fault> {
        let values = self.values(row, fields)?;
        let standard = |attribute| self.layout.standard(&values, attribute);

        let username = value(&values, self.layout.username)
            .ok_or_else(|| Fault::of(RejectionCode::MissingUsername, USERNAME_COLUMN))?;
        let contacts = Contacts::read(username, self.schema, &self.layout, &values)?;
        let mfa_enabled = truth(value(&values, self.layout.mfa_enabled), MFA_ENABLED_COLUMN)?;
        contacts.check_verified(self.schema)?;

        let birthdate = parsed(
            standard(StandardAttribute::Birthdate),
            Birthdate::parse,
            || {
                Fault::of_attribute(
                    RejectionCode::InvalidBirthdate,
                    StandardAttribute::Birthdate,
                )
            },
        )?;
        let updated_at = parsed(
            standard(StandardAttribute::UpdatedAt),
            updated_at::parse,
            || {
                Fault::of_attribute(
                    RejectionCode::InvalidUpdatedAt,
                    StandardAttribute::UpdatedAt,
                )
            },
        )?;
        let mut text = self.plain(&values)?;
        text[StandardAttribute::Email as usize] = contacts.email;
        text[StandardAttribute::PhoneNumber as usize] = contacts.phone_number;
        self.required(&values, &text)?;
        let custom = self.custom(&values)?;
        self.mfa(mfa_enabled)?;
        let password_hash = self.password_hash(&values)?;

        let key = |value| username_key(value, self.schema.case_sensitive);
        let aliased = |alias, value: Option<&'r str>| {
            value.filter(|_| self.schema.alias_attributes.contains(&alias))
        };
        Ok(NewUser {
            line: row.line,
            start: row.start,
            end: row.end,
            username,
            username_key: key(username),
            birthdate,
            updated_at,
            email_verified: contacts.email_verified,
            phone_number_verified: contacts.phone_number_verified,
            mfa_enabled,
            custom,
            password_hash,
            email_alias: aliased(AliasAttribute::Email, contacts.verified_email()).map(key),
            phone_number_alias: aliased(
                AliasAttribute::PhoneNumber,
                contacts.verified_phone_number(),
            ),
            preferred_username_alias: aliased(
                AliasAttribute::PreferredUsername,
                text[StandardAttribute::PreferredUsername as usize],
            )
            .map(key),
            text,
        })
    }

    /// The rules for the row as a whole. A row whose end was guessed has no
    /// fields worth counting, so that comes first.
    fn values<'r>(&self, row: &Row<'r>, fields: &'r mut Fields) -> Result<Values<'r>, Fault> {
        match row.fault {
            Some(RowFault::UnterminatedQuote) => {
                return Err(Fault::of_row(RejectionCode::UnterminatedQuote, None));
            }
            Some(RowFault::TooLong) => return Err(Fault::of_row(RejectionCode::RowTooLong, None)),
            None => {}
        }
        let split = fields.split(row.bytes);
        if split.len() != self.layout.width {
            let found = Some(split.len() as u64);
            return Err(Fault::of_row(RejectionCode::WrongFieldCount, found));
        }
        split
            .values()
            .map_err(|_| Fault::of_row(RejectionCode::InvalidEncoding, None))
    }

    fn plain<'r>(
        &self,
        values: &Values<'r>,
    ) -> Result<[Option<&'r str>; StandardAttribute::COUNT], Fault> {
        let mut text = [None; StandardAttribute::COUNT];
        for &(attribute, place) in &self.layout.plain {
            let found = value(values, Some(place));
            if found.is_some_and(|v| !text::is_short_enough(v)) {
                return Err(Fault::of_attribute(
                    RejectionCode::AttributeTooLong,
                    attribute,
                ));
            }
            text[attribute as usize] = found;
        }
        Ok(text)
    }

    fn required(
        &self,
        values: &Values<'_>,
        text: &[Option<&str>; StandardAttribute::COUNT],
    ) -> Result<(), Fault> {
        let code = RejectionCode::MissingRequiredAttribute;
        for &attribute in &self.required {
            // An attribute may have come from the username instead of its column.
            let found =
                text[attribute as usize].or_else(|| self.layout.standard(values, attribute));
            if found.is_none() {
                return Err(Fault::of_attribute(code, attribute));
            }
        }
        for (attribute, place) in self
            .schema
            .custom_attributes
            .iter()
            .zip(&self.layout.custom)
        {
            if attribute.required && value(values, *place).is_none() {
                return Err(Fault::of(code, attribute.column()));
            }
        }
        Ok(())
    }

    fn custom<'r>(&self, values: &Values<'r>) -> Result<Vec<(usize, &'r str)>, Fault> {
        let mut found = Vec::new();
        let attributes = self.schema.custom_attributes.iter();
        for (index, (attribute, place)) in attributes.zip(&self.layout.custom).enumerate() {
            if let Some(value) = value(values, *place) {
                if !custom::is_valid(value, attribute) {
                    let column = attribute.column();
                    return Err(Fault::of(RejectionCode::InvalidCustomAttribute, column));
                }
                found.push((index, value));
            }
        }
        Ok(found)
    }

    fn mfa(&self, enabled: Option<bool>) -> Result<(), Fault> {
        let refused = match self.schema.mfa_configuration {
            MfaConfiguration::Off => Some(true),
            MfaConfiguration::Optional => None,
            MfaConfiguration::On => Some(false),
        };
        if enabled.is_some() && enabled == refused {
            return Err(Fault::of(RejectionCode::MfaNotAllowed, MFA_ENABLED_COLUMN));
        }
        Ok(())
    }

    fn password_hash<'r>(&self, values: &Values<'r>) -> Result<Option<&'r str>, Fault> {
        let hash = value(values, self.layout.password_hash);
        if let Some(hash) = hash {
            password_hash::check(hash, self.algorithm).map_err(|fault| {
                let code = match fault {
                    HashFault::Invalid => RejectionCode::InvalidPasswordHash,
                    HashFault::TooCostly => RejectionCode::PasswordHashTooCostly,
                };
                Fault::of(code, PASSWORD_HASH_COLUMN)
            })?;
        }
        Ok(hash)
    }
}
