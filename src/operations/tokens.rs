//! Page tokens: where a listing goes on. Opaque to callers, bound to the
//! listing that answered them, and of no use when changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::SigningKey;
use crate::domain::error::Error;

/// A listing of which one page is asked for.
pub(super) struct Listing<'a> {
    pub(super) key: &'a SigningKey,
    /// What sort of listing of what; a token is good for no other.
    pub(super) name: &'a [&'a str],
    /// Entries of a page.
    pub(super) size: usize,
    /// The token that the page before answered.
    pub(super) token: Option<&'a str>,
}

impl Listing<'_> {
    /// Where the page before ended; `None` for the first page.
    pub(super) fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.token
            .map(|token| open(self.key, self.name, token))
            .transpose()
    }

    /// How many entries to look for: one more than asked for tells whether
    /// there is another page.
    pub(super) fn limit(&self) -> i64 {
        i64::try_from(self.size)
            .unwrap_or(i64::MAX)
            .saturating_add(1)
    }

    /// Cuts what was found to a page, and answers the next page's token.
    pub(super) fn page<T, P: Serialize>(
        &self,
        mut found: Vec<T>,
        position: impl FnOnce(&T) -> P,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        if found.len() <= self.size {
            return Ok((found, None));
        }
        found.truncate(self.size);
        let next = found
            .last()
            .map(|last| seal(self.key, self.name, &position(last)))
            .transpose()?;
        Ok((found, next))
    }
}

/// Bytes of the signature that a token carries.
const MAC: usize = 16;
/// No token that we make is longer, in characters.
const MAX_TOKEN: usize = 2048;

/// Makes the token for a position in a listing. `listing` names the listing,
/// its pool included.
///
/// # Errors
/// Internal when the position cannot be written as JSON.
pub fn seal<T: Serialize>(
    key: &SigningKey,
    listing: &[&str],
    position: &T,
) -> Result<String, Error> {
    let mut bytes = serde_json::to_vec(position).map_err(Error::internal)?;
    let mac = key.sign("page", &parts(listing, &bytes))?;
    bytes.extend_from_slice(&mac[..MAC]);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The position in a token that this listing answered.
///
/// # Errors
/// Invalid argument: the token is not one that [`seal`] made for this listing.
pub fn open<T: DeserializeOwned>(
    key: &SigningKey,
    listing: &[&str],
    token: &str,
) -> Result<T, Error> {
    let refused = Error::invalid_page_token;
    if token.len() > MAX_TOKEN {
        return Err(refused());
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
    let at = bytes.len().checked_sub(MAC).ok_or_else(refused)?;
    let (position, given) = bytes.split_at(at);
    let mac = key.sign("page", &parts(listing, position))?;
    // Truncated on both sides, hence not `verify`; compared without a shortcut.
    let differ = mac[..MAC]
        .iter()
        .zip(given)
        .fold(0, |d, (a, b)| d | (a ^ b));
    if differ != 0 {
        return Err(refused());
    }
    serde_json::from_slice(position).map_err(|_| refused())
}

/// A time as a token holds it: microseconds since 1970.
pub(super) fn micros(date: OffsetDateTime) -> i64 {
    i64::try_from(date.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// The time that a token holds.
pub(super) fn date(micros: i64) -> Result<OffsetDateTime, Error> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .map_err(|_| Error::invalid_page_token())
}

fn parts<'a>(listing: &'a [&str], position: &'a [u8]) -> Vec<&'a [u8]> {
    listing
        .iter()
        .map(|l| l.as_bytes())
        .chain([position])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> SigningKey {
        SigningKey::new([3; 32]).expect("long enough")
    }

    #[test]
    fn a_token_opens_for_its_own_listing_only() {
        let token = seal(&key(), &["jobs", "a_1"], &(7, "x")).expect("sealed");
        let opened: (i32, String) = open(&key(), &["jobs", "a_1"], &token).expect("opened");
        assert_eq!(opened, (7, "x".to_owned()));
        for other in [vec!["jobs", "a_2"], vec!["users", "a_1"], vec!["jobsa_1"]] {
            assert!(open::<(i32, String)>(&key(), &other, &token).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_changed_or_invented_token_is_refused(text in "\\PC{0,80}", at in 0usize..60, to in "[A-Za-z0-9_-]") {
            prop_assert!(open::<(i32, String)>(&key(), &["jobs", "a_1"], &text).is_err());
            let token = seal(&key(), &["jobs", "a_1"], &(7, "x")).expect("sealed");
            let mut changed = token.clone();
            let at = at % token.len();
            changed.replace_range(at..=at, &to);
            // The last character of base64 may have bits that carry nothing.
            if changed != token && at + 1 < token.len() {
                prop_assert!(open::<(i32, String)>(&key(), &["jobs", "a_1"], &changed).is_err());
            }
        }
    }
}
