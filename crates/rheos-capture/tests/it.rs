//! Integration tests of capture files.

mod it {
    mod pcap;
}
