mod wrong;

use clap::builder::Resettable;
use clap::{Command, CommandFactory as _, Parser};

use super::*;
use crate::objects::Encryption;
use crate::process::StartError;
use crate::process::server::CONNECTIONS;
use crate::store::DatabaseSettings;
use wrong::WRONG;

const SERVER: &[&str] = &[
    "--database-url=postgres://muster:s3cret@db/muster",
    "--object-store=file:///tmp/x",
    "--signing-key=0123456789abcdef0123456789abcdef",
];
const SCHEDULER: &[&str] = &[
    "--database-url=postgres://muster:s3cret@db/muster",
    "--object-store=file:///tmp/x",
];

/// Checked after parsing, so that no message repeats them; or any will do.
const NOT_PARSED: &[&str] = &[
    "--database-url",
    "--signing-key",
    "--tokens-file",
    "--aws-access-keys",
];

fn bare<T: Parser>() -> Command {
    T::command().mut_args(|arg| arg.env(Resettable::Reset))
}

fn parse<T: Parser>(required: &[&str], more: &[&str]) -> Result<T, String> {
    let arguments = ["program"].iter().chain(required).chain(more);
    parse_from(bare::<T>(), arguments).map_err(|error| error.to_string())
}

fn server(more: &[&str]) -> ServerConfig {
    parse(SERVER, more).expect("a configuration")
}

fn flags<T: Parser>() -> Vec<String> {
    bare::<T>()
        .get_arguments()
        .filter_map(|arg| arg.get_long())
        .filter(|long| !["help", "version"].contains(long))
        .map(|long| format!("--{long}"))
        .collect()
}

fn refuses_each_wrong_value<T: Parser>(required: &[&str]) {
    assert!(parse::<T>(required, &[]).is_ok());
    for flag in flags::<T>() {
        if NOT_PARSED.contains(&flag.as_str()) {
            continue;
        }
        let (_, values) = WRONG
            .iter()
            .find(|(name, _)| *name == flag)
            .unwrap_or_else(|| panic!("no wrong values for {flag}"));
        // The flag may be among the required ones, and given once only.
        let rest: Vec<&str> = required
            .iter()
            .copied()
            .filter(|argument| !argument.starts_with(&flag))
            .collect();
        for value in *values {
            match parse::<T>(&rest, &[&format!("{flag}={value}")]) {
                Err(text) => assert!(text.contains(&flag), "{flag}={value}: {text}"),
                Ok(_) => panic!("{flag}={value} is accepted"),
            }
        }
    }
}

#[test]
fn every_wrong_value_is_refused_by_the_name_of_its_flag() {
    refuses_each_wrong_value::<ServerConfig>(SERVER);
    refuses_each_wrong_value::<SchedulerConfig>(SCHEDULER);
}

#[test]
fn every_flag_has_the_variable_of_its_name() {
    for command in [ServerConfig::command(), SchedulerConfig::command()] {
        for arg in command.get_arguments() {
            let Some(long) = arg.get_long().filter(|l| !["help", "version"].contains(l)) else {
                continue;
            };
            let name = format!("MUSTER_{}", long.replace('-', "_").to_uppercase());
            assert_eq!(arg.get_env(), Some(name.as_ref()), "--{long}");
            assert!(arg.is_hide_env_values_set(), "--{long}");
        }
    }
}

#[test]
fn the_variable_is_named_beside_the_flag() {
    let command = SchedulerConfig::command();
    let arguments = ["program"].iter().chain(SCHEDULER).chain(&["--lease=3"]);
    let error = parse_from::<SchedulerConfig>(command, arguments).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("--lease") && text.contains("MUSTER_LEASE"),
        "{text}"
    );
    assert!(text.contains("from 1s to 10m"), "{text}");
}

#[test]
fn no_secret_is_shown() {
    let shown = format!("{:?}", server(&[]));
    assert!(
        !shown.contains("s3cret") && !shown.contains("0123456789abcdef"),
        "{shown}"
    );
    assert_eq!(
        place("postgres://m:s3cret@db:1/x?password=p"),
        "postgres://m@db:1/x"
    );
}

#[test]
fn wrong_secrets_are_refused_by_name_and_not_repeated() {
    let key = &["--signing-key=s3cret"];
    let short: ServerConfig = parse(&SERVER[..2], key).expect("checked later");
    let text = short.signing_key.key().unwrap_err().to_string();
    assert!(text.contains("MUSTER_SIGNING_KEY") && text.contains("openssl rand -hex 32"));
    assert!(!text.contains("s3cret"), "{text}");

    for url in [
        "",
        "s3cret",
        "mysql://a:s3cret@db/x",
        "postgres//a:s3cret@db",
    ] {
        let url = format!("--database-url={url}");
        let config: ServerConfig = parse(&SERVER[1..], &[&url]).expect("checked later");
        let text = config.database.settings(1, 1).unwrap_err().to_string();
        assert!(
            text.contains("MUSTER_DATABASE_URL") && !text.contains("s3cret"),
            "{text}"
        );
    }
}

#[test]
fn too_few_connections_are_refused() {
    let settings = |more: &[&str]| {
        let config: SchedulerConfig = parse(SCHEDULER, more).expect("a configuration");
        let (least, enough) = config.importing.connections();
        config.database.settings(least, enough)
    };
    assert_eq!(settings(&[]).unwrap().max_connections, 12);
    let more = [
        "--import-jobs=1",
        "--import-lanes=3",
        "--database-max-connections=5",
    ];
    assert_eq!(settings(&more).unwrap().max_connections, 5);
    let text = settings(&["--database-max-connections=9"])
        .unwrap_err()
        .to_string();
    assert!(text.contains("MUSTER_DATABASE_MAX_CONNECTIONS") && text.contains("needs 10"));
    assert_eq!(
        server(&[])
            .database
            .settings(2, CONNECTIONS)
            .unwrap()
            .max_connections,
        16
    );
}

#[test]
fn the_databases_times_are_those_of_the_flags() {
    let settings = |more: &[&str]| server(more).database.settings(2, 16).unwrap();
    let times = |settings: DatabaseSettings| {
        [
            settings.acquire_timeout,
            settings.statement_timeout,
            settings.lock_timeout,
        ]
        .map(|time| time.as_secs())
    };
    let more = [
        "--database-acquire-timeout=1s",
        "--database-statement-timeout=2s",
        "--database-lock-timeout=3s",
    ];
    assert_eq!(times(settings(&more)), [1, 2, 3]);
    // Those of `muster migrate`, which has no flags for them.
    let url = "postgres://muster@db/muster".to_owned().into();
    let fixed = DatabaseTimeouts::default().settings(&url, 1).unwrap();
    assert_eq!(times(settings(&[])), times(fixed));
}

#[test]
fn who_listens_to_the_network_needs_tokens() {
    let check = |more: &[&str]| {
        let config = server(more);
        config.callers.check(&config.listen)
    };
    for loopback in [
        "127.0.0.1:0",
        "127.9.9.9:0",
        "[::1]:0",
        "[::ffff:127.0.0.1]:0",
    ] {
        assert!(
            check(&[&format!("--grpc-addr={loopback}")]).is_ok(),
            "{loopback}"
        );
    }
    for exposed in ["0.0.0.0:0", "[::]:0", "10.0.0.1:0", "[::ffff:10.0.0.1]:0"] {
        for flag in ["--grpc-addr", "--http-addr"] {
            let address = format!("{flag}={exposed}");
            let text = check(&[&address]).unwrap_err().to_string();
            assert!(text.contains("MUSTER_TOKENS_FILE"), "{text}");
            assert!(check(&[&address, "--tokens-file=x"]).is_ok());
        }
    }
}

#[test]
fn the_aws_front_is_open_only_where_every_caller_is_admin_anyway() {
    let access = |more: &[&str]| {
        let config = server(more);
        config.callers.aws_access(&config.listen)
    };
    let exposed = "--http-addr=0.0.0.0:0";
    let (tokens, keys) = ("--tokens-file=x", "--aws-access-keys=k");
    let (on, off) = ("--aws-front=on", "--aws-front=off");
    for open in [&[][..], &[on]] {
        assert_eq!(access(open).unwrap(), AwsAccess::Open);
    }
    for none in [
        &[off][..],
        &[off, keys],
        &[tokens],
        &[exposed, tokens],
        &[exposed],
    ] {
        assert_eq!(access(none).unwrap(), AwsAccess::Off, "{none:?}");
    }
    for known in [
        &[keys][..],
        &[on, keys],
        &[exposed, tokens, keys],
        &[exposed, keys, on],
    ] {
        assert_eq!(
            access(known).unwrap(),
            AwsAccess::Keys("k".into()),
            "{known:?}"
        );
    }
    for refused in [&[exposed, on][..], &[exposed, tokens, on], &[tokens, on]] {
        let text = access(refused).unwrap_err().to_string();
        assert!(text.contains("MUSTER_AWS_ACCESS_KEYS"), "{text}");
    }
}

#[test]
fn the_public_url_follows_the_socket_unless_it_is_given() {
    let url = |more: &[&str], http: &str| {
        let (url, guessed) = server(more).listen.public_url(http.parse().unwrap());
        (url.to_string(), guessed)
    };
    let given = &["--public-url=https://m.example/base"];
    assert_eq!(
        url(&[], "127.0.0.1:8081"),
        ("http://127.0.0.1:8081/".into(), false)
    );
    assert_eq!(url(&[], "[::1]:8081"), ("http://[::1]:8081/".into(), false));
    assert_eq!(
        url(&[], "0.0.0.0:8081"),
        ("http://127.0.0.1:8081/".into(), true)
    );
    assert_eq!(
        url(given, "0.0.0.0:1"),
        ("https://m.example/base".into(), false)
    );
}

#[test]
fn a_public_url_that_no_upload_url_can_begin_with_is_refused() {
    for url in [
        "ftp://m",
        "http://a:s3cret@m",
        "http://m/?a=b",
        "http://m/#a",
        "mailto:a",
    ] {
        let config = server(&[&format!("--public-url={url}")]);
        let error = config.listen.check().unwrap_err();
        assert!(matches!(error, StartError::Setting { flag, .. } if flag == Flag::PUBLIC_URL));
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn an_object_store_of_another_kind_is_refused_by_name() {
    let arguments = [SERVER[0], SERVER[2]];
    let config: ServerConfig =
        parse(&arguments, &["--object-store=ftp://host/bucket"]).expect("a URL");
    let text = config
        .object_store
        .open(Encryption::Kms)
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("--object-store (MUSTER_OBJECT_STORE): the URL "),
        "{text}"
    );
}

#[test]
fn the_limits_reach_the_operations_and_the_scheduler() {
    let more = [
        "--max-rows=7",
        "--expire-after=1h",
        "--max-upload-bytes=1MB",
    ];
    let config = server(&more);
    let url = "http://m".parse().unwrap();
    let settings = config.rules.settings(&config.limits, url);
    assert_eq!(
        (settings.max_rows, settings.max_upload_bytes),
        (7, 1_000_000)
    );
    assert_eq!(settings.expire_after.as_secs(), 3600);
    let more = [
        "--max-rows=7",
        "--retain-upload=0",
        "--poll=20s",
        "--max-lost-workers=3",
    ];
    let config: SchedulerConfig = parse(SCHEDULER, &more).expect("a configuration");
    let settings = config.importing.settings(&config.limits);
    assert_eq!(
        (settings.max_rows, settings.retain_upload.as_secs()),
        (7, 0)
    );
    assert_eq!(settings.max_fruitless, 3);
    assert_eq!(config.importing.stalled_after().as_secs(), 100);
}
