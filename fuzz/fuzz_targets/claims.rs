//! Input: the decoded payload of a token.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| clerk::invariant::claims(input));
