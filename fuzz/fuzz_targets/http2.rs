//! A server's HTTP/2 connection, and a peer that sends anything after its preface.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| seldon_runtime::fuzz_http2(bytes));
