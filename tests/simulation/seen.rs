//! What the log says while a history goes on.

use std::sync::{Arc, Mutex};

use muster::domain::error::{Error, ErrorKind};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

/// What is wrong whenever it happens. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    /// An error that is none of those that faults explain.
    pub fn judge(&self, what: &str, error: &Error) {
        if error.kind() == ErrorKind::Internal {
            self.add(format!("{what}: {error:?}"));
        }
    }

    pub fn add(&self, complaint: String) {
        self.0.lock().expect("the complaints").push(complaint);
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("the complaints"))
    }
}

struct Listener {
    complaints: Complaints,
    turned_away: Arc<Mutex<u64>>,
}

struct Fields<'a> {
    listener: &'a Listener,
    said: String,
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.said = format!("{value:?}");
        }
    }

    fn record_error(&mut self, _: &Field, value: &(dyn std::error::Error + 'static)) {
        if let Some(error) = value.downcast_ref::<Error>() {
            self.listener.complaints.judge("logged", error);
        }
    }
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields {
            listener: self,
            said: String::new(),
        };
        event.record(&mut fields);
        if fields.said.starts_with("the lease was lost") {
            *self.turned_away.lock().expect("the count") += 1;
        }
    }
}

/// Listens to this thread's log until the guard is dropped. The number is of
/// workers that were told that another has their job.
pub fn listen(complaints: &Complaints) -> (DefaultGuard, Arc<Mutex<u64>>) {
    let turned_away = Arc::<Mutex<u64>>::default();
    let listener = Listener {
        complaints: complaints.clone(),
        turned_away: turned_away.clone(),
    };
    let subscriber = Registry::default().with(listener.with_filter(LevelFilter::WARN));
    (tracing::subscriber::set_default(subscriber), turned_away)
}
