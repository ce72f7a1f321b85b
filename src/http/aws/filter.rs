//! The filter of ListUsers: `email ^= "jane"`.

use super::fault::Fault;
use crate::domain::user::{Comparison, SearchAttribute, UserFilter};

/// Parses a filter: an attribute, `=` or `^=`, and a value in quotes, in which
/// a backslash stands before a quote or a backslash. An empty one is none.
///
/// # Errors
/// Invalid parameter, in AWS's words; they do not repeat the filter.
pub(super) fn parse(text: &str) -> Result<Option<UserFilter>, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Fault::invalid_parameter("Error while parsing filter.");
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (name, comparison) = match name.strip_suffix('^') {
        Some(name) => (name, Comparison::StartsWith),
        None => (name, Comparison::Equals),
    };
    // AWS's examples have the attribute in quotes, too.
    let name = name.trim();
    let name = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
        .unwrap_or(name);
    let value = quoted(rest.trim()).ok_or_else(wrong)?;
    let attribute = SearchAttribute::from_name(name).ok_or_else(|| {
        let known: Vec<_> = SearchAttribute::ALL.iter().map(|a| a.as_str()).collect();
        Fault::invalid_parameter(format!(
            "Invalid search attribute: users can be searched by {}.",
            known.join(", ")
        ))
    })?;
    Ok(Some(UserFilter {
        attribute,
        comparison,
        value,
    }))
}

/// The value of a quoted text that ends with its quote.
fn quoted(text: &str) -> Option<String> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut value = String::new();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
    chars.as_str().is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        for (text, attribute, comparison, value) in [
            (r#"email = "a@b.c""#, "email", Comparison::Equals, "a@b.c"),
            (
                r#"username^="Jon""#,
                "username",
                Comparison::StartsWith,
                "Jon",
            ),
            (r#" sub ^= "a=b" "#, "sub", Comparison::StartsWith, "a=b"),
            (
                r#""cognito:user_status"="CONFIRMED""#,
                "cognito:user_status",
                Comparison::Equals,
                "CONFIRMED",
            ),
            (r#"name = "\"J\\""#, "name", Comparison::Equals, r#""J\"#),
            (
                r#"phone_number = """#,
                "phone_number",
                Comparison::Equals,
                "",
            ),
        ] {
            let filter = parse(text).expect("a filter").expect("not empty");
            assert_eq!(filter.attribute.as_str(), attribute, "{text}");
            assert_eq!(filter.comparison, comparison, "{text}");
            assert_eq!(filter.value, value, "{text}");
        }
        assert!(parse("  ").expect("none").is_none());
    }

    #[test]
    fn anything_else_is_refused_in_awss_words() {
        for text in [
            "email",
            "email = a@b.c",
            r#"email = "a"#,
            r#"email = "a" and sub = "b""#,
            r#"email = "a\"#,
            r#"email > "a""#,
            r#"= "a""#,
            r#"address = "x""#,
            r#"custom:team = "x""#,
        ] {
            let fault = parse(text).expect_err("refused");
            assert_eq!(fault.name, "InvalidParameterException", "{text}");
        }
    }
}
