//! Traces, as OpenTelemetry has them: one for what a caller does with a job,
//! from Create to the end of its import, through all processes.
//!
//! A [`Step`] is a span; what it is part of is said by a [`Parent`], that came
//! with a call or with a job's row. The log's spans are others: what goes to a
//! trace is named here and where a step is begun, and is nothing of a row, and
//! no credentials. Without an exporter all of this does next to nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::SystemTime;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, Value, global};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The headers in which a caller says what a call is part of (W3C).
const HEADERS: [&str; 2] = ["traceparent", "tracestate"];
/// The part of them that is kept with a job.
const TRACE_PARENT: &str = HEADERS[0];
/// The name of whoever makes the spans.
const TRACER: &str = "muster";

/// What a step is part of.
#[derive(Clone, Debug)]
pub struct Parent(Context);

impl Parent {
    /// What a call's headers say, if they are of W3C's form.
    #[must_use]
    pub fn of_headers<'h>(get: impl Fn(&'static str) -> Option<&'h str>) -> Self {
        let headers = HEADERS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), get(name)?.to_owned())));
        Self::read(&headers.collect())
    }

    /// What is kept with a job.
    #[must_use]
    pub fn of_job(trace_parent: Option<&str>) -> Self {
        Self::of_headers(|name| trace_parent.filter(|_| name == TRACE_PARENT))
    }

    /// The step in which this is called, as far as there is one.
    #[must_use]
    pub fn current() -> Self {
        Self(Context::current())
    }

    /// What is to be kept with a job.
    #[must_use]
    pub fn to_job(&self) -> Option<String> {
        let mut headers = HashMap::new();
        TraceContextPropagator::new().inject_context(&self.0, &mut headers);
        headers.remove(TRACE_PARENT)
    }

    /// Runs something within this.
    pub fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.with_context(self.0.clone())
    }

    fn read(headers: &HashMap<String, String>) -> Self {
        Self(TraceContextPropagator::new().extract_with_context(&Context::new(), headers))
    }
}

/// The time, for [`Step::begun_at`].
#[must_use]
pub fn now() -> SystemTime {
    opentelemetry::time::now()
}

/// Notes something at the step in which this is called.
pub fn note(key: &'static str, value: impl Into<Value>) {
    Context::map_current(|context| context.span().set_attribute(KeyValue::new(key, value)));
}

/// A span that is under way, until it is dropped.
#[derive(Debug)]
pub struct Step(Context);

impl Step {
    /// A call that is served.
    #[must_use]
    pub fn of_call(name: impl Into<Cow<'static, str>>, parent: &Parent) -> Self {
        Self::start(name.into(), SpanKind::Server, None, parent)
    }

    /// Something that muster does by itself.
    #[must_use]
    pub fn begin(name: &'static str, parent: &Parent) -> Self {
        Self::start(name.into(), SpanKind::Internal, None, parent)
    }

    /// The same, where it was known only later what it is part of.
    #[must_use]
    pub fn begun_at(time: SystemTime, name: &'static str, parent: &Parent) -> Self {
        Self::start(name.into(), SpanKind::Internal, Some(time), parent)
    }

    fn start(
        name: Cow<'static, str>,
        kind: SpanKind,
        time: Option<SystemTime>,
        parent: &Parent,
    ) -> Self {
        let tracer = global::tracer(TRACER);
        let mut builder = tracer.span_builder(name).with_kind(kind);
        builder.start_time = time;
        let span = builder.start_with_context(&tracer, &parent.0);
        Self(parent.0.with_span(span))
    }

    /// Notes something.
    pub fn set(&self, key: &'static str, value: impl Into<Value>) {
        self.0.span().set_attribute(KeyValue::new(key, value));
    }

    /// Notes a number of things.
    pub fn count(&self, key: &'static str, count: u64) {
        self.set(key, i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Notes which job it is about.
    pub fn job(&self, pool: impl ToString, job: impl ToString) {
        self.set("muster.user_pool_id", pool.to_string());
        self.set("muster.job_id", job.to_string());
    }

    /// Gives it another name, now that it is known.
    pub fn rename(&self, name: &'static str) {
        self.0.span().update_name(name);
    }

    /// Notes that it failed, and not by its caller's fault.
    pub fn fail(&self, why: impl Into<Cow<'static, str>>) {
        self.0.span().set_status(Status::error(why));
    }

    /// What is part of this.
    #[must_use]
    pub fn parent(&self) -> Parent {
        Parent(self.0.clone())
    }

    /// Runs something within this.
    pub fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        self.parent().around(work)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        // What is part of it may still hold the context.
        self.0.span().end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_a_caller_says_is_kept_with_a_job_also_without_an_exporter() {
        let parent = Parent::of_headers(|name| (name == "traceparent").then_some(GIVEN));
        assert_eq!(parent.to_job().as_deref(), Some(GIVEN));
        assert_eq!(Parent::of_job(Some(GIVEN)).to_job().as_deref(), Some(GIVEN));
        let step = Step::of_call("x", &parent);
        assert_eq!(step.parent().to_job().as_deref(), Some(GIVEN));
    }

    #[test]
    fn what_is_not_of_the_form_is_passed_over() {
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
            "'; DROP TABLE users; --",
        ] {
            assert_eq!(Parent::of_job(Some(bad)).to_job(), None, "{bad}");
        }
        assert_eq!(Parent::of_job(None).to_job(), None);
    }

    #[tokio::test]
    async fn a_step_is_current_within_what_it_is_around_and_nowhere_else() {
        let step = Step::begin("x", &Parent::of_job(Some(GIVEN)));
        let within = step.around(async {
            tokio::task::yield_now().await;
            Parent::current().to_job()
        });
        assert_eq!(within.await.as_deref(), Some(GIVEN));
        assert_eq!(Parent::current().to_job(), None);
    }
}
