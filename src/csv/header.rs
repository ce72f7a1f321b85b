//! The first row: which column holds what.

use std::fmt;

use crate::domain::attribute::{
    CUSTOM_PREFIX, MFA_ENABLED_COLUMN, PASSWORD_HASH_COLUMN, REPORT_COLUMNS, StandardAttribute,
    USERNAME_COLUMN,
};
use crate::domain::pool::{CustomAttribute, PoolSchema};
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;

use super::fields::{Fields, Values};
use super::rows::{Row, RowFault};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// `cognito:username`.
    Username,
    /// `cognito:mfa_enabled`.
    MfaEnabled,
    /// `password_hash`.
    PasswordHash,
    /// A standard attribute.
    Standard(StandardAttribute),
    /// A custom attribute, by its place in the pool's schema.
    Custom(usize),
    /// A column of an earlier report; ignored.
    Report,
}

/// The columns of a file, which are all known to its pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    columns: Vec<Column>,
    names: Vec<String>,
}

/// Why a file cannot be imported at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError {
    /// What sort of fault it is.
    pub kind: HeaderErrorKind,
    /// What is wrong and where, in one sentence of at most 128 characters.
    pub message: String,
}

/// The sorts of header faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderErrorKind {
    /// There is no header, or its columns are not those of the pool.
    Invalid,
    /// It is not UTF-8.
    Encoding,
    /// The job names a password hashing algorithm, the file has no hashes.
    MissingPasswordHash,
}

impl Header {
    /// Reads the header: the file's first row, `None` when it has none.
    /// `algorithm` is the job's, if it names one.
    pub fn parse(
        first: Option<&Row<'_>>,
        schema: &PoolSchema,
        algorithm: Option<PasswordHashingAlgorithm>,
    ) -> Result<Self, HeaderError> {
        let row =
            first.ok_or_else(|| invalid("The file is empty: it has no header.".to_owned()))?;
        let line = row.line;
        if is_utf16(row.bytes) {
            return Err(HeaderError {
                kind: HeaderErrorKind::Encoding,
                message: "The file seems to be UTF-16: save it as UTF-8 and upload it again."
                    .to_owned(),
            });
        }
        match row.fault {
            Some(RowFault::UnterminatedQuote) => {
                return Err(invalid(format!(
                    "The header on line {line} has a quoted field that is not closed."
                )));
            }
            Some(RowFault::TooLong) => {
                return Err(invalid(format!(
                    "The header on line {line} is longer than the row limit."
                )));
            }
            None => {}
        }
        let mut fields = Fields::new();
        let values = fields.split(row.bytes).values().map_err(|_| HeaderError {
            kind: HeaderErrorKind::Encoding,
            message: format!(
                "The header on line {line} is not valid UTF-8, or holds a NUL character."
            ),
        })?;
        let header = Self::from_names(&values, schema)?;
        header.check_complete(line, schema, algorithm)?;
        Ok(header)
    }

    /// The columns, in the file's order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The name of a column.
    #[must_use]
    pub fn name(&self, index: usize) -> &str {
        &self.names[index]
    }

    fn from_names(values: &Values<'_>, schema: &PoolSchema) -> Result<Self, HeaderError> {
        let mut header = Self {
            columns: Vec::new(),
            names: Vec::new(),
        };
        // Ends at the first name that is not known or not new, so the search
        // for earlier ones stays short however many fields there are.
        for (index, name) in values.iter().enumerate() {
            let position = index + 1;
            let column = column(name, schema).ok_or_else(|| unknown(position, name))?;
            if let Some(earlier) = header.names.iter().position(|n| n == name) {
                let earlier = earlier + 1;
                return Err(invalid(format!(
                    "Column {position} of the header repeats column {earlier}, \"{name}\"."
                )));
            }
            header.columns.push(column);
            header.names.push(name.to_owned());
        }
        Ok(header)
    }

    fn check_complete(
        &self,
        line: u64,
        schema: &PoolSchema,
        algorithm: Option<PasswordHashingAlgorithm>,
    ) -> Result<(), HeaderError> {
        let missing = |name: &str, why: &str| {
            format!("The header on line {line} has no column \"{name}\"{why}.")
        };
        if !self.columns.contains(&Column::Username) {
            return Err(invalid(missing(USERNAME_COLUMN, "")));
        }
        let custom = schema.custom_attributes.iter().enumerate();
        let required = StandardAttribute::ALL
            .into_iter()
            .filter(|a| schema.required_attributes.contains(a))
            .map(|a| (Column::Standard(a), a.as_str().to_owned()))
            .chain(
                custom
                    .filter(|(_, c)| c.required)
                    .map(|(i, c)| (Column::Custom(i), c.column())),
            );
        for (column, name) in required {
            if !self.columns.contains(&column) {
                return Err(invalid(missing(&name, ", which the pool requires")));
            }
        }
        if algorithm.is_some() && !self.columns.contains(&Column::PasswordHash) {
            return Err(HeaderError {
                kind: HeaderErrorKind::MissingPasswordHash,
                message: missing(PASSWORD_HASH_COLUMN, ", but the job names an algorithm"),
            });
        }
        Ok(())
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HeaderError {}

fn column(name: &str, schema: &PoolSchema) -> Option<Column> {
    match name {
        USERNAME_COLUMN => Some(Column::Username),
        MFA_ENABLED_COLUMN => Some(Column::MfaEnabled),
        PASSWORD_HASH_COLUMN => Some(Column::PasswordHash),
        _ if REPORT_COLUMNS.contains(&name) => Some(Column::Report),
        _ => match name.strip_prefix(CUSTOM_PREFIX) {
            Some(custom) => schema
                .custom_attributes
                .iter()
                .position(|c: &CustomAttribute| c.name == custom)
                .map(Column::Custom),
            None => StandardAttribute::from_name(name).map(Column::Standard),
        },
    }
}

fn invalid(message: String) -> HeaderError {
    HeaderError {
        kind: HeaderErrorKind::Invalid,
        message,
    }
}

/// A file without a header has a user's data in its first row, so a name is
/// repeated only when it looks like one.
fn unknown(position: usize, name: &str) -> HeaderError {
    let looks_like_a_name = (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_:.-".contains(&b));
    invalid(if looks_like_a_name {
        format!("Column {position} of the header, \"{name}\", is not a column of this pool.")
    } else if name.is_empty() {
        format!("Column {position} of the header has no name.")
    } else {
        format!("Column {position} of the header is not a column of this pool.")
    })
}

/// By its byte order mark, or because every other byte of Latin text is NUL.
fn is_utf16(row: &[u8]) -> bool {
    let nuls = row.iter().filter(|b| **b == 0).count();
    row.starts_with(b"\xFF\xFE") || row.starts_with(b"\xFE\xFF") || nuls * 3 > row.len()
}
