//! The gRPC front: parse, call one operation, convert. It knows the messages
//! of `proto/` and nothing of the store.

mod bounded;
mod call;
mod convert;
mod deadline;
mod layer;
mod measured;
mod status;
mod user;
mod user_import;
mod user_pool;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::pb::health_server::{Health, HealthServer};

use crate::api::FILE_DESCRIPTOR_SET;
use crate::api::v1::user_import_service_server::UserImportServiceServer;
use crate::api::v1::user_pool_service_server::UserPoolServiceServer;
use crate::api::v1::user_service_server::UserServiceServer;
use crate::domain::error::Error;
use crate::operations::Muster;
use crate::operations::admission::Admission;
use crate::operations::callers::Callers;

/// The largest answer, in bytes: a page of 60 users, each with 20 attributes of
/// 2,048 characters of up to 4 bytes, has about 10 MB.
const MAX_ANSWER: usize = 32 << 20;

/// How calls are served.
#[derive(Clone, Debug)]
pub struct GrpcOptions {
    /// When cancelled, streams end with UNAVAILABLE, so that they hold up no
    /// shutdown. Other calls run to their end.
    pub shutdown: CancellationToken,
    /// Longest time for a call, whatever the caller allows. A stream may last
    /// longer; only its beginning is bounded.
    pub request_timeout: Duration,
    /// The largest request, in bytes.
    pub max_message_bytes: usize,
    /// How many calls are served at once, and how often each caller may call.
    pub admission: Admission,
}

/// All services of the gRPC port, health and reflection among them, for
/// [`tonic::transport::Server::add_routes`]. Services that are added to the
/// routes later are not guarded by `callers`.
///
/// # Errors
/// Internal when the descriptors that were compiled in cannot be read.
pub fn router<H: Health>(
    muster: Muster,
    callers: Callers,
    options: GrpcOptions,
    health: HealthServer<H>,
) -> Result<Routes, Error> {
    let imports = UserImportServiceServer::new(user_import::UserImports(muster.clone()))
        .max_decoding_message_size(options.max_message_bytes)
        .max_encoding_message_size(MAX_ANSWER);
    let pools = UserPoolServiceServer::new(user_pool::UserPools(muster.clone()))
        .max_decoding_message_size(options.max_message_bytes)
        .max_encoding_message_size(MAX_ANSWER);
    let users = UserServiceServer::new(user::Users(muster))
        .max_decoding_message_size(options.max_message_bytes)
        .max_encoding_message_size(MAX_ANSWER);
    let mut routes = Routes::builder();
    routes
        .add_service(imports)
        .add_service(pools)
        .add_service(users)
        .add_service(health)
        .add_service(reflection().build_v1().map_err(Error::internal)?)
        // What grpcurl and others asked for before there was a v1.
        .add_service(reflection().build_v1alpha().map_err(Error::internal)?);
    let layer = layer::Layer {
        callers,
        options,
        methods: measured::Methods::read(&DESCRIPTORS).map_err(Error::internal)?,
    };
    let guarded = routes
        .routes()
        .into_axum_router()
        .layer(axum::middleware::from_fn_with_state(layer, layer::serve));
    Ok(Routes::from(guarded).prepare())
}

/// Descriptors of all that the port serves.
const DESCRIPTORS: [&[u8]; 4] = [
    FILE_DESCRIPTOR_SET,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// Answers descriptors of all that the port serves.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    DESCRIPTORS
        .iter()
        .fold(
            tonic_reflection::server::Builder::configure(),
            |builder, descriptors| builder.register_encoded_file_descriptor_set(descriptors),
        )
        .include_reflection_service(false)
}
