//! A real program as a pod would run it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use uuid::Uuid;

use super::manifest::{Answer, Container, Probe};
use crate::support::process::{MUSTER, Process, SCHEDULER, SERVER};
use crate::support::services::KEY;

/// Longer than anything takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(20);
/// Who may call.
pub const TOKEN: &str = "a caller";

/// A running container.
pub struct Pod {
    pub ip: IpAddr,
    pub process: Process,
    pub startup: Probe,
    pub readiness: Probe,
    pub liveness: Probe,
    _folder: TempDir,
}

impl Pod {
    /// Runs the container of a manifest on a database.
    pub fn start(file: &str, database_url: &str) -> Self {
        let container = Container::of(file);
        let [a, b, c, ..] = *Uuid::new_v4().as_bytes();
        let ip = IpAddr::V4(Ipv4Addr::new(127, a, b, c.clamp(1, 254)));
        let folder = tempfile::tempdir().expect("a folder");
        let hash = hex::encode(Sha256::digest(TOKEN));
        let tokens = format!(
            r#"{{"tokens": [{{"sha256": "{hash}", "name": "ci", "role": "admin", "pools": ["*"]}}]}}"#
        );
        fs::write(folder.path().join("tokens.json"), tokens).expect("a file");
        let secret = |key: &str| match key {
            "database-url" => database_url.to_owned(),
            "signing-key" => KEY.to_owned(),
            _ => panic!("no {key} in the Secret"),
        };
        let here = folder.path().to_str().expect("UTF-8");
        let mut variables = container.variables(secret);
        for (_, value) in &mut variables {
            *value = value.replace("0.0.0.0", &ip.to_string());
            *value = value.replace("/etc/muster", here);
        }
        for (name, value) in [
            ("MUSTER_OBJECT_STORE", format!("file://{here}")),
            // What waits for a lock shall wait until the test has looked.
            ("MUSTER_DATABASE_LOCK_TIMEOUT", "60s".to_owned()),
        ] {
            variables.push((name.to_owned(), value));
        }
        let program = match container.program() {
            "muster" => MUSTER,
            "muster-server" => SERVER,
            "muster-scheduler" => SCHEDULER,
            other => panic!("{other} is no program of muster's"),
        };
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Self {
            ip,
            process: Process::start(program, &[], &variables),
            startup: container.probe("startupProbe"),
            readiness: container.probe("readinessProbe"),
            liveness: container.probe("livenessProbe"),
            _folder: folder,
        }
    }

    /// Waits until a probe hears this.
    pub async fn until(&mut self, probe: &Probe, wanted: Answer) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let heard = probe.ask(self.ip).await;
            if heard == wanted {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{probe:?} of {} hears {heard:?} instead of {wanted:?}:\n{}{}",
                self.ip,
                self.process.output(),
                self.process.errors()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the pod is what these say of it: alive always, and ready or
    /// not.
    pub async fn is(&mut self, ready: Answer) {
        let (readiness, liveness) = (self.readiness.clone(), self.liveness.clone());
        self.until(&readiness, ready).await;
        self.until(&liveness, Answer::Serving).await;
        // Not by having passed through another state meanwhile.
        self.until(&readiness, ready).await;
    }
}
