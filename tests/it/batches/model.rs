//! The contract, one row after the other, without batches and lanes.

use std::collections::{BTreeMap, HashMap};

use muster::domain::job::Counters;
use muster::domain::rejection::{Outcome, Rejection, RejectionCode as C};
use muster::domain::user::UserStatus;

use super::file::{COLUMNS, Case, File, Pool};
use super::{Kept, Left};

type Values = BTreeMap<&'static str, String>;

/// The users of a pool, by what they are compared by.
#[derive(Default)]
struct Users(HashMap<String, User>);

struct User {
    kept: Kept,
    aliases: Vec<(&'static str, String)>,
}

/// What each file of a case leaves behind.
pub fn left(case: &Case) -> Vec<Left> {
    let mut users = Users::default();
    let import = |file| users.import(&case.pool, file);
    case.files.iter().map(import).collect()
}

impl Users {
    fn import(&mut self, pool: &Pool, file: &File) -> Left {
        self.0.values_mut().for_each(|user| user.kept.own = false);
        let mut rejections = Vec::new();
        let mut counters = Counters::default();
        for (row, line) in file.rows.iter().zip(file.csv().1) {
            match self.take(pool, &row.values, line) {
                Ok(()) => counters.imported += 1,
                Err((code, column, detail)) => {
                    match code.outcome() {
                        Outcome::Skipped => counters.skipped += 1,
                        Outcome::Failed => counters.failed += 1,
                    }
                    let column = column.map(Into::into);
                    rejections.push(Rejection {
                        line,
                        code,
                        column,
                        detail,
                    });
                }
            }
        }
        let mut users: Vec<_> = self.0.values().map(|user| user.kept.clone()).collect();
        users.sort_by(|a, b| a.username.cmp(&b.username));
        Left {
            users,
            counters,
            rejections,
        }
    }

    fn take(&mut self, pool: &Pool, row: &[String], line: u64) -> Result<(), Fault> {
        let values = judge(pool, row)?;
        let key = |value: &str| match pool.case_sensitive {
            true => value.to_owned(),
            false => value.to_lowercase(),
        };
        let aliases = pool.aliases.iter().filter(|a| binds(a, &values));
        let aliases: Vec<_> = aliases.map(|a| (*a, key(&values[a]))).collect();
        let name = key(&row[0]);
        let others = || self.0.iter().filter(|(other, _)| **other != name);
        let taken = |alias| others().any(|(_, user)| user.aliases.contains(alias));
        if let Some((kind, _)) = aliases.iter().find(|alias| taken(alias)) {
            return Err((C::AliasAlreadyExists, Some(kind), None));
        }
        match self.0.get(&name).map(|user| &user.kept) {
            Some(kept) if kept.own => {
                return Err((C::DuplicateInFile, Some(COLUMNS[0]), Some(kept.line)));
            }
            Some(_) => return Err((C::UserAlreadyExists, Some(COLUMNS[0]), None)),
            None => {}
        }
        let kept = Kept {
            username: row[0].clone(),
            line,
            status: UserStatus::ResetRequired,
            attributes: values
                .into_iter()
                .map(|(name, v)| (name.to_owned(), v))
                .collect(),
            own: true,
        };
        self.0.insert(name, User { kept, aliases });
        Ok(())
    }
}

/// Code, column and detail.
type Fault = (C, Option<&'static str>, Option<u64>);

/// Whether a user of these values goes by that attribute.
fn binds(alias: &str, values: &Values) -> bool {
    let verified = |flag: &str| values.get(flag).is_some_and(|flag| flag == "true");
    values.contains_key(alias)
        && match alias {
            "email" => verified("email_verified"),
            "phone_number" => verified("phone_number_verified"),
            _ => true,
        }
}

/// The rules that a row keeps by itself, in the contract's order. What is bad is
/// what [`super::file`] makes bad. Answers the attributes that are not empty.
fn judge(pool: &Pool, row: &[String]) -> Result<Values, Fault> {
    if row.len() != COLUMNS.len() {
        return Err((C::WrongFieldCount, None, Some(row.len() as u64)));
    }
    let named = COLUMNS.into_iter().zip(row.iter().cloned());
    let mut values: Values = named.skip(1).filter(|(_, v)| !v.is_empty()).collect();
    let name = row[0].as_str();
    let kind = match name {
        "" => return Err((C::MissingUsername, Some(COLUMNS[0]), None)),
        _ if name.contains('@') => "email",
        _ if name.starts_with('+') => "phone_number",
        _ => "name",
    };
    if pool.usernames.contains(&kind) {
        values.entry(kind).or_insert_with(|| name.to_owned());
    } else if !pool.usernames.is_empty() {
        return Err((C::InvalidUsername, Some(COLUMNS[0]), None));
    }
    let fault = |code, column| Err((code, Some(column), None));
    if values.get("email").is_some_and(|v| !v.contains('@')) {
        return fault(C::InvalidEmail, "email");
    }
    if values
        .get("phone_number")
        .is_some_and(|v| !v.starts_with('+'))
    {
        return fault(C::InvalidPhoneNumber, "phone_number");
    }
    let flags = [
        ("email", "email_verified"),
        ("phone_number", "phone_number_verified"),
    ];
    for (_, flag) in flags {
        let Some(value) = values.get_mut(flag) else {
            continue;
        };
        value.make_ascii_lowercase();
        if value == "maybe" {
            return fault(C::InvalidBoolean, flag);
        }
    }
    let is_true = |flag| values.get(flag).is_some_and(|value| value == "true");
    for (attribute, flag) in flags {
        if is_true(flag) && !values.contains_key(attribute) {
            return fault(C::VerifiedWithoutValue, flag);
        }
    }
    if !flags.iter().any(|(_, flag)| is_true(flag)) {
        return fault(C::NoVerifiedAttribute, "email_verified");
    }
    match values.get_mut("birthdate") {
        Some(date) if date == "13/13/2000" => fault(C::InvalidBirthdate, "birthdate"),
        Some(date) => {
            "2000-02-29".clone_into(date);
            Ok(values)
        }
        None => Ok(values),
    }
}
