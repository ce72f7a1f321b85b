use super::HashFault::{Invalid, TooCostly};
use super::PasswordHashingAlgorithm::{Argon2id, Bcrypt, Pbkdf2Sha256, Scrypt};
use super::*;

const BCRYPT_REST: &str = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

fn bcrypt_of(cost: &str) -> String {
    format!("$2b${cost}${BCRYPT_REST}")
}

/// Checks a hash with its own algorithm named and with none: the same answer.
fn judge(algorithm: PasswordHashingAlgorithm, hash: &str) -> Result<(), HashFault> {
    let named = check(hash, Some(algorithm));
    if PasswordHashingAlgorithm::detect(hash) == Some(algorithm) {
        assert_eq!(check(hash, None), named, "{hash}");
    }
    named.map(|found| assert_eq!(found, algorithm))
}

#[test]
fn bcrypt_hashes() {
    for cost in ["04", "09", "10", "12"] {
        assert_eq!(judge(Bcrypt, &bcrypt_of(cost)), Ok(()), "{cost}");
    }
    for cost in ["13", "31", "99"] {
        assert_eq!(judge(Bcrypt, &bcrypt_of(cost)), Err(TooCostly), "{cost}");
    }
    for cost in ["00", "03", "4", "012", "+4", "1a", "", "\u{e9}"] {
        assert_eq!(judge(Bcrypt, &bcrypt_of(cost)), Err(Invalid), "{cost}");
    }
    for version in ["a", "b", "x", "y"] {
        let hash = format!("$2{version}$10${BCRYPT_REST}");
        assert_eq!(judge(Bcrypt, &hash), Ok(()), "{version}");
    }
    for version in ["", "c", "B", "bb"] {
        let hash = format!("$2{version}$10${BCRYPT_REST}");
        assert_eq!(judge(Bcrypt, &hash), Err(Invalid), "{version}");
    }
    let good = bcrypt_of("10");
    assert_eq!(good.len(), 60);
    for bad in [
        &good[..59],
        &format!("{good}y"),
        &good.replace("Wy", "W+"),
        &good.replace("Wy", "W$"),
        &good.replace("hWy", "h\u{e9}"),
        &format!(" {good}"),
        // Malformed comes before too costly.
        &bcrypt_of("13")[..59],
    ] {
        assert_eq!(judge(Bcrypt, bad), Err(Invalid), "{bad}");
    }
}

#[test]
fn scrypt_hashes() {
    for good in ["16384$8$1$00ff$ABcd", "2$1$1$00$00", "65536$8$1$00ff$00ff"] {
        assert_eq!(judge(Scrypt, good), Ok(()), "{good}");
    }
    for costly in [
        "131072$8$1$00$00",
        "16384$9$1$00$00",
        "16384$8$2$00$00",
        "9223372036854775808$8$1$00$00",
        "99999999999999999999999999$8$1$00$00",
        "16384$99999999999999999999999999$1$00$00",
    ] {
        assert_eq!(judge(Scrypt, costly), Err(TooCostly), "{costly}");
    }
    for bad in [
        "",
        "$",
        "16384$8$1$00",
        "16384$8$1$00$00$",
        "16384$8$1$00$00$00",
        "1$8$1$00$00",
        "0$8$1$00$00",
        "16383$8$1$00$00",
        "100000$8$1$00$00",
        "016384$8$1$00$00",
        "16384$0$1$00$00",
        "16384$8$0$00$00",
        "16384$8$1$$00",
        "16384$8$1$00$",
        "16384$8$1$000$00",
        "16384$8$1$00$0",
        "16384$8$1$0g$00",
        "16384$8$1$00$zz",
        "-16384$8$1$00$00",
        "16384$+8$1$00$00",
        "16384$ 8$1$00$00",
        "131072$8$1$0$00",
        "16384$8$1$00$00 ",
        "1\u{e9}$8$1$00$00",
    ] {
        assert_eq!(judge(Scrypt, bad), Err(Invalid), "{bad}");
    }
}

#[test]
fn argon2id_hashes() {
    let with = |parameters: &str| format!("$argon2id$v=19${parameters}$c2FsdHNhbHQ$aGFzaGhhc2g");
    for good in ["m=19456,t=2,p=1", "m=1,t=1,p=1"] {
        assert_eq!(judge(Argon2id, &with(good)), Ok(()), "{good}");
    }
    for costly in [
        "m=19457,t=2,p=1",
        "m=19456,t=3,p=1",
        "m=19456,t=2,p=2",
        "m=99999999999999999999999,t=2,p=1",
    ] {
        assert_eq!(judge(Argon2id, &with(costly)), Err(TooCostly), "{costly}");
    }
    for bad in [
        "",
        "m=19456",
        "m=19456,t=2",
        "m=19456,t=2,p=1,",
        "m=19456,t=2,p=1,k=1",
        "t=2,m=19456,p=1",
        "m=0,t=2,p=1",
        "m=19456,t=0,p=1",
        "m=19456,t=2,p=0",
        "m=,t=2,p=1",
        "m=019456,t=2,p=1",
        "m=-1,t=2,p=1",
        "m=1 ,t=2,p=1",
        "M=1,t=2,p=1",
        "keyid=a,m=1,t=2,p=1",
    ] {
        assert_eq!(judge(Argon2id, &with(bad)), Err(Invalid), "{bad}");
    }
    let parameters = "m=1,t=1,p=1";
    for bad in [
        format!("$argon2id${parameters}$AAAA$AAAA"),
        format!("$argon2id$v=16${parameters}$AAAA$AAAA"),
        format!("$argon2i$v=19${parameters}$AAAA$AAAA"),
        format!("$argon2d$v=19${parameters}$AAAA$AAAA"),
        format!("$argon2id$v=19${parameters}$AAAA"),
        format!("$argon2id$v=19${parameters}$AAAA$AAAA$"),
        format!("$argon2id$v=19${parameters}$$AAAA"),
        format!("$argon2id$v=19${parameters}$AAAA$"),
        format!("$argon2id$v=19${parameters}$AA==$AAAA"),
        format!("$argon2id$v=19${parameters}$A.AA$AAAA"),
        format!("$argon2id$v=19${parameters}$A_AA$AAAA"),
        format!("$argon2id$v=19${parameters}$AAAAA$AAAA"),
        // Bits that belong to no byte.
        format!("$argon2id$v=19${parameters}$AB$AAAA"),
        format!("$argon2id$v=19${parameters}$AAB$AAAA"),
    ] {
        assert_eq!(judge(Argon2id, &bad), Err(Invalid), "{bad}");
    }
}

#[test]
fn pbkdf2_hashes() {
    let with = |iterations: &str| format!("$pbkdf2-sha256${iterations}$c2FsdA$aGFzaA");
    for good in ["1", "29000", "600000"] {
        assert_eq!(judge(Pbkdf2Sha256, &with(good)), Ok(()), "{good}");
    }
    for costly in ["600001", "99999999999999999999999999"] {
        let hash = with(costly);
        assert_eq!(judge(Pbkdf2Sha256, &hash), Err(TooCostly), "{costly}");
    }
    for bad in ["", "0", "-1", "01", "1.5", "i=1"] {
        assert_eq!(judge(Pbkdf2Sha256, &with(bad)), Err(Invalid), "{bad}");
    }
    for (salt, good) in [
        ("AA", true),
        ("AA==", true),
        ("AAA=", true),
        ("AAAA", true),
        // passlib writes `.` for `+`.
        ("A.AA", true),
        ("A+AA", true),
        ("", false),
        ("=", false),
        ("====", false),
        ("A", false),
        ("A===", false),
        ("AA=", false),
        ("AAA==", false),
        ("AAAA=", false),
        ("AB==", false),
        ("A=AA", false),
        ("A-AA", false),
    ] {
        let expected = if good { Ok(()) } else { Err(Invalid) };
        for hash in [
            format!("$pbkdf2-sha256$1${salt}$AAAA"),
            format!("$pbkdf2-sha256$1$AAAA${salt}"),
        ] {
            assert_eq!(judge(Pbkdf2Sha256, &hash), expected, "{hash}");
        }
    }
}

/// What is taken as base64 is what a decoder takes.
#[test]
fn base64_agrees_with_a_decoder() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let alphabet = "ABQghw/+.=_4";
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        let longer: Vec<_> = texts
            .iter()
            .flat_map(|t| alphabet.chars().map(move |c| format!("{t}{c}")))
            .collect();
        for text in &longer {
            assert_eq!(
                is_base64(text),
                STANDARD_NO_PAD.decode(text).is_ok(),
                "{text}"
            );
        }
        texts = longer;
    }
}

#[test]
fn an_algorithm_that_is_named_takes_no_other_format() {
    let hashes = [
        (Bcrypt, bcrypt_of("10")),
        (Scrypt, "16384$8$1$00$00".to_owned()),
        (Argon2id, "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA".to_owned()),
        (Pbkdf2Sha256, "$pbkdf2-sha256$1$AAAA$AAAA".to_owned()),
    ];
    for (algorithm, hash) in &hashes {
        assert_eq!(check(hash, None), Ok(*algorithm));
        for named in PasswordHashingAlgorithm::ALL {
            assert_eq!(check(hash, Some(named)).is_ok(), named == *algorithm);
        }
    }
    for unknown in [
        "",
        "secret",
        "$1$salt$hash",
        "$6$salt$hash",
        "{SSHA}AAAA",
        "$pbkdf2$1$AA$AA",
    ] {
        assert_eq!(check(unknown, None), Err(Invalid), "{unknown}");
    }
}

#[test]
fn names_are_those_of_the_contract() {
    let names = PasswordHashingAlgorithm::ALL.map(PasswordHashingAlgorithm::as_str);
    assert_eq!(names, ["BCRYPT", "SCRYPT", "ARGON2ID", "PBKDF2_SHA256"]);
    for algorithm in PasswordHashingAlgorithm::ALL {
        let name = algorithm.as_str();
        assert_eq!(PasswordHashingAlgorithm::from_name(name), Some(algorithm));
    }
    assert_eq!(PasswordHashingAlgorithm::from_name("bcrypt"), None);
}
