//! Who moves a job from which status to which (`docs/contract.md`, "Life of a
//! job"), one call at a time and several at once.

mod at_once;
mod forbidden;
mod races;
mod request_ids;
mod statuses;
mod transitions;
mod woken;
