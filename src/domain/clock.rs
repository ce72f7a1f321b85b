//! The time, as a parameter: a 24-hour expiry is tested in a millisecond.

use time::OffsetDateTime;

/// Where the time comes from, for all but leases (those go by the database's
/// own clock, which every worker shares).
pub trait Clock: Send + Sync + 'static {
    /// The time now, in UTC, to the microsecond that the store can keep.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        to_micros(OffsetDateTime::now_utc())
    }
}

/// Cuts a time to whole microseconds, as `timestamptz` keeps it, so that what
/// is answered at once equals what is read later.
#[must_use]
pub fn to_micros(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(time.nanosecond() / 1_000 * 1_000)
        .unwrap_or(time)
}
