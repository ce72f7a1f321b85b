//! One call, from its beginning to its answer or to its caller's hanging up.

use std::time::Instant;

use metrics::{counter, gauge, histogram};

use super::{Word, names};

/// The port or protocol over which a call comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// gRPC.
    Grpc,
    /// Plain HTTP: uploads, downloads, probes.
    Http,
    /// AWS JSON, on the HTTP port.
    Aws,
}

impl Front {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
            Self::Aws => "aws",
        }
    }
}

/// What stands for all methods that there are not, so that no caller can make
/// up new ones.
pub const UNKNOWN_METHOD: &str = "other";
/// The code of a call that nobody waited for.
const CANCELLED: &str = "CANCELLED";

/// A call that is being answered. Dropped without an end: its caller hung up.
#[derive(Debug)]
pub struct CallTimer {
    begun: Instant,
    front: Front,
    method: Word,
    ended: bool,
}

impl CallTimer {
    /// Begins with a method out of a closed set.
    #[must_use]
    pub fn begin(front: Front, method: impl Into<Word>) -> Self {
        gauge!(names::CALLS_IN_FLIGHT.name, "front" => front.as_str()).increment(1.0);
        Self {
            begun: Instant::now(),
            front,
            method: method.into(),
            ended: false,
        }
    }

    /// Ends with a code out of a closed set. Only the first end counts.
    pub fn end(&mut self, code: impl Into<Word>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let (front, method) = (self.front.as_str(), self.method.clone());
        gauge!(names::CALLS_IN_FLIGHT.name, "front" => front).decrement(1.0);
        histogram!(names::CALL_SECONDS.name, "front" => front, "method" => method.clone())
            .record(self.begun.elapsed());
        counter!(names::CALLS.name, "front" => front, "method" => method, "code" => code.into())
            .increment(1);
    }

    /// The same, where the method is known only now.
    pub fn end_as(&mut self, method: impl Into<Word>, code: impl Into<Word>) {
        self.method = method.into();
        self.end(code);
    }
}

impl Drop for CallTimer {
    fn drop(&mut self) {
        self.end(CANCELLED);
    }
}
