//! What made-up users are made of.

/// Given names, with what they become in an address.
pub const GIVEN: &[(&str, &str)] = &[
    ("Agnes", "agnes"),
    ("Amir", "amir"),
    ("Anaïs", "anais"),
    ("Benedikt", "benedikt"),
    ("Björn", "bjorn"),
    ("Chloë", "chloe"),
    ("Constance", "constance"),
    ("Deepa", "deepa"),
    ("Elif", "elif"),
    ("Emeka", "emeka"),
    ("Francesca", "francesca"),
    ("Gwen", "gwen"),
    ("Haruto", "haruto"),
    ("Ines", "ines"),
    ("Jerome", "jerome"),
    ("Katarzyna", "katarzyna"),
    ("Lars", "lars"),
    ("Leïla", "leila"),
    ("Malcolm", "malcolm"),
    ("Nadia", "nadia"),
    ("Oscar", "oscar"),
    ("Paloma", "paloma"),
    ("Quentin", "quentin"),
    ("Rosalind", "rosalind"),
    ("Siân", "sian"),
    ("Tomás", "tomas"),
    ("Ursula", "ursula"),
    ("Viktor", "viktor"),
    ("Wanjiru", "wanjiru"),
    ("Xiu", "xiu"),
    ("Yara", "yara"),
    ("Zeno", "zeno"),
];

/// Family names, with what they become in an address.
pub const FAMILY: &[(&str, &str)] = &[
    ("Abbott", "abbott"),
    ("Achebe", "achebe"),
    ("Bergström", "bergstrom"),
    ("Castellanos", "castellanos"),
    ("Demir", "demir"),
    ("Eriksson", "eriksson"),
    ("Fairweather", "fairweather"),
    ("Goldberg", "goldberg"),
    ("Hathaway", "hathaway"),
    ("Iyer", "iyer"),
    ("Janssen", "janssen"),
    ("Kowalczyk", "kowalczyk"),
    ("Lefèvre", "lefevre"),
    ("Müller", "muller"),
    ("Nakamura", "nakamura"),
    ("O'Connell", "oconnell"),
    ("Petrov", "petrov"),
    ("Quispe", "quispe"),
    ("Rasmussen", "rasmussen"),
    ("Silva-Prado", "silva-prado"),
    ("Tran", "tran"),
    ("Usman", "usman"),
    ("Villanueva", "villanueva"),
    ("Whitcombe", "whitcombe"),
];

/// Streets.
pub const STREET: &[&str] = &[
    "Harbour Road",
    "Mill Lane",
    "Station St",
    "Chapel Hill",
    "Orchard Ave",
    "Third Street",
];

/// Towns with their codes.
pub const TOWN: &[&str] = &[
    "Springfield, IL 62701",
    "Dover, DE 19901",
    "Salem, OR 97301",
    "Concord, NH 03301",
    "Juneau, AK 99801",
];

/// Time zones.
pub const ZONE: &[&str] = &[
    "America/Chicago",
    "America/New_York",
    "Asia/Tokyo",
    "Europe/Berlin",
    "Europe/London",
    "Australia/Sydney",
];

/// Locales.
pub const LOCALE: &[&str] = &["de-DE", "en-GB", "en-US", "fr-FR", "ja-JP", "sv-SE"];

/// Domains of e-mail addresses.
pub const DOMAIN: &[&str] = &[
    "example.com",
    "example.net",
    "example.org",
    "mail.example.com",
    "staff.example.org",
];
