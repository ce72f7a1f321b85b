//! Calls of all methods: messages that are right, or nearly so.

use std::sync::LazyLock;

use muster::api::FILE_DESCRIPTOR_SET;
use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    Value,
};

use super::chance::Chance;
use crate::checks::world::{EMPTY_POOL, POOL, jobs};

const TEXTS: [&str; 24] = [
    "",
    POOL,
    jobs::NEW,
    jobs::ENDED,
    jobs::UPLOADED,
    jobs::PENDING,
    EMPTY_POOL,
    "local_Missing",
    "import-x",
    "user-07",
    "USER-07",
    "email",
    "phone_number",
    "preferred_username",
    "a name",
    "arn:aws:iam::111122223333:role/r",
    "00000000-0000-4000-8000-000000000000",
    "00000000000040008000000000000000",
    "\u{0}",
    "a\nb",
    "é\u{1f600}",
    "custom:team",
    "bnVsbA",
    "%00",
];
const NUMBERS: [i64; 10] = [0, 1, 2, 20, 60, 61, -1, i32::MAX as i64, i64::MAX, i64::MIN];
const OTHERS: [&str; 7] = [
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "muster.v1.UserService/Missing",
    "muster.v1.Missing/ListUsers",
    "",
];
const HEADERS: [&str; 17] = [
    "authorization: Bearer reader-token",
    "authorization: Bearer stranger-token",
    "authorization: Bearer admin-token",
    "authorization: Bearer nobody",
    "authorization:",
    "grpc-timeout: 1S",
    "grpc-timeout: 99999999H",
    "grpc-timeout: 0n",
    "grpc-timeout: 1u",
    "grpc-timeout: soon",
    "grpc-encoding: gzip",
    "grpc-encoding: identity",
    "grpc-accept-encoding: gzip,zstd",
    "x-request-id: one",
    "x-request-id: one two",
    "some-bin: ////",
    "content-type: application/grpc+proto",
];

static METHODS: LazyLock<Vec<MethodDescriptor>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("descriptors");
    let services = pool.services();
    services
        .flat_map(|s| s.methods().collect::<Vec<_>>())
        .collect()
});

/// A call: of a method of `proto/`, mostly.
pub fn call(chance: &mut Chance<'_>) -> Vec<u8> {
    let place = chance.below(METHODS.len() + 3);
    let (mut call, message) = match METHODS.get(place) {
        Some(method) => {
            let path = format!("{}/{}", method.parent_service().full_name(), method.name());
            (path, message(&method.input(), chance, 0).encode_to_vec())
        }
        None => {
            let length = chance.below(20);
            (chance.pick(&OTHERS).to_owned(), chance.bytes(length))
        }
    };
    let raw = chance.one_in(10);
    if raw {
        call.insert_str(0, "raw ");
    }
    for _ in 0..chance.below(4) / 2 {
        call.push('\n');
        call.push_str(chance.pick(&HEADERS));
    }
    call.push_str("\n\n");
    let mut call = call.into_bytes();
    let message = if raw {
        crate::checks::grpc::frame(&message).to_vec()
    } else {
        message
    };
    call.extend(chance.damaged(message));
    call
}

fn message(descriptor: &MessageDescriptor, chance: &mut Chance<'_>, depth: u8) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        if chance.one_in(10) {
            continue;
        }
        let value = if field.is_list() {
            let length = chance.below(4);
            Value::List((0..length).map(|_| value(&field, chance, depth)).collect())
        } else {
            value(&field, chance, depth)
        };
        message.set_field(&field, value);
    }
    message
}

/// A value that is good for the field, mostly.
fn value(field: &FieldDescriptor, chance: &mut Chance<'_>, depth: u8) -> Value {
    match field.kind() {
        Kind::String => Value::String(text(field.name(), chance)),
        Kind::Bool => Value::Bool(chance.one_in(2)),
        Kind::Int32 => {
            let number = chance.pick(&NUMBERS);
            let bounds = (i64::from(i32::MIN), i64::from(i32::MAX));
            Value::I32(number.clamp(bounds.0, bounds.1) as i32)
        }
        Kind::Int64 => Value::I64(chance.pick(&NUMBERS)),
        Kind::Enum(_) => Value::EnumNumber(chance.pick(&[0, 1, 2, 3, 4, 5, -1, i32::MAX])),
        Kind::Message(of) if depth < 3 => Value::Message(message(&of, chance, depth + 1)),
        other => other.default_value(),
    }
}

fn text(field: &str, chance: &mut Chance<'_>) -> String {
    let good = match field {
        "user_pool_id" => Some(POOL),
        "job_id" => Some(chance.pick(&[jobs::NEW, jobs::UPLOADED, jobs::PENDING, jobs::ENDED])),
        "username" => Some("user-07"),
        "page_token" | "request_id" => Some(""),
        "job_name" | "pool_name" | "name" => Some("a name"),
        _ => None,
    };
    let text = match good.filter(|_| !chance.one_in(8)) {
        Some(good) => good,
        None => chance.pick(&TEXTS),
    };
    if chance.one_in(24) {
        return chance.long(text);
    }
    text.to_owned()
}
