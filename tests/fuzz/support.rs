//! What the tests of `tests/it` share, as far as it is of use here.

#[path = "../it/support/cluster.rs"]
pub mod cluster;
#[path = "../it/support/imports.rs"]
pub mod imports;
#[path = "../it/support/look.rs"]
pub mod look;
#[path = "../it/support/muster.rs"]
pub mod muster;
#[path = "../it/support/template.rs"]
mod template;
