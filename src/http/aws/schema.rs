//! The attributes of a user pool: in AWS's one list, the standard ones and
//! the pool's own.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::violation::{self, Violation};
use crate::domain::attribute::StandardAttribute;
use crate::domain::pool::{AttributeDataType, CustomAttribute, PoolSchema};

/// The attribute of each user that muster gives out.
const SUB: &str = "sub";

/// AWS's `SchemaAttributeType`, as a caller sends it. Whether an attribute is
/// mutable, or for developers only, means nothing to an import.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AskedAttribute {
    name: Option<String>,
    attribute_data_type: Option<String>,
    required: Option<bool>,
    number_attribute_constraints: Option<AskedNumbers>,
    string_attribute_constraints: Option<AskedStrings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AskedNumbers {
    min_value: Option<String>,
    max_value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AskedStrings {
    min_length: Option<String>,
    max_length: Option<String>,
}

/// What a caller's list asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) custom: Vec<CustomAttribute>,
    /// Standard attributes that may not be empty.
    pub(super) required: Vec<String>,
    pub(super) places: Places,
}

/// Where in the caller's list each of the above stood.
#[derive(Debug, Default)]
pub(super) struct Places {
    custom: Vec<(usize, AttributeDataType)>,
    required: Vec<usize>,
}

/// Reads a caller's list.
///
/// # Errors
/// Invalid parameter: a bound that is no whole number.
pub(super) fn read(list: Vec<AskedAttribute>) -> Result<Asked, Fault> {
    let mut asked = Asked::default();
    let mut violations = Vec::new();
    for (i, attribute) in list.into_iter().enumerate() {
        let name = attribute.name.unwrap_or_default();
        let required = attribute.required.unwrap_or(false);
        if name == SUB {
            continue;
        }
        if StandardAttribute::from_name(&name).is_some() {
            if required {
                asked.required.push(name);
                asked.places.required.push(i);
            }
            continue;
        }
        let data_type = data_type(attribute.attribute_data_type.as_deref());
        let numbers = attribute.number_attribute_constraints.unwrap_or_default();
        let strings = attribute.string_attribute_constraints.unwrap_or_default();
        let (minimum, maximum) = match data_type {
            AttributeDataType::Number => (numbers.min_value, numbers.max_value),
            AttributeDataType::String => (strings.min_length, strings.max_length),
            AttributeDataType::Boolean | AttributeDataType::DateTime => (None, None),
        };
        let mut number = |text: Option<String>, bound| {
            let text = text?;
            let number = text.parse().ok();
            if number.is_none() {
                violations.push(Violation::new(
                    Some(text),
                    at(i, bound, data_type),
                    "Member must be a whole number".to_owned(),
                ));
            }
            number
        };
        asked.custom.push(CustomAttribute {
            name,
            data_type,
            minimum: number(minimum, "minimum"),
            maximum: number(maximum, "maximum"),
            required,
        });
        asked.places.custom.push((i, data_type));
    }
    if violations.is_empty() {
        Ok(asked)
    } else {
        Err(Fault::violations(&violations))
    }
}

/// AWS's words, which the model has checked; without one it is text.
fn data_type(word: Option<&str>) -> AttributeDataType {
    match word {
        Some("Number") => AttributeDataType::Number,
        Some("Boolean") => AttributeDataType::Boolean,
        Some("DateTime") => AttributeDataType::DateTime,
        _ => AttributeDataType::String,
    }
}

/// The place of a field of the `i`th attribute of the caller's list.
fn at(i: usize, field: &str, data_type: AttributeDataType) -> String {
    let numbers = data_type == AttributeDataType::Number;
    let member = match field {
        "minimum" if numbers => "numberAttributeConstraints.minValue",
        "maximum" if numbers => "numberAttributeConstraints.maxValue",
        "minimum" => "stringAttributeConstraints.minLength",
        "maximum" => "stringAttributeConstraints.maxLength",
        other => other,
    };
    // AWS counts from one.
    format!("schema.{}.member.{member}", i + 1)
}

impl Places {
    /// The member that a field of the contract is.
    pub(super) fn member(&self, field: &str) -> String {
        let (list, rest) = field.split_once('[').unwrap_or((field, ""));
        let (index, tail) = rest.split_once(']').unwrap_or((rest, ""));
        let index = index.parse::<usize>().ok();
        match list {
            "custom_attributes" => match index.and_then(|n| self.custom.get(n)) {
                Some((i, data_type)) => at(*i, tail.trim_start_matches('.'), *data_type),
                None => "schema".to_owned(),
            },
            "required_attributes" => match index.and_then(|n| self.required.get(n)) {
                Some(i) => at(*i, "name", AttributeDataType::String),
                None => "schema".to_owned(),
            },
            _ => violation::member(field),
        }
    }
}

/// AWS's `SchemaAttributeType`, as it is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    name: String,
    attribute_data_type: &'static str,
    developer_only_attribute: bool,
    mutable: bool,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_attribute_constraints: Option<Numbers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_attribute_constraints: Option<Strings>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Numbers {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_value: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Strings {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_length: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<String>,
}

/// All attributes of a pool: `sub`, the standard ones as AWS has them, and
/// the pool's own.
pub(super) fn answer(schema: &PoolSchema) -> Vec<Attribute> {
    let sub = Attribute {
        mutable: false,
        ..attribute(
            SUB.to_owned(),
            AttributeDataType::String,
            true,
            (Some(1), Some(2048)),
        )
    };
    let standard = StandardAttribute::ALL.into_iter().map(|name| {
        let (data_type, bounds) = match name {
            StandardAttribute::EmailVerified | StandardAttribute::PhoneNumberVerified => {
                (AttributeDataType::Boolean, (None, None))
            }
            StandardAttribute::UpdatedAt => (AttributeDataType::Number, (Some(0), None)),
            StandardAttribute::Birthdate => (AttributeDataType::String, (Some(10), Some(10))),
            _ => (
                AttributeDataType::String,
                (Some(0), Some(CustomAttribute::MAX_LENGTH)),
            ),
        };
        let required = schema.required_attributes.contains(&name);
        attribute(name.as_str().to_owned(), data_type, required, bounds)
    });
    let custom = schema.custom_attributes.iter().map(|custom| {
        let bounds = (custom.minimum, custom.maximum);
        attribute(custom.column(), custom.data_type, custom.required, bounds)
    });
    std::iter::once(sub).chain(standard).chain(custom).collect()
}

fn attribute(
    name: String,
    data_type: AttributeDataType,
    required: bool,
    (min, max): (Option<i64>, Option<i64>),
) -> Attribute {
    let text = |bound: Option<i64>| bound.map(|n| n.to_string());
    Attribute {
        name,
        attribute_data_type: match data_type {
            AttributeDataType::String => "String",
            AttributeDataType::Number => "Number",
            AttributeDataType::Boolean => "Boolean",
            AttributeDataType::DateTime => "DateTime",
        },
        developer_only_attribute: false,
        mutable: true,
        required,
        number_attribute_constraints: (data_type == AttributeDataType::Number).then(|| Numbers {
            min_value: text(min),
            max_value: text(max),
        }),
        string_attribute_constraints: (data_type == AttributeDataType::String).then(|| Strings {
            min_length: text(min),
            max_length: text(max),
        }),
    }
}

#[cfg(test)]
mod tests;
