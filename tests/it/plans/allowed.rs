//! The statements that may do what no other may. This list may only shrink: an
//! entry that is not needed any more fails the test.

use super::statement::Statement;

/// Why a statement is excused.
#[derive(Debug)]
pub struct Allowed {
    /// What its text has and no other statement's.
    pub text: &'static str,
    pub why: &'static str,
}

pub const ALLOWED: [Allowed; 3] = [
    Allowed {
        text: "WHEN 'cognito:user_status' THEN",
        why: "A filter of ListUsers, by anything but a whole username, goes through the pool \
              (README): an index would slow every import. Those of the aliases cannot serve: \
              they have no e-mail address or phone number that is not verified.",
    },
    Allowed {
        text: "DELETE FROM request_ids WHERE user_pool_id = $1",
        why: "All request ids of a pool that is deleted are to go: those of one day.",
    },
    Allowed {
        text: "FROM pg_stat_activity",
        why: "The view is a list of sessions in memory. It goes through the catalogs of databases \
              and roles, which have a page each.",
    },
];

impl Allowed {
    pub fn is_for(&self, statement: &Statement) -> bool {
        statement.text.contains(self.text)
    }
}
