//! Many calls at once, against the query beneath them.

use muster::api::v1::DescribeUserImportJobRequest;
use prost::Message as _;
use serde_json::Value;

use crate::bench::{Bench, say};
use crate::fault::{Result, failed};
use crate::file::csv::Contents;
use crate::report::{Measure, Report, Side};
use crate::service::site::Site;
use crate::tool::{Load, h2load, pgbench};

/// The figures of this group.
pub const FIGURES: [&str; 2] = ["describe-rate", "describe-p99"];

const CONNECTIONS: u32 = 4;
const EACH: u32 = 8;
const SECONDS: u32 = 5;

/// Measures.
pub async fn run(bench: &mut Bench, wanted: &[&str], report: &mut Report) -> Result<()> {
    h2load::there().await?;
    let made = bench.file(&Contents::clean(0..(bench.rows / 1_000).max(10)))?;
    // pgbench's clients come over the network, as the server's do.
    let site = Site::on(bench.cluster.database("calls").await?.over_port()).await?;
    let job = site.import_checked(&[], &made).await?.job;
    site.database.settle().await?;
    let folder = bench.path("calls");
    std::fs::create_dir_all(&folder)?;
    // A real client says what the right answer is.
    let answer = muster::api::v1::DescribeUserImportJobResponse {
        user_import_job: Some(site.server.client.describe(&job).await?),
    };
    let call = h2load::Call {
        address: &site.server.grpc,
        method: "muster.v1.UserImportService/DescribeUserImportJob",
        request: DescribeUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.id.clone(),
        },
        answer: answer.encoded_len(),
    };
    let query = query()?;
    let parameters = [("pool", &*job.pool), ("job", job.uuid())];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=bench.rounds {
        let clients = CONNECTIONS * EACH;
        theirs.push(
            pgbench::run(
                &site.database,
                &folder,
                &query,
                &parameters,
                clients,
                SECONDS,
            )
            .await?,
        );
        ours.push(h2load::run(&call, &folder, CONNECTIONS, EACH, SECONDS).await?);
        say(&format!(
            "round {round} of {}: pgbench {:?}, gRPC {:?}",
            bench.rounds,
            theirs.last(),
            ours.last()
        ));
    }
    site.close().await?;
    for figure in wanted {
        type Part = fn(&Load) -> f64;
        let (unit, part): (_, Part) = match *figure {
            "describe-rate" => ("calls/s", |load| load.rate),
            _ => ("ms", |load| load.p99),
        };
        let side = |name, loads: &[Load]| Side::new(name, unit, loads.iter().map(part).collect());
        let (ours, theirs) = (side("gRPC by h2load", &ours), side("pgbench", &theirs));
        report.add(Measure::ratio(figure, ours, theirs).of(1, 0));
    }
    Ok(())
}

/// The statement by which a job is read, as it was committed beside the code;
/// its parameters named as pgbench wants them.
fn query() -> Result<String> {
    const END: &str = "WHERE j.user_pool_id = $1 AND j.job_id = $2 AND j.deletion_date IS NULL";
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx"))? {
        let text = std::fs::read_to_string(entry?.path())?;
        let described: Value = serde_json::from_str(&text)?;
        let query = described["query"].as_str().unwrap_or_default();
        if query.trim_end().ends_with(END) {
            return Ok(query.replace("$1", ":pool").replace("$2", ":job"));
        }
    }
    failed("no query in .sqlx/ reads one job")
}
