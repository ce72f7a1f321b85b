//! gRPC through the real server: whatever is sent, the answer is one that the
//! contract knows, and no bug.

use axum::http::Request;
use axum::http::uri::PathAndQuery;
use bytes::Bytes;

use super::grpc_call::Call;
use super::request::Written;
use super::world::World;

/// The first line is a path, the body the message. With `raw ` before the
/// path, the body is sent as it is, without a frame around it; with `gone `
/// besides, the caller does not wait for the answer. An admin calls, unless a
/// header says otherwise.
pub fn check(world: &World, data: &[u8]) {
    let Some(written) = Written::parse(data) else {
        return;
    };
    let (gone, path) = prefixed(written.first, "gone ");
    let (raw, path) = prefixed(path, "raw ");
    let path = format!("/{}", path.trim_start_matches('/'));
    let Ok(path) = path.parse::<PathAndQuery>() else {
        return;
    };
    let Some(request) = request(&written, path.as_str()) else {
        return;
    };
    let message = (!raw).then_some(written.body);
    let call = Call::new(path.path(), &request, message);
    let body = match message {
        Some(message) => frame(message),
        None => Bytes::copy_from_slice(written.body),
    };
    // Of a stream that lasts until the caller hangs up.
    let first_only = path.path().contains("/Watch");
    world.run(async {
        if gone {
            world.client.hang_up(request, body).await;
            if call.may_change() {
                world.restore().await;
            }
            return;
        }
        let Some(answer) = world.client.call(request, body, first_only).await else {
            return;
        };
        call.judge(&answer);
        if call.has_changed(&answer) {
            world.restore().await;
        }
    });
}

fn prefixed<'a>(line: &'a str, prefix: &str) -> (bool, &'a str) {
    let rest = line.strip_prefix(prefix);
    (rest.is_some(), rest.unwrap_or(line))
}

/// A message in a frame of gRPC.
pub fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("a short message");
    let mut frame = vec![0];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    frame.into()
}

fn request(written: &Written<'_>, path: &str) -> Option<Request<()>> {
    let mut request = Request::post(format!("http://muster.test{path}"));
    for (name, value) in [
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("authorization", "Bearer admin-token"),
    ] {
        if written.header(name).is_none() {
            request = request.header(name, value);
        }
    }
    for (name, value) in &written.headers {
        // HTTP/2 knows no other.
        if name != "te" || value == "trailers" {
            request = request.header(name, value);
        }
    }
    request.body(()).ok()
}
