//! The attributes that can be verified, and what verifies them.

use crate::domain::attribute::{StandardAttribute, USERNAME_COLUMN, VerifiableAttribute};
use crate::domain::pool::PoolSchema;
use crate::domain::rejection::RejectionCode;
use crate::domain::rules::{email, phone, username};

use super::fault::{Fault, truth};
use super::fields::Values;
use super::layout::Layout;

/// E-mail address and phone number of one row, and whether they are verified.
#[derive(Default)]
pub(super) struct Contacts<'r> {
    pub(super) email: Option<&'r str>,
    pub(super) phone_number: Option<&'r str>,
    pub(super) email_verified: Option<bool>,
    pub(super) phone_number_verified: Option<bool>,
}

impl<'r> Contacts<'r> {
    /// Judges the username and then the columns, which go before what the
    /// username fills in.
    pub(super) fn read(
        username: &'r str,
        schema: &PoolSchema,
        layout: &Layout,
        values: &Values<'r>,
    ) -> Result<Self, Fault> {
        let standard = |attribute| layout.standard(values, attribute);
        let mut contacts = Self::of_username(username, &schema.username_attributes)?;
        if let Some(address) = standard(StandardAttribute::Email) {
            if !email::is_valid(address) {
                return Err(Fault::of_attribute(
                    RejectionCode::InvalidEmail,
                    StandardAttribute::Email,
                ));
            }
            contacts.email = Some(address);
        }
        if let Some(number) = standard(StandardAttribute::PhoneNumber) {
            if !phone::is_valid(number) {
                return Err(Fault::of_attribute(
                    RejectionCode::InvalidPhoneNumber,
                    StandardAttribute::PhoneNumber,
                ));
            }
            contacts.phone_number = Some(number);
        }
        let flag = |attribute: StandardAttribute| truth(standard(attribute), attribute.as_str());
        contacts.email_verified = flag(StandardAttribute::EmailVerified)?;
        contacts.phone_number_verified = flag(StandardAttribute::PhoneNumberVerified)?;
        Ok(contacts)
    }

    /// In a pool whose usernames are of some `kinds`, the username is an e-mail
    /// address or a phone number itself.
    fn of_username(username: &'r str, kinds: &[VerifiableAttribute]) -> Result<Self, Fault> {
        let mut contacts = Self::default();
        let is_email = kinds.contains(&VerifiableAttribute::Email) && email::is_valid(username);
        let is_phone =
            kinds.contains(&VerifiableAttribute::PhoneNumber) && phone::is_valid(username);
        if !username::is_valid(username) || !(kinds.is_empty() || is_email || is_phone) {
            return Err(Fault::of(RejectionCode::InvalidUsername, USERNAME_COLUMN));
        }
        contacts.email = is_email.then_some(username);
        contacts.phone_number = is_phone.then_some(username);
        Ok(contacts)
    }

    /// What is said to be verified must be there, and one of those that the pool
    /// verifies must be verified.
    pub(super) fn check_verified(&self, schema: &PoolSchema) -> Result<(), Fault> {
        for (verified, value, flag) in [
            (
                self.email_verified,
                self.email,
                StandardAttribute::EmailVerified,
            ),
            (
                self.phone_number_verified,
                self.phone_number,
                StandardAttribute::PhoneNumberVerified,
            ),
        ] {
            if verified == Some(true) && value.is_none() {
                return Err(Fault::of_attribute(
                    RejectionCode::VerifiedWithoutValue,
                    flag,
                ));
            }
        }
        let wanted = &schema.auto_verified_attributes;
        match wanted.first() {
            Some(first) if !wanted.iter().any(|a| self.is_verified(*a)) => Err(
                Fault::of_attribute(RejectionCode::NoVerifiedAttribute, flag_of(*first)),
            ),
            _ => Ok(()),
        }
    }

    pub(super) fn verified_email(&self) -> Option<&'r str> {
        self.email.filter(|_| self.email_verified == Some(true))
    }

    pub(super) fn verified_phone_number(&self) -> Option<&'r str> {
        self.phone_number
            .filter(|_| self.phone_number_verified == Some(true))
    }

    fn is_verified(&self, attribute: VerifiableAttribute) -> bool {
        match attribute {
            VerifiableAttribute::Email => self.verified_email().is_some(),
            VerifiableAttribute::PhoneNumber => self.verified_phone_number().is_some(),
        }
    }
}

const fn flag_of(attribute: VerifiableAttribute) -> StandardAttribute {
    match attribute {
        VerifiableAttribute::Email => StandardAttribute::EmailVerified,
        VerifiableAttribute::PhoneNumber => StandardAttribute::PhoneNumberVerified,
    }
}
