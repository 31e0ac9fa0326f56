//! Order of events and connection state, as Zeek's `conn.log` writes them.

/// Order of events as letters, upper case from the initiator, lower case from the responder.
#[derive(Clone, Debug, Default)]
pub struct History {}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnState {}
