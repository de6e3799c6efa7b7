//! Input: the query string of a request to the data API.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| data_api::invariant::query(input));
