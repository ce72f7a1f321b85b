//! `muster health`: asks a server or scheduler whether it serves.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::tls::ClientTlsArgs;
use super::{health, say, tell};

const PATIENCE: Duration = Duration::from_secs(5);
const SCHEDULER: &str = "127.0.0.1:50052";

/// Whom to ask.
#[derive(Clone, Debug, Args)]
pub struct HealthArgs {
    /// host:port, http://host:port or https://host:port [default: --server; with --scheduler 127.0.0.1:50052]
    address: Option<String>,
    /// Ask a scheduler
    #[arg(long)]
    scheduler: bool,
    /// Ask only whether the process is alive, be its database away or not
    #[arg(long)]
    liveness: bool,
}

/// Prints the status; succeeds only when it is SERVING, and within 5 s.
/// `server` is asked when the arguments name nobody.
pub async fn run(args: HealthArgs, server: &str, tls: &ClientTlsArgs) -> ExitCode {
    let (address, readiness) = if args.scheduler {
        (
            args.address.as_deref().unwrap_or(SCHEDULER),
            health::SCHEDULER,
        )
    } else {
        (args.address.as_deref().unwrap_or(server), "")
    };
    let service = if args.liveness {
        health::LIVENESS
    } else {
        readiness
    };
    match timeout(PATIENCE, check(address, service, tls)).await {
        Ok(Ok(status)) => {
            tell(status.as_str_name());
            match status {
                ServingStatus::Serving => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            }
        }
        Ok(Err(problem)) => failed(address, &problem),
        Err(_) => failed(
            address,
            &format!("no answer within {} s", PATIENCE.as_secs()),
        ),
    }
}

fn failed(address: &str, problem: &str) -> ExitCode {
    say(&format!("error: {address}: {problem}"));
    ExitCode::FAILURE
}

async fn check(address: &str, service: &str, tls: &ClientTlsArgs) -> Result<ServingStatus, String> {
    let url = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let secure = url.starts_with("https:");
    let mut endpoint = Endpoint::from_shared(url).map_err(|e| last(&e))?;
    if secure {
        let tls = tls.read().map_err(|e| e.to_string())?.grpc();
        endpoint = endpoint.tls_config(tls).map_err(|e| last(&e))?;
    }
    let channel = endpoint.connect().await.map_err(|e| last(&e))?;
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    match HealthClient::new(channel).check(request).await {
        Ok(answer) => Ok(answer.into_inner().status()),
        Err(status) if status.code() == Code::NotFound => Err(if service.is_empty() {
            "it tells nothing of its health".to_owned()
        } else {
            format!("it is there, but knows no {service}; is it a scheduler?")
        }),
        Err(status) => Err(format!("{:?}: {}", status.code(), status.message())),
    }
}

/// The last of an error's causes, which says most.
fn last(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
