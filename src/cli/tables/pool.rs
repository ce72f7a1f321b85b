//! Pools.

use super::{cell, fields, rendered, set, table};
use crate::api::v1::{AttributeDataType, CustomAttribute, UserPool};
use crate::cli::text::time;

/// Pools, a line each.
#[must_use]
pub fn pools(pools: &[UserPool]) -> String {
    let mut table = table(&["USER POOL ID", "NAME", "AUTO-VERIFIED", "MFA", "CREATED"]);
    for pool in pools {
        table.add_row([
            cell(&pool.user_pool_id),
            cell(&pool.pool_name),
            cell(&pool.auto_verified_attributes.join(", ")),
            cell(mfa(pool)),
            cell(&time(pool.creation_date)),
        ]);
    }
    rendered(&table)
}

/// One pool, a line for each field that has a value.
#[must_use]
pub fn pool(pool: &UserPool) -> String {
    let custom: Vec<String> = pool.custom_attributes.iter().map(custom).collect();
    fields(&[
        ("user pool id", pool.user_pool_id.clone()),
        ("name", pool.pool_name.clone()),
        ("auto-verified", pool.auto_verified_attributes.join(", ")),
        ("aliases", pool.alias_attributes.join(", ")),
        ("usernames are", pool.username_attributes.join(", ")),
        ("required", pool.required_attributes.join(", ")),
        ("custom", custom.join(", ")),
        ("mfa", mfa(pool).to_owned()),
        ("case-sensitive", pool.case_sensitive.to_string()),
        ("created", time(pool.creation_date)),
    ])
}

fn mfa(pool: &UserPool) -> &'static str {
    set(pool.mfa_configuration().as_str_name(), "MFA_CONFIGURATION_")
}

/// As `--custom-attribute` takes it.
fn custom(attribute: &CustomAttribute) -> String {
    let data_type = match attribute.data_type() {
        AttributeDataType::Number => "Number",
        AttributeDataType::Boolean => "Boolean",
        AttributeDataType::DateTime => "DateTime",
        AttributeDataType::String | AttributeDataType::Unspecified => "String",
    };
    let mut text = format!("{}:{data_type}", attribute.name);
    if attribute.minimum.is_some() || attribute.maximum.is_some() {
        let bound = |b: Option<i64>| b.map_or_else(String::new, |b| b.to_string());
        text.push_str(&format!(
            ":{}..{}",
            bound(attribute.minimum),
            bound(attribute.maximum)
        ));
    }
    if attribute.required {
        text.push_str(":required");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::custom_attribute;

    #[test]
    fn a_custom_attribute_is_shown_as_it_is_given() {
        for text in [
            "team:String:1..40:required",
            "level:Number:-5..",
            "vip:Boolean",
        ] {
            let parsed = custom_attribute::parse(text).unwrap();
            assert_eq!(custom(&parsed), text);
        }
    }
}
