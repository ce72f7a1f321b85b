//! Signatures of upload URLs and page tokens: HMAC-SHA256 with a key that all
//! servers of an installation share. No I/O, and the time is an argument.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use time::OffsetDateTime;

use crate::domain::error::{Error, Reason};
use crate::domain::ids::{JobId, UserPoolId};

/// The key. Never printed.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// The shortest key, in bytes.
    pub const MIN_BYTES: usize = 32;

    /// A key of at least [`Self::MIN_BYTES`] bytes; `None` for a shorter one.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() >= Self::MIN_BYTES).then_some(Self(bytes))
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Result<Hmac<Sha256>, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(Error::internal)?;
        // Each part with its length, so that no two lists sign alike.
        for part in [purpose.as_bytes()].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac)
    }

    /// Signs parts for a purpose.
    pub(super) fn sign(&self, purpose: &str, parts: &[&[u8]]) -> Result<[u8; 32], Error> {
        Ok(self.mac(purpose, parts)?.finalize().into_bytes().into())
    }

    /// Whether a signature is that of the parts; takes as long for a wrong one.
    pub(super) fn verify(
        &self,
        purpose: &str,
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<bool, Error> {
        Ok(self.mac(purpose, parts)?.verify_slice(signature).is_ok())
    }

    /// Signs the right to upload one file for a job: what
    /// [`UploadGrant::verify`] takes.
    ///
    /// # Errors
    /// Internal.
    pub fn sign_upload(&self, grant: &UploadGrant) -> Result<String, Error> {
        Ok(hex::encode(self.sign(
            "upload",
            &grant.parts().each_ref().map(Vec::as_slice),
        )?))
    }
}

/// The right to upload one file for a job, as a signed URL carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadGrant {
    /// The job's pool.
    pub user_pool_id: UserPoolId,
    /// The job.
    pub job_id: JobId,
    /// From this second since 1970 on, the URL is worth nothing.
    pub expires: i64,
    /// Largest file, in bytes.
    pub max_bytes: u64,
}

impl UploadGrant {
    fn parts(&self) -> [Vec<u8>; 5] {
        [
            b"PUT".to_vec(),
            self.user_pool_id.as_str().into(),
            self.job_id.to_string().into(),
            self.expires.to_string().into(),
            self.max_bytes.to_string().into(),
        ]
    }

    /// Refuses a grant whose signature is not ours, or whose time is up.
    ///
    /// # Errors
    /// Permission denied.
    pub fn verify(
        &self,
        key: &SigningKey,
        signature: &str,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let given = hex::decode(signature).unwrap_or_default();
        let parts = self.parts();
        if !key.verify("upload", &parts.each_ref().map(Vec::as_slice), &given)? {
            return Err(Error::permission_denied(
                Reason::InvalidSignature,
                "The signature of the upload URL is not valid.",
            ));
        }
        if now.unix_timestamp() >= self.expires {
            return Err(Error::permission_denied(
                Reason::InvalidSignature,
                "The upload URL has expired; DescribeUserImportJob answers a fresh one.",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_grant_is_good_for_what_it_names_until_its_time_is_up() {
        let key = SigningKey::new([7; 32]).expect("long enough");
        let grant = UploadGrant {
            user_pool_id: UserPoolId::parse("local_1").expect("a pool"),
            job_id: JobId(Uuid::from_u128(1)),
            expires: 1000,
            max_bytes: 5,
        };
        let at = |s| OffsetDateTime::from_unix_timestamp(s).expect("a time");
        let signature = key.sign_upload(&grant).expect("signed");
        assert!(grant.verify(&key, &signature, at(999)).is_ok());
        assert!(grant.verify(&key, &signature, at(1000)).is_err());
        let other = SigningKey::new([8; 32]).expect("long enough");
        assert!(grant.verify(&other, &signature, at(999)).is_err());
        for wrong in [
            "",
            "zz",
            &signature[2..],
            &signature.replace(['0', '1'], "2"),
        ] {
            assert!(grant.verify(&key, wrong, at(999)).is_err(), "{wrong}");
        }
        for forged in [
            UploadGrant {
                expires: 2000,
                ..grant.clone()
            },
            UploadGrant {
                max_bytes: 6,
                ..grant.clone()
            },
            UploadGrant {
                job_id: JobId(Uuid::from_u128(2)),
                ..grant.clone()
            },
            UploadGrant {
                user_pool_id: UserPoolId::parse("local_2").expect("a pool"),
                ..grant.clone()
            },
        ] {
            assert!(forged.verify(&key, &signature, at(999)).is_err());
        }
    }

    #[test]
    fn short_keys_are_refused_and_none_is_printed() {
        assert!(SigningKey::new([1; 31]).is_none());
        let key = SigningKey::new(*b"abcdefghijklmnopqrstuvwxyz012345").expect("long enough");
        assert!(!format!("{key:?}").contains("abc"));
    }
}
