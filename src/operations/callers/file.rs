//! A tokens file, read by hand: serde's messages repeat the values that they
//! complain of, and here those are hashes of credentials.

use std::collections::HashMap;
use std::hash::Hash;

use serde_json::{Map, Value};

use super::peer;
use super::{Digest, Listed};
use crate::domain::error::{Constraint, Error};
use crate::domain::ids::UserPoolId;
use crate::domain::principal::{Pools, Principal, Role};
use crate::operations::fields::Fields;

const ROLES: &[&str] = &["reader", "operator", "admin"];
/// The longest name of a caller, in characters.
const MAX_NAME: usize = 128;

/// What a caller is known by.
enum Credential {
    Token(Digest),
    Certificate(String),
}

/// The callers of a tokens file. A file without any lets nobody in.
pub(super) fn parse(json: &str) -> Result<Listed, Error> {
    let mut fields = Fields::default();
    let file: Value = serde_json::from_str(json).map_err(|e| {
        let place = format!("is no JSON: see line {}, column {}", e.line(), e.column());
        Error::invalid("tokens file", None, Constraint::Other(place))
    })?;
    let mut callers = Listed::default();
    match file.as_object() {
        None => refuse(&mut fields, "tokens file", "must be a JSON object"),
        Some(object) => {
            known_only(&mut fields, "", object, &["tokens"]);
            match object.get("tokens").and_then(Value::as_array) {
                None => refuse(&mut fields, "tokens", "must be a list"),
                Some(list) => entries(&mut fields, list, &mut callers),
            }
        }
    }
    fields.finish()?;
    Ok(callers)
}

fn entries(fields: &mut Fields, list: &[Value], callers: &mut Listed) {
    for (i, entry) in list.iter().enumerate() {
        let at = format!("tokens[{i}]");
        let Some(entry) = entry.as_object() else {
            refuse(fields, &at, "must be a JSON object");
            continue;
        };
        let known = ["sha256", "certificate", "name", "role", "pools"];
        known_only(fields, &format!("{at}."), entry, &known);
        let credential = credential(fields, &at, entry);
        let name = name(fields, &at, entry);
        let role = role(fields, &at, entry);
        let pools = pools(fields, &at, entry);
        let (Some(credential), Some(name), Some(role), Some(pools)) =
            (credential, name, role, pools)
        else {
            continue;
        };
        let caller = Principal { name, role, pools };
        let (field, added) = match credential {
            Credential::Token(digest) => ("sha256", add(&mut callers.tokens, digest, caller)),
            Credential::Certificate(name) => {
                ("certificate", add(&mut callers.certificates, name, caller))
            }
        };
        if !added {
            let rule = "is that of an earlier entry, too";
            refuse(fields, format!("{at}.{field}"), rule);
        }
    }
}

fn add<K: Eq + Hash>(callers: &mut HashMap<K, Principal>, by: K, caller: Principal) -> bool {
    callers.insert(by, caller).is_none()
}

fn credential(fields: &mut Fields, at: &str, entry: &Map<String, Value>) -> Option<Credential> {
    let Some(certificate) = entry.get("certificate") else {
        return digest(fields, at, entry).map(Credential::Token);
    };
    if entry.contains_key("sha256") {
        let rule = "cannot stand beside sha256: an entry is for a token or for a certificate";
        refuse(fields, format!("{at}.certificate"), rule);
        return None;
    }
    let name = certificate.as_str().and_then(peer::listed);
    if name.is_none() {
        let rule = "must be spiffe://<trust domain>/<path> or dns:<host name>";
        refuse(fields, format!("{at}.certificate"), rule);
    }
    name.map(Credential::Certificate)
}

fn known_only(fields: &mut Fields, at: &str, object: &Map<String, Value>, known: &[&str]) {
    for key in object.keys().filter(|k| !known.contains(&k.as_str())) {
        let allowed = known.join(", ");
        refuse(
            fields,
            format!("{at}{key}"),
            format!("is no field of a tokens file; there are {allowed}"),
        );
    }
}

fn digest(fields: &mut Fields, at: &str, entry: &Map<String, Value>) -> Option<Digest> {
    let mut digest = Digest::default();
    let text = entry.get("sha256").and_then(Value::as_str).unwrap_or("");
    if hex::decode_to_slice(text, &mut digest).is_err() {
        let rule = "must be the 64 hex digits of the token's SHA-256";
        refuse(fields, format!("{at}.sha256"), rule);
        return None;
    }
    Some(digest)
}

fn name(fields: &mut Fields, at: &str, entry: &Map<String, Value>) -> Option<String> {
    let name = entry.get("name").and_then(Value::as_str).unwrap_or("");
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let rule = format!("must have 1-{MAX_NAME} characters, none a control character");
        refuse(fields, format!("{at}.name"), rule);
        return None;
    }
    Some(name.to_owned())
}

fn role(fields: &mut Fields, at: &str, entry: &Map<String, Value>) -> Option<Role> {
    let role = entry
        .get("role")
        .and_then(Value::as_str)
        .and_then(Role::from_name);
    if role.is_none() {
        fields.refuse(format!("{at}.role"), None, Constraint::Enum(ROLES));
    }
    role
}

fn pools(fields: &mut Fields, at: &str, entry: &Map<String, Value>) -> Option<Pools> {
    let words: Option<Vec<&str>> = entry
        .get("pools")
        .and_then(Value::as_array)
        .and_then(|list| list.iter().map(Value::as_str).collect());
    let pools = match words.as_deref() {
        None | Some([]) => None,
        Some(["*"]) => Some(Pools::All),
        Some(ids) => ids
            .iter()
            .map(|id| UserPoolId::parse(id))
            .collect::<Option<_>>()
            .map(Pools::Only),
    };
    if pools.is_none() {
        let rule = r#"must be ["*"] or a list of ids of user pools"#;
        refuse(fields, format!("{at}.pools"), rule);
    }
    pools
}

fn refuse(fields: &mut Fields, field: impl Into<String>, rule: impl Into<String>) {
    fields.refuse(field, None, Constraint::Other(rule.into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";

    fn error(json: &str) -> String {
        let error = parse(json).expect_err("a faulty file").to_string();
        assert!(!error.to_uppercase().contains(&HASH[..16]), "{error}");
        error
    }

    #[test]
    fn every_fault_is_named_by_entry_and_field() {
        let json = format!(
            r#"{{"token": 1, "tokens": [
                {{"sha256": "{HASH}", "name": "a", "role": "reader", "pools": ["*"]}},
                {{"sha256": "{HASH}", "name": "b", "role": "admin", "pools": ["local_1"]}},
                {{"sha256": "{short}", "name": "", "role": "owner", "pools": [], "age": 3}},
                {{"sha256": "{HASH}00", "name": "a\nb", "role": 1, "pools": ["*", "local_1"]}},
                {{"name": "c", "pools": "*"}},
                7,
                {{"certificate": "example.org", "name": "d", "role": "reader", "pools": ["*"]}},
                {{"certificate": "dns:a.b", "sha256": "{HASH}", "name": "e", "role": "reader", "pools": ["*"]}},
                {{"certificate": "dns:a.b", "name": "f", "role": "reader", "pools": ["*"]}},
                {{"certificate": "dns:A.b", "name": "g", "role": "reader", "pools": ["*"]}}]}}"#,
            short = &HASH[..40],
        );
        let error = error(&json);
        for part in [
            "token is no field",
            "tokens[1].sha256 is that of an earlier entry",
            "tokens[2].sha256 must be the 64 hex digits",
            "tokens[2].name must have 1-128 characters",
            "tokens[2].role must be one of reader, operator, admin",
            "tokens[2].pools must be",
            "tokens[2].age is no field",
            "tokens[3].sha256",
            "tokens[3].name",
            "tokens[3].role",
            "tokens[3].pools",
            "tokens[4].sha256",
            "tokens[4].role",
            "tokens[4].pools",
            "tokens[5] must be a JSON object",
            "tokens[6].certificate must be spiffe://",
            "tokens[7].certificate cannot stand beside sha256",
            "tokens[9].certificate is that of an earlier entry",
        ] {
            assert!(error.contains(part), "{error} lacks {part}");
        }
    }

    #[test]
    fn a_file_that_is_no_such_object_is_refused() {
        let broken = format!(r#"{{"tokens": [{{"sha256": "{HASH}" "#);
        assert!(error(&broken).contains("is no JSON: see line 1, column"));
        assert!(error("[]").contains("must be a JSON object"));
        assert!(error("{}").contains("tokens must be a list"));
        assert!(error(r#"{"tokens": {}}"#).contains("tokens must be a list"));
    }

    #[test]
    fn a_file_without_tokens_lets_nobody_in() {
        let listed = parse(r#"{"tokens": []}"#).expect("a file");
        assert!(listed.tokens.is_empty() && listed.certificates.is_empty());
    }
}
