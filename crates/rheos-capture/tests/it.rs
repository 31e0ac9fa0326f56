//! Integration tests of capture files.
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]
#![allow(clippy::print_stdout, reason = "a test that skips says so")]

mod it {
    mod corpus;
    mod encodings;
    mod files;
    mod made;
    mod merge;
    mod nfcapd;
    mod pcap;
    mod pcapng;
    mod property;
    mod write;
}
