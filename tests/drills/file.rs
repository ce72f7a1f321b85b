//! Files with rows of every fate, and what must become of each row.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::seeds::Rng;

/// Users that are in the pool before: `old-0`, `old-1` and so on.
pub const OLD_USERS: u64 = 20;

/// What kind of file, for what kind of pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    pub rows: u64,
    /// Whether e-mail addresses are aliases in the pool.
    pub aliases: bool,
}

/// What a line makes, by the rules of the contract and not by muster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Imported {
        username: String,
        email: String,
        address: Option<String>,
    },
    Rejected {
        code: &'static str,
        /// DUPLICATE_IN_FILE: the earlier line.
        detail: Option<i64>,
    },
}

/// A file, and the fate of each of its rows by line.
pub struct File {
    pub csv: String,
    pub fates: BTreeMap<i64, Fate>,
}

impl File {
    /// The same file each time.
    pub fn new(spec: Spec) -> Self {
        let mut rng = Rng::new(spec.rows * 2 + u64::from(spec.aliases));
        let mut csv = "cognito:username,email,email_verified,address\n".to_owned();
        let mut line = 2;
        let mut fates = BTreeMap::new();
        let mut imported: Vec<(String, i64)> = Vec::new();
        for n in 0..spec.rows {
            let username = format!("user-{n}");
            let email = format!("user-{n}@example.com");
            let kind = rng.within(0..20);
            let row = line + i64::from(kind == 0);
            let before = match imported.len() as u64 {
                0 => None,
                some => Some(imported[rng.within(0..some) as usize].clone()),
            };
            let rejected = |code, detail| Fate::Rejected { code, detail };
            let (text, fate) = match (kind, before) {
                (1, Some((name, earlier))) => (
                    format!("{},{email},true,", name.to_uppercase()),
                    rejected("DUPLICATE_IN_FILE", Some(earlier)),
                ),
                (2, Some((name, _))) if spec.aliases => (
                    format!("{username},{name}@example.com,true,"),
                    rejected("ALIAS_ALREADY_EXISTS", None),
                ),
                (3, _) => (
                    format!("{username},nonsense,true,"),
                    rejected("INVALID_EMAIL", None),
                ),
                (4, _) => (
                    format!("{username},too few"),
                    rejected("WRONG_FIELD_COUNT", None),
                ),
                (5, _) => (
                    format!("OLD-{},{email},true,", rng.within(0..OLD_USERS)),
                    rejected("USER_ALREADY_EXISTS", None),
                ),
                _ => {
                    imported.push((username.clone(), row));
                    // A row of several lines, and one behind a blank line.
                    let address = (kind == 6).then(|| format!("{n} Road\nTown\n"));
                    let field = address.as_ref().map(|a| format!("\"{a}\""));
                    let fate = Fate::Imported {
                        username: username.clone(),
                        email: email.clone(),
                        address,
                    };
                    let field = field.unwrap_or_default();
                    (format!("{username},{email},true,{field}"), fate)
                }
            };
            if row > line {
                csv.push('\n');
            }
            writeln!(csv, "{text}").expect("a string");
            fates.insert(row, fate);
            line = row + 1 + text.matches('\n').count() as i64;
        }
        Self { csv, fates }
    }

    /// How many rows have a fate.
    pub fn rows(&self) -> u64 {
        self.fates.len() as u64
    }
}
