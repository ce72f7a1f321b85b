//! Calling again when a server goes away for a moment.

use std::error::Error as _;
use std::time::Duration;

use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

/// Waits that double: 0.2 s, 0.4 s, and so on up to 5 s.
#[derive(Debug)]
pub struct Backoff {
    tried: u32,
    most: u32,
}

impl Backoff {
    /// That many waits, then no more.
    #[must_use]
    pub const fn new(most: u32) -> Self {
        Self { tried: 0, most }
    }

    /// Begins anew, after a success.
    pub const fn reset(&mut self) {
        self.tried = 0;
    }

    /// How long to wait before the next try; at least as long as the server
    /// asks for. `None`: give up.
    pub fn wait(&mut self, status: Option<&Status>) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_secs(5);
        if self.tried == self.most {
            return None;
        }
        let own = Duration::from_millis(200)
            .saturating_mul(2_u32.saturating_pow(self.tried))
            .min(LONGEST);
        self.tried += 1;
        let asked = status
            .and_then(Status::get_details_retry_info)
            .and_then(|info| info.retry_delay)
            .unwrap_or_default()
            .min(Duration::from_secs(30));
        Some(own.max(asked))
    }
}

/// Whether the same call may well succeed a little later.
#[must_use]
pub fn is_transient(status: &Status) -> bool {
    status.code() == Code::Unavailable
        // Made on this side: the connection broke under the call.
        || status.source().is_some()
        || status.get_details_retry_info().is_some()
}

/// Makes a call, again if need be, for some 10 seconds. Only for calls that
/// may be made twice: those that carry a request id, and those that only read.
///
/// # Errors
///
/// The last status.
pub async fn retrying<T>(
    mut call: impl AsyncFnMut() -> Result<Response<T>, Status>,
) -> Result<T, Status> {
    let mut backoff = Backoff::new(6);
    loop {
        let status = match call().await {
            Ok(response) => return Ok(response.into_inner()),
            Err(status) if is_transient(&status) => status,
            Err(status) => return Err(status),
        };
        match backoff.wait(Some(&status)) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Err(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds_and_end() {
        let mut backoff = Backoff::new(7);
        let waits: Vec<u128> = std::iter::from_fn(|| backoff.wait(None))
            .map(|wait| wait.as_millis())
            .collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
        backoff.reset();
        assert_eq!(backoff.wait(None), Some(Duration::from_millis(200)));
    }

    #[test]
    fn a_server_that_asks_for_a_wait_gets_it() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(2)));
        let status = Status::with_error_details(Code::ResourceExhausted, "slower", details);
        assert!(is_transient(&status));
        assert_eq!(
            Backoff::new(1).wait(Some(&status)),
            Some(Duration::from_secs(2))
        );
    }

    #[test]
    fn a_refusal_is_not_transient() {
        assert!(!is_transient(&Status::not_found("no such job")));
        assert!(is_transient(&Status::unavailable("draining")));
    }
}
