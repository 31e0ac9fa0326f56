//! Tests of the flow crate from outside.

#![allow(clippy::unwrap_used)]

mod it {
    mod corpus;
    mod flows;
    mod fragments;
    mod history;
    mod ingest;
    mod packets;
    mod reassembly;
    mod soup;
}
