//! The public contract of `proto/`, compiled: messages, clients and servers.

/// `muster.v1`: user import jobs, user pools and users.
#[expect(clippy::all, reason = "generated from proto/")]
pub mod v1 {
    tonic::include_proto!("muster.v1");
}

/// The encoded `google.protobuf.FileDescriptorSet` of `proto/` and everything
/// it imports: for reflection, and for rendering messages as JSON.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/muster.v1.bin"));
