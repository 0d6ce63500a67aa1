#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coracle::fuzzing::ask("egress", bytes));
