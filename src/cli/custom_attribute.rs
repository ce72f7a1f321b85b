//! `--custom-attribute name:Type[:min..max][:required]`.

use std::num::ParseIntError;

use crate::api::v1::{AttributeDataType, CustomAttribute};

/// Why a text describes no custom attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomAttributeError {
    /// Too few parts, or the type is no type.
    #[error(
        "expected name:Type[:min..max][:required], where Type is String, Number, Boolean or DateTime"
    )]
    Malformed,
    /// `custom:` is legal at the start of a name, but never meant.
    #[error("leave out `custom:`; the column gets that prefix by itself")]
    Prefix,
    /// A bound is no whole number.
    #[error("`{0}` is no bound: {1}")]
    Bound(String, ParseIntError),
    /// The bounds leave no value.
    #[error("the least bound, {0}, is above the greatest, {1}")]
    Empty(i64, i64),
    /// Only texts and numbers are bounded.
    #[error("only String and Number have bounds")]
    Unbounded,
}

/// Parses `name:Type[:min..max][:required]`. Either bound may be left out.
///
/// Read from the right, because a name may hold colons.
///
/// # Errors
///
/// When the text is not of that form. Names and ranges are the server's to judge.
pub fn parse(text: &str) -> Result<CustomAttribute, CustomAttributeError> {
    if text.starts_with("custom:") {
        return Err(CustomAttributeError::Prefix);
    }
    let (rest, required) = match text.strip_suffix(":required") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (rest, bounds) = match rest.rsplit_once(':') {
        Some((before, last)) => match last.split_once("..") {
            Some((least, greatest)) => (before, Some((bound(least)?, bound(greatest)?))),
            None => (rest, None),
        },
        None => return Err(CustomAttributeError::Malformed),
    };
    let (name, data_type) = rest
        .rsplit_once(':')
        .ok_or(CustomAttributeError::Malformed)?;
    let data_type = data_type_of(data_type).ok_or(CustomAttributeError::Malformed)?;
    if name.is_empty() {
        return Err(CustomAttributeError::Malformed);
    }
    let bounded = matches!(
        data_type,
        AttributeDataType::String | AttributeDataType::Number
    );
    match bounds {
        Some(_) if !bounded => return Err(CustomAttributeError::Unbounded),
        Some((Some(least), Some(greatest))) if least > greatest => {
            return Err(CustomAttributeError::Empty(least, greatest));
        }
        _ => {}
    }
    let (minimum, maximum) = bounds.unwrap_or_default();
    Ok(CustomAttribute {
        name: name.to_owned(),
        data_type: data_type.into(),
        minimum,
        maximum,
        required,
    })
}

fn bound(text: &str) -> Result<Option<i64>, CustomAttributeError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|e| CustomAttributeError::Bound(text.to_owned(), e))
}

fn data_type_of(text: &str) -> Option<AttributeDataType> {
    [
        ("string", AttributeDataType::String),
        ("number", AttributeDataType::Number),
        ("boolean", AttributeDataType::Boolean),
        ("datetime", AttributeDataType::DateTime),
    ]
    .into_iter()
    .find_map(|(name, data_type)| text.eq_ignore_ascii_case(name).then_some(data_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(
        name: &str,
        data_type: AttributeDataType,
        minimum: Option<i64>,
        maximum: Option<i64>,
        required: bool,
    ) -> CustomAttribute {
        CustomAttribute {
            name: name.to_owned(),
            data_type: data_type.into(),
            minimum,
            maximum,
            required,
        }
    }

    #[test]
    fn the_optional_parts_may_be_left_out() {
        use AttributeDataType::{Boolean, DateTime, Number, String};
        for (text, meant) in [
            ("team:String", attribute("team", String, None, None, false)),
            (
                "team:string:1..40",
                attribute("team", String, Some(1), Some(40), false),
            ),
            (
                "level:Number:-5..:required",
                attribute("level", Number, Some(-5), None, true),
            ),
            (
                "level:Number:..9",
                attribute("level", Number, None, Some(9), false),
            ),
            (
                "vip:BOOLEAN:required",
                attribute("vip", Boolean, None, None, true),
            ),
            (
                "joined:DateTime",
                attribute("joined", DateTime, None, None, false),
            ),
            (
                "a:b:String:..3",
                attribute("a:b", String, None, Some(3), false),
            ),
        ] {
            assert_eq!(parse(text), Ok(meant), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("", "expected name:Type"),
            ("team", "expected name:Type"),
            (":String", "expected name:Type"),
            ("team:Text", "expected name:Type"),
            ("team:String:5", "expected name:Type"),
            ("team:String:requierd", "expected name:Type"),
            ("1..2", "expected name:Type"),
            ("custom:team:String", "leave out `custom:`"),
            ("team:String:a..2", "`a` is no bound"),
            ("team:String:9..2", "the least bound, 9, is above"),
            ("vip:Boolean:0..1", "only String and Number"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
