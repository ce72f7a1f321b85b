//! Made-up users: the n-th of them is always the same.

use std::fmt::Write as _;

use super::words::{DOMAIN, FAMILY, GIVEN, LOCALE, STREET, TOWN, ZONE};

/// The columns of a file, in Cognito's order.
pub const COLUMNS: [&str; 21] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
    "cognito:mfa_enabled",
    "cognito:username",
];

/// Places of columns that something is done to.
pub const EMAIL: usize = 9;
pub const EMAIL_VERIFIED: usize = 10;
pub const BIRTHDATE: usize = 12;
pub const PHONE_NUMBER: usize = 15;
pub const UPDATED_AT: usize = 18;
pub const USERNAME: usize = 20;

/// Numbers that look like chance and are the same in each run (SplitMix64).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Those of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of 0 to `n` less one.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, n: u64) -> bool {
        self.below(100) < n
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let n = self.below(from.len() as u64);
        &from[usize::try_from(n).unwrap_or(0)]
    }
}

/// The values of a user, by [`COLUMNS`]; empty where there is none.
#[derive(Debug, Default)]
pub struct User {
    text: String,
    ends: [usize; COLUMNS.len()],
    column: usize,
}

impl User {
    /// Makes it the user of this number. Username, e-mail address and phone
    /// number are no other user's, and usernames come in no order.
    pub fn become_number(&mut self, number: u32, seed: u64) {
        // An odd factor makes it a permutation of all 32-bit numbers.
        let unique = number
            .wrapping_mul(0x9e37_79b1)
            .wrapping_add(u32::try_from(seed & 0xffff).unwrap_or(0));
        let mut dice = Dice::new(seed ^ (u64::from(number) << 20));
        let dice = &mut dice;
        let ((given, given_plain), (family, family_plain)) =
            (*dice.pick(GIVEN), *dice.pick(FAMILY));
        let initial = dice
            .percent(40)
            .then(|| char::from(b'A' + u8::try_from(dice.below(26)).unwrap_or(0)));

        self.clear();
        self.push(|t| match initial {
            Some(initial) => write!(t, "{given} {initial}. {family}"),
            None => write!(t, "{given} {family}"),
        });
        self.push(|t| write!(t, "{given}"));
        self.push(|t| write!(t, "{family}"));
        self.push(|t| initial.map_or(Ok(()), |initial| write!(t, "{initial}")));
        self.some(dice, 30, |t, _| write!(t, "{}", &given_plain[..3]));
        self.some(dice, 50, |t, _| write!(t, "{given_plain}{unique}"));
        self.some(dice, 30, |t, _| {
            write!(t, "https://people.example.com/{unique:x}")
        });
        self.some(dice, 30, |t, _| {
            write!(t, "https://img.example.com/u/{unique:08x}.jpg")
        });
        self.some(dice, 10, |t, _| {
            write!(t, "https://{given_plain}{}.example.net/", unique % 9_973)
        });
        let domain = dice.pick(DOMAIN);
        self.push(|t| write!(t, "{given_plain}.{family_plain}{unique}@{domain}"));
        let email_verified = dice.percent(95);
        self.push(|t| write!(t, "{email_verified}"));
        let gender = dice.pick(&["female", "male", ""]);
        self.push(|t| write!(t, "{gender}"));
        self.some(dice, 70, |t, dice| {
            let (month, day) = (1 + dice.below(12), 1 + dice.below(28));
            write!(t, "{month:02}/{day:02}/{}", 1940 + dice.below(68))
        });
        let (zone, locale) = (dice.pick(ZONE), dice.pick(LOCALE));
        self.push(|t| write!(t, "{zone}"));
        self.push(|t| write!(t, "{locale}"));
        self.push(|t| write!(t, "+1{}", 2_000_000_000 + u64::from(unique)));
        // Every user can be imported: one of the two is verified.
        let phone_verified = dice.percent(80) || !email_verified;
        self.push(|t| write!(t, "{phone_verified}"));
        self.some(dice, 60, |t, dice| {
            let (street, town) = (dice.pick(STREET), dice.pick(TOWN));
            write!(t, "{} {street}, {town}", 1 + dice.below(9_999))
        });
        self.push(|t| write!(t, "{}", 1_500_000_000 + dice.below(250_000_000)));
        let mfa = dice.percent(10);
        self.push(|t| write!(t, "{mfa}"));
        let plain = dice.percent(40);
        self.push(|t| match plain {
            true => write!(t, "user-{unique:08x}"),
            false => write!(t, "{given_plain}.{family_plain}.{unique:x}"),
        });
    }

    /// The value of a column.
    pub fn value(&self, column: usize) -> &str {
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[column]]
    }

    fn clear(&mut self) {
        self.text.clear();
        self.column = 0;
    }

    /// Writes the next column.
    fn push(&mut self, write: impl FnOnce(&mut String) -> std::fmt::Result) {
        // Writing to a string cannot fail.
        let _ = write(&mut self.text);
        self.ends[self.column] = self.text.len();
        self.column += 1;
    }

    /// The same, in so many of a hundred cases.
    fn some(
        &mut self,
        dice: &mut Dice,
        percent: u64,
        write: impl FnOnce(&mut String, &mut Dice) -> std::fmt::Result,
    ) {
        let there = dice.percent(percent);
        self.push(|t| if there { write(t, dice) } else { Ok(()) });
    }
}
