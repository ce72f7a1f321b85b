use super::*;

fn asked(json: &str) -> Result<Asked, Fault> {
    read(serde_json::from_str(json).expect("a list"))
}

#[test]
fn standard_and_own_attributes_are_told_apart() {
    let asked = asked(
        r#"[{"Name":"sub","Required":true},
            {"Name":"email","Required":true,"AttributeDataType":"String"},
            {"Name":"name","Required":false},
            {"Name":"level","AttributeDataType":"Number",
             "NumberAttributeConstraints":{"MinValue":"1","MaxValue":"9"}},
            {"Name":"team","StringAttributeConstraints":{"MaxLength":"40"}}]"#,
    )
    .expect("good bounds");
    assert_eq!(asked.required, ["email"]);
    let names: Vec<_> = asked.custom.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["level", "team"]);
    assert_eq!(asked.custom[0].minimum, Some(1));
    assert_eq!(asked.custom[1].maximum, Some(40));
    for (field, member) in [
        (
            "custom_attributes[0].maximum",
            "schema.4.member.numberAttributeConstraints.maxValue",
        ),
        (
            "custom_attributes[1].minimum",
            "schema.5.member.stringAttributeConstraints.minLength",
        ),
        ("custom_attributes[1].name", "schema.5.member.name"),
        ("custom_attributes", "schema"),
        ("required_attributes[0]", "schema.2.member.name"),
        ("pool_name", "poolName"),
    ] {
        assert_eq!(asked.places.member(field), member);
    }
}

#[test]
fn a_bound_that_is_no_number_is_refused() {
    let fault = asked(r#"[{"Name":"a","StringAttributeConstraints":{"MinLength":"x"}}]"#)
        .expect_err("no number");
    assert!(
        fault
            .message
            .contains("'x' at 'schema.1.member.stringAttributeConstraints.minLength'")
    );
}
