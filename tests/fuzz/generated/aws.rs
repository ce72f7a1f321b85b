//! Calls of the AWS front, by the shapes of AWS's model.

use muster::http::aws::Operation;
use serde_json::{Map, Value, json};

use super::chance::Chance;
use crate::checks::aws_model;
use crate::checks::world::{EMPTY_POOL, POOL, jobs};

const TEXTS: [&str; 28] = [
    "",
    "a",
    POOL,
    EMPTY_POOL,
    "local_Missing",
    jobs::NEW,
    jobs::ENDED,
    jobs::UPLOADED,
    jobs::PENDING,
    "import-x",
    "user-07",
    "USER-07",
    "user-07@example.com",
    "arn:aws:iam::111122223333:role/r",
    "BCRYPT",
    "email",
    "phone_number",
    "ON",
    "true",
    "1",
    "-1",
    "99999999999999999999",
    "email = \"user-07@example.com\"",
    "username ^= \"user\"",
    "\u{0}",
    "é\u{1f600}",
    "a\nb",
    "sub ^= \"\\",
];
const NUMBERS: [i64; 9] = [1, 20, 60, 61, 0, -1, i32::MAX as i64, i64::MAX, i64::MIN];

/// A call with a body of the right shape, or nearly so.
pub fn call(chance: &mut Chance<'_>) -> Vec<u8> {
    let operation = chance.pick(&Operation::ALL);
    let mode = match chance.below(8) {
        0 => "keys".to_owned(),
        1 => "signed".to_owned(),
        2 => format!(
            "signed {} {} {} {} {}",
            chance.byte(),
            0,
            chance.byte(),
            chance.byte(),
            chance.pick(&[
                "body",
                "x-amz-date",
                "x-amz-target",
                "authorization",
                "host"
            ])
        ),
        _ => "open".to_owned(),
    };
    let mut head = format!("{mode}\nx-amz-target: {}", operation.as_str());
    if chance.one_in(12) {
        head.push_str(chance.pick(&[
            "x",
            "\nx-amz-target: ListUsers",
            "\ncontent-type: application/json",
            "\nauthorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0",
            "\nx-amz-date: 20260301T120000Z",
            "\nx-amz-security-token: x",
        ]));
    }
    head.push_str("\n\n");
    let body = body(operation, chance).to_string().into_bytes();
    let mut call = head.into_bytes();
    call.extend(chance.damaged(body));
    call
}

fn body(operation: Operation, chance: &mut Chance<'_>) -> Value {
    let mut body = Map::new();
    let input = aws_model::named(aws_model::input(operation.as_str()));
    for (name, shape, must) in aws_model::members(input) {
        if must && !chance.one_in(24) || chance.one_in(8) {
            body.insert(name.to_owned(), member(name, shape, chance));
        }
    }
    if chance.one_in(20) {
        body.insert("Unknown".to_owned(), any(chance));
    }
    Value::Object(body)
}

/// A value that is good for the member, mostly.
fn member(name: &str, shape: &str, chance: &mut Chance<'_>) -> Value {
    if chance.one_in(12) {
        return self::shape(shape, chance);
    }
    match name {
        "UserPoolId" => json!(chance.pick(&[POOL, EMPTY_POOL, "local_Missing"])),
        "JobId" => json!(chance.pick(&[jobs::NEW, jobs::UPLOADED, jobs::PENDING, jobs::ENDED])),
        "Username" => json!(chance.pick(&["user-07", "USER-07", "user-07@example.com", "nobody"])),
        "CloudWatchLogsRoleArn" => json!("arn:aws:iam::111122223333:role/r"),
        "MaxResults" | "Limit" => json!(chance.pick(&NUMBERS)),
        _ => self::shape(shape, chance),
    }
}

/// A value of a shape of the model.
fn shape(name: &str, chance: &mut Chance<'_>) -> Value {
    if chance.one_in(24) {
        return any(chance);
    }
    let shape = aws_model::named(name);
    match shape["type"].as_str() {
        Some("structure") => {
            let mut value = Map::new();
            for (name, shape, must) in aws_model::members(shape) {
                if must || chance.one_in(3) {
                    value.insert(name.to_owned(), self::shape(shape, chance));
                }
            }
            Value::Object(value)
        }
        Some("list") => {
            let element = shape["member"].as_str().expect("a shape");
            (0..chance.below(4))
                .map(|_| self::shape(element, chance))
                .collect()
        }
        Some("map") => (0..chance.below(3))
            .map(|_| (chance.pick(&TEXTS).to_owned(), json!(chance.pick(&TEXTS))))
            .collect::<Map<_, _>>()
            .into(),
        Some("integer") => json!(chance.pick(&NUMBERS)),
        Some("boolean") => json!(chance.one_in(2)),
        _ => match shape["enum"].as_array() {
            Some(words) if !chance.one_in(10) => words[chance.below(words.len())].clone(),
            _ => text(chance),
        },
    }
}

fn text(chance: &mut Chance<'_>) -> Value {
    let text = chance.pick(&TEXTS);
    if chance.one_in(16) {
        return json!(chance.long(text));
    }
    json!(text)
}

/// A value of any type.
fn any(chance: &mut Chance<'_>) -> Value {
    match chance.below(8) {
        0 => Value::Null,
        1 => json!(chance.pick(&NUMBERS)),
        2 => json!(1.5),
        3 => json!(true),
        4 => json!([any(chance)]),
        5 => json!({ "Name": any(chance) }),
        6 => json!({}),
        _ => text(chance),
    }
}
