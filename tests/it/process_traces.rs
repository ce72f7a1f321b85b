//! One trace from a job's Create to the end of its import, through the real
//! programs, to a real receiver.

use std::time::Duration;

use muster::api::v1::user_import_service_client::UserImportServiceClient;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use muster::api::v1::{
    CreateUserImportJobRequest, CreateUserPoolRequest, DescribeUserImportJobRequest,
    StartUserImportJobRequest, UserImportJobStatus,
};
use tonic::Request;
use tonic::transport::Channel;

use crate::support::collector::{Collector, Received};
use crate::support::imports::users_csv;
use crate::support::process::{Process, SCHEDULER, SERVER, word_after};
use crate::support::services::Shared;

/// The caller's own span.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A server and a scheduler that export to the same place.
struct Site {
    server: Process,
    scheduler: Process,
    http: String,
    channel: Channel,
    pool: String,
    /// What the caller sends along.
    header: Option<String>,
    _shared: Shared,
}

/// A job, and where its file goes.
struct Job {
    id: String,
    url: String,
}

impl Site {
    async fn new(endpoint: &str, more: &[(&str, &str)]) -> Self {
        let shared = Shared::new();
        let ours = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        let variables = [&ours[..], more].concat();
        let mut server = shared.start_with(SERVER, &[], &variables);
        let scheduler = shared.start_with(SCHEDULER, &[], &variables);
        let ready = server.line("muster-server is ready");
        let grpc = format!("http://{}", word_after(&ready, r#""grpc":""#));
        let channel = Channel::from_shared(grpc).expect("an address");
        let channel = channel.connect().await.expect("a connection");
        let request = CreateUserPoolRequest {
            pool_name: "secret-name".to_owned(),
            auto_verified_attributes: vec!["email".to_owned()],
            ..Default::default()
        };
        let pool = UserPoolServiceClient::new(channel.clone())
            .create_user_pool(request)
            .await;
        let pool = pool.expect("a pool").into_inner().user_pool;
        Self {
            server,
            scheduler,
            http: word_after(&ready, r#""http":""#),
            channel,
            pool: pool.expect("a pool").user_pool_id,
            header: None,
            _shared: shared,
        }
    }

    fn client(&self) -> UserImportServiceClient<Channel> {
        UserImportServiceClient::new(self.channel.clone())
    }

    fn with_header<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(header) = &self.header {
            let header = header.parse().expect("a header");
            request.metadata_mut().insert("traceparent", header);
        }
        request
    }

    async fn create(&self) -> Job {
        let request = self.with_header(CreateUserImportJobRequest {
            user_pool_id: self.pool.clone(),
            job_name: "secret-name".to_owned(),
            ..Default::default()
        });
        let made = self.client().create_user_import_job(request).await;
        let made = made.expect("a job").into_inner().user_import_job;
        let made = made.expect("a job");
        Job {
            id: made.job_id,
            url: made.pre_signed_url,
        }
    }

    async fn upload(&self, job: &Job) {
        let file = users_csv((0..300).map(|n| format!("someone-{n}")));
        let mut put = crate::support::http::client().put(&job.url).body(file);
        if let Some(header) = &self.header {
            put = put.header("traceparent", header);
        }
        let answer = put.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }

    async fn start(&self, job: &Job) {
        let request = self.with_header(StartUserImportJobRequest {
            user_pool_id: self.pool.clone(),
            job_id: job.id.clone(),
            ..Default::default()
        });
        let started = self.client().start_user_import_job(request).await;
        started.expect("a start");
    }

    /// Waits until a job has succeeded.
    async fn ended(&mut self, job: &Job) {
        for _ in 0..3_000 {
            let request = DescribeUserImportJobRequest {
                user_pool_id: self.pool.clone(),
                job_id: job.id.clone(),
            };
            let found = self.client().describe_user_import_job(request).await;
            let found = found.expect("a job").into_inner().user_import_job;
            if found.expect("a job").status() == UserImportJobStatus::Succeeded {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it does not end: {}", self.scheduler.errors());
    }

    async fn import(&mut self) -> Job {
        let job = self.create().await;
        self.upload(&job).await;
        self.start(&job).await;
        self.ended(&job).await;
        job
    }

    /// Ends both; what they have not exported by then, they do now.
    async fn end(self) {
        let Self {
            mut server,
            mut scheduler,
            channel,
            ..
        } = self;
        drop(channel);
        let end = move || {
            assert_eq!(scheduler.terminate(), 0, "{}", scheduler.errors());
            assert_eq!(server.terminate(), 0, "{}", server.errors());
        };
        // The collector lives on this thread.
        tokio::task::spawn_blocking(end).await.expect("an end");
    }
}

/// The spans of a name, in a trace.
fn named<'s>(spans: &'s [Received], trace: &str, name: &str) -> Vec<&'s Received> {
    let is_it = |span: &&Received| span.trace == trace && span.name == name;
    spans.iter().filter(is_it).collect()
}

#[tokio::test]
async fn one_trace_shows_create_upload_start_and_the_import() {
    let collector = Collector::start().await;
    let more = [
        ("OTEL_SERVICE_NAME", "staff-import"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        ),
    ];
    let mut site = Site::new(&collector.endpoint, &more).await;
    site.header = Some(format!("00-{TRACE}-{SPAN}-01"));
    let job = site.import().await;
    let pool = site.pool.clone();
    site.end().await;

    let spans = collector.spans();
    let one = |name: &str| {
        let found = named(&spans, TRACE, name);
        assert_eq!(found.len(), 1, "{name}: {spans:#?}");
        found[0]
    };
    let service = "muster.v1.UserImportService";
    let create = one(&format!("{service}/CreateUserImportJob"));
    let upload = one("/v1/uploads/{user_pool_id}/{job_id}");
    let start = one(&format!("{service}/StartUserImportJob"));
    for call in [create, upload, start] {
        assert_eq!(call.parent, SPAN, "{}", call.name);
        assert!(call.get("muster.request_id").is_some());
    }
    assert_eq!(start.get("rpc.grpc.status_code"), Some("0"));
    assert_eq!(upload.get("http.response.status_code"), Some("200"));

    let (dispatch, import, finish) = (one("dispatch"), one("import"), one("finish"));
    for step in [dispatch, import, finish] {
        assert_eq!(step.parent, start.id, "{}", step.name);
        assert_eq!(step.get("muster.job_id"), Some(job.id.as_str()));
        assert_eq!(step.get("muster.user_pool_id"), Some(pool.as_str()));
    }
    assert_eq!(import.get("muster.outcome"), Some("done"));
    assert_eq!(finish.get("muster.status"), Some("SUCCEEDED"));
    assert_eq!(finish.get("muster.imported_users"), Some("300"));
    let batches = named(&spans, TRACE, "batch");
    let rows: u64 = batches
        .iter()
        .map(|batch| {
            assert_eq!(batch.parent, import.id);
            let rows = batch.get("muster.rows").expect("rows");
            rows.parse::<u64>().expect("a number")
        })
        .sum();
    assert_eq!(rows, 300);

    for span in &spans {
        assert!(span.is_of("service.name", "staff-import"), "{span:?}");
        assert!(span.is_of("deployment.environment.name", "test"));
        assert!(!span.failed, "{span:?}");
        let text = format!("{span:?}");
        for secret in ["someone", "secret-name", "example.com", "signature"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    // Nobody asked for these to be part of anything.
    assert!(named(&spans, TRACE, "muster.v1.UserPoolService/CreateUserPool").is_empty());
    assert!(!spans.iter().any(|span| span.name.contains("health")));
}

#[tokio::test]
async fn without_a_callers_trace_an_import_is_part_of_its_start() {
    let collector = Collector::start().await;
    let mut site = Site::new(&collector.endpoint, &[]).await;
    site.header = Some("00-nonsense".to_owned());
    let job = site.import().await;
    let aws = crate::support::http::client()
        .post(format!("http://{}/", site.http))
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            "AWSCognitoIdentityProviderService.ListUserPools",
        )
        .header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
        .body(r#"{"MaxResults": 5}"#)
        .send()
        .await;
    assert_eq!(aws.expect("an answer").status(), 200);
    site.end().await;

    let spans = collector.spans();
    let find = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("{name}: {spans:#?}"))
    };
    let start = find("muster.v1.UserImportService/StartUserImportJob");
    assert_eq!(start.parent, "");
    assert!(start.is_of("service.name", "muster-server"));
    let import = find("import");
    assert_eq!((&import.trace, &import.parent), (&start.trace, &start.id));
    assert_eq!(import.get("muster.job_id"), Some(job.id.as_str()));
    assert!(import.is_of("service.name", "muster-scheduler"));
    let list = find("ListUserPools");
    assert_eq!((list.trace.as_str(), list.parent.as_str()), (TRACE, SPAN));
}

#[tokio::test]
async fn spans_come_while_the_process_runs_and_only_those_that_are_sampled() {
    let collector = Collector::start().await;
    let never = [("OTEL_TRACES_SAMPLER", "parentbased_always_off")];
    let mut site = Site::new(&collector.endpoint, &never).await;
    site.create().await;
    site.header = Some(format!("00-{TRACE}-{SPAN}-01"));
    site.create().await;
    collector
        .wait_for("a span that is sampled", |span| span.trace == TRACE)
        .await;
    site.end().await;
    assert_eq!(collector.spans().len(), 1, "{:#?}", collector.spans());
}

#[tokio::test]
async fn a_receiver_that_is_not_there_disturbs_nobody() {
    // One that nobody listens at, and what is no address.
    for endpoint in ["http://127.0.0.1:1", "no address"] {
        let mut site = Site::new(endpoint, &[]).await;
        site.import().await;
        site.end().await;
    }
}
