//! A pool, a job and rows made up for one test.

use crate::csv::fields::{Fields, encode_field};
use crate::csv::header::Header;
use crate::csv::row::{NewUser, RowRules};
use crate::csv::rows::{Row, RowFault, RowSplitter};
use crate::domain::attribute::VerifiableAttribute;
use crate::domain::pool::PoolSchema;
use crate::domain::rejection::{Rejection, RejectionCode as Code};
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;

/// What a row came to: the user, or code and column of the rule broken.
pub(super) type Verdict = Result<NewUser<'static>, (Code, Option<String>)>;

/// A pool and a job of one's own for each test; every column of the pool.
pub(super) struct Job {
    pub(super) schema: PoolSchema,
    pub(super) algorithm: Option<PasswordHashingAlgorithm>,
}

/// Any line but the first, to see that it is reported.
const LINE: u64 = 7;

impl Job {
    pub(super) fn new(change: impl FnOnce(&mut PoolSchema)) -> Self {
        let mut schema = PoolSchema {
            auto_verified_attributes: vec![VerifiableAttribute::Email],
            ..PoolSchema::default()
        };
        change(&mut schema);
        Self {
            schema,
            algorithm: None,
        }
    }

    pub(super) fn columns(&self) -> Vec<String> {
        let mut columns = self.schema.csv_header();
        columns.push("password_hash".to_owned());
        columns
    }

    /// Judges a row of bytes, of a file with the columns named.
    pub(super) fn judge(
        &self,
        columns: &[String],
        bytes: &[u8],
        fault: Option<RowFault>,
    ) -> Verdict {
        let mut splitter = RowSplitter::new(16_000);
        splitter.push(columns.join(",").as_bytes());
        splitter.finish();
        let header =
            Header::parse(splitter.next_row().as_ref(), &self.schema, self.algorithm).unwrap();
        let rules = RowRules::new(&self.schema, &header, self.algorithm);
        let row = Row {
            line: LINE,
            start: 100,
            end: 200,
            bytes: bytes.to_vec().leak(),
            cut: false,
            fault,
        };
        let verdict = rules.check(&row, Box::leak(Box::new(Fields::new())));
        verdict.map_err(|rejection| {
            let Rejection {
                line,
                code,
                column,
                detail,
            } = rejection;
            assert_eq!(line, LINE);
            assert_eq!(detail.is_some(), code == Code::WrongFieldCount);
            (code, column.map(Into::into))
        })
    }

    /// Judges a good row in which some columns have other values.
    pub(super) fn row(&self, values: &[(&str, &str)]) -> Verdict {
        let columns = self.columns();
        let good = [
            ("cognito:username", "jane"),
            ("email", "jane@example.com"),
            ("email_verified", "true"),
        ];
        for (name, _) in values {
            assert!(columns.iter().any(|c| c == name), "{name}");
        }
        let row: Vec<_> = columns
            .iter()
            .map(|column| {
                let found = values.iter().chain(&good).find(|(name, _)| name == column);
                encode_field(found.map_or("", |(_, value)| value))
            })
            .collect();
        self.judge(&columns, row.join(",").as_bytes(), None)
    }

    #[track_caller]
    pub(super) fn accepts(&self, values: &[(&str, &str)]) -> NewUser<'static> {
        self.row(values).unwrap()
    }

    #[track_caller]
    pub(super) fn refuses(&self, values: &[(&str, &str)], code: Code, column: &str) {
        let found = self.row(values).unwrap_err();
        assert_eq!(found, (code, Some(column.to_owned())), "{values:?}");
    }
}

pub(super) fn job() -> Job {
    Job::new(|_| {})
}
