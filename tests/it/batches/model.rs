//! Random files against a model that takes one row after the other.

use muster::domain::rejection::RejectionCode as C;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use super::{Left, import, plant_users};
use crate::support::muster::TestMuster;

/// How a username is written.
#[derive(Clone, Copy, Debug)]
enum Case {
    Lower,
    Upper,
    Title,
}

#[derive(Clone, Debug)]
struct Row {
    name: u8,
    case: Case,
    email: u8,
    email_verified: bool,
    fault: Option<C>,
    /// Line breaks within the row, and blank lines after it.
    breaks: usize,
    blanks: usize,
}

#[derive(Clone, Debug)]
struct File {
    /// Users that are there, each with the e-mail address that it goes by.
    existing: Vec<(u8, Option<u8>)>,
    rows: Vec<Row>,
    aliases: bool,
    batch_rows: usize,
    lanes: u16,
}

const NAMES: std::ops::Range<u8> = 0..9;
const EMAILS: std::ops::Range<u8> = 0..7;

fn row() -> impl Strategy<Value = Row> {
    let case = prop_oneof![Just(Case::Lower), Just(Case::Upper), Just(Case::Title)];
    let fault = prop_oneof![
        6 => Just(None),
        1 => Just(Some(C::InvalidBirthdate)),
        1 => Just(Some(C::WrongFieldCount)),
    ];
    (
        NAMES,
        case,
        EMAILS,
        any::<bool>(),
        fault,
        0..3usize,
        0..2usize,
    )
        .prop_map(
            |(name, case, email, email_verified, fault, breaks, blanks)| Row {
                name,
                case,
                email,
                email_verified,
                fault,
                breaks,
                blanks,
            },
        )
}

fn file() -> impl Strategy<Value = File> {
    let existing = prop::collection::btree_map(NAMES, any::<bool>(), 0..4);
    let rows = prop::collection::vec(row(), 0..=30);
    (existing, rows, any::<bool>(), 1..12usize, 1..=3u16).prop_map(
        |(existing, rows, aliases, batch_rows, lanes)| File {
            // Each goes by an address of its own, if by any.
            existing: existing
                .into_iter()
                .map(|(name, has_alias)| {
                    (
                        name,
                        (aliases && has_alias && EMAILS.contains(&name)).then_some(name),
                    )
                })
                .collect(),
            rows,
            aliases,
            batch_rows,
            lanes,
        },
    )
}

fn email(n: u8) -> String {
    format!("mail-{n}@example.com")
}

impl Row {
    fn username(&self) -> String {
        let name = format!("usér-{}", self.name);
        match self.case {
            Case::Lower => name,
            Case::Upper => name.to_uppercase(),
            Case::Title => name.replace('u', "U"),
        }
    }

    fn csv(&self) -> String {
        let birthdate = if self.fault == Some(C::InvalidBirthdate) {
            "13/13/2000"
        } else {
            ""
        };
        let more = if self.fault == Some(C::WrongFieldCount) {
            ",more"
        } else {
            ""
        };
        format!(
            "{},{},{},+4915100000001,true,{birthdate},\"a{}\"{more}\n{}",
            self.username(),
            email(self.email).to_uppercase(),
            self.email_verified,
            "\n".repeat(self.breaks),
            "\n".repeat(self.blanks),
        )
    }
}

/// A rejected row: line, code, earlier line.
type Rejected = (u64, C, Option<u64>);

/// The contract, one row after the other: imported usernames with their lines,
/// and rejected rows.
fn model(file: &File) -> (Vec<(String, u64)>, Vec<Rejected>) {
    // Name, address that it goes by, line unless it was there before.
    let mut users: Vec<(u8, Option<u8>, Option<u64>)> = file
        .existing
        .iter()
        .map(|(name, alias)| (*name, *alias, None))
        .collect();
    let (mut imported, mut rejected, mut line) = (Vec::new(), Vec::new(), 2);
    for row in &file.rows {
        let alias = (file.aliases && row.email_verified).then_some(row.email);
        let taken =
            |u: &&(u8, Option<u8>, Option<u64>)| u.0 != row.name && alias.is_some() && u.1 == alias;
        if let Some(code) = row.fault {
            rejected.push((line, code, (code == C::WrongFieldCount).then_some(8)));
        } else if users.iter().any(|u| taken(&u)) {
            rejected.push((line, C::AliasAlreadyExists, None));
        } else if let Some((_, _, earlier)) = users.iter().find(|u| u.0 == row.name) {
            let code = if earlier.is_some() {
                C::DuplicateInFile
            } else {
                C::UserAlreadyExists
            };
            rejected.push((line, code, *earlier));
        } else {
            users.push((row.name, alias, Some(line)));
            imported.push((row.username(), line));
        }
        line += 1 + (row.breaks + row.blanks) as u64;
    }
    (imported, rejected)
}

async fn run(test: &TestMuster, file: &File) -> Left {
    let pool = test
        .pool_with(|p| {
            p.auto_verified_attributes = vec!["phone_number".to_owned()];
            p.alias_attributes = file
                .aliases
                .then(|| "email".to_owned())
                .into_iter()
                .collect();
        })
        .await;
    let existing: Vec<_> = file
        .existing
        .iter()
        .map(|(name, alias)| (format!("usér-{name}"), alias.map(email)))
        .collect();
    plant_users(test, &pool, &existing).await;
    let mut csv = "cognito:username,email,email_verified,phone_number,phone_number_verified,birthdate,address\n".to_owned();
    file.rows.iter().for_each(|row| csv.push_str(&row.csv()));
    import(test, &pool, &csv, file.batch_rows, file.lanes).await
}

#[test]
fn any_file_ends_as_if_it_were_taken_row_by_row() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let test = runtime.block_on(async { TestMuster::new() });
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&file(), |file| {
        let left = runtime.block_on(run(&test, &file));
        let (mut imported, rejected) = model(&file);
        imported.sort_by_key(|(_, line)| *line);
        let mut own: Vec<_> = left.users.iter().filter(|u| u.own).collect();
        own.sort_by_key(|u| u.line);
        let own: Vec<_> = own
            .into_iter()
            .map(|u| (u.username.clone(), u.line))
            .collect();
        prop_assert_eq!(own, imported);
        let found: Vec<Rejected> = left
            .rejections
            .iter()
            .map(|r| (r.line, r.code, r.detail))
            .collect();
        prop_assert_eq!(found, rejected);
        Ok(())
    });
    runtime.block_on(test.db.close());
    if let Err(TestError::Fail(why, file)) = &result {
        panic!("{why}\n{file:#?}");
    }
    result.expect("the cases");
}
