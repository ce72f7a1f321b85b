//! Request ids: the same id with the same request acts once.

use sha2::{Digest as _, Sha256};
use time::Duration;
use uuid::Uuid;

use super::Muster;
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::store::Transaction;
use crate::store::request_ids::{Seen, remember};

/// How long a request id is remembered.
pub const MEMORY: Duration = Duration::hours(24);

/// A digest of an operation and its fields; the same only for the same request.
pub fn fingerprint(operation: &str, fields: &[Option<&str>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in [Some(operation)].iter().chain(fields) {
        // Length and presence go in too, so that no two lists look alike.
        match field {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
        }
    }
    hash.finalize().into()
}

impl Muster {
    /// Remembers the request id of a call about `job`. `Some(job)`: the call
    /// was made before, about that job.
    pub(super) async fn seen_before(
        &self,
        tx: &mut Transaction,
        pool: &UserPoolId,
        id: Option<Uuid>,
        fingerprint: &[u8; 32],
        job: JobId,
    ) -> Result<Option<JobId>, Error> {
        let Some(id) = id else { return Ok(None) };
        let now = self.0.clock.now();
        match remember(tx, pool, id, fingerprint, job, now, now - MEMORY).await? {
            Seen::New => Ok(None),
            Seen::Same(job) => Ok(Some(job)),
            Seen::Other => Err(Error::request_id_reused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn fingerprints_tell_fields_apart() {
        let one = fingerprint("start", &[Some("ab"), Some("c")]);
        assert_eq!(one, fingerprint("start", &[Some("ab"), Some("c")]));
        for other in [
            fingerprint("stop", &[Some("ab"), Some("c")]),
            fingerprint("start", &[Some("a"), Some("bc")]),
            fingerprint("start", &[Some("ab"), Some("c"), None]),
            fingerprint("start", &[Some("ab"), None]),
            fingerprint("start", &[Some("ab"), Some("")]),
        ] {
            assert_ne!(one, other);
        }
    }
}
