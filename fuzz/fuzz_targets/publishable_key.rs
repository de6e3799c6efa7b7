//! Input: a publishable key.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| clerk::invariant::publishable_key(input));
