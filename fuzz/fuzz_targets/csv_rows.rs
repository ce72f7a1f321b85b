#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::checks::csv_rows;

fuzz_target!(|data: &[u8]| csv_rows::check(data));
