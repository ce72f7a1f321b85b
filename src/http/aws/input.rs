//! The body of a call: JSON, of the types and within the constraints of AWS's
//! model. Members that the model does not have are passed over, as AWS does.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fault::Fault;
use super::model::{Kind, MODEL, Shape};
use super::operation::Operation;
use super::violation::{self, Violation};

/// What a call sends, checked.
#[derive(Debug)]
pub(super) struct Input(Map<String, Value>);

impl Input {
    /// Reads a body.
    ///
    /// # Errors
    /// Serialization: not a JSON object, or a value of another type than the
    /// model's. Invalid parameter: all values that break a constraint.
    pub(super) fn read(operation: Operation, body: &[u8]) -> Result<Self, Fault> {
        let value: Value = serde_json::from_slice(body).map_err(|e| {
            // serde's own message would repeat parts of the body.
            Fault::serialization(format!(
                "The body of the request is not JSON: see line {}, column {}.",
                e.line(),
                e.column()
            ))
        })?;
        let mut check = Check::default();
        check.value("", MODEL.input(operation), &value)?;
        if !check.violations.is_empty() {
            return Err(Fault::violations(&check.violations));
        }
        match value {
            Value::Object(members) => Ok(Self(members)),
            other => Err(wrong_type("", Kind::Structure, &other)),
        }
    }

    /// Whether a member is there.
    pub(super) fn has(&self, member: &str) -> bool {
        self.0.get(member).is_some_and(|value| !value.is_null())
    }

    /// The members that an operation looks at.
    ///
    /// # Errors
    /// Serialization, for what the model allows and `T` cannot hold.
    pub(super) fn parse<T: DeserializeOwned>(self) -> Result<T, Fault> {
        serde_json::from_value(Value::Object(self.0))
            .map_err(|_| Fault::serialization("A value in the body is not of its type."))
    }
}

/// Collects the values that break a constraint.
#[derive(Default)]
struct Check {
    violations: Vec<Violation>,
}

impl Check {
    /// Checks a value at a place. A value of another type ends it all, since
    /// AWS looks at types first.
    fn value(&mut self, at: &str, shape: &Shape, value: &Value) -> Result<(), Fault> {
        match (shape.kind, value) {
            (Kind::Structure, Value::Object(members)) => self.structure(at, shape, members),
            (Kind::List, Value::Array(elements)) => self.list(at, shape, elements),
            (Kind::Map, Value::Object(entries)) => self.map(at, shape, entries),
            (Kind::String, Value::String(text)) => {
                for rule in text_rules(shape, text) {
                    self.refuse(at, shape, text, rule);
                }
                Ok(())
            }
            (Kind::Integer, Value::Number(number)) => {
                let number = number
                    .as_i64()
                    .ok_or_else(|| wrong_type(at, shape.kind, value))?;
                if shape.min.is_some_and(|min| number < min) {
                    let rule = violation::min_value(shape.min.unwrap_or_default());
                    self.refuse(at, shape, &number.to_string(), rule);
                }
                if shape.max.is_some_and(|max| number > max) {
                    let rule = violation::max_value(shape.max.unwrap_or_default());
                    self.refuse(at, shape, &number.to_string(), rule);
                }
                Ok(())
            }
            (Kind::Boolean, Value::Bool(_)) => Ok(()),
            _ => Err(wrong_type(at, shape.kind, value)),
        }
    }

    fn structure(
        &mut self,
        at: &str,
        shape: &Shape,
        members: &Map<String, Value>,
    ) -> Result<(), Fault> {
        for member in &shape.members {
            let at = below(at, &violation::lower_first(&member.name));
            // A null member is an absent one.
            match members.get(&member.name).filter(|v| !v.is_null()) {
                Some(value) => self.value(&at, MODEL.of_member(member), value)?,
                None if shape.required.contains(&member.name) => {
                    self.violations.push(Violation::missing(at));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn list(&mut self, at: &str, shape: &Shape, elements: &[Value]) -> Result<(), Fault> {
        let Some(element) = MODEL.of_elements(shape) else {
            return Ok(());
        };
        let mut rules = Vec::new();
        for (i, value) in elements.iter().enumerate() {
            // AWS counts from one, and tells the fault of a text in a list as
            // one of the list.
            match (element.kind, value) {
                (Kind::String, Value::String(text)) => rules.extend(text_rules(element, text)),
                _ => self.value(&below(at, &format!("{}.member", i + 1)), element, value)?,
            }
        }
        rules.sort();
        rules.dedup();
        if !rules.is_empty() {
            let rule = format!("Member must satisfy constraint: [{}]", rules.join(", "));
            self.refuse(at, element, &listed(elements), rule);
        }
        self.size(at, shape, elements.len(), &listed(elements));
        Ok(())
    }

    fn map(&mut self, at: &str, shape: &Shape, entries: &Map<String, Value>) -> Result<(), Fault> {
        let Some((key_shape, value_shape)) = MODEL.of_entries(shape) else {
            return Ok(());
        };
        for (key, value) in entries {
            for rule in text_rules(key_shape, key) {
                let rule = format!("Map keys must satisfy constraint: [{rule}]");
                self.refuse(at, key_shape, key, rule);
            }
            self.value(&below(at, &format!("{key}.member")), value_shape, value)?;
        }
        let keys: Vec<Value> = entries.keys().cloned().map(Value::String).collect();
        self.size(at, shape, entries.len(), &listed(&keys));
        Ok(())
    }

    /// The number of elements of a list or map.
    fn size(&mut self, at: &str, shape: &Shape, size: usize, value: &str) {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        if let Some(min) = shape.min.filter(|min| size < *min) {
            self.refuse(at, shape, value, violation::min_length(min));
        }
        if let Some(max) = shape.max.filter(|max| size > *max) {
            self.refuse(at, shape, value, violation::max_length(max));
        }
    }

    fn refuse(&mut self, at: &str, shape: &Shape, value: &str, rule: String) {
        let value = (!shape.sensitive).then(|| value.to_owned());
        self.violations
            .push(Violation::new(value, at.to_owned(), rule));
    }
}

/// The rules that a text breaks, in AWS's order.
fn text_rules(shape: &Shape, text: &str) -> Vec<String> {
    let mut rules = Vec::new();
    if !shape.words.is_empty() {
        if !shape.words.iter().any(|word| word == text) {
            rules.push(violation::words(&shape.words));
        }
        return rules;
    }
    if let Some(pattern) = shape.pattern.as_deref().filter(|p| !MODEL.matches(p, text)) {
        rules.push(violation::pattern(pattern));
    }
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if let Some(min) = shape.min.filter(|min| length < *min) {
        rules.push(violation::min_length(min));
    }
    if let Some(max) = shape.max.filter(|max| length > *max) {
        rules.push(violation::max_length(max));
    }
    rules
}

/// A list as messages have it: `[a, b]`.
fn listed(elements: &[Value]) -> String {
    let words: Vec<&str> = elements
        .iter()
        .map(|e| e.as_str().unwrap_or("..."))
        .collect();
    format!("[{}]", words.join(", "))
}

fn below(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

fn wrong_type(at: &str, wanted: Kind, found: &Value) -> Fault {
    let found = match found {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "Start of list",
        Value::Object(_) => "Start of structure or map",
    };
    let wanted = match wanted {
        Kind::Structure => "a structure",
        Kind::List => "a list",
        Kind::Map => "a map",
        Kind::String => "a String",
        Kind::Integer => "an Integer",
        Kind::Boolean => "a Boolean",
    };
    let at = if at.is_empty() {
        "the body".to_owned()
    } else {
        format!("'{at}'")
    };
    Fault::serialization(format!("{found} can not be converted to {wanted} at {at}"))
}

#[cfg(test)]
mod tests;
