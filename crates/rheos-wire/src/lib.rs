//! Bytes and meaning: what the headers of a frame say.
//!
//! [`decode`](decode::decode) walks a frame from its link header through tunnels to the transport header and
//! fills a [`Packet`]. Nothing here allocates, does I/O, panics, or loops without bound on any input:
//! each view checks its length once, and every accessor after that is total.
//!
//! | files | what they read |
//! |---|---|
//! | `decode`, `walk` | the loop over headers and its state |
//! | `plain` | the straight way for the most common frames |
//! | `link`, `ppp`, `mpls`, `wifi` | from the first byte to IP |
//! | [`mac`] | the hardware addresses around a packet |
//! | `ipv4`, `ipv6`, [`ipv6_ext`] | IP, fragments, extension headers |
//! | `transport`, [`tcp`], `udp`, `sctp`, [`icmp`], [`icmp_body`] | ports, payload, options |
//! | [`tunnel`], `gre`, `l2tp` | packets in packets |
//! | [`tls`], [`ja3`], [`ja4`] | TLS and DTLS handshakes and fingerprints of them |
//! | [`quic`] | QUIC packets, and what Initial packets hide from no one |
//! | [`x509`] | certificates |
//! | [`ssh`] | greetings and offers of SSH |
//! | [`dns`] | DNS messages |
//! | [`detect`] | how other protocols begin |
//! | [`service`] | what messages of smaller protocols say |
//! | [`export`] | NetFlow 5 and 9, IPFIX and sFlow, both ways |
//! | [`nfdump`] | records in files of nfdump |
//! | [`text`] | bytes as text that is safe to show |
//! | [`http1`], [`http2`] | messages and frames of HTTP |
//! | [`filter`] | the filter language on packets |
//! | [`app`] | the names of application protocols |
//! | [`checksum`], `crc32c` | the Internet checksum, and that of SCTP |
//! | [`community_id`](mod@community_id) | a flow's name that other tools compute alike |

pub mod app;
pub mod checksum;
pub mod community_id;
mod crc32c;
pub mod decode;
pub mod detect;
pub mod dns;
pub mod export;
pub mod filter;
mod gre;
pub mod http1;
pub mod http2;
pub mod icmp;
pub mod icmp_body;
mod ipv4;
mod ipv6;
pub mod ipv6_ext;
pub mod ja3;
pub mod ja4;
mod l2tp;
mod link;
pub mod mac;
mod mpls;
pub mod nfdump;
pub mod packet;
mod plain;
mod ppp;
pub mod quic;
mod sctp;
pub mod service;
pub mod ssh;
pub mod tcp;
pub mod text;
pub mod tls;
mod transport;
pub mod tunnel;
mod udp;
mod walk;
mod wifi;
pub mod x509;

pub use app::App;
pub use community_id::community_id;
pub use decode::{ChecksumPolicy, DecodeConfig, Decoded, TunnelPolicy, decode, decode_datagram};
pub use mac::{LinkHeader, MacAddr, link_header};
pub use packet::{
    ChecksumState, Fragment, Layer, Layers, Packet, TcpHeader, Tunnel, TunnelKind, tcp_flags,
};
pub use tcp::{OptionKinds, SackBlocks, TcpOption, TcpOptions};
pub use tunnel::TunnelPorts;
