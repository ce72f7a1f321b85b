#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::checks::csv_users;

fuzz_target!(|data: &[u8]| csv_users::check(data));
