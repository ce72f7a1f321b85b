use super::*;
use crate::domain::ids::UserPoolId;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[test]
fn a_key_is_read_with_the_role_that_its_actions_need() {
    let keys = file::parse(&format!(
        r#"{{"keys": [
            {{"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "{SECRET}", "name": "all",
              "pools": ["*"], "actions": ["*"]}},
            {{"access_key_id": "AKIAIOSFODNN7EXAMPLF", "secret_access_key": "{SECRET}", "name": "some",
              "pools": ["local_1"], "actions": ["ListUsers", "StartUserImportJob"], "calls_per_second": 2}}]}}"#
    ))
    .expect("a keys file");
    let all = &keys["AKIAIOSFODNN7EXAMPLE"];
    assert_eq!(all.caller.role, Role::Admin);
    assert!(all.limiter.is_none());
    let some = &keys["AKIAIOSFODNN7EXAMPLF"];
    assert_eq!(some.caller.role, Role::Operator);
    let pool = UserPoolId::parse("local_1").expect("a pool id");
    assert_eq!(some.caller.pools, Pools::Only(BTreeSet::from([pool])));
    assert!(
        some.actions
            .allow(Operation::ListUsers, &some.caller)
            .is_ok()
    );
    let fault = some
        .actions
        .allow(Operation::StopUserImportJob, &some.caller)
        .expect_err("not among its actions");
    assert_eq!(fault.name, "NotAuthorizedException");
    assert_eq!(
        fault.message,
        "User: some is not authorized to perform: cognito-idp:StopUserImportJob"
    );
    let limiter = some.limiter.as_ref().expect("a limit");
    let let_in = (0..20).filter(|_| limiter.check().is_ok()).count();
    assert!((2..20).contains(&let_in), "{let_in}");
}

#[test]
fn every_fault_is_named_and_no_secret_repeated() {
    let json = format!(
        r#"{{"key": 1, "keys": [
            {{"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "{SECRET}", "name": "a", "pools": ["*"], "actions": ["*"]}},
            {{"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "{SECRET}", "name": "b", "pools": ["*"], "actions": ["*"]}},
            {{"access_key_id": "short", "secret_access_key": "{short}", "name": "", "pools": [], "actions": ["AdminDeleteUser"], "age": 3}},
            {{"access_key_id": 7, "name": "a\nb", "pools": ["*", "local_1"], "actions": [], "calls_per_second": 0}},
            7]}}"#,
        short = &SECRET[..15],
    );
    let Err(error) = AwsKeys::from_json(&json) else {
        panic!("taken")
    };
    let error = error.to_string();
    for part in [
        "key is no field",
        "keys[1].access_key_id is that of an earlier entry",
        "keys[2].access_key_id must have 16-128",
        "keys[2].secret_access_key must have at least 16",
        "keys[2].name",
        "keys[2].pools",
        "keys[2].actions must be [\"*\"] or a list of AdminGetUser",
        "keys[2].age is no field",
        "keys[3].access_key_id",
        "keys[3].secret_access_key",
        "keys[3].name",
        "keys[3].pools",
        "keys[3].actions",
        "keys[3].calls_per_second must be a whole number",
        "keys[4] must be a JSON object",
    ] {
        assert!(error.contains(part), "{error} lacks {part}");
    }
    assert!(!error.contains(&SECRET[..10]));
    for broken in ["", "[]", "{}", r#"{"keys": {}}"#] {
        assert!(AwsKeys::from_json(broken).is_err(), "{broken}");
    }
}

#[test]
fn keys_are_not_printed_and_can_be_replaced() {
    assert!(AwsKeys::open().is_open());
    let keys = AwsKeys::from_json(r#"{"keys": []}"#).expect("a keys file");
    let clone = keys.clone();
    assert!(keys.replace("{").is_err());
    assert_eq!(format!("{clone:?}"), "AwsKeys(0 keys)");
    keys.replace(&format!(
        r#"{{"keys": [{{"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "{SECRET}",
            "name": "a", "pools": ["*"], "actions": ["*"]}}]}}"#
    ))
    .expect("a keys file");
    assert_eq!(format!("{clone:?}"), "AwsKeys(1 keys)");
    assert!(!clone.is_open());
}
