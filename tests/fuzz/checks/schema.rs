//! Pools and jobs of all sorts, chosen by a few bytes.

use muster::domain::attribute::{AliasAttribute, StandardAttribute, VerifiableAttribute};
use muster::domain::pool::{AttributeDataType, CustomAttribute, MfaConfiguration, PoolSchema};
use muster::domain::rules::password_hash::PasswordHashingAlgorithm;

/// What a pool asks of its users; each bit turns one thing on.
pub fn schema([who, what]: [u8; 2]) -> PoolSchema {
    let on = |byte: u8, bit: u8| byte & (1 << bit) != 0;
    let verifiable = |email, phone| {
        let mut words = Vec::new();
        words.extend(on(who, email).then_some(VerifiableAttribute::Email));
        words.extend(on(who, phone).then_some(VerifiableAttribute::PhoneNumber));
        words
    };
    let username_attributes = verifiable(2, 3);
    let mut alias_attributes = Vec::new();
    if username_attributes.is_empty() {
        alias_attributes.extend(on(who, 4).then_some(AliasAttribute::Email));
        alias_attributes.extend(on(who, 5).then_some(AliasAttribute::PhoneNumber));
        alias_attributes.extend(on(who, 6).then_some(AliasAttribute::PreferredUsername));
    }
    let mut required_attributes = Vec::new();
    required_attributes.extend(on(what, 2).then_some(StandardAttribute::Birthdate));
    required_attributes.extend(on(what, 3).then_some(StandardAttribute::Email));
    PoolSchema {
        auto_verified_attributes: verifiable(0, 1),
        alias_attributes,
        username_attributes,
        custom_attributes: custom(on(what, 4)),
        required_attributes,
        mfa_configuration: match what % 4 {
            0 => MfaConfiguration::Off,
            1 => MfaConfiguration::On,
            _ => MfaConfiguration::Optional,
        },
        case_sensitive: on(who, 7),
    }
}

/// One attribute of each type.
fn custom(required: bool) -> Vec<CustomAttribute> {
    [
        ("text", AttributeDataType::String, Some(2), Some(6)),
        ("number", AttributeDataType::Number, Some(-5), Some(100)),
        ("truth", AttributeDataType::Boolean, None, None),
        ("time", AttributeDataType::DateTime, None, None),
    ]
    .into_iter()
    .map(|(name, data_type, minimum, maximum)| CustomAttribute {
        name: name.to_owned(),
        data_type,
        minimum,
        maximum,
        required: required && name == "number",
    })
    .collect()
}

/// The one format of a job's password hashes, if it names one.
pub fn algorithm(byte: u8) -> Option<PasswordHashingAlgorithm> {
    let known = PasswordHashingAlgorithm::ALL;
    known.get(usize::from(byte) % (2 * known.len())).copied()
}
