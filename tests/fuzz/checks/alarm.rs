//! Panics in the threads of a server under test, which end a task and would
//! else go unseen.

use std::panic;
use std::sync::{Mutex, Once, PoisonError};

/// What the threads of a server are called.
pub const THREAD: &str = "server";

static RUNG: Mutex<Option<String>> = Mutex::new(None);

/// Begins to listen.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() == Some(THREAD) {
                let mut rung = RUNG.lock().unwrap_or_else(PoisonError::into_inner);
                *rung = Some(panic.to_string());
            }
            before(panic);
        }));
    });
}

/// Panics if a server has.
pub fn check() {
    let rung = RUNG.lock().unwrap_or_else(PoisonError::into_inner).take();
    assert!(
        rung.is_none(),
        "the server panicked: {}",
        rung.unwrap_or_default()
    );
}
