//! Rows on their way to one lane: their text in one piece of memory, so that a
//! row costs no allocation of its own.

use std::ops::Range;

use uuid::Uuid;

use crate::csv::row::NewUser;
use crate::domain::attribute::StandardAttribute as A;
use crate::domain::pool::CustomAttribute;
use crate::domain::rejection::Rejection;
use crate::store::bulk::UserColumns;
use crate::store::lanes::Checkpoint;

/// A piece of the batch's text; `None` for an empty value.
type Span = Option<Range<u32>>;

/// A user of the batch, as spans of its text.
#[derive(Debug)]
struct Row {
    line: u64,
    sub: Uuid,
    username: Range<u32>,
    username_key: Range<u32>,
    text: [Span; A::COUNT],
    email_verified: Option<bool>,
    phone_number_verified: Option<bool>,
    updated_at: Option<i64>,
    mfa_enabled: Option<bool>,
    custom_attributes: Span,
    password_hash: Span,
    email_alias: Span,
    phone_number_alias: Span,
    preferred_username_alias: Span,
}

/// Rows of one lane that are written by one transaction.
#[derive(Debug, Default)]
pub struct Batch {
    text: String,
    rows: Vec<Row>,
    rejections: Vec<Rejection>,
    end: Option<(u64, u64)>,
    finished: bool,
}

impl Batch {
    /// How many rows there are, the rejected ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() + self.rejections.len()
    }

    /// Bytes of text that the batch holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Rows that broke a rule.
    #[must_use]
    pub fn rejections(&self) -> &[Rejection] {
        &self.rejections
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

    /// Notes that the lane has seen the end of the file.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Adds a row that broke a rule.
    pub fn reject(&mut self, rejection: Rejection) {
        self.rejections.push(rejection);
    }

    /// Adds a user.
    pub fn push(&mut self, user: &NewUser<'_>, sub: Uuid, custom: &[CustomAttribute]) {
        let mut text = user.text.map(|value| self.span(value));
        text[A::Birthdate as usize] = self.span(user.birthdate.as_ref().map(|b| b.as_str()));
        let row = Row {
            line: user.line,
            sub,
            username: self.add(user.username),
            username_key: self.add(&user.username_key),
            text,
            email_verified: user.email_verified,
            phone_number_verified: user.phone_number_verified,
            updated_at: user.updated_at,
            mfa_enabled: user.mfa_enabled,
            custom_attributes: self.custom(&user.custom, custom),
            password_hash: self.span(user.password_hash),
            email_alias: self.span(user.email_alias.as_deref()),
            phone_number_alias: self.span(user.phone_number_alias),
            preferred_username_alias: self.span(user.preferred_username_alias.as_deref()),
        };
        self.rows.push(row);
    }

    fn add(&mut self, value: &str) -> Range<u32> {
        let start = self.text.len() as u32;
        self.text.push_str(value);
        start..self.text.len() as u32
    }

    fn span(&mut self, value: Option<&str>) -> Span {
        value.map(|v| self.add(v))
    }

    /// The pool's own attributes as a JSON object.
    fn custom(&mut self, values: &[(usize, &str)], schema: &[CustomAttribute]) -> Span {
        if values.is_empty() {
            return None;
        }
        let object: serde_json::Map<String, serde_json::Value> = values
            .iter()
            .filter_map(|(i, value)| Some((schema.get(*i)?.name.clone(), (*value).into())))
            .collect();
        Some(self.add(&serde_json::Value::Object(object).to_string()))
    }

    /// The users, column by column. Sorted by username key, so that index pages
    /// are visited in order and two lanes never wait for each other in a ring;
    /// equal keys stay in file order. With aliases the whole batch stays in
    /// file order: two usernames may compete for one alias.
    #[must_use]
    pub fn columns(&self, sorted: bool) -> UserColumns<'_> {
        let text = |span: &Range<u32>| &self.text[span.start as usize..span.end as usize];
        let maybe = |span: &Span| span.as_ref().map(text);
        let mut order: Vec<&Row> = self.rows.iter().collect();
        if sorted {
            order.sort_by_key(|row| text(&row.username_key));
        }
        // Which columns of text have any value is the same for most rows.
        UserColumns {
            import_line: order.iter().map(|r| r.line as i64).collect(),
            username_key: order.iter().map(|r| text(&r.username_key)).collect(),
            username: order.iter().map(|r| text(&r.username)).collect(),
            sub: order.iter().map(|r| r.sub).collect(),
            text: std::array::from_fn(|i| order.iter().map(|r| maybe(&r.text[i])).collect()),
            email_verified: order.iter().map(|r| r.email_verified).collect(),
            phone_number_verified: order.iter().map(|r| r.phone_number_verified).collect(),
            updated_at: order.iter().map(|r| r.updated_at).collect(),
            mfa_enabled: order.iter().map(|r| r.mfa_enabled).collect(),
            custom_attributes: order.iter().map(|r| maybe(&r.custom_attributes)).collect(),
            password_hash: order.iter().map(|r| maybe(&r.password_hash)).collect(),
            email_alias: order.iter().map(|r| maybe(&r.email_alias)).collect(),
            phone_number_alias: order.iter().map(|r| maybe(&r.phone_number_alias)).collect(),
            preferred_username_alias: order
                .iter()
                .map(|r| maybe(&r.preferred_username_alias))
                .collect(),
        }
    }
}
