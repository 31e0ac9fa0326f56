//! QUIC as an observer reads it: what every version shows (RFC 8999), the packets of version 1 (RFC 9000), version 2
//! (RFC 9369) and their drafts, and the Initial packets, whose keys anyone can derive (RFC 9001 §5.2).
//!
//! ```
//! use rheos_wire::quic::{Packet, Packets};
//!
//! let handshake = [0xe0, 0, 0, 0, 1, 1, 7, 1, 9, 2, 0xaa, 0xbb];
//! let mut packets = Packets::new(&handshake, 12);
//! let Some(Packet::Long(packet)) = packets.next() else { panic!("a long header") };
//! assert_eq!((packet.dcid, packet.scid), (&[7][..], &[9][..]));
//! assert!(packets.next().is_none() && !packets.is_malformed());
//! ```

mod chlo;
mod detect;
mod frames;
mod header;
mod keys;
mod packets;
mod read;
mod retry;
mod transport;
mod version;

pub use chlo::ClientHello as GoogleHello;
pub use detect::{Detected, detect};
pub use frames::{Ack, Close, Frame, Frames};
pub use header::{CID_LEN_MAX, ConnectionId, LongPacket, LongType, Negotiation, ShortPacket};
pub use keys::{InitialKey, InitialSecret, Opened, Sender};
pub use packets::{Packet, Packets};
pub use retry::retry_is_genuine;
pub use transport::{TransportParameter, TransportParameters, parameters};
pub use version::{Family, Version};
