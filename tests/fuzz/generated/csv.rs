//! Files of users, more or less.

use super::chance::Chance;

/// What rows are made of, and of what they should not be.
const TOKENS: [&[u8]; 28] = [
    b"a",
    b",",
    b"\n",
    b"\"",
    b"\"\"",
    b",\"",
    b"\",",
    b"\\",
    b"\\,",
    b"\r\n",
    b"\r",
    b" ",
    b"bc",
    b"\",\"",
    b"x\",\"y\n",
    b"long text",
    "\u{e9}".as_bytes(),
    "\u{1f600}".as_bytes(),
    b"\x80",
    b"\xC3",
    b"\xFF",
    b"\xF0\x9F",
    b"\xEF\xBB\xBF",
    b"\0",
    b"\n\n",
    b"\r\n\r\n",
    b"\"\n",
    b"cognito:username",
];

const COLUMNS: [&str; 22] = [
    "cognito:username",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "birthdate",
    "updated_at",
    "cognito:mfa_enabled",
    "password_hash",
    "custom:text",
    "custom:number",
    "custom:truth",
    "custom:time",
    "name",
    "preferred_username",
    "address",
    "muster:line",
    "muster:code",
    "muster:message",
    "custom:other",
    "Email",
    "jane@example.com",
];

/// Values that keep some rule, or break it by a hair.
const VALUES: [&str; 54] = [
    "",
    "jane",
    "jane@example.com",
    "true",
    "+1234567",
    "false",
    "02/29/2024",
    "7",
    "TRUE",
    "\u{130}STANBUL",
    "a@b",
    "a@b.",
    "a@b@c",
    "a @b",
    "+0123456789",
    "+123456789012345",
    "+1234567890123456",
    "02/29/2023",
    "1/1/2024",
    "12/31/9999",
    "01/01/0000",
    "9223372036854775807",
    "9223372036854775808",
    "-1",
    "+1",
    "100",
    "100.0",
    "100.01",
    "-5.0",
    "-5.1",
    "0100",
    "1e2",
    "ab",
    "abcdef",
    "abcdefg",
    "\u{e9}\u{e9}",
    "2024-05-01T12:00:00Z",
    "2024-05-01 12:00",
    "yes",
    "\"a,b\"",
    "\"a\"\"b\"",
    "a\\,b",
    " padded ",
    "\" kept \"",
    "\"two\nlines\"",
    "$2a$10$",
    "$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
    "$2b$13$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
    "16384$8$1$00ff$00ff",
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2g",
    "$pbkdf2-sha256$600000$c2FsdA$aGFzaA",
    "\u{0}",
    "a\u{85}b",
    "a\u{2003}b",
];

/// Bytes that look like rows, and parameters before them.
pub fn rows(chance: &mut Chance<'_>) -> Vec<u8> {
    let mut file = chance.bytes(2);
    while !chance.is_over() {
        match chance.below(12) {
            11 => file.push(chance.byte()),
            10 => file.extend(chance.pick(&TOKENS).repeat(chance.below(20))),
            _ => file.extend_from_slice(chance.pick(&TOKENS)),
        }
    }
    file
}

/// Parameters, and a header that the pool may have.
pub fn header(chance: &mut Chance<'_>) -> Vec<u8> {
    let mut file = chance.bytes(3);
    file.extend(names(chance).join(",").bytes());
    file.push(b'\n');
    chance.damaged(file)
}

/// Parameters, a header and some rows.
pub fn users(chance: &mut Chance<'_>) -> Vec<u8> {
    let mut file = chance.bytes(3);
    // A header that is no good has no rows to judge.
    let mut names = names(chance);
    names.retain(|name| COLUMNS[..19].contains(name));
    for wanted in [
        "cognito:username",
        "birthdate",
        "email",
        "custom:number",
        "password_hash",
    ] {
        if !names.contains(&wanted) {
            names.push(wanted);
        }
    }
    file.extend(names.join(",").bytes());
    let width = names.len();
    while !chance.is_over() {
        file.push(b'\n');
        let width = if chance.one_in(10) { width + 1 } else { width };
        let mut row: Vec<String> = (0..width).map(|_| String::new()).collect();
        for (name, value) in names.iter().zip(&mut row) {
            *value = self::value(name, chance);
        }
        let row = row.join(",").into_bytes();
        file.extend(if chance.one_in(6) {
            chance.damaged(row)
        } else {
            row
        });
    }
    file
}

/// A value that is good where it stands, or any.
fn value(column: &str, chance: &mut Chance<'_>) -> String {
    if chance.one_in(10) {
        return String::new();
    }
    if chance.one_in(5) {
        let value = chance.pick(&VALUES);
        return if chance.one_in(8) {
            chance.long(value)
        } else {
            value.to_owned()
        };
    }
    match column {
        "cognito:username" => chance.pick(&["jane", "Jane@example.com", "+1234567"]),
        "email" => "jane@example.com",
        "email_verified" | "phone_number_verified" => "true",
        "phone_number" => "+1234567",
        "birthdate" => "02/29/2024",
        "updated_at" | "custom:number" => "7",
        "custom:text" => "text",
        "cognito:mfa_enabled" | "custom:truth" => chance.pick(&["true", "false", ""]),
        "custom:time" => "2024-05-01T12:00:00Z",
        _ => "",
    }
    .to_owned()
}

fn names(chance: &mut Chance<'_>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for name in COLUMNS {
        if chance.one_in(2) {
            names.push(name);
        }
    }
    if chance.one_in(10) {
        names.push("email");
    }
    for _ in 0..chance.below(3) {
        let (one, other) = (chance.below(256), chance.below(256));
        if !names.is_empty() {
            let length = names.len();
            names.swap(one % length, other % length);
        }
    }
    names
}
