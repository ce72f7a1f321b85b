//! Who calls, and what it may do. Deny is the default.

use std::collections::BTreeSet;

use super::error::{Error, Reason};
use super::ids::UserPoolId;

/// What a caller may do; each role may all that the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Describe, list, watch, read reports.
    Reader,
    /// And create, upload, start, stop and delete jobs.
    Operator,
    /// And create and delete pools.
    Admin,
}

impl Role {
    /// The word for it in a tokens file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of that word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Reader, Self::Operator, Self::Admin]
            .into_iter()
            .find(|r| r.as_str() == name)
    }
}

/// The pools that a caller may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pools {
    /// Every pool, those to come included.
    All,
    /// These only.
    Only(BTreeSet<UserPoolId>),
}

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// For logs.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where.
    pub pools: Pools,
}

impl Principal {
    /// Whether the caller has at least this role in this pool.
    #[must_use]
    pub fn may(&self, role: Role, pool: &UserPoolId) -> bool {
        self.touches(pool) && self.role >= role
    }

    fn touches(&self, pool: &UserPoolId) -> bool {
        match &self.pools {
            Pools::All => true,
            Pools::Only(pools) => pools.contains(pool),
        }
    }

    /// Refuses a caller that may not do this in this pool.
    ///
    /// # Errors
    /// Not found where the caller may not even know of the pool; permission
    /// denied where only its role is too low.
    pub fn authorise(&self, role: Role, pool: &UserPoolId) -> Result<(), Error> {
        if !self.touches(pool) {
            return Err(Error::user_pool_not_found(pool.as_str()));
        }
        self.require(role)
    }

    /// Refuses a caller that may not do this anywhere, or not in all pools.
    ///
    /// # Errors
    /// Permission denied.
    pub fn authorise_everywhere(&self, role: Role) -> Result<(), Error> {
        if self.pools != Pools::All {
            return Err(Error::permission_denied(
                Reason::PermissionDenied,
                "the caller may act in certain pools only",
            ));
        }
        self.require(role)
    }

    /// Refuses a caller whose role is too low.
    ///
    /// # Errors
    /// Permission denied.
    pub fn require(&self, role: Role) -> Result<(), Error> {
        if self.role >= role {
            return Ok(());
        }
        Err(Error::permission_denied(
            Reason::PermissionDenied,
            format!(
                "this needs the role {}, and the caller is {}",
                role.as_str(),
                self.role.as_str()
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::ErrorKind;

    fn pool(id: &str) -> UserPoolId {
        UserPoolId::parse(id).expect("a pool id")
    }

    #[test]
    fn a_foreign_pool_is_not_found_and_a_low_role_is_denied() {
        let p = Principal {
            name: "ci".into(),
            role: Role::Operator,
            pools: Pools::Only(BTreeSet::from([pool("a_1")])),
        };
        assert!(p.authorise(Role::Operator, &pool("a_1")).is_ok());
        assert_eq!(
            p.authorise(Role::Admin, &pool("a_1")).unwrap_err().kind(),
            ErrorKind::PermissionDenied
        );
        assert_eq!(
            p.authorise(Role::Reader, &pool("a_2")).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(
            p.authorise_everywhere(Role::Reader).unwrap_err().kind(),
            ErrorKind::PermissionDenied
        );
    }
}
