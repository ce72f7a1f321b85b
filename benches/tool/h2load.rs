//! `h2load`, which speaks HTTP/2 and so gRPC.

use std::path::Path;
use std::process::Stdio;

use prost::Message;
use tokio::process::Command;

use super::Load;
use crate::fault::{Fault, Result, check, failed};

/// Whether it is on this machine.
pub async fn there() -> Result<()> {
    match Command::new("h2load").arg("--version").output().await {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(Fault::Missing(
            "there is no h2load; type: apt-get install nghttp2-client".to_owned(),
        )),
    }
}

/// A gRPC call that is always answered the same.
#[derive(Debug)]
pub struct Call<'a, T> {
    /// `host:port`.
    pub address: &'a str,
    /// `package.Service/Method`.
    pub method: &'a str,
    /// What is asked.
    pub request: T,
    /// Bytes of the message that is answered.
    pub answer: usize,
}

/// Makes a call over and over on `connections`, with so many at once on each.
/// h2load does not look at `grpc-status`, but a call that fails has no message:
/// the bytes tell.
pub async fn run<T: Message>(
    call: &Call<'_, T>,
    folder: &Path,
    connections: u32,
    each: u32,
    seconds: u32,
) -> Result<Load> {
    let message = call.request.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len())?.to_be_bytes());
    frame.extend(message);
    let (body, log) = (folder.join("h2load.body"), folder.join("h2load.log"));
    std::fs::write(&body, frame)?;
    if log.exists() {
        std::fs::remove_file(&log)?;
    }
    let output = Command::new("h2load")
        .arg(format!("--clients={connections}"))
        .arg(format!("--max-concurrent-streams={each}"))
        .arg(format!("--duration={seconds}"))
        .arg("--header=te: trailers")
        .arg("--header=content-type: application/grpc")
        .arg(format!("--data={}", body.display()))
        .arg(format!("--log-file={}", log.display()))
        .arg(format!("http://{}/{}", call.address, call.method))
        .stdin(Stdio::null())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let counts = counts(&text);
    let (Some(counts), true) = (counts, output.status.success()) else {
        let errors = String::from_utf8_lossy(&output.stderr);
        return failed(format!("h2load: {text}{errors}"));
    };
    check("calls that h2load saw fail", counts.failed, 0)?;
    // Of the calls at the very end, some bytes may come after the count.
    let whole = counts.data as f64 / (5 + call.answer) as f64;
    if (whole - counts.succeeded as f64).abs() > f64::from(2 * connections * each) {
        return Err(Fault::Wrong(format!(
            "{} bytes for {} answers of {} each",
            counts.data,
            counts.succeeded,
            5 + call.answer
        )));
    }
    // When it was, status, microseconds.
    let micros = super::column(&std::fs::read_to_string(&log)?, 2);
    Load::new(counts.succeeded as f64 / f64::from(seconds), micros)
}

/// What h2load counted.
struct Counts {
    succeeded: u64,
    failed: u64,
    data: u64,
}

fn counts(text: &str) -> Option<Counts> {
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    // `12 total, 12 started, 12 done, 12 succeeded, 0 failed, ..`
    let requests = |what: &str| {
        let mut parts = line("requests: ")?.split(", ");
        parts.find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
    };
    // `traffic: 1.2MB (1234) total, .., 1.1MB (1200) data`
    let data = line("traffic: ")?.split(", ").last()?;
    let data = data.split(['(', ')']).nth(1)?.parse().ok()?;
    Some(Counts {
        succeeded: requests(" succeeded")?,
        failed: requests(" failed")?,
        data,
    })
}
