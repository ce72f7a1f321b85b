//! What callers may send, by AWS's published service model: read from
//! `cognito-idp.json`, which `scripts/aws-model` takes from botocore.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::operation::Operation;

/// The model. Loaded when the routes are made, and a test reads it, so that no
/// call can be the first to find it broken.
pub(super) static MODEL: LazyLock<Model> = LazyLock::new(Model::load);

/// Shapes by name, and the shape of what each operation takes.
#[derive(Debug)]
pub(super) struct Model {
    operations: HashMap<String, OperationModel>,
    shapes: HashMap<String, Shape>,
    /// The patterns of the shapes, each for the whole value.
    patterns: HashMap<String, Regex>,
}

#[derive(Debug, Deserialize)]
struct File {
    operations: HashMap<String, OperationModel>,
    shapes: HashMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
struct OperationModel {
    input: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the test of the errors"))]
    errors: Vec<String>,
}

/// A type, and the constraints on its values.
#[derive(Debug, Deserialize)]
pub(super) struct Shape {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// Least length, number of elements, or value.
    pub(super) min: Option<i64>,
    /// Greatest length, number of elements, or value.
    pub(super) max: Option<i64>,
    pub(super) pattern: Option<String>,
    /// The words that are allowed, if not all.
    #[serde(rename = "enum", default)]
    pub(super) words: Vec<String>,
    /// Whether values must not be repeated in messages.
    #[serde(default)]
    pub(super) sensitive: bool,
    /// Of a structure.
    #[serde(default)]
    pub(super) required: Vec<String>,
    /// Of a structure.
    #[serde(default)]
    pub(super) members: Vec<Member>,
    /// Of a list: the shape of its elements.
    member: Option<String>,
    /// Of a map.
    key: Option<String>,
    /// Of a map.
    value: Option<String>,
}

/// A member of a structure.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) name: String,
    shape: String,
}

/// The types that the model uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Boolean,
}

impl Model {
    /// # Panics
    /// When the file, which is part of the program, is not what it should be.
    fn load() -> Self {
        let file: File =
            serde_json::from_str(include_str!("cognito-idp.json")).expect("the model's JSON");
        let patterns = file
            .shapes
            .values()
            .filter_map(|shape| shape.pattern.clone())
            .map(|pattern| {
                let whole = format!("^(?:{pattern})$");
                let regex = Regex::new(&whole).expect("the model's patterns");
                (pattern, regex)
            })
            .collect();
        let model = Self {
            operations: file.operations,
            shapes: file.shapes,
            patterns,
        };
        for shape in model.shapes.values() {
            let members = shape.members.iter().map(|m| &m.shape);
            for name in members.chain(
                [&shape.member, &shape.key, &shape.value]
                    .into_iter()
                    .flatten(),
            ) {
                assert!(model.shapes.contains_key(name), "the model has no {name}");
            }
        }
        for operation in Operation::ALL {
            // Panics where it is missing.
            model.input(operation);
        }
        model
    }

    /// The shape of what an operation takes.
    pub(super) fn input(&self, operation: Operation) -> &Shape {
        self.shape(&self.operations[operation.as_str()].input)
    }

    /// The names of the members of what an operation takes.
    pub(super) fn members(&self, operation: Operation) -> impl Iterator<Item = &str> {
        self.input(operation)
            .members
            .iter()
            .map(|m| m.name.as_str())
    }

    /// The shape of a member's values.
    pub(super) fn of_member(&self, member: &Member) -> &Shape {
        self.shape(&member.shape)
    }

    /// The shape of a list's elements; `None` when it is no list.
    pub(super) fn of_elements(&self, list: &Shape) -> Option<&Shape> {
        list.member.as_deref().map(|name| self.shape(name))
    }

    /// The shapes of a map's keys and values; `None` when it is no map.
    pub(super) fn of_entries(&self, map: &Shape) -> Option<(&Shape, &Shape)> {
        let (key, value) = map.key.as_deref().zip(map.value.as_deref())?;
        Some((self.shape(key), self.shape(value)))
    }

    /// Whether the whole of a text matches a pattern of the model.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns[pattern].is_match(text)
    }

    /// `load` has seen that every name that the model uses is there.
    fn shape(&self, name: &str) -> &Shape {
        &self.shapes[name]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::{ErrorKind, Reason};
    use crate::domain::ids::{JobId, UserPoolId};
    use crate::http::aws::fault::name;

    #[test]
    fn the_model_is_read_and_has_the_patterns_of_the_domain() {
        assert_eq!(MODEL.operations.len(), Operation::ALL.len());
        for pattern in [UserPoolId::PATTERN, JobId::PATTERN] {
            assert!(MODEL.patterns.contains_key(pattern), "{pattern}");
        }
        assert!(MODEL.matches(JobId::PATTERN, "import-A1"));
        assert!(!MODEL.matches(JobId::PATTERN, "import-A1\n"));
        assert!(!MODEL.matches(JobId::PATTERN, "an import-A1"));
    }

    #[test]
    fn every_error_has_a_class_of_its_own_in_some_operation() {
        let declared = |class: &str| {
            MODEL
                .operations
                .values()
                .any(|operation| operation.errors.iter().any(|e| e == class))
        };
        for kind in ErrorKind::ALL {
            for reason in [
                Reason::UserNotFound,
                Reason::UserImportInProgress,
                Reason::Internal,
            ] {
                let (class, _) = name(kind, reason);
                assert!(declared(class), "{class}");
            }
        }
    }
}
