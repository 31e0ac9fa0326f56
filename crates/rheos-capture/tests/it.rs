//! Integration tests of capture files.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod it {
    mod pcap;
}
