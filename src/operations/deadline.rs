//! Until when a call is served.

use tokio::time::{Instant, timeout_at};

use crate::domain::error::Error;
use crate::store;

/// Serves a call until its deadline. What it is doing in the database then is
/// ended there, too, save a commit that is under way.
///
/// # Errors
/// Deadline exceeded.
pub async fn until<T>(deadline: Instant, call: impl Future<Output = T>) -> Result<T, Error> {
    timeout_at(deadline, store::deadline::scope(deadline, call))
        .await
        .map_err(|_| Error::deadline_exceeded())
}
