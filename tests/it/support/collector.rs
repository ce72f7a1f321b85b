//! A real receiver of OTLP, which keeps the spans that it gets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Longer than anything takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A span as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The attributes of the process.
    pub resource: Vec<(String, String)>,
    pub name: String,
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub attributes: Vec<(String, String)>,
    /// Whether it failed by the service's fault.
    pub failed: bool,
}

impl Received {
    /// An attribute.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(k, _)| k == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether an attribute of its process is this.
    pub fn is_of(&self, key: &str, value: &str) -> bool {
        self.resource.iter().any(|(k, v)| k == key && v == value)
    }
}

/// A collector that listens.
#[derive(Clone)]
pub struct Collector {
    spans: Arc<Mutex<Vec<Received>>>,
    pub endpoint: String,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let collector = Self {
            spans: Arc::default(),
            endpoint: format!("http://{address}"),
        };
        let serve = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(serve);
        collector
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Received> {
        self.spans.lock().expect("the spans").clone()
    }

    /// Waits for a span.
    pub async fn wait_for(&self, what: &str, is_it: impl Fn(&Received) -> bool) -> Received {
        let waiting = async {
            loop {
                if let Some(found) = self.spans().into_iter().find(|span| is_it(span)) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("{what}: {:#?}", self.spans()))
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = self.spans.lock().expect("the spans");
        for resource in request.into_inner().resource_spans {
            let of = resource.resource.unwrap_or_default().attributes;
            for span in resource.scope_spans.into_iter().flat_map(|s| s.spans) {
                spans.push(Received {
                    resource: texts(of.clone()),
                    name: span.name,
                    trace: hex::encode(span.trace_id),
                    id: hex::encode(span.span_id),
                    parent: hex::encode(span.parent_span_id),
                    attributes: texts(span.attributes),
                    // STATUS_CODE_ERROR
                    failed: span.status.is_some_and(|status| status.code == 2),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn texts(attributes: Vec<KeyValue>) -> Vec<(String, String)> {
    let text = |pair: KeyValue| {
        let value = match pair.value.and_then(|value| value.value) {
            Some(Value::StringValue(text)) => text,
            Some(Value::IntValue(number)) => number.to_string(),
            Some(Value::BoolValue(truth)) => truth.to_string(),
            other => panic!("{}: {other:?}", pair.key),
        };
        (pair.key, value)
    };
    attributes.into_iter().map(text).collect()
}
