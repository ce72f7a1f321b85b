use serde::Deserialize;

use super::*;

fn refused(operation: Operation, body: &str) -> (&'static str, String) {
    let fault = Input::read(operation, body.as_bytes()).expect_err("a fault");
    (fault.name, fault.message)
}

fn violations(operation: Operation, body: &str) -> String {
    let (name, message) = refused(operation, body);
    assert_eq!(name, "InvalidParameterException", "{message}");
    message
}

#[test]
fn what_the_model_allows_is_read_and_the_rest_passed_over() {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Wanted {
        user_pool_id: String,
        max_results: i32,
        pagination_token: Option<String>,
    }
    let input = Input::read(
        Operation::ListUserImportJobs,
        br#"{"UserPoolId":"us-west-2_aaaaaaaaa","MaxResults":60,"PaginationToken":null,"Later":{"x":1}}"#,
    )
    .expect("a request");
    assert!(input.has("MaxResults") && !input.has("PaginationToken"));
    let wanted: Wanted = input.parse().expect("its members");
    assert_eq!(wanted.user_pool_id, "us-west-2_aaaaaaaaa");
    assert_eq!(wanted.max_results, 60);
    assert_eq!(wanted.pagination_token, None);
}

#[test]
fn one_fault_is_told_in_awss_words() {
    assert_eq!(
        violations(
            Operation::ListUserImportJobs,
            r#"{"UserPoolId":"us-west-2_aaaaaaaaa","MaxResults":61}"#
        ),
        "1 validation error detected: Value '61' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 60"
    );
    assert_eq!(
        violations(Operation::GetCsvHeader, r#"{"UserPoolId":"bad"}"#),
        r"1 validation error detected: Value 'bad' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+"
    );
}

#[test]
fn several_faults_are_joined() {
    assert_eq!(
        violations(
            Operation::CreateUserImportJob,
            r#"{"UserPoolId":"","JobName":null,"PasswordHashingAlgorithm":"MD5"}"#
        ),
        r"5 validation errors detected: Value null at 'jobName' failed to satisfy constraint: Member must not be null; Value '' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+; Value '' at 'userPoolId' failed to satisfy constraint: Member must have length greater than or equal to 1; Value null at 'cloudWatchLogsRoleArn' failed to satisfy constraint: Member must not be null; Value 'MD5' at 'passwordHashingAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [BCRYPT, SCRYPT, ARGON2ID, PBKDF2_SHA256]"
    );
}

#[test]
fn faults_in_lists_structures_and_maps_are_told_with_their_place() {
    let message = violations(
        Operation::CreateUserPool,
        r#"{"PoolName":"p","AliasAttributes":["email","EMAIL","x"],
            "Schema":[{"Name":"a"},{"Name":"","AttributeDataType":"Text"}],
            "Policies":{"PasswordPolicy":{"MinimumLength":5}},
            "UsernameConfiguration":{},
            "UserPoolTags":{"":"x"}}"#,
    );
    for part in [
        "Value '[email, EMAIL, x]' at 'aliasAttributes' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [",
        "Value '' at 'schema.2.member.name' failed to satisfy constraint: Member must have length greater than or equal to 1",
        "Value 'Text' at 'schema.2.member.attributeDataType' failed",
        "Value '5' at 'policies.passwordPolicy.minimumLength' failed to satisfy constraint: Member must have value greater than or equal to 6",
        "Value null at 'usernameConfiguration.caseSensitive' failed",
        "at 'userPoolTags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length greater than or equal to 1]",
    ] {
        assert!(message.contains(part), "{message}\nlacks\n{part}");
    }
    let message = violations(Operation::CreateUserPool, r#"{"PoolName":"p","Schema":[]}"#);
    assert!(message.contains("Value '[]' at 'schema' failed to satisfy constraint: Member must have length greater than or equal to 1"));
}

#[test]
fn sensitive_values_are_not_repeated() {
    let message = violations(
        Operation::AdminGetUser,
        r#"{"UserPoolId":"a_1","Username":"jane doe"}"#,
    );
    assert!(message.contains("Value at 'username' failed"), "{message}");
    assert!(!message.contains("jane"));
}

#[test]
fn what_is_no_json_or_of_another_type_is_a_serialization_fault() {
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "7",
        r#""text""#,
        "{} {}",
        "{\"UserPoolId\":\"a_1\"}x",
        r#"{"UserPoolId":7}"#,
        r#"{"UserPoolId":["a_1"]}"#,
        r#"{"UserPoolId":{}}"#,
        r#"{"UserPoolId":true}"#,
        "{\"UserPoolId\":\"\u{1}\"}",
        deep.as_str(),
    ] {
        let (name, _) = refused(Operation::GetCsvHeader, body);
        assert_eq!(name, "SerializationException", "{body:.40}");
    }
    let invalid_utf8 = b"{\"UserPoolId\":\"\xff\"}";
    assert!(Input::read(Operation::GetCsvHeader, invalid_utf8).is_err());
    for max in [
        "\"20\"",
        "20.5",
        "1e3",
        "99999999999999999999",
        "false",
        "[1]",
    ] {
        let body = format!(r#"{{"UserPoolId":"a_1","MaxResults":{max}}}"#);
        let (name, message) = refused(Operation::ListUserImportJobs, &body);
        assert_eq!(name, "SerializationException", "{max}: {message}");
    }
    let (_, message) = refused(Operation::GetCsvHeader, r#"{"UserPoolId":7}"#);
    assert_eq!(
        message,
        "NUMBER_VALUE can not be converted to a String at 'userPoolId'"
    );
}
