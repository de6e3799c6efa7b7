//! Input: JSON text.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| clerk::invariant::jsonb_text(input));
