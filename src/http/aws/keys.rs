//! Access keys: whose they are, and what they may do.

mod file;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroU32;

use axum::http::request::Parts;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use time::OffsetDateTime;

use super::fault::Fault;
use super::operation::Operation;
use super::signature::Signature;
use crate::domain::error::Error;
use crate::domain::principal::{Pools, Principal, Role};
use crate::operations::current::Current;

/// The access keys of an installation. Cheap to clone; all clones change
/// together.
#[derive(Clone)]
pub struct AwsKeys(Current<Known>);

enum Known {
    /// Whoever it is, it is this one.
    Anyone(Principal),
    Keys(HashMap<String, Key>),
}

/// What is behind an access key id.
struct Key {
    secret: String,
    caller: Principal,
    actions: Actions,
    limiter: Option<DefaultDirectRateLimiter>,
}

/// The operations that a key may be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Actions {
    All,
    Only(BTreeSet<Operation>),
}

impl fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.get() {
            Known::Anyone(_) => f.write_str("AwsKeys(anyone)"),
            Known::Keys(keys) => write!(f, "AwsKeys({} keys)", keys.len()),
        }
    }
}

impl AwsKeys {
    /// Everybody is admin of all pools, whatever the signature: for a server
    /// that only the machine itself can reach.
    #[must_use]
    pub fn open() -> Self {
        Self(Current::new(Known::Anyone(Principal {
            name: "anyone".to_owned(),
            role: Role::Admin,
            pools: Pools::All,
        })))
    }

    /// The keys of a keys file:
    ///
    /// ```json
    /// {"keys": [{"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "<secret>",
    ///            "name": "ci", "pools": ["local_AbCdEfGhI"],
    ///            "actions": ["ListUserImportJobs", "DescribeUserImportJob"],
    ///            "calls_per_second": 25}]}
    /// ```
    ///
    /// The pools and actions `["*"]` are all; without `calls_per_second` a key
    /// may be used as often as one likes.
    ///
    /// # Errors
    /// Invalid argument that names every faulty entry and field, and no secret.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        Ok(Self(Current::new(Known::Keys(file::parse(json)?))))
    }

    /// Takes the keys of another keys file instead. Calls that were let in
    /// before go on.
    ///
    /// # Errors
    /// As [`AwsKeys::from_json`]; the keys are then those of before.
    pub fn replace(&self, json: &str) -> Result<(), Error> {
        self.0.replace(Known::Keys(file::parse(json)?));
        Ok(())
    }

    /// Whether everybody may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(*self.0.get(), Known::Anyone(_))
    }

    /// The caller whose key signed a request, if it may call `operation`.
    ///
    /// # Errors
    /// What AWS calls each fault of a signature; not authorized; too many
    /// requests.
    pub(super) fn authenticate(
        &self,
        request: &Request<'_>,
        operation: Operation,
    ) -> Result<Principal, Fault> {
        let known = self.0.get();
        let keys = match &*known {
            Known::Anyone(caller) => return Ok(caller.clone()),
            Known::Keys(keys) => keys,
        };
        let signature = Signature::parse(&request.parts.headers, request.region)?;
        let key = keys
            .get(signature.access_key_id)
            // Keys of ours come without a session: its token makes another key.
            .filter(|_| !request.parts.headers.contains_key("x-amz-security-token"))
            .ok_or_else(Fault::unrecognized_client)?;
        signature.check_time(request.now)?;
        signature.verify(&key.secret, request.parts, request.body)?;
        if let Some(limiter) = &key.limiter
            && limiter.check().is_err()
        {
            return Err(Fault::too_many_requests());
        }
        key.actions.allow(operation, &key.caller)?;
        Ok(key.caller.clone())
    }
}

/// A request, as far as its signature goes.
pub(super) struct Request<'r> {
    pub(super) parts: &'r Parts,
    pub(super) body: &'r [u8],
    /// The region that signatures have to be for, if not any.
    pub(super) region: Option<&'r str>,
    pub(super) now: OffsetDateTime,
}

impl Actions {
    fn allow(&self, operation: Operation, caller: &Principal) -> Result<(), Fault> {
        match self {
            Self::All => Ok(()),
            Self::Only(operations) if operations.contains(&operation) => Ok(()),
            Self::Only(_) => Err(Fault::not_authorized(format!(
                "User: {} is not authorized to perform: cognito-idp:{}",
                caller.name,
                operation.as_str()
            ))),
        }
    }

    /// The least role that all the actions can be done with.
    fn role(&self) -> Role {
        match self {
            Self::All => Role::Admin,
            Self::Only(operations) => operations
                .iter()
                .map(|operation| operation.role())
                .max()
                .unwrap_or(Role::Reader),
        }
    }
}

fn limiter(calls_per_second: NonZeroU32) -> DefaultDirectRateLimiter {
    RateLimiter::direct(Quota::per_second(calls_per_second))
}

#[cfg(test)]
mod tests;
