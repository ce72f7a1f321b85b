//! The statements of the code, out of `.sqlx/`, and arguments to try them with.

use std::path::Path;

use regex::Regex;
use serde::Deserialize;

use super::crowd::{HALF_WAY, NOW, Subject, TOKEN};

/// A statement of the code.
#[derive(Debug)]
pub struct Statement {
    /// Without the spaces that do nothing.
    pub text: String,
    parameters: Vec<Parameter>,
}

#[derive(Debug)]
struct Parameter {
    /// Its type, as PostgreSQL names it.
    kind: &'static str,
    /// The column that it is compared with or goes to, or `limit`.
    column: Option<String>,
}

#[derive(Deserialize)]
struct File {
    query: String,
    describe: Describe,
}

#[derive(Deserialize)]
struct Describe {
    parameters: Parameters,
}

#[derive(Deserialize)]
enum Parameters {
    Left(Vec<String>),
}

/// All statements of the code.
pub fn all() -> Vec<Statement> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of statements")
        .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a statement's file"))
        .map(|file| Statement::parse(serde_json::from_slice(&file).expect("a statement's JSON")))
        .collect();
    all.sort_by(|a, b| a.text.cmp(&b.text));
    all
}

impl Statement {
    fn parse(file: File) -> Self {
        let text = file.query.split_whitespace().collect::<Vec<_>>().join(" ");
        let Parameters::Left(kinds) = file.describe.parameters;
        let parameters = (1..)
            .zip(kinds)
            .map(|(n, kind)| Parameter {
                kind: sql_type(&kind),
                column: column(&text, n),
            })
            .collect();
        Self { text, parameters }
    }

    /// Whether it takes a whole batch at once.
    pub fn takes_batches(&self) -> bool {
        self.text.contains("UNNEST(")
    }

    /// The types of its parameters.
    pub fn types(&self) -> String {
        let kinds: Vec<_> = self.parameters.iter().map(|p| p.kind).collect();
        parenthesised(&kinds)
    }

    /// Arguments that ask for things of a subject, batches of so many rows.
    pub fn arguments(&self, subject: Subject, rows: usize) -> String {
        let values: Vec<_> = self
            .parameters
            .iter()
            .map(|p| p.argument(&self.text, subject, rows))
            .collect();
        parenthesised(&values)
    }
}

fn parenthesised(items: &[impl AsRef<str>]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: Vec<_> = items.iter().map(AsRef::as_ref).collect();
    format!("({})", items.join(", "))
}

/// PostgreSQL's name of a type that sqlx names.
fn sql_type(kind: &str) -> &'static str {
    match kind {
        "Bool" => "boolean",
        "BoolArray" => "boolean[]",
        "Bytea" => "bytea",
        "Float8" => "float8",
        "Int2" => "smallint",
        "Int4" => "integer",
        "Int8" => "bigint",
        "Int8Array" => "bigint[]",
        "Jsonb" => "jsonb",
        "Text" => "text",
        "TextArray" => "text[]",
        "Timestamptz" => "timestamptz",
        "Uuid" => "uuid",
        "UuidArray" => "uuid[]",
        other => panic!("a parameter of a new type: {other}"),
    }
}

/// The column that a parameter is compared with or goes to.
fn column(text: &str, n: usize) -> Option<String> {
    let regex = |pattern: &str| Regex::new(pattern).expect("a pattern");
    let compared = regex(&format!(r"(\w+) (?:[<>=+]|<=|>=|<>) (?:ANY\()?\${n}\b"));
    if let Some(found) = compared.captures(text) {
        return Some(found[1].to_owned());
    }
    if regex(&format!(r"LIMIT \${n}\b")).is_match(text) {
        return Some("limit".to_owned());
    }
    // Lists that belong together: columns and what is inserted, two rows that
    // are compared, the arrays of a batch and their names.
    let there = regex(r"\(([\w ,]+)\) (?:<|VALUES|SELECT) ?\(?([^()]+)");
    let back = regex(r"UNNEST\(([^()]+)\) AS \w+ \(([\w ,]+)\)");
    let there = there
        .captures_iter(text)
        .map(|c| (c[1].to_owned(), c[2].to_owned()));
    let back = back
        .captures_iter(text)
        .map(|c| (c[2].to_owned(), c[1].to_owned()));
    there.chain(back).find_map(|(columns, values)| {
        let is_it = |value: &&str| value.split("::").next() == Some(&format!("${n}"));
        let place = values.split(',').map(str::trim).position(|v| is_it(&v))?;
        columns.split(',').nth(place).map(|c| c.trim().to_owned())
    })
}

impl Parameter {
    fn argument(&self, statement: &str, subject: Subject, rows: usize) -> String {
        let Subject { pool, job } = subject;
        let quoted = |value: &str| format!("'{value}'");
        let list = |one: &dyn Fn(usize) -> String| {
            let items: Vec<_> = (1..=rows).map(one).collect();
            format!("'{{{}}}'", items.join(","))
        };
        // What is inserted must be new.
        let new = |table: &str| statement.starts_with(&format!("INSERT INTO {table} "));
        let name = if new("users") { "new" } else { "user" };
        let uuid = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
        match (self.column.as_deref().unwrap_or(""), self.kind) {
            ("user_pool_id", "text") if new("user_pools") => quoted("local_new"),
            ("user_pool_id", "text") => quoted(pool),
            ("user_pool_id", "text[]") => format!("'{{{pool},local_first,local_none}}'"),
            ("job_id", "uuid") if new("user_import_jobs") => quoted(&uuid(9)),
            ("job_id" | "import_job_id", "uuid") => quoted(job),
            ("job_id", "uuid[]") => format!("'{{{job},{}}}'", uuid(9)),
            ("lease_token", "uuid") => quoted(TOKEN),
            ("request_id" | "lease_worker", "uuid") => quoted(&uuid(70_000)),
            ("request_id" | "sub", "uuid[]") => list(&|n| uuid(n + 90_000)),
            ("username_key" | "username", "text") => quoted("user-0500000"),
            ("username_key" | "username", "text[]") => list(&|n| format!("{name}-{:07}", n * 7)),
            ("email_alias", "text") => quoted("mail-100@example.com"),
            ("email_alias", "text[]") => list(&|n| format!("{name}-mail-{n}")),
            ("phone_number_alias", "text[]") => list(&|n| format!("+49{n}")),
            ("preferred_username_alias", "text[]") => list(&|n| format!("{name}-name-{n}")),
            ("code", "text[]") => list(&|_| "INVALID_EMAIL".to_owned()),
            // Arrays as text.
            ("offsets" | "details", "text[]") => list(&|_| "\"{0}\"".to_owned()),
            ("first_line" | "import_line", "bigint") => "100".to_owned(),
            ("first_line" | "import_line", "bigint[]") => list(&|n| (100_000 + n).to_string()),
            ("limit", _) => "50".to_owned(),
            ("status", "text") if new("user_import_jobs") => quoted("CREATED"),
            ("status", "text") => quoted("EXPIRED"),
            // No row is changed: that would be refused or cost something.
            ("status", "text[]") => "'{NONE}'".to_owned(),
            ("creation_date", "timestamptz") => quoted(HALF_WAY),
            ("mfa_configuration", _) => quoted("OFF"),
            ("password_hashing_algorithm", _) => "NULL".to_owned(),
            ("upload_blake3", "bytea") => quoted(&format!("\\x{}", "00".repeat(32))),
            (_, "boolean") => "false".to_owned(),
            (_, "bytea") => "'\\x00'".to_owned(),
            (_, "jsonb") => quoted("[]"),
            (_, "smallint") => "0".to_owned(),
            (_, "bigint" | "integer" | "float8") => "3".to_owned(),
            (_, "text") => quoted("email"),
            (_, "timestamptz") => quoted(NOW),
            (_, "uuid") => quoted(&uuid(1)),
            // An array that is shorter than others goes on with nulls.
            (_, _) => "'{}'".to_owned(),
        }
    }
}
