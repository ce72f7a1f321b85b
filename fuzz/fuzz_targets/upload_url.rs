#![no_main]

use std::cell::LazyCell;

use libfuzzer_sys::fuzz_target;
use muster_fuzz::checks::offline::Offline;
use muster_fuzz::checks::upload_url;

thread_local! {
    static OFFLINE: LazyCell<Offline> = LazyCell::new(Offline::new);
}

fuzz_target!(|data: &[u8]| OFFLINE.with(|offline| upload_url::check(offline, data)));
