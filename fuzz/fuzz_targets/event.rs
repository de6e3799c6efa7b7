//! Input: the body of a webhook delivery.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| clerk::invariant::event(input));
