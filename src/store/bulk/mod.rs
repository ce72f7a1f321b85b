//! Loading a batch of users: plainly by binary COPY when nothing collides;
//! without the rows whose username is taken, when some are; row by row in
//! effect, when that does not help either.

mod columns;
mod conflict;
mod copy;
mod known;
mod merged;
mod rows;

pub use conflict::insert_or_reject;
pub use copy::{insert_merged, insert_plain};
pub use known::{Known, find_known};
pub use merged::Merged;
pub use rows::{UserRow, UserRows};
