#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::checks::csv_header;

fuzz_target!(|data: &[u8]| csv_header::check(data));
