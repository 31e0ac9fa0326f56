//! Order of events and connection state, as Zeek's `conn.log` writes them.

use rheos_core::Direction;
use rheos_wire::Packet;

use crate::FlowHead;

/// Order of events as letters, upper case from the initiator, lower case from the responder.
#[derive(Clone, Debug, Default)]
pub struct History {}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnState {}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tracker;

impl Tracker {
    pub(crate) fn begin(&mut self, _: &mut FlowHead) {}
    pub(crate) fn on_packet(&mut self, _: &mut FlowHead, _: Direction, _: &Packet, _: &[u8]) {}
}
