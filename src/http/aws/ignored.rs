//! Members of CreateUserPool that are accepted and ignored: they set up what
//! muster does not have (messages, triggers, tiers), and a script that sends
//! them shall run all the same.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::input::Input;
use super::operation::Operation;

/// The members of CreateUserPool that mean something here.
const HEEDED: &[&str] = &[
    "PoolName",
    "Schema",
    "AliasAttributes",
    "UsernameAttributes",
    "AutoVerifiedAttributes",
    "MfaConfiguration",
    "UsernameConfiguration",
];

/// The members that were logged already; the model bounds them, since members
/// that it does not have are not counted.
static LOGGED: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);

/// Logs each ignored member, once in the life of the process.
pub(super) fn log(operation: Operation, input: &Input) {
    if operation != Operation::CreateUserPool {
        return;
    }
    for member in super::model::MODEL.members(operation) {
        if HEEDED.contains(&member) || !input.has(member) {
            continue;
        }
        let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.insert(member) {
            tracing::debug!(member, "CreateUserPool: accepted and ignored");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::aws::model::MODEL;

    #[test]
    fn what_is_heeded_is_in_the_model() {
        let members: Vec<_> = MODEL.members(Operation::CreateUserPool).collect();
        assert!(HEEDED.iter().all(|m| members.contains(m)));
    }

    #[test]
    fn ignored_members_are_remembered_once() {
        let input = Input::read(
            Operation::CreateUserPool,
            br#"{"PoolName":"p","UserPoolTier":"LITE","Later":1,"UserPoolTags":null}"#,
        )
        .expect("a request");
        log(Operation::CreateUserPool, &input);
        log(Operation::CreateUserPool, &input);
        let logged = LOGGED.lock().expect("the set");
        assert!(logged.contains("UserPoolTier"));
        assert!(!logged.contains("PoolName") && !logged.contains("Later"));
        assert!(!logged.contains("UserPoolTags"));
    }
}
