//! Rows on their way to one lane.

use uuid::Uuid;

use crate::csv::row::NewUser;
use crate::domain::job::Counters;
use crate::domain::pool::CustomAttribute;
use crate::domain::rejection::{Outcome, Rejection};
use crate::store::bulk::{UserRow, UserRows};
use crate::store::lanes::Checkpoint;

/// Rows of one lane that are written by one transaction.
#[derive(Debug, Default)]
pub struct Batch {
    users: UserRows,
    rejections: Vec<Rejection>,
    end: Option<(u64, u64)>,
    finished: bool,
    sealed: bool,
}

impl Batch {
    /// How many rows there are, the rejected ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len() + self.rejections.len()
    }

    /// Bytes that the batch takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.users.bytes() + self.rejections.len() * size_of::<Rejection>()
    }

    /// Bytes of memory that it holds, whether it has rows or not.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.users.capacity() + self.rejections.capacity() * size_of::<Rejection>()
    }

    /// Rows that broke no rule.
    #[must_use]
    pub fn users(&self) -> &UserRows {
        &self.users
    }

    /// Empties the batch; its memory stays.
    pub fn clear(&mut self) {
        self.users.clear();
        self.rejections.clear();
        self.end = None;
        self.finished = false;
        self.sealed = false;
    }

    /// Rows that broke a rule.
    #[must_use]
    pub fn rejections(&self) -> &[Rejection] {
        &self.rejections
    }

    /// What the batch adds to the counters, where some of its users are not
    /// imported.
    #[must_use]
    pub fn added(&self, collided: &[Rejection]) -> Counters {
        let mut added = Counters {
            imported: (self.users.len() - collided.len()) as u64,
            ..Counters::default()
        };
        for rejection in self.rejections.iter().chain(collided) {
            match rejection.code.outcome() {
                Outcome::Skipped => added.skipped += 1,
                Outcome::Failed => added.failed += 1,
            }
        }
        added
    }

    /// All its rejections by line, where some of its users are not imported.
    #[must_use]
    pub fn all_rejections<'a>(&'a self, collided: &'a [Rejection]) -> Vec<&'a Rejection> {
        let mut all: Vec<_> = self.rejections.iter().chain(collided).collect();
        all.sort_unstable_by_key(|rejection| rejection.line);
        all
    }

    /// Where the lane stands once the batch is written.
    #[must_use]
    pub fn checkpoint(&self, before: Checkpoint) -> Checkpoint {
        let (bytes, line) = self.end.unwrap_or((before.bytes, before.line));
        Checkpoint {
            bytes,
            line,
            finished: self.finished,
        }
    }

    /// Notes that all of the lane's rows before this position are in this
    /// batch or in one before it.
    pub fn reach(&mut self, bytes: u64, next_line: u64) {
        self.end = Some((bytes, next_line));
    }

    /// Whether its last row ends here in the file.
    #[must_use]
    pub fn reaches(&self, bytes: u64) -> bool {
        self.end.is_some_and(|(end, _)| end == bytes)
    }

    /// Notes that the lane has seen the end of the file.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether the lane is done with it.
    #[must_use]
    pub fn finishes(&self) -> bool {
        self.finished
    }

    /// Adds a row that broke a rule.
    pub fn reject(&mut self, rejection: Rejection) {
        self.rejections.push(rejection);
    }

    /// Adds a user.
    pub fn push(&mut self, user: &NewUser<'_>, sub: Uuid, custom: &[CustomAttribute]) {
        let custom = json(&user.custom, custom);
        self.users.push(&UserRow {
            import_line: user.line,
            username_key: &user.username_key,
            username: user.username,
            sub,
            text: &user.text,
            birthdate: user.birthdate.as_ref().map(|b| b.as_str()),
            email_verified: user.email_verified,
            phone_number_verified: user.phone_number_verified,
            updated_at: user.updated_at,
            mfa_enabled: user.mfa_enabled,
            custom_attributes: custom.as_deref(),
            password_hash: user.password_hash,
            email_alias: user.email_alias.as_deref(),
            phone_number_alias: user.phone_number_alias,
            preferred_username_alias: user.preferred_username_alias.as_deref(),
        });
    }

    /// Puts the users in the order of loading. Nothing is added after that.
    pub fn seal(&mut self, sorted: bool) {
        if !self.sealed {
            self.users.seal(sorted);
            self.sealed = true;
        }
    }
}

/// The pool's own attributes as a JSON object.
fn json(values: &[(usize, &str)], schema: &[CustomAttribute]) -> Option<String> {
    if values.is_empty() {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = values
        .iter()
        .filter_map(|(i, value)| Some((schema.get(*i)?.name.clone(), (*value).into())))
        .collect();
    Some(serde_json::Value::Object(object).to_string())
}
