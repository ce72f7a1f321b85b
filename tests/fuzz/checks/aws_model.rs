//! Which bodies AWS's service model allows, written without a look at the
//! front.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

static MODEL: LazyLock<Value> = LazyLock::new(|| {
    let model = include_str!("../../../src/http/aws/cognito-idp.json");
    serde_json::from_str(model).expect("the model")
});

static PATTERNS: LazyLock<HashMap<String, Regex>> = LazyLock::new(|| {
    let shapes = MODEL["shapes"].as_object().expect("shapes");
    let patterns = shapes.values().filter_map(|s| s["pattern"].as_str());
    patterns
        .map(|pattern| {
            let whole = Regex::new(&format!(r"\A(?:{pattern})\z")).expect("a pattern");
            (pattern.to_owned(), whole)
        })
        .collect()
});

/// How a body stands to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It has a value of another type, or is no JSON at all.
    WrongType,
    /// A value breaks a constraint, or is missing.
    Violation,
    Good,
}

/// How the body of a call stands to what its operation takes.
pub fn fit(operation: &str, body: &[u8]) -> Fit {
    match serde_json::from_slice(body) {
        Ok(body) => shape(input(operation), &body),
        Err(_) => Fit::WrongType,
    }
}

/// The name of the shape of what an operation takes.
pub fn input(operation: &str) -> &'static str {
    let input = MODEL["operations"][operation]["input"].as_str();
    input.expect("an operation of the model")
}

/// A shape of the model.
pub fn named(shape: &str) -> &'static Value {
    &MODEL["shapes"][shape]
}

/// The members of a structure: their names and shapes, and whether they must
/// be there.
pub fn members(structure: &Value) -> impl Iterator<Item = (&str, &str, bool)> {
    let required = structure["required"].as_array();
    let members = structure["members"].as_array().into_iter().flatten();
    members.filter_map(move |member| {
        let (name, shape) = (member["name"].as_str()?, member["shape"].as_str()?);
        let must = required.is_some_and(|names| names.iter().any(|n| n == name));
        Some((name, shape, must))
    })
}

fn shape(name: &str, value: &Value) -> Fit {
    let shape = named(name);
    match (shape["type"].as_str().expect("a type"), value) {
        ("structure", Value::Object(members)) => structure(shape, members),
        ("list", Value::Array(elements)) => {
            let element = shape["member"].as_str().expect("a shape");
            let fits = elements.iter().map(|value| self::shape(element, value));
            fits.chain([bounds(shape, elements.len() as i64)])
                .min()
                .unwrap_or(Fit::Good)
        }
        ("map", Value::Object(entries)) => {
            let [key, value] = ["key", "value"].map(|m| shape[m].as_str().expect("a shape"));
            let fits = entries
                .iter()
                .map(|(k, v)| text(named(key), k).min(self::shape(value, v)));
            fits.chain([bounds(shape, entries.len() as i64)])
                .min()
                .unwrap_or(Fit::Good)
        }
        ("string", Value::String(value)) => text(shape, value),
        ("integer", Value::Number(number)) => match number.as_i64() {
            Some(number) => bounds(shape, number),
            None => Fit::WrongType,
        },
        ("boolean", Value::Bool(_)) => Fit::Good,
        _ => Fit::WrongType,
    }
}

fn structure(shape: &Value, given: &serde_json::Map<String, Value>) -> Fit {
    let fits = members(shape).map(|(name, shape, must)| {
        match given.get(name).filter(|value| !value.is_null()) {
            Some(value) => self::shape(shape, value),
            None if must => Fit::Violation,
            None => Fit::Good,
        }
    });
    fits.min().unwrap_or(Fit::Good)
}

fn text(shape: &Value, text: &str) -> Fit {
    let words = shape["enum"].as_array();
    let pattern = shape["pattern"].as_str();
    let right = match words {
        Some(words) => words.iter().any(|word| word == text),
        None => pattern.is_none_or(|p| PATTERNS[p].is_match(text)),
    };
    if !right {
        return Fit::Violation;
    }
    match words {
        Some(_) => Fit::Good,
        None => bounds(shape, text.chars().count() as i64),
    }
}

fn bounds(shape: &Value, number: i64) -> Fit {
    let min = shape["min"].as_i64().unwrap_or(i64::MIN);
    let max = shape["max"].as_i64().unwrap_or(i64::MAX);
    if (min..=max).contains(&number) {
        Fit::Good
    } else {
        Fit::Violation
    }
}
