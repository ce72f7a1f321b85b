//! Small files, and what is known of each row before anything is imported.

use proptest::prelude::*;

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Birthdate,
    Fields,
}

/// A row of a file. Names are few, so that they meet again.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: u8,
    pub upper: bool,
    pub email: u8,
    pub fault: Option<Fault>,
    /// Line breaks within the row, and blank lines after it.
    pub breaks: u8,
    pub blanks: u8,
}

impl Row {
    /// A row that keeps all rules.
    pub const fn of(name: u8) -> Self {
        Self {
            name,
            upper: false,
            email: name,
            fault: None,
            breaks: 0,
            blanks: 0,
        }
    }
}

/// Different names in a file.
pub const NAMES: u8 = 16;

pub fn rows() -> impl Strategy<Value = Vec<Row>> {
    let fault = prop_oneof![
        8 => Just(None),
        1 => Just(Some(Fault::Birthdate)),
        1 => Just(Some(Fault::Fields)),
    ];
    let mostly_none = || prop_oneof![5 => Just(0u8), 1 => 1..3u8];
    let row = (
        0..NAMES,
        any::<bool>(),
        0..NAMES,
        fault,
        mostly_none(),
        mostly_none(),
    )
        .prop_map(|(name, upper, email, fault, breaks, blanks)| Row {
            name,
            upper,
            email,
            fault,
            breaks,
            blanks,
        });
    prop::collection::vec(row, 0..=32)
}

/// The name that users are compared by, in a space of names.
pub fn key(space: usize, name: u8) -> String {
    format!("{}{name}", key_start(space))
}

/// What all names of a space begin with.
pub fn key_start(space: usize) -> String {
    format!("user-{space}-")
}

/// The address that goes with a number.
pub fn email(space: usize, number: u8) -> String {
    format!("mail-{space}-{number}@example.com")
}

/// A row as it lies in the file.
#[derive(Clone, Debug)]
pub struct Placed {
    pub line: u64,
    pub start: u64,
    pub end: u64,
    /// `None` when it breaks a rule.
    pub key: Option<String>,
}

/// A file with the places of its rows.
#[derive(Clone, Debug)]
pub struct File {
    pub csv: String,
    pub rows: Vec<Placed>,
}

impl File {
    pub fn of(rows: &[Row], space: usize) -> Self {
        let mut csv = "cognito:username,email,email_verified,birthdate,address\n".to_owned();
        let mut line = 2;
        let mut placed = Vec::new();
        for row in rows {
            let start = csv.len() as u64;
            let name = key(space, row.name);
            let name = if row.upper { name.to_uppercase() } else { name };
            let (birthdate, more) = match row.fault {
                None => ("", ""),
                Some(Fault::Birthdate) => ("13/13/2000", ""),
                Some(Fault::Fields) => ("", ",more"),
            };
            let breaks = "\n".repeat(row.breaks.into());
            let email = email(space, row.email);
            csv.push_str(&format!(
                "{name},{email},true,{birthdate},\"a{breaks}\"{more}\n"
            ));
            placed.push(Placed {
                line,
                start,
                end: csv.len() as u64,
                key: row.fault.is_none().then(|| key(space, row.name)),
            });
            csv.push_str(&"\n".repeat(row.blanks.into()));
            line += 1 + u64::from(row.breaks) + u64::from(row.blanks);
        }
        Self { csv, rows: placed }
    }

    /// The lines that a lane which stands at `checkpoint` has accounted for.
    pub fn done(&self, lane: usize, lanes: usize, checkpoint: u64) -> impl Iterator<Item = u64> {
        let rows = self.rows.iter();
        rows.filter(move |row| row.start < checkpoint && row.lane(lanes) == lane)
            .map(|row| row.line)
    }

    /// The line that begins at an offset where a row ends.
    pub fn line_at(&self, offset: u64) -> Option<u64> {
        let line = |end: usize| 1 + self.csv[..end].matches('\n').count() as u64;
        let ends = self.rows.iter().any(|row| row.end == offset);
        (ends || offset == 0).then(|| line(offset as usize))
    }
}

impl Placed {
    /// The lane of the row, by the hash that no version may change.
    fn lane(&self, lanes: usize) -> usize {
        let line = self.line.to_le_bytes();
        let bytes = self.key.as_ref().map_or(&line[..], |key| key.as_bytes());
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        ((hash ^ (hash >> 32)) % lanes as u64) as usize
    }
}
