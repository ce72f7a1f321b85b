//! What is wrong with which row of a file.

use super::user::{BIRTHDATE, Dice, EMAIL, EMAIL_VERIFIED, PHONE_NUMBER, UPDATED_AT, USERNAME};

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mix {
    /// Every row can be imported.
    Clean,
    /// 10 % of the rows are users of [`Mix::There`], 5 % break a rule.
    Dirty,
    /// Only those 10 %.
    There,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// It is not in the file at all.
    LeftOut,
    /// It is imported.
    Imported,
    /// It is rejected by the code `USER_ALREADY_EXISTS`.
    There,
    /// It is rejected by the code of this fault.
    Broken(&'static Break),
}

/// A way to break a row.
#[derive(Debug)]
pub struct Break {
    /// The code that the contract gives it.
    pub code: &'static str,
    /// The column whose value is replaced; past the last one, a value is added.
    pub column: usize,
    /// By what.
    pub value: &'static str,
}

const fn broken(code: &'static str, column: usize, value: &'static str) -> Break {
    Break {
        code,
        column,
        value,
    }
}

const BREAKS: &[Break] = &[
    broken("MISSING_USERNAME", USERNAME, ""),
    broken("INVALID_EMAIL", EMAIL, "nobody at example"),
    broken("INVALID_PHONE_NUMBER", PHONE_NUMBER, "555 0100"),
    broken("INVALID_BOOLEAN", EMAIL_VERIFIED, "perhaps"),
    broken("INVALID_BIRTHDATE", BIRTHDATE, "02/30/1990"),
    broken("INVALID_UPDATED_AT", UPDATED_AT, "yesterday"),
    broken("WRONG_FIELD_COUNT", usize::MAX, "one too many"),
];

impl Mix {
    /// What becomes of the row of this number.
    pub fn fate(self, number: u32, seed: u64) -> Fate {
        if self == Self::Clean {
            return Fate::Imported;
        }
        let mut dice = Dice::new(!seed ^ u64::from(number));
        let at = dice.below(100);
        match self {
            Self::There if at < 10 => Fate::Imported,
            Self::There => Fate::LeftOut,
            _ if at < 10 => Fate::There,
            _ if at < 15 => {
                let which = dice.below(BREAKS.len() as u64);
                Fate::Broken(&BREAKS[usize::try_from(which).unwrap_or(0)])
            }
            _ => Fate::Imported,
        }
    }
}
