//! `/metrics` of the real programs, and the alerts and the dashboard that are
//! made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use muster::meters::names::{ALL, Kind};
use regex::Regex;
use serde_json::Value;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::support::exposition::{Exposition, base};
use crate::support::process::{MUSTER, Process, SCHEDULER, SERVER, command, get, word_after};
use crate::support::services::Shared;

const METRICS: [&str; 2] = ["--metrics-addr", "127.0.0.1:0"];
/// Longer than anything takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server and a scheduler, and where they tell of themselves.
struct Site {
    shared: Shared,
    server: Process,
    grpc: String,
    http: String,
    server_metrics: String,
    scheduler_metrics: String,
    _scheduler: Process,
}

impl Site {
    fn new() -> Self {
        let shared = Shared::new();
        let mut server = shared.start(SERVER, &METRICS);
        let mut scheduler = shared.start(SCHEDULER, &METRICS);
        let port = |process: &mut Process| {
            word_after(&process.line("metrics are served"), r#""address":""#)
        };
        let ready = server.line("muster-server is ready");
        scheduler.line("muster-scheduler is ready");
        Self {
            server_metrics: port(&mut server),
            scheduler_metrics: port(&mut scheduler),
            grpc: word_after(&ready, r#""grpc":""#),
            http: word_after(&ready, r#""http":""#),
            shared,
            server,
            _scheduler: scheduler,
        }
    }

    fn muster(&self, arguments: &[&str]) -> Value {
        let answer = command(MUSTER)
            .args(["--server", &self.grpc, "--output", "json"])
            .args(arguments)
            .output()
            .expect("an answer");
        assert!(answer.status.success(), "{answer:?}");
        serde_json::from_slice(&answer.stdout).expect("JSON")
    }

    async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.grpc));
        let endpoint = endpoint.expect("an address");
        endpoint.connect().await.expect("a connection")
    }

    /// An AWS call without a member that it must have; answers its status.
    async fn aws(&self, operation: &str) -> u16 {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let answer = crate::support::http::client()
            .post(format!("http://{}/", self.http))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body("{}")
            .send()
            .await;
        answer.expect("an answer").status().as_u16()
    }
}

/// Waits until a port tells something.
async fn told<T>(port: &str, what: &str, look: impl Fn(&Exposition) -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look(&Exposition::of(port).await) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("nobody tells of {what}"))
}

#[tokio::test]
async fn an_import_is_told_of_as_its_job_counts_it() {
    let site = Site::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/users.csv");
    let pool = site.muster(&["pools", "create", "--name", "told"]);
    let pool = pool["user_pool"]["user_pool_id"].as_str().expect("an id");
    let answer = site.muster(&["import", sample, "--pool", pool]);
    let job = &answer["user_import_job"];
    let number = |name: &str| -> f64 {
        let text = job[name].as_str().expect("a number in a string");
        text.parse().expect("a number")
    };

    let scheduler = Exposition::of(&site.scheduler_metrics).await;
    let rows = |outcome| scheduler.sum("muster_rows_total", &[("outcome", outcome)]);
    for (outcome, counter) in [
        ("imported", "imported_users"),
        ("skipped", "skipped_users"),
        ("failed", "failed_users"),
    ] {
        assert!(number(counter) > 0.0);
        assert_eq!(rows(outcome), Some(number(counter)), "{outcome}");
    }
    let ended = |status| scheduler.sum("muster_jobs_ended_total", &[("status", status)]);
    assert_eq!(ended("SUCCEEDED"), Some(1.0));
    assert_eq!(ended("FAILED"), Some(0.0));
    let batches = |labels: &[_]| scheduler.sum("muster_batch_seconds_count", labels);
    assert!(batches(&[("path", "plain")]) >= Some(1.0));
    assert!(scheduler.sum("muster_batch_seconds_sum", &[]) > Some(0.0));
    assert_eq!(
        scheduler.sum("muster_lease_takeovers_total", &[]),
        Some(0.0)
    );
    assert_eq!(scheduler.sum("muster_imports", &[]), Some(0.0));
    let ready = |told: &Exposition, service| told.sum("muster_ready", &[("service", service)]);
    assert_eq!(ready(&scheduler, "scheduler"), Some(1.0));
    assert_eq!(ready(&scheduler, "server"), None);

    let server = Exposition::of(&site.server_metrics).await;
    assert_eq!(ready(&server, "server"), Some(1.0));
    for method in ["CreateUserImportJob", "StartUserImportJob"] {
        let method = format!("muster.v1.UserImportService/{method}");
        let labels = [("front", "grpc"), ("method", method.as_str())];
        let timed = server.sum("muster_call_seconds_count", &labels);
        assert_eq!(timed, Some(1.0), "{method}");
        let [front, method] = labels;
        let answered = server.sum("muster_calls_total", &[front, method, ("code", "OK")]);
        assert_eq!(answered, timed);
    }
    let bytes = fs::metadata(sample).expect("the sample").len() as f64;
    assert_eq!(server.sum("muster_upload_bytes_total", &[]), Some(bytes));
    let uploads = |result| server.sum("muster_uploads_total", &[("result", result)]);
    assert_eq!(
        [uploads("kept"), uploads("refused")],
        [Some(1.0), Some(0.0)]
    );
    let put = "/v1/uploads/{user_pool_id}/{job_id}";
    let put = [("front", "http"), ("method", put), ("code", "200")];
    assert_eq!(server.sum("muster_calls_total", &put), Some(1.0));
    assert_eq!(
        server.sum("muster_database_connections_max", &[]),
        Some(16.0)
    );
    assert!(server.sum("muster_database_connections", &[]) >= Some(1.0));
    assert!(server.sum("muster_database_wait_seconds_count", &[]) > Some(3.0));

    let job_id = job["job_id"].as_str().expect("an id");
    let words: Vec<&str> = scheduler.words().chain(server.words()).collect();
    for secret in [pool, job_id, "example.com", "admin"] {
        let found = words.iter().find(|word| word.contains(secret));
        assert_eq!(found, None, "a label that is not of a closed set");
    }
}

#[tokio::test]
async fn jobs_that_wait_are_told_of_by_any_scheduler() {
    let site = Site::new();
    let pool = site.muster(&["pools", "create", "--name", "told"]);
    let pool = pool["user_pool"]["user_pool_id"].as_str().expect("an id");
    site.muster(&["jobs", "create", "--pool", pool, "--name", "waits"]);
    told(&site.scheduler_metrics, "a job that is CREATED", |told| {
        let created = told.sum("muster_jobs", &[("status", "CREATED")]);
        (created == Some(1.0)).then_some(())
    })
    .await;
}

/// Calls a method of no message; answers the code.
async fn call(channel: &Channel, path: &'static str) -> Code {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.expect("a connection");
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = PathAndQuery::from_static(path);
    match client.unary(Request::new(()), path, codec).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test]
async fn methods_that_there_are_not_share_one_name() {
    let site = Site::new();
    let channel = site.channel().await;
    for path in [
        "/made.up.Service/Method",
        "/muster.v1.UserPoolService/MadeUp",
        "/muster.v1.UserPoolService/ListUserPools/x",
    ] {
        assert_eq!(call(&channel, path).await, Code::Unimplemented, "{path}");
    }
    let describe = "/muster.v1.UserPoolService/DescribeUserPool";
    assert_eq!(call(&channel, describe).await, Code::InvalidArgument);
    let at = |path: &str| format!("http://{}{path}", site.http);
    for path in ["/made/up", "/v1/uploads/one/two/three", "/metrics"] {
        assert_eq!(get(&at(path)).await, Some(404), "{path}");
    }
    assert_eq!(site.aws("MadeUp").await, 400);
    assert_eq!(site.aws("ListUserPools").await, 400);

    let server = Exposition::of(&site.server_metrics).await;
    let calls = |front, method, code| {
        let labels = [("front", front), ("method", method), ("code", code)];
        server.sum("muster_calls_total", &labels)
    };
    assert_eq!(calls("grpc", "other", "UNIMPLEMENTED"), Some(3.0));
    assert_eq!(calls("grpc", &describe[1..], "INVALID_ARGUMENT"), Some(1.0));
    assert_eq!(calls("http", "other", "404"), Some(3.0));
    assert_eq!(
        calls("aws", "other", "UnknownOperationException"),
        Some(1.0)
    );
    assert_eq!(
        calls("aws", "ListUserPools", "InvalidParameterException"),
        Some(1.0)
    );
}

#[tokio::test]
async fn a_stream_counts_as_in_flight_until_its_caller_hangs_up() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    let site = Site::new();
    let channel = site.channel().await;
    let watch = HealthClient::new(channel)
        .watch(HealthCheckRequest::default())
        .await
        .expect("a stream")
        .into_inner();
    let in_flight = |told: &Exposition| told.sum("muster_calls_in_flight", &[("front", "grpc")]);
    let now = Exposition::of(&site.server_metrics).await;
    assert_eq!(in_flight(&now), Some(1.0));
    drop(watch);
    let cancelled = [
        ("method", "grpc.health.v1.Health/Watch"),
        ("code", "CANCELLED"),
    ];
    told(&site.server_metrics, "a call that is cut off", |told| {
        let cut_off = told.sum("muster_calls_total", &cancelled);
        (cut_off == Some(1.0) && in_flight(told) == Some(0.0)).then_some(())
    })
    .await;
}

/// The metrics that a text names.
fn named_in(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\bmuster_[a-z_]+").expect("a pattern");
    name.find_iter(text)
        .map(|found| base(found.as_str()).to_owned())
        .collect()
}

#[tokio::test]
async fn alerts_and_dashboard_name_what_the_programs_tell_and_nothing_else() {
    let mut site = Site::new();
    assert_eq!(
        get(&format!("http://{}/healthz", site.http)).await,
        Some(200)
    );
    let mut told = Exposition::of(&site.server_metrics).await;
    let scheduler = self::told(&site.scheduler_metrics, "what there is to do", |told| {
        told.sum("muster_oldest_unmoved_seconds", &[])
            .map(|_| (told.kinds.clone(), told.help.clone()))
    })
    .await;
    told.kinds.extend(scheduler.0);
    told.help.extend(scheduler.1);

    // Each metric by its name, and with the meaning that the code has.
    let kind = |kind| match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let expected: BTreeMap<_, _> = ALL
        .iter()
        .map(|metric| (metric.name.to_owned(), kind(metric.kind).to_owned()))
        .collect();
    assert_eq!(told.kinds, expected);
    for metric in ALL {
        assert_eq!(told.help[metric.name], metric.help);
    }

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).expect("a file");
    let alerts = named_in(&read("deploy/prometheus/alerts.yml"));
    let dashboard = read("deploy/grafana/muster.json");
    serde_json::from_str::<Value>(&dashboard).expect("JSON");
    let dashboard = named_in(&dashboard);
    let guide = named_in(&read("docs/operations.md"));
    assert!(alerts.len() >= 5 && dashboard.len() >= 15);
    for (place, names) in [
        ("alerts", &alerts),
        ("dashboard", &dashboard),
        ("guide", &guide),
    ] {
        let unknown: Vec<_> = names
            .iter()
            .filter(|name| !told.kinds.contains_key(*name))
            .collect();
        assert!(unknown.is_empty(), "{place}: {unknown:?}");
    }
    // Whoever looks for what a metric means finds it.
    let missing: Vec<_> = expected.keys().filter(|n| !guide.contains(*n)).collect();
    assert!(missing.is_empty(), "not in the guide: {missing:?}");
    assert_eq!(site.server.terminate(), 0, "{}", site.server.errors());
    assert!(!site.shared.database.url().is_empty());
}
