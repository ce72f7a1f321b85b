//! Password hashes that are imported: their formats, and how costly they may be
//! to verify.

/// The algorithm of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum PasswordHashingAlgorithm {
    Bcrypt,
    Scrypt,
    Argon2id,
    Pbkdf2Sha256,
}

/// Why a hash is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFault {
    /// Not of the format asked for, or of none that is known.
    Invalid,
    /// Well formed, but its parameters are over the limits.
    TooCostly,
}

impl PasswordHashingAlgorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Bcrypt,
        Self::Scrypt,
        Self::Argon2id,
        Self::Pbkdf2Sha256,
    ];

    /// The name that callers use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bcrypt => "BCRYPT",
            Self::Scrypt => "SCRYPT",
            Self::Argon2id => "ARGON2ID",
            Self::Pbkdf2Sha256 => "PBKDF2_SHA256",
        }
    }

    /// The algorithm of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == name)
    }

    /// The algorithm whose format `hash` begins like, well formed or not.
    #[must_use]
    pub fn detect(hash: &str) -> Option<Self> {
        if hash.starts_with("$2") {
            Some(Self::Bcrypt)
        } else if hash.starts_with("$argon2id$") {
            Some(Self::Argon2id)
        } else if hash.starts_with("$pbkdf2-sha256$") {
            Some(Self::Pbkdf2Sha256)
        } else if hash.starts_with(|c: char| c.is_ascii_digit()) {
            Some(Self::Scrypt)
        } else {
            None
        }
    }
}

/// Checks a hash against the job's algorithm or, when it has none, against the
/// one that the hash itself shows; answers which it is.
pub fn check(
    hash: &str,
    algorithm: Option<PasswordHashingAlgorithm>,
) -> Result<PasswordHashingAlgorithm, HashFault> {
    let algorithm = algorithm
        .or_else(|| PasswordHashingAlgorithm::detect(hash))
        .ok_or(HashFault::Invalid)?;
    let affordable = match algorithm {
        PasswordHashingAlgorithm::Bcrypt => bcrypt(hash),
        PasswordHashingAlgorithm::Scrypt => scrypt(hash),
        PasswordHashingAlgorithm::Argon2id => argon2id(hash),
        PasswordHashingAlgorithm::Pbkdf2Sha256 => pbkdf2_sha256(hash),
    };
    match affordable {
        Some(true) => Ok(algorithm),
        Some(false) => Err(HashFault::TooCostly),
        None => Err(HashFault::Invalid),
    }
}

// Each of these answers whether a well-formed hash is within the limits, and
// `None` when it is not well formed.

/// `$2[abxy]$cost$`, then 22 characters of salt and 31 of hash; cost 4-12.
fn bcrypt(hash: &str) -> Option<bool> {
    let &[
        b'$',
        b'2',
        b'a' | b'b' | b'x' | b'y',
        b'$',
        c1,
        c2,
        b'$',
        ref rest @ ..,
    ] = hash.as_bytes()
    else {
        return None;
    };
    let digit = |c: u8| char::from(c).to_digit(10);
    let cost = 10 * digit(c1)? + digit(c2)?;
    let well_formed = cost >= 4
        && rest.len() == 53
        && rest
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"./".contains(b));
    well_formed.then_some(cost <= 12)
}

/// `N$r$p$salt$hash`, both in hexadecimal; N a power of two up to 65536, r up to 8, p 1.
fn scrypt(hash: &str) -> Option<bool> {
    let [n, r, p, salt, digest] = parts(hash)?;
    let (n, r, p) = (Cost::parse(n)?, Cost::parse(r)?, Cost::parse(p)?);
    let well_formed = n.is_power_of_two() && is_hex(salt) && is_hex(digest);
    well_formed.then_some(n.at_most(65_536) && r.at_most(8) && p.at_most(1))
}

/// `$argon2id$v=19$m=,t=,p=$salt$hash`; m up to 19456 KiB, t up to 2, p 1.
fn argon2id(hash: &str) -> Option<bool> {
    let [parameters, salt, digest] = parts(hash.strip_prefix("$argon2id$v=19$")?)?;
    let mut parameters = parameters.split(',');
    let mut parameter = |name| Cost::parse(parameters.next()?.strip_prefix(name)?);
    let (m, t, p) = (parameter("m=")?, parameter("t=")?, parameter("p=")?);
    let well_formed = parameters.next().is_none() && is_base64(salt) && is_base64(digest);
    well_formed.then_some(m.at_most(19_456) && t.at_most(2) && p.at_most(1))
}

/// `$pbkdf2-sha256$iterations$salt$hash`; iterations up to 600000.
fn pbkdf2_sha256(hash: &str) -> Option<bool> {
    let [iterations, salt, digest] = parts(hash.strip_prefix("$pbkdf2-sha256$")?)?;
    let iterations = Cost::parse(iterations)?;
    let well_formed = is_adapted_base64(salt) && is_adapted_base64(digest);
    well_formed.then_some(iterations.at_most(600_000))
}

/// The `N` parts between dollar signs, neither more nor fewer.
fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut found = text.split('$');
    let mut parts = [""; N];
    for part in &mut parts {
        *part = found.next()?;
    }
    found.next().is_none().then_some(parts)
}

/// A cost parameter: at least 1, however many digits.
#[derive(Clone, Copy)]
struct Cost(u64);

impl Cost {
    const HUGE: u64 = u64::MAX;

    /// Decimal without sign or leading zero.
    fn parse(text: &str) -> Option<Self> {
        let well_formed = text.starts_with(|c: char| ('1'..='9').contains(&c))
            && text.bytes().all(|b| b.is_ascii_digit());
        // Only too many digits can fail to parse then.
        well_formed.then(|| Self(text.parse().unwrap_or(Self::HUGE)))
    }

    const fn at_most(self, limit: u64) -> bool {
        self.0 <= limit
    }

    /// Of a number too large to tell it is taken for granted: it is over the limit anyway.
    const fn is_power_of_two(self) -> bool {
        self.0 == Self::HUGE || (self.0 > 1 && self.0.is_power_of_two())
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Standard base64 (RFC 4648, section 4) without padding, of at least one byte.
fn is_base64(text: &str) -> bool {
    is_base64_with(text, |b| b == b'+')
}

/// Base64 as PBKDF2 hashes have it: padded or not, and `.` may stand for `+`
/// (passlib's `ab64`).
fn is_adapted_base64(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    (padding == 0 || (padding <= 2 && text.len().is_multiple_of(4)))
        && is_base64_with(bare, |b| b == b'+' || b == b'.')
}

fn is_base64_with(text: &str, is_62: impl Fn(u8) -> bool) -> bool {
    let Some(last) = text.bytes().last() else {
        return false;
    };
    // The bits of the last character that belong to no byte must be zero, as
    // decoders demand.
    let ends_well = match text.len() % 4 {
        0 => true,
        2 => b"AQgw".contains(&last),
        3 => b"AEIMQUYcgkosw048".contains(&last),
        _ => false,
    };
    ends_well
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'/' || is_62(b))
}

#[cfg(test)]
mod tests;
