//! User pools.

use super::{timestamp, unknown};
use crate::api::v1;
use crate::domain::error::Error;
use crate::domain::pool::{AttributeDataType, CustomAttribute, MfaConfiguration, UserPool};
use crate::operations::pools::CreatePool;

const MFA: &[&str] = &["OFF", "OPTIONAL", "ON"];
const DATA_TYPES: &[&str] = &["STRING", "NUMBER", "BOOLEAN", "DATE_TIME"];

/// A request for a new pool.
///
/// # Errors
/// Invalid argument: a number that is none of an enum's.
pub(in crate::grpc) fn create_pool(
    request: v1::CreateUserPoolRequest,
) -> Result<CreatePool, Error> {
    let custom_attributes = request.custom_attributes.into_iter().enumerate();
    Ok(CreatePool {
        pool_name: request.pool_name,
        auto_verified_attributes: request.auto_verified_attributes,
        alias_attributes: request.alias_attributes,
        username_attributes: request.username_attributes,
        custom_attributes: custom_attributes
            .map(|(i, attribute)| asked_attribute(i, attribute))
            .collect::<Result<_, _>>()?,
        required_attributes: request.required_attributes,
        mfa_configuration: asked_mfa(request.mfa_configuration)?,
        case_sensitive: request.case_sensitive,
    })
}

/// A pool.
pub(in crate::grpc) fn pool(pool: UserPool) -> v1::UserPool {
    let schema = pool.schema;
    v1::UserPool {
        user_pool_id: pool.user_pool_id.to_string(),
        pool_name: pool.pool_name,
        auto_verified_attributes: names(&schema.auto_verified_attributes, |a| a.as_str()),
        alias_attributes: names(&schema.alias_attributes, |a| a.as_str()),
        username_attributes: names(&schema.username_attributes, |a| a.as_str()),
        custom_attributes: schema
            .custom_attributes
            .into_iter()
            .map(custom_attribute)
            .collect(),
        required_attributes: names(&schema.required_attributes, |a| a.as_str()),
        mfa_configuration: mfa(schema.mfa_configuration).into(),
        case_sensitive: schema.case_sensitive,
        creation_date: Some(timestamp(pool.creation_date)),
    }
}

fn names<T: Copy>(attributes: &[T], name: fn(T) -> &'static str) -> Vec<String> {
    attributes.iter().map(|a| name(*a).to_owned()).collect()
}

fn custom_attribute(attribute: CustomAttribute) -> v1::CustomAttribute {
    v1::CustomAttribute {
        name: attribute.name,
        data_type: data_type(attribute.data_type).into(),
        minimum: attribute.minimum,
        maximum: attribute.maximum,
        required: attribute.required,
    }
}

fn asked_attribute(i: usize, asked: v1::CustomAttribute) -> Result<CustomAttribute, Error> {
    Ok(CustomAttribute {
        name: asked.name,
        data_type: asked_data_type(i, asked.data_type)?,
        minimum: asked.minimum,
        maximum: asked.maximum,
        required: asked.required,
    })
}

fn mfa(mfa: MfaConfiguration) -> v1::MfaConfiguration {
    match mfa {
        MfaConfiguration::Off => v1::MfaConfiguration::Off,
        MfaConfiguration::Optional => v1::MfaConfiguration::Optional,
        MfaConfiguration::On => v1::MfaConfiguration::On,
    }
}

fn asked_mfa(asked: i32) -> Result<MfaConfiguration, Error> {
    let known = v1::MfaConfiguration::try_from(asked)
        .map_err(|_| unknown("mfa_configuration", asked, MFA))?;
    Ok(match known {
        v1::MfaConfiguration::Unspecified | v1::MfaConfiguration::Off => MfaConfiguration::Off,
        v1::MfaConfiguration::Optional => MfaConfiguration::Optional,
        v1::MfaConfiguration::On => MfaConfiguration::On,
    })
}

fn data_type(data_type: AttributeDataType) -> v1::AttributeDataType {
    match data_type {
        AttributeDataType::String => v1::AttributeDataType::String,
        AttributeDataType::Number => v1::AttributeDataType::Number,
        AttributeDataType::Boolean => v1::AttributeDataType::Boolean,
        AttributeDataType::DateTime => v1::AttributeDataType::DateTime,
    }
}

fn asked_data_type(i: usize, asked: i32) -> Result<AttributeDataType, Error> {
    use v1::AttributeDataType as Type;
    let field = || format!("custom_attributes[{i}].data_type");
    let known = Type::try_from(asked).map_err(|_| unknown(field(), asked, DATA_TYPES))?;
    Ok(match known {
        Type::Unspecified | Type::String => AttributeDataType::String,
        Type::Number => AttributeDataType::Number,
        Type::Boolean => AttributeDataType::Boolean,
        Type::DateTime => AttributeDataType::DateTime,
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::attribute::{AliasAttribute, StandardAttribute, VerifiableAttribute};
    use crate::domain::ids::UserPoolId;
    use crate::domain::pool::PoolSchema;

    #[test]
    fn settings_are_read_back_and_unspecified_ones_have_a_default() {
        for setting in [
            MfaConfiguration::Off,
            MfaConfiguration::Optional,
            MfaConfiguration::On,
        ] {
            assert_eq!(asked_mfa(mfa(setting).into()).expect("known"), setting);
        }
        for t in [
            AttributeDataType::String,
            AttributeDataType::Number,
            AttributeDataType::Boolean,
            AttributeDataType::DateTime,
        ] {
            assert_eq!(asked_data_type(0, data_type(t).into()).expect("known"), t);
        }
        assert_eq!(asked_mfa(0).expect("a default"), MfaConfiguration::Off);
        assert_eq!(
            asked_data_type(0, 0).expect("a default"),
            AttributeDataType::String
        );
    }

    #[test]
    fn unknown_numbers_are_refused_by_field() {
        let error = asked_mfa(9).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "mfa_configuration must be one of OFF, OPTIONAL, ON"
        );
        let request = v1::CreateUserPoolRequest {
            custom_attributes: vec![
                v1::CustomAttribute::default(),
                v1::CustomAttribute {
                    data_type: 77,
                    ..Default::default()
                },
            ],
            ..Default::default()
        };
        let error = create_pool(request).expect_err("refused");
        assert!(
            error
                .to_string()
                .starts_with("custom_attributes[1].data_type ")
        );
    }

    #[test]
    fn a_pool_is_told_whole() {
        let told = pool(UserPool {
            user_pool_id: UserPoolId::parse("local_1").expect("an id"),
            pool_name: "p".into(),
            schema: PoolSchema {
                auto_verified_attributes: vec![VerifiableAttribute::Email],
                alias_attributes: vec![AliasAttribute::PreferredUsername],
                username_attributes: vec![VerifiableAttribute::PhoneNumber],
                custom_attributes: vec![CustomAttribute {
                    name: "team".into(),
                    data_type: AttributeDataType::Number,
                    minimum: Some(-1),
                    maximum: None,
                    required: true,
                }],
                required_attributes: vec![StandardAttribute::GivenName],
                mfa_configuration: MfaConfiguration::On,
                case_sensitive: true,
            },
            creation_date: datetime!(2026-03-01 12:00 UTC),
        });
        assert_eq!(told.auto_verified_attributes, ["email"]);
        assert_eq!(told.alias_attributes, ["preferred_username"]);
        assert_eq!(told.username_attributes, ["phone_number"]);
        assert_eq!(told.required_attributes, ["given_name"]);
        assert_eq!(told.mfa_configuration(), v1::MfaConfiguration::On);
        assert!(told.case_sensitive && told.creation_date.is_some());
        let custom = &told.custom_attributes[0];
        assert_eq!((custom.name.as_str(), custom.minimum), ("team", Some(-1)));
        assert!(custom.required && custom.maximum.is_none());
    }
}
