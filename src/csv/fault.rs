//! A rule that a row breaks.

use std::borrow::Cow;

use crate::domain::attribute::StandardAttribute;
use crate::domain::rejection::RejectionCode;
use crate::domain::rules::boolean;

/// A rule broken, and by which column.
pub(super) struct Fault {
    pub(super) code: RejectionCode,
    pub(super) column: Option<Cow<'static, str>>,
    pub(super) detail: Option<u64>,
}

impl Fault {
    pub(super) const fn of_row(code: RejectionCode, detail: Option<u64>) -> Self {
        Self {
            code,
            column: None,
            detail,
        }
    }

    pub(super) fn of(code: RejectionCode, column: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            column: Some(column.into()),
            detail: None,
        }
    }

    pub(super) fn of_attribute(code: RejectionCode, attribute: StandardAttribute) -> Self {
        Self::of(code, attribute.as_str())
    }
}

/// An optional truth value of `column`.
pub(super) fn truth(value: Option<&str>, column: &'static str) -> Result<Option<bool>, Fault> {
    parsed(value, boolean::parse, || {
        Fault::of(RejectionCode::InvalidBoolean, column)
    })
}

/// An optional value: if there is one it must parse.
pub(super) fn parsed<T>(
    value: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
    fault: impl Fn() -> Fault,
) -> Result<Option<T>, Fault> {
    value.map(|v| parse(v).ok_or_else(fault)).transpose()
}
