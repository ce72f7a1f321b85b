//! Rows that were not imported.

use super::number;
use crate::api::v1;
use crate::domain::rejection::{Outcome, Rejection};

/// A row that was not imported.
pub(in crate::grpc) fn rejected_row(rejection: Rejection) -> v1::RejectedRow {
    v1::RejectedRow {
        line_number: number(rejection.line),
        outcome: outcome(rejection.code.outcome()).into(),
        code: rejection.code.as_str().to_owned(),
        message: rejection.message(),
        column: rejection.column.unwrap_or_default().into_owned(),
    }
}

fn outcome(outcome: Outcome) -> v1::RejectedRowOutcome {
    match outcome {
        Outcome::Skipped => v1::RejectedRowOutcome::Skipped,
        Outcome::Failed => v1::RejectedRowOutcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rejection::RejectionCode;

    #[test]
    fn every_code_is_told_with_its_outcome() {
        for code in RejectionCode::ALL {
            let row = rejected_row(Rejection {
                line: 7,
                code,
                column: Some("email".into()),
                detail: Some(3),
            });
            assert_eq!((row.line_number, row.column.as_str()), (7, "email"));
            assert_eq!(row.code, code.as_str());
            assert!(!row.message.is_empty());
            let word = format!("REJECTED_ROW_OUTCOME_{}", code.outcome().as_str());
            assert_eq!(row.outcome().as_str_name(), word);
        }
    }

    #[test]
    fn a_row_as_a_whole_has_no_column() {
        let row = rejected_row(Rejection {
            line: 2,
            code: RejectionCode::RowTooLong,
            column: None,
            detail: None,
        });
        assert_eq!(row.column, "");
    }
}
