//! Who calls: bearer tokens, the names in client certificates and the callers
//! that they belong to, and the id that each call is known by.

mod file;
mod peer;
mod request_id;

use std::collections::HashMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::current::Current;
use crate::domain::error::Error;
use crate::domain::principal::{Pools, Principal, Role};

pub use peer::Peer;
pub use request_id::RequestId;

/// SHA-256 of a token. A lookup by it tells nobody, by the time it takes, how
/// much of a token was right.
type Digest = [u8; 32];

/// Whom credentials belong to. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct Callers(Current<Known>);

enum Known {
    /// Whoever it is, it is this one.
    Anyone(Principal),
    Listed(Listed),
}

/// The callers of a tokens file.
#[derive(Debug, Default)]
struct Listed {
    tokens: HashMap<Digest, Principal>,
    /// By names as [`Peer`] has them.
    certificates: HashMap<String, Principal>,
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.get() {
            Known::Anyone(_) => f.write_str("Callers(anyone)"),
            Known::Listed(listed) => write!(
                f,
                "Callers({} tokens, {} certificates)",
                listed.tokens.len(),
                listed.certificates.len()
            ),
        }
    }
}

impl Callers {
    /// Everybody is admin of all pools, with or without a token: for a server
    /// that only the machine itself can reach.
    #[must_use]
    pub fn open() -> Self {
        Self(Current::new(Known::Anyone(Principal {
            name: "anyone".to_owned(),
            role: Role::Admin,
            pools: Pools::All,
        })))
    }

    /// The callers of a tokens file:
    ///
    /// ```json
    /// {"tokens": [{"sha256": "<64 hex digits>", "name": "ci",
    ///              "role": "reader", "pools": ["local_AbCdEfGhI"]},
    ///             {"certificate": "spiffe://example.org/ns/prod/sa/sync", "name": "sync",
    ///              "role": "operator", "pools": ["*"]},
    ///             {"certificate": "dns:ops.example.org", "name": "ops",
    ///              "role": "admin", "pools": ["*"]}]}
    /// ```
    ///
    /// A role is `reader`, `operator` or `admin`; the pools `["*"]` are all.
    ///
    /// # Errors
    /// Invalid argument that names every faulty entry and field, and no hash.
    pub fn from_tokens(json: &str) -> Result<Self, Error> {
        Ok(Self(Current::new(Known::Listed(file::parse(json)?))))
    }

    /// Takes the callers of another tokens file instead. Calls that were let
    /// in before go on.
    ///
    /// # Errors
    /// As [`Callers::from_tokens`]; the callers are then those of before.
    pub fn replace(&self, json: &str) -> Result<(), Error> {
        self.0.replace(Known::Listed(file::parse(json)?));
        Ok(())
    }

    /// Whether everybody may do everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(*self.0.get(), Known::Anyone(_))
    }

    /// The caller that an `Authorization` header's value belongs to; without
    /// one, the caller that the connection's certificate belongs to. A token
    /// that is not known is refused whatever the certificate: whoever sends one
    /// means to be known by it.
    ///
    /// # Errors
    /// Unauthenticated, with a message that repeats nothing of the header.
    pub fn authenticate(
        &self,
        authorization: Option<&str>,
        peer: Option<&Peer>,
    ) -> Result<Principal, Error> {
        let known = self.0.get();
        let listed = match &*known {
            Known::Anyone(principal) => return Ok(principal.clone()),
            Known::Listed(listed) => listed,
        };
        let Some(header) = authorization else {
            return peer
                .into_iter()
                .flat_map(Peer::names)
                .find_map(|name| listed.certificates.get(name))
                .cloned()
                .ok_or_else(|| {
                    Error::unauthenticated(
                        "A bearer token is needed: `authorization: Bearer <token>`.",
                    )
                });
        };
        let token = bearer(header).ok_or_else(|| {
            Error::unauthenticated("The authorization is not of the form `Bearer <token>`.")
        })?;
        let digest: Digest = Sha256::digest(token).into();
        listed
            .tokens
            .get(&digest)
            .cloned()
            .ok_or_else(|| Error::unauthenticated("The bearer token is not known."))
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
            let caller = callers.authenticate(Some(header), None).expect("known");
            assert_eq!((caller.name.as_str(), caller.role), ("ci", Role::Operator));
            let pool = UserPoolId::parse("local_2").expect("a pool id");
            assert!(caller.may(Role::Operator, &pool));
        }
        let ops = callers
            .authenticate(Some("Bearer root"), None)
            .expect("known");
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
            let error = callers.authenticate(header, None).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{header:?}");
            assert!(!error.to_string().to_lowercase().contains("s3cre"));
        }
    }

    #[test]
    fn open_callers_are_admins_whatever_they_say() {
        let callers = Callers::open();
        assert!(callers.is_open());
        for header in [None, Some("Bearer x"), Some("nonsense")] {
            let caller = callers.authenticate(header, None).expect("let in");
            assert!(caller.authorise_everywhere(Role::Admin).is_ok());
        }
    }

    #[test]
    fn a_new_file_replaces_the_old_one_whole_or_not_at_all() {
        let callers = Callers::from_tokens(&file(&[entry("old", "a", "reader", r#"["*"]"#)]))
            .expect("a tokens file");
        let clone = callers.clone();
        assert!(callers.replace("{").is_err());
        assert!(clone.authenticate(Some("Bearer old"), None).is_ok());
        callers
            .replace(&file(&[entry("new", "b", "reader", r#"["*"]"#)]))
            .expect("a tokens file");
        assert!(clone.authenticate(Some("Bearer old"), None).is_err());
        assert_eq!(
            clone
                .authenticate(Some("Bearer new"), None)
                .expect("known")
                .name,
            "b"
        );
    }

    fn listed(json: &str) -> Callers {
        Callers::from_tokens(json).expect("a tokens file")
    }

    #[test]
    fn a_certificate_is_known_by_its_names_and_a_token_goes_before_it() {
        let sync = r#"{"certificate":"spiffe://example.org/sync","name":"sync","role":"operator","pools":["*"]}"#;
        let ops =
            r#"{"certificate":"dns:Ops.Example.org","name":"ops","role":"admin","pools":["*"]}"#;
        let ci = entry("s3cret", "ci", "reader", r#"["*"]"#);
        let callers = listed(&file(&[sync.to_owned(), ops.to_owned(), ci]));
        let name = |header: Option<&str>, names: &[&str]| {
            let peer = Peer::new(names.iter().map(|name| (*name).to_owned()));
            callers
                .authenticate(header, Some(&peer))
                .map(|caller| caller.name)
                .map_err(|error| error.kind())
        };
        let uri = "spiffe://example.org/sync";
        assert_eq!(name(None, &[uri]), Ok("sync".to_owned()));
        assert_eq!(name(None, &["dns:ops.example.org"]), Ok("ops".to_owned()));
        // The first that is known.
        let several = ["dns:other", uri, "dns:ops.example.org"];
        assert_eq!(name(None, &several), Ok("sync".to_owned()));
        let refused = Err(ErrorKind::Unauthenticated);
        for unknown in [
            "spiffe://example.org/sync/x",
            "spiffe://example.org/SYNC",
            "ops.example.org",
            "dns:x.ops.example.org",
        ] {
            assert_eq!(name(None, &[unknown]), refused, "{unknown}");
        }
        assert_eq!(name(None, &[]), refused);
        assert_eq!(name(Some("Bearer s3cret"), &[uri]), Ok("ci".to_owned()));
        assert_eq!(name(Some("Bearer wrong"), &[uri]), refused);
    }
}
