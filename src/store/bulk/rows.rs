//! The users of a batch, encoded as binary COPY takes them, in one piece of
//! memory: a row costs no allocation, and is on its way in one copy.

use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::domain::attribute::{StandardAttribute as A, USERNAME_COLUMN};
use crate::domain::rejection::{Rejection, RejectionCode};
use crate::store::copy::{put, put_maybe};
use crate::store::lanes::JobKey;

/// One user, as the columns of the table `users` take it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "documented at the columns of the table users")]
pub struct UserRow<'a> {
    pub import_line: u64,
    pub username_key: &'a str,
    pub username: &'a str,
    pub sub: Uuid,
    /// By [`StandardAttribute`](A); those with a column of another type are
    /// not looked at.
    pub text: &'a [Option<&'a str>; A::COUNT],
    pub birthdate: Option<&'a str>,
    pub email_verified: Option<bool>,
    pub phone_number_verified: Option<bool>,
    pub updated_at: Option<i64>,
    pub mfa_enabled: Option<bool>,
    /// A JSON object.
    pub custom_attributes: Option<&'a str>,
    pub password_hash: Option<&'a str>,
    pub email_alias: Option<&'a str>,
    pub phone_number_alias: Option<&'a str>,
    pub preferred_username_alias: Option<&'a str>,
}

/// The columns that all rows of a batch share, and behind them those of
/// [`UserRows::push`], in this order.
macro_rules! copy_users {
    ($($rare:literal)?) => {
        concat!(
            "COPY users (user_pool_id, import_job_id, user_create_date,
             username_key, username, sub, import_line,
             name, given_name, family_name, middle_name, nickname, preferred_username,
             profile, picture, website, email, email_verified, gender, birthdate, zoneinfo,
             locale, phone_number, phone_number_verified, address, updated_at, mfa_enabled",
            $($rare,)?
            ") FROM STDIN (FORMAT binary)"
        )
    };
}

const COPY_ALL_COLUMNS: &str = copy_users!(
    ", custom_attributes, password_hash,
     email_alias, phone_number_alias, preferred_username_alias"
);
const ALL_COLUMNS: i16 = 32;
/// Without the last columns, which many pools and files do without: Postgres
/// takes a column's time even for a NULL.
const COPY_COMMON_COLUMNS: &str = copy_users!();
const COMMON_COLUMNS: i16 = 27;
/// What the NULLs of the rare columns take in a row.
const RARE_NULLS: usize = 4 * (ALL_COLUMNS - COMMON_COLUMNS) as usize;

/// Where PostgreSQL's time begins.
const EPOCH: OffsetDateTime = datetime!(2000-01-01 0:00 UTC);

#[derive(Clone, Copy, Debug)]
struct Row {
    line: u64,
    start: u32,
    end: u32,
    /// The row of the batch that has the same username key and comes first;
    /// the row itself where there is none.
    first: u32,
}

/// A row's turn, and what rows are sorted by.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The first bytes of the username key, so that most comparisons end
    /// without a look at the key.
    prefix: [u64; 2],
    row: u32,
}

/// Users that are loaded together. Filled by [`push`](Self::push), then
/// [`seal`](Self::seal)ed.
#[derive(Debug, Default)]
pub struct UserRows {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    /// One for each of `rows`, in the order of loading.
    places: Vec<Place>,
    repeats: usize,
    /// Whether a row has a value in one of the rare columns.
    rare: bool,
}

impl UserRows {
    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.rows.len() * (size_of::<Row>() + size_of::<Place>())
    }

    /// How many bytes of memory are held for them.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
            + self.rows.capacity() * size_of::<Row>()
            + self.places.capacity() * size_of::<Place>()
    }

    /// Removes all users; the memory stays.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
        self.places.clear();
        self.repeats = 0;
        self.rare = false;
    }

    /// Their lines, in the order of the file.
    pub fn lines(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().map(|row| row.line)
    }

    /// Adds a user.
    pub fn push(&mut self, user: &UserRow<'_>) {
        let start = self.bytes.len() as u32;
        self.text(Some(user.username_key));
        self.text(Some(user.username));
        self.value(user.sub.as_bytes());
        self.value(&user.import_line.to_be_bytes());
        for attribute in A::ALL {
            match attribute {
                A::EmailVerified => self.truth(user.email_verified),
                A::PhoneNumberVerified => self.truth(user.phone_number_verified),
                A::UpdatedAt => self.maybe(user.updated_at.map(i64::to_be_bytes).as_ref()),
                A::Birthdate => self.text(user.birthdate),
                _ => self.text(user.text[attribute as usize]),
            }
        }
        self.truth(user.mfa_enabled);
        let common = self.bytes.len();
        self.jsonb(user.custom_attributes);
        self.text(user.password_hash);
        self.text(user.email_alias);
        self.text(user.phone_number_alias);
        self.text(user.preferred_username_alias);
        self.rare |= self.bytes.len() - common != RARE_NULLS;
        let row = self.rows.len() as u32;
        self.places.push(Place {
            prefix: prefix(user.username_key.as_bytes()),
            row,
        });
        self.rows.push(Row {
            line: user.import_line,
            start,
            end: self.bytes.len() as u32,
            first: row,
        });
    }

    fn value(&mut self, value: &[u8]) {
        put(&mut self.bytes, value);
    }

    fn maybe<V: AsRef<[u8]>>(&mut self, value: Option<V>) {
        put_maybe(&mut self.bytes, value);
    }

    fn text(&mut self, value: Option<&str>) {
        self.maybe(value);
    }

    fn truth(&mut self, value: Option<bool>) {
        self.maybe(value.map(|v| [u8::from(v)]));
    }

    /// Text behind the number of the format's version.
    fn jsonb(&mut self, value: Option<&str>) {
        let Some(value) = value else {
            return self.text(None);
        };
        self.bytes
            .extend_from_slice(&(value.len() as u32 + 1).to_be_bytes());
        self.bytes.push(1);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    /// Sets the order of loading: that of the file, or sorted by username key,
    /// so that index pages are visited in order and two lanes never wait for
    /// each other in a ring. Where rows are sorted, those that repeat the key of
    /// an earlier one are found too.
    pub fn seal(&mut self, sorted: bool) {
        if !sorted {
            return;
        }
        let mut places = std::mem::take(&mut self.places);
        places.sort_unstable_by(|a, b| {
            let rest = || self.username_key(a.row).cmp(self.username_key(b.row));
            // Equal keys stay in the order of the file.
            let of_file = || a.row.cmp(&b.row);
            a.prefix.cmp(&b.prefix).then_with(rest).then_with(of_file)
        });
        for pair in places.windows(2) {
            let [before, place] = [pair[0], pair[1]];
            if before.prefix == place.prefix
                && self.username_key(before.row) == self.username_key(place.row)
            {
                self.rows[place.row as usize].first = self.rows[before.row as usize].first;
                self.repeats += 1;
            }
        }
        self.places = places;
    }

    /// All rows in the order of loading, as indices for [`Self::line`] and
    /// [`Self::encoded`].
    pub(super) fn all(&self) -> impl Iterator<Item = u32> {
        self.places.iter().map(|place| place.row)
    }

    /// The rows whose username key no earlier row of the batch has, in the
    /// order of loading.
    pub(super) fn firsts(&self) -> impl Iterator<Item = u32> {
        self.all().filter(|i| !self.is_repeat(*i))
    }

    /// Whether an earlier row of the batch has the same username key.
    pub(super) fn is_repeat(&self, index: u32) -> bool {
        self.rows[index as usize].first != index
    }

    /// The line of a row.
    pub(super) fn line(&self, index: u32) -> u64 {
        self.rows[index as usize].line
    }

    /// The username key of a row.
    pub(super) fn username_key(&self, index: u32) -> &[u8] {
        let start = self.rows[index as usize].start as usize;
        let (len, rest) = self.bytes[start..].split_at(4);
        let len = len.iter().fold(0, |n, b| n << 8 | usize::from(*b));
        &rest[..len]
    }

    /// A row as [`push`](Self::push) encoded it.
    pub(super) fn encoded(&self, index: u32) -> &[u8] {
        let row = self.rows[index as usize];
        &self.bytes[row.start as usize..row.end as usize]
    }

    /// The rows that repeat the username of an earlier row of the batch, each
    /// with the index of that one.
    pub(super) fn repeated(&self) -> impl Iterator<Item = (u64, u32)> {
        let none = self.repeats == 0;
        let places = if none { &[][..] } else { &self.places[..] };
        places.iter().filter_map(|place| {
            let row = self.rows[place.row as usize];
            (row.first != place.row).then_some((row.line, row.first))
        })
    }
}

/// The rejection of a row whose username an earlier line of the file has.
pub(super) fn duplicate(line: u64, earlier: u64) -> Rejection {
    Rejection {
        line,
        code: RejectionCode::DuplicateInFile,
        column: Some(USERNAME_COLUMN.into()),
        detail: Some(earlier),
    }
}

/// The first sixteen bytes, as numbers that sort as they do.
fn prefix(key: &[u8]) -> [u64; 2] {
    let mut bytes = [0; 16];
    let len = key.len().min(16);
    bytes[..len].copy_from_slice(&key[..len]);
    let both = u128::from_be_bytes(bytes);
    [(both >> 64) as u64, both as u64]
}

impl UserRows {
    /// The statement that takes rows, with the rare columns or without.
    pub(super) const fn copy_statement(rare: bool) -> &'static str {
        if rare {
            COPY_ALL_COLUMNS
        } else {
            COPY_COMMON_COLUMNS
        }
    }

    /// Whether a row has a value in one of the rare columns.
    pub(super) const fn is_rare(&self) -> bool {
        self.rare
    }

    /// What each row begins with: the number of its columns, and those that
    /// all rows of a batch share.
    pub(super) fn copy_head(&self, job: &JobKey, now: OffsetDateTime, rare: bool) -> Vec<u8> {
        let columns = if rare { ALL_COLUMNS } else { COMMON_COLUMNS };
        let mut shared = Self::default();
        shared.bytes.extend_from_slice(&columns.to_be_bytes());
        shared.text(Some(job.user_pool_id.as_str()));
        shared.value(job.job_id.0.as_bytes());
        let micros = (now - EPOCH).whole_microseconds() as i64;
        shared.value(&micros.to_be_bytes());
        shared.bytes
    }

    /// A row behind that. Without the rare columns only if no row has them.
    pub(super) fn copy_row(&self, index: u32, rare: bool) -> &[u8] {
        let row = self.encoded(index);
        if rare {
            row
        } else {
            &row[..row.len() - RARE_NULLS]
        }
    }
}
