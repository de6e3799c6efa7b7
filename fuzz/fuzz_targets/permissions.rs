//! Input: three lines, the claims `fea`, `o.per` and `o.fpm`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| clerk::invariant::permissions(input));
