//! Input: the decoded header of a token.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| clerk::invariant::token_header(input));
