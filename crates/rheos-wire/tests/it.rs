//! Integration tests of the decoder: hand-written frames by topic, random bytes, independent decoders, and
//! the captures of the corpus.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stop at what they do not expect"
)]

mod it {
    pub(crate) mod build;
    pub(crate) mod captures;

    mod checksums;
    mod corpus;
    mod defects;
    mod dns;
    mod export;
    mod filter;
    mod fragments;
    mod ip;
    mod links;
    mod never_panics;
    mod oracle;
    mod plain;
    mod quic;
    mod ssh;
    mod tls;
    mod transport;
    mod tunnels;
    mod wifi;
}
