//! The processes by themselves: how soon they are ready, and what they take.

use std::net::TcpListener;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::bench::{Bench, say};
use crate::fault::{Result, failed};
use crate::report::{Measure, Report, Side};
use crate::service::cluster::Database;
use crate::service::process::{Process, SERVER};
use crate::service::programs::{Scheduler, server_variables};

/// The figures of this group.
pub const FIGURES: [&str; 3] = ["server-ready", "idle-server", "idle-scheduler"];

/// Until then everything that a start sets off is done.
const SETTLED: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures.
pub async fn run(bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
    let database = bench.cluster.database("processes").await?;
    let (mut ready, mut server, mut scheduler) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds.max(5) {
        ready.push(start(&database, &mut server, wanted).await?);
    }
    for _ in 0..bench.rounds {
        if wanted.contains(&"idle-scheduler") {
            let process = Scheduler::start(&database, &[]).await?.process;
            sleep(SETTLED).await;
            scheduler.push(process.memory("VmRSS")?);
            process.stop().await?;
        }
    }
    say(&format!(
        "ready in {ready:.0?} ms; idle: server {server:.1?} MiB, scheduler {scheduler:.1?} MiB"
    ));
    for figure in wanted {
        let side = match *figure {
            "server-ready" => Side::new("from its start to SERVING", "ms", ready.clone()),
            "idle-server" => Side::new("VmRSS of muster-server", "MiB", server.clone()),
            _ => Side::new("VmRSS of muster-scheduler", "MiB", scheduler.clone()),
        };
        report.add(Measure::new(figure, side.median(), vec![side]));
    }
    Ok(())
}

/// Starts a server; answers the milliseconds until its health says SERVING.
async fn start(database: &Database, idle: &mut Vec<f64>, wanted: &[&str]) -> Result<f64> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let mut variables = server_variables(database);
    variables.push(("MUSTER_GRPC_ADDR", address.clone()));
    let log = database.store.join("server.log");
    let begun = Instant::now();
    let process = Process::start(SERVER, &[], &variables, &log)?;
    while !serving(&address).await? {
        if begun.elapsed() > PATIENCE {
            return failed("the server does not become ready");
        }
        sleep(LOOK).await;
    }
    let millis = begun.elapsed().as_secs_f64() * 1e3;
    if wanted.contains(&"idle-server") {
        sleep(SETTLED).await;
        idle.push(process.memory("VmRSS")?);
    }
    process.stop().await?;
    Ok(millis)
}

async fn serving(address: &str) -> Result<bool> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let Ok(channel) = endpoint.connect().await else {
        return Ok(false);
    };
    let mut health = HealthClient::new(channel);
    let answer = health.check(HealthCheckRequest::default()).await;
    Ok(answer.is_ok_and(|a| a.into_inner().status() == ServingStatus::Serving))
}
