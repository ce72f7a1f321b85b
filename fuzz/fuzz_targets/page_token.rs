#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::checks::page_token;

fuzz_target!(|data: &[u8]| page_token::check(data));
