//! How much a server takes on, and how long its connections last.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;

use super::values;
use crate::operations::admission::Admission;
use crate::process::listen::ConnectionLimits;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// How much a server takes on, and how long its connections last.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitsArgs {
    /// Most connections at once, on each port; more are closed as they come
    #[arg(
        long,
        env = "MUSTER_MAX_CONNECTIONS",
        hide_env_values = true,
        default_value = "1000",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    max_connections: u32,
    /// Most calls served at once, on each port; more are told to come back. Health is always
    /// answered
    #[arg(
        long,
        env = "MUSTER_MAX_CALLS",
        hide_env_values = true,
        default_value = "1000",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    max_calls: u32,
    /// Most gRPC calls at once on one connection
    #[arg(
        long,
        env = "MUSTER_MAX_STREAMS",
        hide_env_values = true,
        default_value = "256",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    max_streams: u32,
    /// Most calls a second of one method by one caller, on all ports together; 0 counts none.
    /// Where every caller is admin, none are counted
    #[arg(
        long,
        env = "MUSTER_CALLS_PER_SECOND",
        hide_env_values = true,
        default_value = "1000",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000)
    )]
    calls_per_second: u32,
    /// Largest gRPC request, in bytes or with a unit
    #[arg(
        long,
        env = "MUSTER_MAX_MESSAGE_BYTES",
        hide_env_values = true,
        default_value = "4MiB",
        value_name = "BYTES",
        value_parser = values::bytes(64 * KIB, 64 * MIB)
    )]
    max_message_bytes: u64,
    /// Longest time for the beginning of a connection: TLS, and the head of the first request
    #[arg(
        long,
        env = "MUSTER_HEADER_TIMEOUT",
        hide_env_values = true,
        default_value = "10s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), 5 * MINUTE)
    )]
    header_timeout: Duration,
    /// How long an HTTP connection may wait for its next request; more than a proxy in front keeps
    /// it
    #[arg(
        long,
        env = "MUSTER_IDLE_TIMEOUT",
        hide_env_values = true,
        default_value = "75s",
        value_name = "DURATION",
        value_parser = values::duration(SECOND, HOUR)
    )]
    idle_timeout: Duration,
    /// How often a gRPC client is asked whether it is still there
    #[arg(
        long,
        env = "MUSTER_KEEPALIVE_INTERVAL",
        hide_env_values = true,
        default_value = "30s",
        value_name = "DURATION",
        value_parser = values::duration(SECOND, HOUR)
    )]
    keepalive_interval: Duration,
    /// How long it may take to say so
    #[arg(
        long,
        env = "MUSTER_KEEPALIVE_TIMEOUT",
        hide_env_values = true,
        default_value = "10s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), 5 * MINUTE)
    )]
    keepalive_timeout: Duration,
    /// How long a connection takes new calls, a tenth more or less by chance: callers spread over
    /// the servers that there are by then
    #[arg(
        long,
        env = "MUSTER_MAX_CONNECTION_AGE",
        hide_env_values = true,
        default_value = "30m",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), 7 * DAY)
    )]
    max_connection_age: Duration,
    /// How much longer its gRPC calls may go on; uploads and downloads have no such limit
    #[arg(
        long,
        env = "MUSTER_MAX_CONNECTION_AGE_GRACE",
        hide_env_values = true,
        default_value = "5m",
        value_name = "DURATION",
        value_parser = values::duration(Duration::ZERO, DAY)
    )]
    max_connection_age_grace: Duration,
}

impl LimitsArgs {
    /// The limits of each port's connections.
    #[must_use]
    pub fn connections(&self) -> ConnectionLimits {
        ConnectionLimits {
            connections: self.max_connections as usize,
            streams: self.max_streams,
            header_timeout: self.header_timeout,
            idle_timeout: self.idle_timeout,
            keepalive_interval: self.keepalive_interval,
            keepalive_timeout: self.keepalive_timeout,
            age: self.max_connection_age,
            age_grace: self.max_connection_age_grace,
        }
    }

    /// Who is let in, on the gRPC port and on the HTTP port.
    #[must_use]
    pub fn admission(&self) -> (Admission, Admission) {
        let at_once = self.max_calls as usize;
        let grpc = Admission::new(at_once, NonZeroU32::new(self.calls_per_second));
        let http = grpc.beside(at_once);
        (grpc, http)
    }

    /// The largest gRPC request, in bytes.
    #[must_use]
    pub fn max_message_bytes(&self) -> usize {
        // 64 MiB at most.
        usize::try_from(self.max_message_bytes).unwrap_or(usize::MAX)
    }
}
