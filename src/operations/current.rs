//! A value that is replaced whole while others use it.

use std::sync::{Arc, PoisonError, RwLock};

/// What is in force now. All clones change together; whoever has taken a value
/// keeps it.
#[derive(Debug)]
pub struct Current<T>(Arc<RwLock<Arc<T>>>);

impl<T> Current<T> {
    /// The value, until it is replaced.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    /// The value that is in force.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        // Nothing panics while it holds the lock; if it did, the value is whole.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another value in force.
    pub fn replace(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_change_together_and_what_was_taken_stays() {
        let current = Current::new(1);
        let clone = current.clone();
        let before = clone.get();
        current.replace(2);
        assert_eq!((*before, *clone.get()), (1, 2));
    }
}
