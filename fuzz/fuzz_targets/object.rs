//! Input: the JSON of a user, organization, membership or deletion notice.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| clerk::invariant::object(input));
