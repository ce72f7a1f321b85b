//! Starting, ready, database away, draining.

use muster::api::v1::ListUserPoolsRequest;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use muster::process::health::{LIVENESS, SCHEDULER};
use nix::sys::signal::Signal;
use tonic::Request;
use tonic::transport::Endpoint;

use super::manifest::{Answer, Container};
use super::pod::{Pod, TOKEN};
use crate::support::gate::Gate;
use crate::support::muster::TestMuster;
use crate::support::process::code;
use crate::support::wire::Wire;

const SERVER: &str = "base/server.yaml";
const OF_SCHEDULER: &str = "base/scheduler.yaml";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn probes_tell_starting_ready_and_away_from_its_database_apart() {
    for file in [SERVER, OF_SCHEDULER] {
        let test = TestMuster::new();
        let wire = Wire::new(test.database_url());
        wire.cut();
        let mut pod = Pod::start(file, wire.url());
        let startup = pod.startup.clone();
        // Its start does not wait for the database, or it would be killed.
        pod.until(&startup, Answer::Serving).await;
        pod.process.line("waiting for the database");
        pod.is(Answer::NotServing).await;

        wire.mend();
        pod.is(Answer::Serving).await;
        for break_it in [Wire::cut, Wire::fall_silent] {
            break_it(&wire);
            pod.is(Answer::NotServing).await;
            wire.mend();
            pod.is(Answer::Serving).await;
        }
        assert_eq!(pod.process.terminate(), 0, "{}", pod.process.errors());
        for probe in [&pod.startup, &pod.readiness, &pod.liveness] {
            assert_eq!(probe.ask(pod.ip).await, Answer::None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_drains_is_alive_and_not_ready_to_its_end() {
    let test = TestMuster::new();
    let mut pod = Pod::start(SERVER, test.database_url());
    pod.is(Answer::Serving).await;
    let mut gate = Gate::shut(&test, "LOCK TABLE user_pools").await;
    let grpc = format!("http://{}:50051", pod.ip);
    let channel = Endpoint::from_shared(grpc).expect("an address");
    let channel = channel.connect().await.expect("a connection");
    let mut request = Request::new(ListUserPoolsRequest::default());
    let token = format!("Bearer {TOKEN}").parse().expect("a header");
    request.metadata_mut().insert("authorization", token);
    let call = tokio::spawn(async move {
        UserPoolServiceClient::new(channel)
            .list_user_pools(request)
            .await
    });
    gate.crowded().await;

    pod.process.signal(Signal::SIGTERM);
    pod.is(Answer::NotServing).await;
    gate.open().await;
    call.await.expect("a task").expect("an answer");
    assert_eq!(code(pod.process.wait()), 0, "{}", pod.process.errors());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_scheduler_that_drains_is_alive_and_not_ready_to_its_end() {
    let test = TestMuster::new();
    let mut pod = Pod::start(OF_SCHEDULER, test.database_url());
    pod.is(Answer::Serving).await;
    // A duty's round ends before the process does.
    let mut gate = Gate::shut(&test, "LOCK TABLE user_import_jobs").await;
    gate.crowded().await;

    pod.process.signal(Signal::SIGTERM);
    pod.is(Answer::NotServing).await;
    gate.open().await;
    assert_eq!(code(pod.process.wait()), 0, "{}", pod.process.errors());
}

#[test]
fn each_probe_asks_a_name_that_follows_what_it_is_for() {
    for (file, ready) in [(SERVER, ""), (OF_SCHEDULER, SCHEDULER)] {
        let container = Container::of(file);
        assert_eq!(container.probe("startupProbe").service(), LIVENESS);
        assert_eq!(container.probe("livenessProbe").service(), LIVENESS);
        assert_eq!(container.probe("readinessProbe").service(), ready);
    }
}
