//! Where in the rows of a file each value is.

use crate::domain::attribute::StandardAttribute;
use crate::domain::pool::PoolSchema;

use super::fields::Values;
use super::header::{Column, Header};

/// The places of the columns that a file has.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// How many fields a row must have.
    pub(super) width: usize,
    pub(super) username: Option<usize>,
    pub(super) mfa_enabled: Option<usize>,
    pub(super) password_hash: Option<usize>,
    standard: [Option<usize>; StandardAttribute::COUNT],
    /// In the schema's order, for all of its custom attributes.
    pub(super) custom: Vec<Option<usize>>,
    /// The text attributes that have no form of their own, in Cognito's order.
    pub(super) plain: Vec<(StandardAttribute, usize)>,
}

impl Layout {
    pub(super) fn new(header: &Header, schema: &PoolSchema) -> Self {
        let mut layout = Self {
            width: header.columns().len(),
            username: None,
            mfa_enabled: None,
            password_hash: None,
            standard: [None; StandardAttribute::COUNT],
            custom: vec![None; schema.custom_attributes.len()],
            plain: Vec::new(),
        };
        for (index, column) in header.columns().iter().enumerate() {
            let place = match *column {
                Column::Username => &mut layout.username,
                Column::MfaEnabled => &mut layout.mfa_enabled,
                Column::PasswordHash => &mut layout.password_hash,
                Column::Standard(attribute) => &mut layout.standard[attribute as usize],
                Column::Custom(custom) => &mut layout.custom[custom],
                Column::Report => continue,
            };
            *place = Some(index);
        }
        layout.plain = StandardAttribute::ALL
            .into_iter()
            .filter(|a| has_no_form(*a))
            .filter_map(|a| layout.standard[a as usize].map(|index| (a, index)))
            .collect();
        layout
    }

    /// The value of a standard attribute, if it is not empty.
    pub(super) fn standard<'r>(
        &self,
        values: &Values<'r>,
        attribute: StandardAttribute,
    ) -> Option<&'r str> {
        value(values, self.standard[attribute as usize])
    }
}

/// The value at `place`; `None` when it is empty, or the file has no such column.
pub(super) fn value<'r>(values: &Values<'r>, place: Option<usize>) -> Option<&'r str> {
    place
        .map(|index| values.get(index))
        .filter(|v| !v.is_empty())
}

const fn has_no_form(attribute: StandardAttribute) -> bool {
    !matches!(
        attribute,
        StandardAttribute::Email
            | StandardAttribute::EmailVerified
            | StandardAttribute::PhoneNumber
            | StandardAttribute::PhoneNumberVerified
            | StandardAttribute::Birthdate
            | StandardAttribute::UpdatedAt
    )
}
