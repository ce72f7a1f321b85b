//! A value that breaks a rule, in the words in which AWS tells it.

use std::fmt::Write as _;

/// The longest value that is repeated, in characters.
const MAX_VALUE: usize = 1_000;

/// The rule for a required member.
pub(super) const NOT_NULL: &str = "Member must not be null";

/// A value that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// How the sentence begins: `Value 'x'`, `Value null`, or `Value` alone.
    value: String,
    /// The place of the value: `schema.1.member.name`.
    at: String,
    /// `Member must ...`.
    rule: String,
}

impl Violation {
    /// A value, or none where it must not be repeated.
    pub(super) fn new(value: Option<String>, at: String, rule: String) -> Self {
        let value = match value {
            None => "Value".to_owned(),
            Some(value) => match value.char_indices().nth(MAX_VALUE) {
                None => format!("Value '{value}'"),
                Some((end, _)) => format!("Value '{}...'", &value[..end]),
            },
        };
        Self { value, at, rule }
    }

    /// A member that must be there and is not.
    pub(super) fn missing(at: String) -> Self {
        Self {
            value: "Value null".to_owned(),
            at,
            rule: NOT_NULL.to_owned(),
        }
    }
}

/// All that is wrong, in one message.
pub(super) fn message(violations: &[Violation]) -> String {
    let n = violations.len();
    let s = if n == 1 { "" } else { "s" };
    let told: Vec<String> = violations
        .iter()
        .map(|v| {
            format!(
                "{} at '{}' failed to satisfy constraint: {}",
                v.value, v.at, v.rule
            )
        })
        .collect();
    format!("{n} validation error{s} detected: {}", told.join("; "))
}

pub(super) fn min_length(n: i64) -> String {
    format!("Member must have length greater than or equal to {n}")
}

pub(super) fn max_length(n: i64) -> String {
    format!("Member must have length less than or equal to {n}")
}

pub(super) fn min_value(n: i64) -> String {
    format!("Member must have value greater than or equal to {n}")
}

pub(super) fn max_value(n: i64) -> String {
    format!("Member must have value less than or equal to {n}")
}

pub(super) fn pattern(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

pub(super) fn words<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    format!("Member must satisfy enum value set: [{}]", words.join(", "))
}

/// A member's name as messages have it: with a small first letter.
pub(super) fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(chars)
        .collect()
}

/// The member that a field of the contract is, where they are named alike:
/// `user_pool_id` is `userPoolId`, `alias_attributes[0]` is
/// `aliasAttributes.1.member`.
pub(super) fn member(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    for (i, word) in field.split('_').enumerate() {
        let mut chars = word.chars();
        match chars.next() {
            Some(first) if i > 0 => out.push(first.to_ascii_uppercase()),
            Some(first) => out.push(first),
            None => {}
        }
        out.extend(chars);
    }
    let Some((list, rest)) = out.split_once('[') else {
        return out;
    };
    let (index, tail) = rest.split_once(']').unwrap_or((rest, ""));
    let mut at = list.to_owned();
    if let Ok(index) = index.parse::<usize>() {
        // AWS counts from one. Writing to a String cannot fail.
        let written = write!(at, ".{}.member", index + 1);
        debug_assert!(written.is_ok());
    }
    at + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_members() {
        for (field, name) in [
            ("user_pool_id", "userPoolId"),
            ("cloud_watch_logs_role_arn", "cloudWatchLogsRoleArn"),
            ("username", "username"),
            ("alias_attributes[0]", "aliasAttributes.1.member"),
            (
                "custom_attributes[2].name",
                "customAttributes.3.member.name",
            ),
        ] {
            assert_eq!(member(field), name);
        }
        assert_eq!(lower_first("MFAOptions"), "mFAOptions");
        assert_eq!(lower_first(""), "");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let long = "é".repeat(MAX_VALUE + 1);
        let told = message(&[Violation::new(Some(long), "a".into(), min_length(1))]);
        assert!(told.contains(&format!("Value '{}...' at 'a'", "é".repeat(MAX_VALUE))));
        let told = message(&[Violation::missing("a".into())]);
        assert_eq!(
            told,
            "1 validation error detected: Value null at 'a' failed to satisfy constraint: Member must not be null"
        );
    }
}
