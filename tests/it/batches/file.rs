//! Random pools, and random files to be imported into them.

use proptest::prelude::*;

/// The columns of every file.
pub const COLUMNS: [&str; 9] = [
    "cognito:username",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "preferred_username",
    "birthdate",
    "address",
    "custom:note",
];

/// A pool, and what is imported into it, one file after the other.
#[derive(Clone, Debug)]
pub struct Case {
    pub pool: Pool,
    pub files: Vec<File>,
}

#[derive(Clone, Debug, Default)]
pub struct Pool {
    pub case_sensitive: bool,
    pub aliases: Vec<&'static str>,
    /// What usernames are; any if there is none.
    pub usernames: Vec<&'static str>,
}

/// A file, and how it is imported.
#[derive(Clone, Debug)]
pub struct File {
    pub rows: Vec<Row>,
    pub crlf: bool,
    pub lanes: u16,
    pub batch_rows: usize,
    pub batch_bytes: usize,
}

#[derive(Clone, Debug)]
pub struct Row {
    /// By column; more or fewer values than columns are a fault.
    pub values: Vec<String>,
    /// Whether all of them stand in quotes.
    pub quoted: bool,
    /// Blank lines after it.
    pub blanks: usize,
}

impl File {
    /// The file as it is uploaded, and the line on which each row begins.
    pub fn csv(&self) -> (String, Vec<u64>) {
        let end = if self.crlf { "\r\n" } else { "\n" };
        let mut csv = COLUMNS.join(",");
        let mut lines = Vec::new();
        for row in &self.rows {
            // Before the row, so that the last one does without an end.
            csv.push_str(end);
            lines.push(1 + csv.matches('\n').count() as u64);
            let fields: Vec<_> = row.values.iter().map(|v| field(v, row.quoted)).collect();
            csv.push_str(&fields.join(","));
            csv.push_str(&end.repeat(row.blanks));
        }
        (csv, lines)
    }
}

fn field(value: &str, quoted: bool) -> String {
    if quoted || value.contains([',', '"', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// In one spelling of three.
fn spelt(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (value, 0..3).prop_map(|(value, how)| match how {
        0 => value,
        1 => value.to_uppercase(),
        _ => value.replacen('a', "A", 1),
    })
}

/// One of a few values, so that many rows have it, or one of many.
fn numbered(form: fn(u32) -> String) -> impl Strategy<Value = String> {
    prop_oneof![2 => 0..6u32, 3 => 6..2_000u32].prop_map(form)
}

fn name(n: u32) -> String {
    const NAMES: [&str; 6] = ["ann", "zoë", "жанна", "o\"neil,a", "straße", "日本😀a"];
    NAMES
        .get(n as usize)
        .map_or_else(|| format!("user-{n}"), |name| (*name).to_owned())
}

fn address(n: u32) -> String {
    format!("{}@example.com", name(n).replace(['"', ','], "."))
}

fn number(n: u32) -> String {
    format!("+49151{n:07}")
}

fn username(pool: &Pool) -> BoxedStrategy<String> {
    let names = spelt(numbered(name)).boxed();
    let addresses = spelt(numbered(address)).boxed();
    let numbers = numbered(number).boxed();
    let empty = Just(String::new()).boxed();
    let often = |kind| {
        if pool.usernames.contains(&kind) {
            20
        } else {
            1
        }
    };
    let names_often = if pool.usernames.is_empty() { 20 } else { 1 };
    prop_oneof![
        names_often => names,
        often("email") => addresses,
        often("phone_number") => numbers,
        1 => empty,
    ]
    .boxed()
}

fn word(words: &[(u32, &'static str)]) -> impl Strategy<Value = String> + use<> {
    let words = words.iter().map(|(w, word)| (*w, Just((*word).to_owned())));
    prop::strategy::Union::new_weighted(words.collect())
}

fn row(pool: &Pool) -> impl Strategy<Value = Row> + use<> {
    let truth = || {
        word(&[
            (12, "true"),
            (2, "TRUE"),
            (3, "false"),
            (3, ""),
            (1, "maybe"),
        ])
    };
    let some = |value: BoxedStrategy<String>, odd| prop_oneof![12 => value, 2 => Just(String::new()), 1 => word(&[(1, odd)])];
    let text = || {
        word(&[
            (4, ""),
            (1, "one"),
            (1, "öne,\n\"two\"\n"),
            (1, "\\ 😀"),
            (1, "a\r\nb"),
        ])
    };
    let values = (
        username(pool),
        some(spelt(numbered(address)).boxed(), "nonsense"),
        truth(),
        some(numbered(number).boxed(), "0123"),
        truth(),
        prop_oneof![Just(String::new()), spelt(numbered(name))],
        word(&[(9, ""), (9, "02/29/2000"), (1, "13/13/2000")]),
        text(),
        text(),
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i)| vec![a, b, c, d, e, f, g, h, i]);
    let width = prop_oneof![30 => Just(COLUMNS.len()), 1 => 2..9usize, 1 => 10..12usize];
    (
        values,
        width,
        any::<bool>(),
        prop_oneof![4 => Just(0), 1 => 1..3usize],
    )
        .prop_map(|(mut values, width, quoted, blanks)| {
            values.resize(width, String::new());
            Row {
                values,
                quoted,
                blanks,
            }
        })
}

fn pool() -> impl Strategy<Value = Pool> {
    let all = ["email", "phone_number", "preferred_username"];
    let aliases = prop::sample::subsequence(all.to_vec(), 1..=3);
    let usernames = prop::sample::subsequence(all[..2].to_vec(), 1..=2);
    let names = prop_oneof![
        Just((Vec::new(), Vec::new())),
        aliases.prop_map(|aliases| (aliases, Vec::new())),
        usernames.prop_map(|usernames| (Vec::new(), usernames)),
    ];
    (any::<bool>(), names).prop_map(|(case_sensitive, (aliases, usernames))| Pool {
        case_sensitive,
        aliases,
        usernames,
    })
}

/// A file in stretches of new rows and of rows that stood in a file before.
fn file(pool: &Pool) -> impl Strategy<Value = (Vec<bool>, File)> + use<> {
    let stretch = (any::<bool>(), prop::collection::vec(row(pool), 0..30));
    let batch_bytes = prop_oneof![1..300usize, 300..10_000usize, Just(1 << 20)];
    (
        prop::collection::vec(stretch, 0..5),
        any::<bool>(),
        1..=4u16,
        1..=64usize,
        batch_bytes,
    )
        .prop_map(|(stretches, crlf, lanes, batch_rows, batch_bytes)| {
            let again = |(again, rows): &(bool, Vec<Row>)| vec![*again; rows.len()];
            let which = stretches.iter().flat_map(again).collect();
            let rows = stretches.into_iter().flat_map(|(_, rows)| rows).collect();
            let file = File {
                rows,
                crlf,
                lanes,
                batch_rows,
                batch_bytes,
            };
            (which, file)
        })
}

/// One file, or two of which the second has rows of the first.
pub fn case() -> impl Strategy<Value = Case> {
    let files = |pool: Pool| {
        let files = prop::collection::vec(file(&pool), 1..=2);
        (Just(pool), files)
    };
    pool().prop_flat_map(files).prop_map(|(pool, files)| {
        let mut before: Vec<Row> = Vec::new();
        let mut done = Vec::new();
        for (again, mut file) in files {
            let places = file.rows.iter_mut().zip(again).enumerate();
            for (n, (row, _)) in places.filter(|(_, (_, again))| *again) {
                if let Some(known) = before.get(n * 7 % before.len().max(1)) {
                    *row = known.clone();
                }
            }
            before.clone_from(&file.rows);
            done.push(file);
        }
        Case { pool, files: done }
    })
}
