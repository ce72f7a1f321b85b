//! A keys file, read by hand: serde's messages repeat the values that they
//! complain of, and here those are secrets.

use std::collections::HashMap;
use std::num::NonZeroU32;

use serde_json::{Map, Value};

use super::{Actions, Key, Operation, limiter};
use crate::domain::error::{Constraint, Error, FieldViolation};
use crate::domain::ids::UserPoolId;
use crate::domain::principal::{Pools, Principal};

/// The longest name of a caller, in characters.
const MAX_NAME: usize = 128;
/// AWS's bounds for an access key id, in characters.
const ID_LENGTH: std::ops::RangeInclusive<usize> = 16..=128;
/// The shortest secret, in characters; AWS's have 40.
const MIN_SECRET: usize = 16;
const FIELDS: &[&str] = &[
    "access_key_id",
    "secret_access_key",
    "name",
    "pools",
    "actions",
    "calls_per_second",
];

/// What is wrong with the file.
#[derive(Default)]
struct Faults(Vec<FieldViolation>);

impl Faults {
    fn note(&mut self, field: impl Into<String>, rule: impl Into<String>) {
        self.0.push(FieldViolation {
            field: field.into(),
            value: None,
            constraint: Constraint::Other(rule.into()),
        });
    }
}

/// The keys of a file, by their ids. A file without any lets nobody in.
pub(super) fn parse(json: &str) -> Result<HashMap<String, Key>, Error> {
    let mut faults = Faults::default();
    let file: Value = serde_json::from_str(json).map_err(|e| {
        let place = format!("is no JSON: see line {}, column {}", e.line(), e.column());
        Error::invalid("keys file", None, Constraint::Other(place))
    })?;
    let mut keys = HashMap::new();
    match file.as_object() {
        None => faults.note("keys file", "must be a JSON object"),
        Some(object) => {
            known_only(&mut faults, "", object, &["keys"]);
            match object.get("keys").and_then(Value::as_array) {
                None => faults.note("keys", "must be a list"),
                Some(list) => {
                    for (i, entry) in list.iter().enumerate() {
                        add(&mut faults, &mut keys, &format!("keys[{i}]"), entry);
                    }
                }
            }
        }
    }
    if faults.0.is_empty() {
        Ok(keys)
    } else {
        Err(Error::invalid_fields(faults.0))
    }
}

fn add(faults: &mut Faults, keys: &mut HashMap<String, Key>, at: &str, entry: &Value) {
    let Some(entry) = entry.as_object() else {
        return faults.note(at, "must be a JSON object");
    };
    known_only(faults, &format!("{at}."), entry, FIELDS);
    let id = access_key_id(faults, at, entry);
    let secret = secret(faults, at, entry);
    let name = name(faults, at, entry);
    let pools = pools(faults, at, entry);
    let actions = actions(faults, at, entry);
    let calls = calls_per_second(faults, at, entry);
    let (Some(id), Some(secret), Some(name), Some(pools), Some(actions)) =
        (id, secret, name, pools, actions)
    else {
        return;
    };
    let key = Key {
        secret,
        caller: Principal {
            name,
            role: actions.role(),
            pools,
        },
        actions,
        limiter: calls.map(limiter),
    };
    if keys.insert(id, key).is_some() {
        faults.note(
            format!("{at}.access_key_id"),
            "is that of an earlier entry, too",
        );
    }
}

fn known_only(faults: &mut Faults, at: &str, object: &Map<String, Value>, known: &[&str]) {
    for key in object.keys().filter(|k| !known.contains(&k.as_str())) {
        let rule = format!("is no field of a keys file; there are {}", known.join(", "));
        faults.note(format!("{at}{key}"), rule);
    }
}

fn text<'e>(entry: &'e Map<String, Value>, field: &str) -> &'e str {
    entry.get(field).and_then(Value::as_str).unwrap_or("")
}

fn access_key_id(faults: &mut Faults, at: &str, entry: &Map<String, Value>) -> Option<String> {
    let id = text(entry, "access_key_id");
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if ID_LENGTH.contains(&id.len()) && id.bytes().all(word) {
        return Some(id.to_owned());
    }
    let rule = "must have 16-128 letters, digits and underscores";
    faults.note(format!("{at}.access_key_id"), rule);
    None
}

fn secret(faults: &mut Faults, at: &str, entry: &Map<String, Value>) -> Option<String> {
    let secret = text(entry, "secret_access_key");
    if secret.chars().count() >= MIN_SECRET {
        return Some(secret.to_owned());
    }
    let rule = format!("must have at least {MIN_SECRET} characters");
    faults.note(format!("{at}.secret_access_key"), rule);
    None
}

fn name(faults: &mut Faults, at: &str, entry: &Map<String, Value>) -> Option<String> {
    let name = text(entry, "name");
    if (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Some(name.to_owned());
    }
    let rule = format!("must have 1-{MAX_NAME} characters, none a control character");
    faults.note(format!("{at}.name"), rule);
    None
}

/// The words of a list that is not empty.
fn words<'e>(entry: &'e Map<String, Value>, field: &str) -> Option<Vec<&'e str>> {
    let list = entry.get(field)?.as_array()?;
    let words: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
    words.filter(|words| !words.is_empty())
}

fn pools(faults: &mut Faults, at: &str, entry: &Map<String, Value>) -> Option<Pools> {
    let pools = words(entry, "pools").and_then(|words| match words[..] {
        ["*"] => Some(Pools::All),
        _ => words
            .into_iter()
            .map(UserPoolId::parse)
            .collect::<Option<_>>()
            .map(Pools::Only),
    });
    if pools.is_none() {
        let rule = r#"must be ["*"] or a list of ids of user pools"#;
        faults.note(format!("{at}.pools"), rule);
    }
    pools
}

fn actions(faults: &mut Faults, at: &str, entry: &Map<String, Value>) -> Option<Actions> {
    let actions = words(entry, "actions").and_then(|words| match words[..] {
        ["*"] => Some(Actions::All),
        _ => words
            .into_iter()
            .map(Operation::from_name)
            .collect::<Option<_>>()
            .map(Actions::Only),
    });
    if actions.is_none() {
        let known: Vec<_> = Operation::ALL.iter().map(|o| o.as_str()).collect();
        let rule = format!(r#"must be ["*"] or a list of {}"#, known.join(", "));
        faults.note(format!("{at}.actions"), rule);
    }
    actions
}

fn calls_per_second(
    faults: &mut Faults,
    at: &str,
    entry: &Map<String, Value>,
) -> Option<NonZeroU32> {
    let value = entry.get("calls_per_second")?;
    let calls = value
        .as_u64()
        .and_then(|n| u32::try_from(n).ok())
        .and_then(NonZeroU32::new);
    if calls.is_none() {
        let rule = format!("must be a whole number from 1 to {}", u32::MAX);
        faults.note(format!("{at}.calls_per_second"), rule);
    }
    calls
}
