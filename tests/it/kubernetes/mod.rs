//! The probes of `deploy/kubernetes/` against the real programs: what a
//! kubelet would ask, by service name and port, in each state of a process.
//!
//! A kubelet asks the pod's address. Here each process has a loopback address
//! of its own instead, with the very ports of the manifest; only Linux has so
//! many of them.
#![cfg(target_os = "linux")]

mod manifest;
mod pod;
mod probes;
