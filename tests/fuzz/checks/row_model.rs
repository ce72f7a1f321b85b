//! The rules for one row as the contract lists them ("Rules for one row"),
//! written without a look at the room `csv`. Password hashes and RFC 3339 are
//! left to the rules for single values.

use std::collections::BTreeMap;

use muster::csv::rows::{Row, RowFault};
use muster::domain::attribute::{StandardAttribute, VerifiableAttribute};
use muster::domain::pool::{AttributeDataType, CustomAttribute, MfaConfiguration, PoolSchema};
use muster::domain::rejection::RejectionCode as Code;
use muster::domain::rules::custom;
use muster::domain::rules::password_hash::{self, HashFault, PasswordHashingAlgorithm};

use super::fields_model;

/// The values of a row that are not empty, by column.
pub type Values = BTreeMap<String, String>;

/// Code and column of a rule that a row breaks.
type Fault = (Code, Option<String>);

/// A job's pool, header and algorithm.
pub struct Job<'a> {
    pub schema: &'a PoolSchema,
    pub names: &'a [String],
    pub algorithm: Option<PasswordHashingAlgorithm>,
}

/// How many fields a row has.
pub fn count(row: &[u8]) -> usize {
    // Whatever is no text is neither comma, quote nor backslash.
    fields_model::values(&String::from_utf8_lossy(row)).len()
}

impl Job<'_> {
    /// The values of a row, or the first rule that it breaks.
    pub fn judge(&self, row: &Row<'_>) -> Result<Values, Fault> {
        let values = self.values(row).map_err(|code| (code, None))?;
        let broken = self
            .username(&values)
            .or_else(|| contacts(&values))
            .or_else(|| booleans(&values))
            .or_else(|| self.verified(&values))
            .or_else(|| dates(&values))
            .or_else(|| lengths(&values))
            .or_else(|| self.required(&values))
            .or_else(|| self.custom(&values))
            .or_else(|| self.mfa_and_hash(&values));
        match broken {
            None => Ok(values),
            Some((code, column)) => Err((code, Some(column))),
        }
    }

    fn values(&self, row: &Row<'_>) -> Result<Values, Code> {
        match row.fault {
            Some(RowFault::UnterminatedQuote) => return Err(Code::UnterminatedQuote),
            Some(RowFault::TooLong) => return Err(Code::RowTooLong),
            None => {}
        }
        if count(row.bytes) != self.names.len() {
            return Err(Code::WrongFieldCount);
        }
        let text = std::str::from_utf8(row.bytes)
            .ok()
            .filter(|text| !text.contains('\0'))
            .ok_or(Code::InvalidEncoding)?;
        let values = self.names.iter().cloned().zip(fields_model::values(text));
        Ok(values.filter(|(_, value)| !value.is_empty()).collect())
    }

    fn username(&self, values: &Values) -> Option<(Code, String)> {
        let column = "cognito:username";
        let Some(name) = values.get(column) else {
            return fault(Code::MissingUsername, column);
        };
        let kinds = &self.schema.username_attributes;
        let right = name.chars().count() <= 128
            && !name.chars().any(|c| c.is_whitespace() || c.is_control())
            && (kinds.is_empty() || kinds.iter().any(|kind| is_contact(name, *kind)));
        fault(Code::InvalidUsername, column).filter(|_| !right)
    }

    /// A value of the attribute, or the username that is one.
    pub fn contact<'v>(&self, values: &'v Values, kind: VerifiableAttribute) -> Option<&'v String> {
        let fills = self.schema.username_attributes.contains(&kind);
        values.get(kind.as_str()).or_else(|| {
            values
                .get("cognito:username")
                .filter(|name| fills && is_contact(name, kind))
        })
    }

    fn verified(&self, values: &Values) -> Option<(Code, String)> {
        let flag = |kind: VerifiableAttribute| format!("{}_verified", kind.as_str());
        let is_true = |kind| truth(values, &flag(kind)) == Some(true);
        for kind in [VerifiableAttribute::Email, VerifiableAttribute::PhoneNumber] {
            if is_true(kind) && self.contact(values, kind).is_none() {
                return fault(Code::VerifiedWithoutValue, &flag(kind));
            }
        }
        let wanted = &self.schema.auto_verified_attributes;
        let first = wanted.first()?;
        fault(Code::NoVerifiedAttribute, &flag(*first))
            .filter(|_| !wanted.iter().any(|kind| is_true(*kind)))
    }

    fn required(&self, values: &Values) -> Option<(Code, String)> {
        let has = |attribute: StandardAttribute| match attribute {
            StandardAttribute::Email => self.contact(values, VerifiableAttribute::Email).is_some(),
            other => values.contains_key(other.as_str()),
        };
        let standard = StandardAttribute::ALL
            .into_iter()
            .filter(|a| self.schema.required_attributes.contains(a) && !has(*a))
            .map(|a| a.as_str().to_owned());
        let custom = self.schema.custom_attributes.iter();
        let custom = custom
            .filter(|a| a.required)
            .map(CustomAttribute::column)
            .filter(|column| !values.contains_key(column));
        let column = standard.chain(custom).next()?;
        Some((Code::MissingRequiredAttribute, column))
    }

    fn custom(&self, values: &Values) -> Option<(Code, String)> {
        let wrong = |attribute: &&CustomAttribute| {
            values
                .get(&attribute.column())
                .is_some_and(|value| !is_custom(value, attribute))
        };
        let attribute = self.schema.custom_attributes.iter().find(wrong)?;
        Some((Code::InvalidCustomAttribute, attribute.column()))
    }

    fn mfa_and_hash(&self, values: &Values) -> Option<(Code, String)> {
        let refused = match self.schema.mfa_configuration {
            MfaConfiguration::On => Some(false),
            MfaConfiguration::Off => Some(true),
            MfaConfiguration::Optional => None,
        };
        let mfa = "cognito:mfa_enabled";
        let enabled = truth(values, mfa);
        if enabled.is_some() && enabled == refused {
            return fault(Code::MfaNotAllowed, mfa);
        }
        let column = "password_hash";
        match password_hash::check(values.get(column)?, self.algorithm).err()? {
            HashFault::Invalid => fault(Code::InvalidPasswordHash, column),
            HashFault::TooCostly => fault(Code::PasswordHashTooCostly, column),
        }
    }
}

fn fault(code: Code, column: &str) -> Option<(Code, String)> {
    Some((code, column.to_owned()))
}

fn is_contact(value: &str, kind: VerifiableAttribute) -> bool {
    match kind {
        VerifiableAttribute::Email => is_email(value),
        VerifiableAttribute::PhoneNumber => is_phone(value),
    }
}

fn is_email(value: &str) -> bool {
    let parts: Vec<&str> = value.split('@').collect();
    let [local, domain] = parts[..] else {
        return false;
    };
    let invisible = |c: char| c.is_whitespace() || c.is_control();
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    value.len() <= 254
        && !local.is_empty()
        && !local.chars().any(invisible)
        && domain.chars().all(atom)
        && !format!(".{domain}.").contains("..")
}

fn is_phone(value: &str) -> bool {
    let digits: Vec<char> = value.chars().skip(1).collect();
    value.starts_with('+')
        && (7..=15).contains(&digits.len())
        && digits.iter().all(char::is_ascii_digit)
        && digits[0] != '0'
}

fn truth(values: &Values, column: &str) -> Option<bool> {
    match values.get(column)?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn contacts(values: &Values) -> Option<(Code, String)> {
    let wrong = |column: &str, right: fn(&str) -> bool| {
        values.get(column).is_some_and(|value| !right(value))
    };
    if wrong("email", is_email) {
        return fault(Code::InvalidEmail, "email");
    }
    fault(Code::InvalidPhoneNumber, "phone_number").filter(|_| wrong("phone_number", is_phone))
}

fn booleans(values: &Values) -> Option<(Code, String)> {
    let columns = [
        "email_verified",
        "phone_number_verified",
        "cognito:mfa_enabled",
    ];
    let wrong = |column: &&str| values.contains_key(*column) && truth(values, column).is_none();
    fault(Code::InvalidBoolean, columns.iter().find(|c| wrong(c))?)
}

fn dates(values: &Values) -> Option<(Code, String)> {
    if values.get("birthdate").is_some_and(|date| !is_day(date)) {
        return fault(Code::InvalidBirthdate, "birthdate");
    }
    let seconds = values.get("updated_at")?;
    let digits = seconds.trim_start_matches('0');
    let right = seconds.chars().all(|c| c.is_ascii_digit())
        // As text, numbers of as many digits compare as numbers do.
        && (digits.len() < 19 || (digits.len() == 19 && digits <= "9223372036854775807"));
    fault(Code::InvalidUpdatedAt, "updated_at").filter(|_| !right)
}

fn is_day(text: &str) -> bool {
    let part = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        let right = digits.chars().all(|c| c.is_ascii_digit());
        right.then(|| digits.parse::<u32>().ok())?
    };
    let (Some(month), Some(day), Some(year)) = (part(0..2), part(3..5), part(6..10)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    let slashes = text.get(2..3) == Some("/") && text.get(5..6) == Some("/");
    text.len() == 10 && slashes && year > 0 && (1..=days).contains(&day)
}

/// Attributes without a form of their own.
fn lengths(values: &Values) -> Option<(Code, String)> {
    let formed = [
        "email",
        "email_verified",
        "phone_number",
        "phone_number_verified",
        "birthdate",
        "updated_at",
    ];
    let long = StandardAttribute::ALL.into_iter().find(|attribute| {
        let value = values.get(attribute.as_str());
        !formed.contains(&attribute.as_str()) && value.is_some_and(|v| v.chars().count() > 2048)
    })?;
    fault(Code::AttributeTooLong, long.as_str())
}

/// By the bounds that [`super::schema`] sets.
fn is_custom(value: &str, attribute: &CustomAttribute) -> bool {
    let bounds = (attribute.minimum, attribute.maximum);
    match attribute.data_type {
        AttributeDataType::String => {
            assert_eq!(bounds, (Some(2), Some(6)));
            (2..=6).contains(&value.chars().count())
        }
        AttributeDataType::Number => {
            assert_eq!(bounds, (Some(-5), Some(100)));
            is_number(value)
        }
        AttributeDataType::Boolean => matches!(&*value.to_ascii_lowercase(), "true" | "false"),
        AttributeDataType::DateTime => custom::is_valid(value, attribute),
    }
}

/// From -5 to 100.
fn is_number(value: &str) -> bool {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let right = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    if !right(whole) || !right(fraction) || value.len() > 2048 {
        return false;
    }
    let whole = whole.trim_start_matches('0');
    let exact = fraction.trim_end_matches('0').is_empty();
    match (negative, whole.len()) {
        (true, 0) => true,
        (true, 1) => whole < "5" || (whole == "5" && exact),
        (true, _) => false,
        (false, length) => length < 3 || (whole == "100" && exact),
    }
}
