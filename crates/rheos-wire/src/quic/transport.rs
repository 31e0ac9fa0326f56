//! The transport parameters that a hello carries (RFC 9000 §18).

use super::read::Reader;

/// Identifiers of parameters (IANA "QUIC Transport Parameters") that are asked for.
pub mod parameters {
    /// Idle timeout in milliseconds.
    pub const MAX_IDLE_TIMEOUT: u64 = 0x01;
    /// Largest UDP payload that is taken, in bytes.
    pub const MAX_UDP_PAYLOAD_SIZE: u64 = 0x03;
    /// Bytes that the peer may send at first.
    pub const INITIAL_MAX_DATA: u64 = 0x04;
    /// Bidirectional streams that the peer may open at first.
    pub const INITIAL_MAX_STREAMS_BIDI: u64 = 0x08;
    /// Connection ids of the peer that are kept.
    pub const ACTIVE_CONNECTION_ID_LIMIT: u64 = 0x0e;
    /// The chosen and the available versions (RFC 9368 §3).
    pub const VERSION_INFORMATION: u64 = 0x11;
    /// Largest DATAGRAM frame that is taken (RFC 9221 §3).
    pub const MAX_DATAGRAM_FRAME_SIZE: u64 = 0x20;
    /// Google's name of its client.
    pub const GOOGLE_USER_AGENT: u64 = 0x3129;
}

/// A parameter as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportParameter<'a> {
    /// Its identifier, see [`parameters`].
    pub id: u64,
    /// Its value.
    pub value: &'a [u8],
}

impl TransportParameter<'_> {
    /// The value of parameters that are one number.
    pub fn number(&self) -> Option<u64> {
        let mut reader = Reader::new(self.value);
        reader.varint().filter(|_| reader.is_empty())
    }

    /// Whether the identifier is reserved, so that peers learn to ignore the unknown: `31 * N + 27`
    /// (RFC 9000 §18.1).
    pub const fn is_grease(&self) -> bool {
        self.id % 31 == 27
    }
}

/// The parameters in the order they were sent, from the content of the TLS extension `quic_transport_parameters`. Ends at
/// the first that does not fit. Drafts before 27 encode them in another way.
#[derive(Clone, Debug)]
pub struct TransportParameters<'a>(Reader<'a>);

impl<'a> TransportParameters<'a> {
    /// The parameters in the extension's content.
    pub const fn new(extension: &'a [u8]) -> Self {
        Self(Reader::new(extension))
    }

    /// The first parameter with this identifier.
    pub fn get(&self, id: u64) -> Option<TransportParameter<'a>> {
        let mut list = self.clone();
        list.find(|parameter| parameter.id == id)
    }
}

impl<'a> Iterator for TransportParameters<'a> {
    type Item = TransportParameter<'a>;

    fn next(&mut self) -> Option<TransportParameter<'a>> {
        let mut reader = self.0;
        let parameter = reader.varint().zip(reader.counted());
        self.0 = if parameter.is_some() { reader } else { Reader::default() };
        parameter.map(|(id, value)| TransportParameter { id, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_in_order() {
        // max_idle_timeout 30000, a reserved one, initial_source_connection_id, and one that does not fit.
        let bytes = [1, 4, 0x80, 0, 0x75, 0x30, 27, 1, 9, 0x0f, 0, 4, 9, 1];
        let list = TransportParameters::new(&bytes);
        assert_eq!(list.clone().map(|p| p.id).collect::<Vec<_>>(), [1, 27, 15]);
        let timeout = list.get(parameters::MAX_IDLE_TIMEOUT).unwrap();
        assert_eq!((timeout.number(), timeout.is_grease()), (Some(30_000), false));
        assert!(list.get(27).unwrap().is_grease());
        assert_eq!(list.get(15).unwrap().number(), None);
        assert_eq!(list.get(4), None);
        assert_eq!(TransportParameter { id: 1, value: &[1, 2] }.number(), None);
    }
}
