//! Bytes and meaning: what the headers of a frame say.
//!
//! [`decode`](decode::decode) walks a frame from its link header through tunnels to the transport header and
//! fills a [`Packet`]. Nothing here allocates, does I/O, panics, or loops without bound on any input:
//! each view checks its length once, and every accessor after that is total.

pub mod decode;
pub mod packet;

pub use decode::{ChecksumPolicy, DecodeConfig, Decoded, TunnelPolicy, decode, decode_datagram};
pub use packet::{
    ChecksumState, Fragment, Layer, Layers, Packet, TcpHeader, Tunnel, TunnelKind, tcp_flags,
};
