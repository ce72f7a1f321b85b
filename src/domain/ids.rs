//! The ids that callers see, and where new ones come from.

use std::fmt;

use uuid::Uuid;

/// The id of a user pool: `[\w-]+_[0-9a-zA-Z]+`, 1-55 characters (Cognito's rule).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserPoolId(String);

impl UserPoolId {
    /// The longest id, in characters.
    pub const MAX: usize = 55;
    /// The rule as AWS publishes it.
    pub const PATTERN: &'static str = r"[\w-]+_[0-9a-zA-Z]+";

    /// Parses an id; `None` when it breaks the rule.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (region, rest) = text.rsplit_once('_')?;
        // `\w` is taken as ASCII: no id that was ever issued has anything else.
        let ok = !region.is_empty()
            && !rest.is_empty()
            && text.len() <= Self::MAX
            && region
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            && rest.bytes().all(|b| b.is_ascii_alphanumeric());
        ok.then(|| Self(text.to_owned()))
    }

    /// A new id in Cognito's form: a region, `_`, and nine letters and digits
    /// drawn from `random`.
    #[must_use]
    pub fn generate(region: &str, random: Uuid) -> Self {
        const ALPHABET: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut n = random.as_u128();
        let mut id = format!("{region}_");
        for _ in 0..9 {
            id.push(char::from(ALPHABET[(n % 62) as usize]));
            n /= 62;
        }
        Self(id)
    }

    /// The id as callers see it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserPoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a job that muster issued: `import-` and a UUID (version 7, so
/// that ids made later sort later).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub Uuid);

impl JobId {
    /// The longest id, in characters.
    pub const MAX: usize = 55;
    /// The rule as AWS publishes it.
    pub const PATTERN: &'static str = "import-[0-9a-zA-Z-]+";

    /// Parses an id. `Err` when it breaks Cognito's rule; `Ok(None)` when it
    /// keeps it but is none that muster can have issued.
    #[expect(clippy::result_unit_err, reason = "the caller knows the field")]
    pub fn parse(text: &str) -> Result<Option<Self>, ()> {
        let rest = text.strip_prefix("import-").ok_or(())?;
        if rest.is_empty()
            || text.len() > Self::MAX
            || !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            return Err(());
        }
        Ok(Uuid::try_parse(rest)
            .ok()
            .map(Self)
            .filter(|id| id.to_string() == text))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "import-{}", self.0)
    }
}

/// Where new ids come from; a parameter, so that a test can foresee them.
pub trait Ids: Send + Sync + 'static {
    /// A UUID that sorts after those made earlier (version 7).
    fn ordered(&self) -> Uuid;
    /// A UUID that nobody can guess (version 4).
    fn random(&self) -> Uuid;
}

/// Ids from the clock and the operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn ordered(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn random(&self) -> Uuid {
        Uuid::new_v4()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_pool_ids_keep_cognitos_rule() {
        for good in ["us-east-1_AbCdEfGhI", "local_1", "a_b_C9", "-_0"] {
            assert!(UserPoolId::parse(good).is_some(), "{good}");
        }
        let long = format!("a_{}", "b".repeat(54));
        for bad in [
            "",
            "_",
            "a_",
            "_a",
            "a",
            "a b_c",
            "a_b-c",
            "é_a",
            long.as_str(),
        ] {
            assert!(UserPoolId::parse(bad).is_none(), "{bad}");
        }
        let made = UserPoolId::generate("local", Uuid::from_u128(u128::MAX));
        assert_eq!(UserPoolId::parse(made.as_str()), Some(made));
    }

    #[test]
    fn job_ids_keep_cognitos_rule() {
        let id = JobId(Uuid::from_u128(7));
        assert_eq!(JobId::parse(&id.to_string()), Ok(Some(id)));
        assert_eq!(JobId::parse("import-ABCDEFGHIJ"), Ok(None));
        assert_eq!(JobId::parse(&id.to_string().to_uppercase()), Err(()));
        for bad in ["", "import-", "import", "job-1", "import-a_b", "import-é"] {
            assert_eq!(JobId::parse(bad), Err(()), "{bad}");
        }
    }
}
