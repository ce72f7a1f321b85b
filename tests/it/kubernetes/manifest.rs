//! What the manifests say of a container.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// All objects of a file in `deploy/kubernetes/`.
fn objects(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes");
    let text = fs::read_to_string(folder.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    serde_saphyr::from_multiple(&text).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("{pointer} in {value}"))
}

/// The variables of the ConfigMap that all containers take.
fn common() -> Vec<(String, String)> {
    let config = &objects("base/config.yaml")[0];
    let data = config["data"].as_object().expect("data");
    data.iter()
        .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
        .collect()
}

/// One container of a Deployment.
pub struct Container(Value);

impl Container {
    /// The only container of the only Deployment in a file.
    pub fn of(file: &str) -> Self {
        let objects = objects(file);
        let mut deployments = objects.iter().filter(|o| o["kind"] == "Deployment");
        let deployment = deployments.next().expect("a Deployment");
        assert!(deployments.next().is_none(), "two Deployments in {file}");
        let containers = &deployment["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers.as_array().map(Vec::len), Some(1), "{containers}");
        Self(containers[0].clone())
    }

    /// The program that it runs.
    pub fn program(&self) -> &str {
        text(&self.0, "/args/0")
    }

    /// Its variables; `secret` answers what a key of the Secret holds.
    pub fn variables(&self, secret: impl Fn(&str) -> String) -> Vec<(String, String)> {
        let own = self.0["env"].as_array().expect("variables");
        let own = own.iter().map(|variable| {
            let value = match variable.get("value").and_then(Value::as_str) {
                Some(value) => value.to_owned(),
                None => secret(text(variable, "/valueFrom/secretKeyRef/key")),
            };
            (text(variable, "/name").to_owned(), value)
        });
        common().into_iter().chain(own).collect()
    }

    /// A probe: `startupProbe`, `readinessProbe` or `livenessProbe`.
    pub fn probe(&self, name: &str) -> Probe {
        let probe = &self.0[name];
        let seconds = probe.get("timeoutSeconds").map_or(Some(1), Value::as_u64);
        let port = probe["grpc"]["port"]
            .as_u64()
            .and_then(|p| p.try_into().ok());
        Probe {
            port: port.expect("a port"),
            service: text(probe, "/grpc/service").to_owned(),
            timeout: Duration::from_secs(seconds.expect("seconds")),
        }
    }
}

/// What a kubelet asks.
#[derive(Clone, Debug)]
pub struct Probe {
    port: u16,
    service: String,
    timeout: Duration,
}

/// What it hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The only one that passes.
    Serving,
    NotServing,
    /// Nobody, nothing, too late, or something else.
    None,
}

impl Probe {
    /// The name that it asks for.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Asks once: over a new connection, in the clear, in time or not at all.
    pub async fn ask(&self, pod: IpAddr) -> Answer {
        let check = async {
            let url = format!("http://{pod}:{}", self.port);
            let channel = Endpoint::from_shared(url).ok()?.connect().await.ok()?;
            let request = HealthCheckRequest {
                service: self.service.clone(),
            };
            let answer = HealthClient::new(channel).check(request).await.ok()?;
            Some(answer.into_inner().status)
        };
        match timeout(self.timeout, check).await {
            Ok(Some(1)) => Answer::Serving,
            Ok(Some(2)) => Answer::NotServing,
            _ => Answer::None,
        }
    }
}
