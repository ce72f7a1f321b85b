//! Who calls: bearer tokens and the callers that they belong to, and the id
//! that each call is known by.

mod file;
mod request_id;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest as _, Sha256};

use crate::domain::error::Error;
use crate::domain::principal::{Pools, Principal, Role};

pub use request_id::RequestId;

/// SHA-256 of a token. A lookup by it tells nobody, by the time it takes, how
/// much of a token was right.
type Digest = [u8; 32];

/// Whom bearer tokens belong to. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct Callers(Arc<RwLock<Arc<Known>>>);

enum Known {
    /// Whoever it is, it is this one.
    Anyone(Principal),
    Tokens(HashMap<Digest, Principal>),
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.known() {
            Known::Anyone(_) => f.write_str("Callers(anyone)"),
            Known::Tokens(tokens) => write!(f, "Callers({} tokens)", tokens.len()),
        }
    }
}

impl Callers {
    /// Everybody is admin of all pools, with or without a token: for a server
    /// that only the machine itself can reach.
    #[must_use]
    pub fn open() -> Self {
        Self::knowing(Known::Anyone(Principal {
            name: "anyone".to_owned(),
            role: Role::Admin,
            pools: Pools::All,
        }))
    }

    /// The callers of a tokens file:
    ///
    /// ```json
    /// {"tokens": [{"sha256": "<64 hex digits>", "name": "ci",
    ///              "role": "reader", "pools": ["local_AbCdEfGhI"]}]}
    /// ```
    ///
    /// A role is `reader`, `operator` or `admin`; the pools `["*"]` are all.
    ///
    /// # Errors
    /// Invalid argument that names every faulty entry and field, and no hash.
    pub fn from_tokens(json: &str) -> Result<Self, Error> {
        Ok(Self::knowing(Known::Tokens(file::parse(json)?)))
    }

    fn knowing(known: Known) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(known))))
    }

    /// Takes the callers of another tokens file instead. Calls that were let
    /// in before go on.
    ///
    /// # Errors
    /// As [`Callers::from_tokens`]; the callers are then those of before.
    pub fn replace(&self, json: &str) -> Result<(), Error> {
        let known = Arc::new(Known::Tokens(file::parse(json)?));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// Whether everybody may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(*self.known(), Known::Anyone(_))
    }

    /// The caller that an `Authorization` header's value belongs to.
    ///
    /// # Errors
    /// Unauthenticated, with a message that repeats nothing of the header.
    pub fn authenticate(&self, authorization: Option<&str>) -> Result<Principal, Error> {
        let known = self.known();
        let tokens = match &*known {
            Known::Anyone(principal) => return Ok(principal.clone()),
            Known::Tokens(tokens) => tokens,
        };
        let header = authorization.ok_or_else(|| {
            Error::unauthenticated("A bearer token is needed: `authorization: Bearer <token>`.")
        })?;
        let token = bearer(header).ok_or_else(|| {
            Error::unauthenticated("The authorization is not of the form `Bearer <token>`.")
        })?;
        let digest: Digest = Sha256::digest(token).into();
        tokens
            .get(&digest)
            .cloned()
            .ok_or_else(|| Error::unauthenticated("The bearer token is not known."))
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The token of a header's value (RFC 6750, section 2.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::ErrorKind;
    use crate::domain::ids::UserPoolId;

    fn entry(token: &str, name: &str, role: &str, pools: &str) -> String {
        let sha256 = hex::encode(Sha256::digest(token));
        format!(r#"{{"sha256":"{sha256}","name":"{name}","role":"{role}","pools":{pools}}}"#)
    }

    fn file(entries: &[String]) -> String {
        format!(r#"{{"tokens":[{}]}}"#, entries.join(","))
    }

    #[test]
    fn a_token_names_its_caller() {
        let callers = Callers::from_tokens(&file(&[
            entry("s3cret", "ci", "operator", r#"["local_1","local_2"]"#),
            entry("root", "ops", "admin", r#"["*"]"#),
        ]))
        .expect("a tokens file");
        assert!(!callers.is_open());
        for header in ["Bearer s3cret", "bearer s3cret", "BEARER   s3cret "] {
            let caller = callers.authenticate(Some(header)).expect("known");
            assert_eq!((caller.name.as_str(), caller.role), ("ci", Role::Operator));
            let pool = UserPoolId::parse("local_2").expect("a pool id");
            assert!(caller.may(Role::Operator, &pool));
        }
        let ops = callers.authenticate(Some("Bearer root")).expect("known");
        assert_eq!(ops.pools, Pools::All);
        assert!(!format!("{callers:?}").contains("ci"));
    }

    #[test]
    fn anything_else_is_unauthenticated_and_not_repeated() {
        let callers = Callers::from_tokens(&file(&[entry("s3cret", "ci", "reader", r#"["*"]"#)]))
            .expect("a tokens file");
        for header in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("s3cret"),
            Some("Basic s3cret"),
            Some("Bearer s3cre"),
            Some("Bearer s3cret2"),
            Some("Bearer S3CRET"),
        ] {
            let error = callers.authenticate(header).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{header:?}");
            assert!(!error.to_string().to_lowercase().contains("s3cre"));
        }
    }

    #[test]
    fn open_callers_are_admins_whatever_they_say() {
        let callers = Callers::open();
        assert!(callers.is_open());
        for header in [None, Some("Bearer x"), Some("nonsense")] {
            let caller = callers.authenticate(header).expect("let in");
            assert!(caller.authorise_everywhere(Role::Admin).is_ok());
        }
    }

    #[test]
    fn a_new_file_replaces_the_old_one_whole_or_not_at_all() {
        let callers = Callers::from_tokens(&file(&[entry("old", "a", "reader", r#"["*"]"#)]))
            .expect("a tokens file");
        let clone = callers.clone();
        assert!(callers.replace("{").is_err());
        assert!(clone.authenticate(Some("Bearer old")).is_ok());
        callers
            .replace(&file(&[entry("new", "b", "reader", r#"["*"]"#)]))
            .expect("a tokens file");
        assert!(clone.authenticate(Some("Bearer old")).is_err());
        assert_eq!(
            clone.authenticate(Some("Bearer new")).expect("known").name,
            "b"
        );
    }
}
