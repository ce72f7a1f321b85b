//! What must be in the table after a file was imported, read from the file
//! itself by the crate `csv`, and compared with what is there cell by cell.

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::csv::{Rejected, UserFile};
use super::user::COLUMNS;
use crate::fault::{Result, check, failed};

/// The columns that are compared, in this order; `import_line` goes before
/// them. All are text to the comparison, as COPY writes it.
const COMPARED: [&str; 24] = [
    "username_key",
    "username",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
    "mfa_enabled",
    "enabled",
    "password_hash",
];

/// Rows in no order: how many, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// The sum of the first halves of their SHA-256.
    pub hashes: u128,
}

impl Sum {
    fn add(&mut self, row: &[u8]) {
        let hash = Sha256::digest(row);
        let half = hash
            .iter()
            .take(16)
            .fold(0, |sum, b| sum << 8 | u128::from(*b));
        self.rows += 1;
        self.hashes = self.hashes.wrapping_add(half);
    }
}

/// What a file must lead to.
#[derive(Clone, Debug)]
pub struct Truth {
    /// The users, with the lines that they come from.
    pub users: Sum,
    /// The users, without.
    pub values: Sum,
    /// The rejected rows: line and code.
    pub rejected: Sum,
}

impl Truth {
    /// Reads a file that was made.
    pub fn of(file: &UserFile) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_path(&file.path)?;
        let header = reader.headers()?.clone();
        let places = COMPARED
            .iter()
            .map(|column| place(&header, column))
            .collect::<Result<Vec<_>>>()?;
        let mut truth = Self {
            users: Sum::default(),
            values: Sum::default(),
            rejected: Sum::default(),
        };
        let mut rejected = file.rejected.iter().peekable();
        let mut record = csv::StringRecord::new();
        let mut row = String::new();
        let mut line = 1;
        while reader.read_record(&mut record)? {
            line += 1;
            if rejected.next_if(|r| r.line == line).is_some() {
                continue;
            }
            row.clear();
            row.push_str(&line.to_string());
            let after_line = row.len() + 1;
            for (column, place) in COMPARED.iter().zip(&places) {
                row.push('\t');
                row.push_str(&cell(column, place.and_then(|p| record.get(p))));
            }
            truth.users.add(row.as_bytes());
            truth.values.add(&row.as_bytes()[after_line..]);
        }
        for Rejected { line, code } in &file.rejected {
            truth.rejected.add(format!("{line}\t{code}").as_bytes());
        }
        check("rows of the file", line - 1, file.rows)?;
        Ok(truth)
    }

    /// The truth of a file of which every row is in the pool already.
    pub fn all_there(file: &UserFile) -> Sum {
        let mut sum = Sum::default();
        for line in 2..file.rows + 2 {
            sum.add(format!("{line}\tUSER_ALREADY_EXISTS").as_bytes());
        }
        sum
    }
}

/// Where the value of a column of the table stands in the file, if it does.
fn place(header: &csv::StringRecord, column: &str) -> Result<Option<usize>> {
    let name = match column {
        "username" | "username_key" => "cognito:username",
        "mfa_enabled" => "cognito:mfa_enabled",
        "enabled" | "password_hash" => return Ok(None),
        other => other,
    };
    match header.iter().position(|h| h == name) {
        Some(place) if COLUMNS.contains(&name) => Ok(Some(place)),
        _ => failed(format!("the file has no column {name}")),
    }
}

/// What COPY writes for a value of the file, in a column of the table.
fn cell(column: &str, value: Option<&str>) -> String {
    match (column, value) {
        ("enabled", _) => "t".to_owned(),
        (_, None | Some("")) => "\\N".to_owned(),
        ("username_key", Some(value)) => value.to_lowercase(),
        ("email_verified" | "phone_number_verified" | "mfa_enabled", Some(value)) => {
            value[..1].to_owned()
        }
        ("birthdate", Some(value)) => {
            let parts: Vec<&str> = value.split('/').collect();
            format!("{}-{}-{}", parts[2], parts[0], parts[1])
        }
        (_, Some(value)) => value.to_owned(),
    }
}

/// The users of a table, with `condition` on them: with their lines or without.
pub async fn users(
    db: &mut PgConnection,
    table: &str,
    lines: bool,
    condition: &str,
) -> Result<Sum> {
    let lines = if lines { "import_line, " } else { "" };
    let columns = COMPARED.join(", ");
    sum(
        db,
        &format!("SELECT {lines}{columns} FROM {table} WHERE {condition}"),
    )
    .await
}

/// The rejected rows of a job: line and code.
pub async fn rejected(db: &mut PgConnection, job: &str) -> Result<Sum> {
    sum(
        db,
        &format!("SELECT line, code FROM rejected_rows WHERE job_id = '{job}'"),
    )
    .await
}

async fn sum(db: &mut PgConnection, select: &str) -> Result<Sum> {
    let mut sum = Sum::default();
    let mut row = Vec::new();
    let mut rows = db
        .copy_out_raw(&format!("COPY ({select}) TO STDOUT"))
        .await?;
    while let Some(piece) = rows.try_next().await? {
        for part in piece.split_inclusive(|b| *b == b'\n') {
            row.extend_from_slice(part);
            if row.pop_if(|b| *b == b'\n').is_some() {
                sum.add(&row);
                row.clear();
            }
        }
    }
    Ok(sum)
}
