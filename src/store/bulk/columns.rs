//! The users of a batch, column by column, as arrays of a statement take them.

use uuid::Uuid;

use super::rows::UserRows;
use crate::domain::attribute::StandardAttribute as A;
use crate::domain::error::Error;
use crate::store::signed;

/// A batch of users in the order of loading; all columns are of one length.
#[derive(Debug, Default)]
pub(super) struct UserColumns<'a> {
    pub(super) import_line: Vec<i64>,
    pub(super) username_key: Vec<&'a str>,
    pub(super) username: Vec<&'a str>,
    pub(super) sub: Vec<Uuid>,
    /// By [`StandardAttribute`](A); those with a column of another type stay empty.
    pub(super) text: [Vec<Option<&'a str>>; A::COUNT],
    pub(super) email_verified: Vec<Option<bool>>,
    pub(super) phone_number_verified: Vec<Option<bool>>,
    pub(super) updated_at: Vec<Option<i64>>,
    pub(super) mfa_enabled: Vec<Option<bool>>,
    /// JSON objects.
    pub(super) custom_attributes: Vec<Option<&'a str>>,
    pub(super) password_hash: Vec<Option<&'a str>>,
    pub(super) email_alias: Vec<Option<&'a str>>,
    pub(super) phone_number_alias: Vec<Option<&'a str>>,
    pub(super) preferred_username_alias: Vec<Option<&'a str>>,
}

impl<'a> UserColumns<'a> {
    /// How many users there are.
    pub(super) fn len(&self) -> usize {
        self.import_line.len()
    }

    pub(super) fn text(&self, attribute: A) -> &[Option<&'a str>] {
        &self.text[attribute as usize]
    }
}

impl UserRows {
    /// Some rows as columns.
    ///
    /// # Errors
    /// Internal when a row is not as [`push`](Self::push) encodes it.
    pub(super) fn columns(
        &self,
        rows: impl Iterator<Item = u32>,
    ) -> Result<UserColumns<'_>, Error> {
        let mut columns = UserColumns::default();
        for row in rows {
            columns.push(signed(self.line(row))?, Values(self.encoded(row)))?;
        }
        Ok(columns)
    }
}

impl<'a> UserColumns<'a> {
    fn push(&mut self, line: i64, mut values: Values<'a>) -> Result<(), Error> {
        self.username_key.push(values.needed()?);
        self.username.push(values.needed()?);
        self.sub.push(values.uuid()?);
        self.import_line.push(line);
        let _line = values.take()?;
        for attribute in A::ALL {
            match attribute {
                A::EmailVerified => self.email_verified.push(values.truth()?),
                A::PhoneNumberVerified => self.phone_number_verified.push(values.truth()?),
                A::UpdatedAt => self.updated_at.push(values.number()?),
                _ => self.text[attribute as usize].push(values.text()?),
            }
        }
        self.mfa_enabled.push(values.truth()?);
        self.custom_attributes.push(values.jsonb()?);
        self.password_hash.push(values.text()?);
        self.email_alias.push(values.text()?);
        self.phone_number_alias.push(values.text()?);
        self.preferred_username_alias.push(values.text()?);
        Ok(())
    }
}

/// What is left of an encoded row.
struct Values<'a>(&'a [u8]);

fn garbled() -> Error {
    Error::internal("a row of a batch is garbled")
}

impl<'a> Values<'a> {
    fn take(&mut self) -> Result<Option<&'a [u8]>, Error> {
        let (len, rest) = self.0.split_first_chunk().ok_or_else(garbled)?;
        self.0 = rest;
        let Ok(len) = usize::try_from(i32::from_be_bytes(*len)) else {
            return Ok(None);
        };
        let (value, rest) = rest.split_at_checked(len).ok_or_else(garbled)?;
        self.0 = rest;
        Ok(Some(value))
    }

    fn text(&mut self) -> Result<Option<&'a str>, Error> {
        let value = self.take()?;
        value
            .map(std::str::from_utf8)
            .transpose()
            .map_err(Error::internal)
    }

    fn needed(&mut self) -> Result<&'a str, Error> {
        self.text()?.ok_or_else(garbled)
    }

    fn uuid(&mut self) -> Result<Uuid, Error> {
        let value = self.take()?.ok_or_else(garbled)?;
        Uuid::from_slice(value).map_err(Error::internal)
    }

    fn truth(&mut self) -> Result<Option<bool>, Error> {
        Ok(self.take()?.map(|value| value == [1]))
    }

    fn number(&mut self) -> Result<Option<i64>, Error> {
        let value = self.take()?.map(<[u8; 8]>::try_from).transpose();
        Ok(value.map_err(Error::internal)?.map(i64::from_be_bytes))
    }

    /// Text behind the number of the format's version.
    fn jsonb(&mut self) -> Result<Option<&'a str>, Error> {
        Ok(self.text()?.map(|value| &value[1..]))
    }
}
