//! Flow export: records into the datagrams of routers and back.
//!
//! An [`Exporter`] turns [`WideRecord`]s or [`FlowRecord`]s into datagrams of one [`Protocol`]; a [`Collector`] reads
//! datagrams of all four into `WideRecord`s. Neither reads a clock or opens a socket: the time of export
//! and the bytes are arguments.
//!
//! [`WideRecord`]: rheos_core::WideRecord
//! [`FlowRecord`]: rheos_core::FlowRecord
//!
//! ```
//! use rheos_core::{Timestamp, WideRecord};
//! use rheos_wire::export::{Collector, CollectorConfig, ExportConfig, Exporter, Protocol};
//!
//! let record = WideRecord { packets: 3, bytes: 420, protocol: 17, ..WideRecord::default() };
//! let mut exporter = Exporter::new(ExportConfig { protocol: Protocol::Ipfix, ..ExportConfig::default() })?;
//! let mut datagram = vec![0; exporter.datagram_len_max()];
//! let filled = exporter.encode(Timestamp::from_secs(60), &[record], &mut datagram)?;
//! assert_eq!(filled.taken, 1);
//!
//! let mut collector = Collector::new(CollectorConfig::default());
//! let mut records = Vec::new();
//! let from = std::net::Ipv4Addr::LOCALHOST.into();
//! collector.read(from, Timestamp::from_secs(60), &datagram[..filled.len], &mut records)?;
//! assert_eq!(records, [record]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `netflow5` | NetFlow version 5, both ways |
//! | `template`, `layout` | the templates of NetFlow 9 and IPFIX that are written, and records by them |
//! | `message` | NetFlow 9 (RFC 3954) and IPFIX (RFC 7011) messages, written |
//! | `sflow` | sFlow version 5, both ways |
//! | `collect`, `cache`, `fields` | [`Collector`]: templates kept, records read by them |
//! | `ntp` | times as IPFIX writes them |
//!
//! What a record tells and no router does stays at home: `pattern`, `label`, and of the flags all but the
//! version of the addresses. `stream_id` travels as the domain of the exporter, [`ExportConfig::domain`].

mod cache;
mod collect;
mod exporter;
mod fields;
mod layout;
mod message;
mod netflow5;
mod ntp;
mod sflow;
mod slot;
mod template;

pub use collect::{
    Collector, CollectorConfig, CollectorCounters, Malformed, Read, Scaling, ipfix_message_len,
};
pub use exporter::{
    BufferTooSmall, ConfigError, ExportConfig, ExportCounters, ExportRecord, Exporter, Filled,
    Protocol, Refused, Times,
};
