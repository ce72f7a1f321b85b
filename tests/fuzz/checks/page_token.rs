//! Page tokens: a token is good for the listing that answered it, as it was
//! answered, and nothing else is a token.

use std::fmt::Debug;

use muster::domain::error::{ErrorKind, Reason};
use muster::operations::SigningKey;
use muster::operations::tokens::{open, seal};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::alter;

/// The listings that there are, with a pool and a job made up.
const LISTINGS: [&[&str]; 6] = [
    &["pools"],
    &["jobs", "local_1"],
    &["users", "local_1"],
    &["users", "local_1", "email", "=", "a"],
    &["users", "local_1", "email", "=a"],
    &[
        "rejected",
        "local_1",
        "import-00000000-0000-0000-0000-000000000001",
    ],
];
/// The longest position that a listing has: a username key.
const LONGEST_KEY: usize = 128;

/// The first byte chooses the listing, the next four how its token is altered.
/// The rest is where the page ends, and once a token that somebody made up.
pub fn check(data: &[u8]) {
    let Some(([listing, alteration @ ..], rest)) = data.split_first_chunk::<5>() else {
        return;
    };
    let listing = LISTINGS[usize::from(*listing) % LISTINGS.len()];
    let alteration = *alteration;
    let text = String::from_utf8_lossy(rest);
    let mut micros = [0; 8];
    let known = rest.len().min(8);
    micros[..known].copy_from_slice(&rest[..known]);
    let micros = i64::from_le_bytes(micros);

    let username: String = text.chars().take(LONGEST_KEY).collect();
    good_for_one_listing(listing, &username, alteration);
    good_for_one_listing(listing, &(micros, username), alteration);
    good_for_one_listing(listing, &micros.unsigned_abs(), alteration);
    refused::<String>(listing, &text, "a token made up");
    refused::<(i64, String)>(listing, &text, "a token made up");
}

fn key(byte: u8) -> SigningKey {
    SigningKey::new([byte; 32]).expect("long enough")
}

fn good_for_one_listing<P>(listing: &[&str], position: &P, alteration: [u8; 4])
where
    P: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let token = seal(&key(7), listing, position).expect("a token");
    assert!(
        token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)),
        "not to be put into a URL: {token}"
    );
    let opened: P = open(&key(7), listing, &token).expect("its own token");
    assert_eq!(&opened, position);
    for other in LISTINGS.iter().filter(|other| **other != listing) {
        refused::<P>(other, &token, "another listing's token");
    }
    let foreign = seal(&key(8), listing, position).expect("a token");
    refused::<P>(listing, &foreign, "a token by another key");
    let altered = alter::bytes(token.as_bytes(), alteration);
    let altered = String::from_utf8_lossy(&altered);
    if altered != token {
        refused::<P>(listing, &altered, "an altered token");
    }
}

fn refused<P: DeserializeOwned + Debug>(listing: &[&str], token: &str, what: &str) {
    match open::<P>(&key(7), listing, token) {
        Ok(position) => panic!("{what} was taken: {position:?}"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{what}");
            assert_eq!(error.reason(), Reason::InvalidPageToken, "{what}");
            let message = error.to_string();
            assert_eq!(
                message,
                "page_token is not a token that this listing answered"
            );
        }
    }
}
