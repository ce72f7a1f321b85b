//! Files of users, as muster takes them and as `\copy` does.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::mix::{Fate, Mix};
use super::user::{BIRTHDATE, COLUMNS, USERNAME, User};
use crate::fault::Result;

/// The seed of all files.
const SEED: u64 = 7;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contents {
    /// The numbers of its users.
    pub numbers: Range<u32>,
    /// What is wrong with them.
    pub mix: Mix,
}

/// A row that is not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejected {
    /// Its line.
    pub line: u64,
    /// Its code.
    pub code: &'static str,
}

/// A file that was made.
#[derive(Clone, Debug)]
pub struct UserFile {
    /// Where.
    pub path: PathBuf,
    /// Rows, the header not counted.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// What must be rejected, by line.
    pub rejected: Vec<Rejected>,
}

impl Contents {
    /// A clean file with so many users.
    pub fn clean(numbers: Range<u32>) -> Self {
        Self {
            numbers,
            mix: Mix::Clean,
        }
    }

    /// Writes the file that muster takes.
    pub fn write(&self, path: &Path) -> Result<UserFile> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let mut made = UserFile {
            path: path.to_owned(),
            rows: 0,
            bytes: 0,
            rejected: Vec::new(),
        };
        let mut user = User::default();
        let mut row = COLUMNS.join(",");
        row.push('\n');
        made.bytes += row.len() as u64;
        file.write_all(row.as_bytes())?;
        for number in self.numbers.clone() {
            let fate = self.mix.fate(number, SEED);
            // The header is line 1.
            let line = made.rows + 2;
            let fault = match fate {
                Fate::LeftOut => continue,
                Fate::Imported => None,
                Fate::There => {
                    made.rejected.push(Rejected {
                        line,
                        code: "USER_ALREADY_EXISTS",
                    });
                    None
                }
                Fate::Broken(fault) => {
                    let code = fault.code;
                    made.rejected.push(Rejected { line, code });
                    Some(fault)
                }
            };
            user.become_number(number, SEED);
            row.clear();
            for column in 0..COLUMNS.len() {
                let value = match fault {
                    Some(fault) if fault.column == column => fault.value,
                    _ => user.value(column),
                };
                push(&mut row, value);
            }
            if let Some(fault) = fault.filter(|f| f.column >= COLUMNS.len()) {
                push(&mut row, fault.value);
            }
            end(&mut row);
            file.write_all(row.as_bytes())?;
            made.rows += 1;
            made.bytes += row.len() as u64;
        }
        file.flush()?;
        Ok(made)
    }

    /// Writes what `\copy` takes for the same users: no header, the columns
    /// `username_key` and `username` first, and values as the table has them.
    pub fn write_for_copy(&self, path: &Path) -> Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let mut user = User::default();
        let mut row = String::new();
        for number in self.numbers.clone() {
            user.become_number(number, SEED);
            row.clear();
            let username = user.value(USERNAME);
            push(&mut row, &username.to_lowercase());
            push(&mut row, username);
            for column in 0..USERNAME {
                match (column, user.value(column).as_bytes()) {
                    (BIRTHDATE, [m1, m2, _, d1, d2, _, year @ ..]) => {
                        let year = std::str::from_utf8(year)?;
                        let part = |a: &u8, b: &u8| format!("{}{}", char::from(*a), char::from(*b));
                        push(
                            &mut row,
                            &format!("{year}-{}-{}", part(m1, m2), part(d1, d2)),
                        );
                    }
                    _ => push(&mut row, user.value(column)),
                }
            }
            end(&mut row);
            file.write_all(row.as_bytes())?;
        }
        Ok(file.flush()?)
    }
}

/// Adds a value and a comma.
fn push(row: &mut String, value: &str) {
    if value.contains([',', '"']) {
        row.push('"');
        row.push_str(&value.replace('"', "\"\""));
        row.push('"');
    } else {
        row.push_str(value);
    }
    row.push(',');
}

/// Makes the last comma a line's end.
fn end(row: &mut String) {
    row.pop();
    row.push('\n');
}
