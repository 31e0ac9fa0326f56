//! Differential tests: the built binary's rows beside what independent tools say about the same captures.
//!
//! Each difference is listed with its reason in a committed table beside the test; one that is not listed
//! fails, and so does one that is listed and went away. `RHEOS_DIFFERENCES=write` writes the tables anew,
//! keeping the reasons that are known; a line without a reason fails, too.
//!
//! The captures lie outside the repository, see `differential/corpus.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test tells what it compared")]

#[path = "differential/apps.rs"]
mod apps;
#[path = "differential/classifiers.rs"]
mod classifiers;
#[path = "differential/corpus.rs"]
mod corpus;
#[path = "differential/dissected.rs"]
mod dissected;
#[path = "differential/dns.rs"]
mod dns;
#[path = "differential/encodings.rs"]
mod encodings;
#[path = "differential/listed.rs"]
mod listed;
#[path = "differential/page.rs"]
mod page;
#[path = "differential/quic.rs"]
mod quic;
#[path = "differential/replay.rs"]
mod replay;
#[path = "differential/rows.rs"]
mod rows;
#[path = "differential/spoken.rs"]
mod spoken;
#[path = "differential/ssh.rs"]
mod ssh;
#[path = "differential/tcp_analysis.rs"]
mod tcp_analysis;
#[path = "differential/tls.rs"]
mod tls;
#[path = "differential/tshark.rs"]
mod tshark;
#[path = "differential/zeek.rs"]
mod zeek;
#[path = "differential/zeek_log.rs"]
mod zeek_log;
