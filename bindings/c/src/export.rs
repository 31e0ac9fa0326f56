//! Records as the datagrams of routers: NetFlow 5 and 9, IPFIX and sFlow.

use std::slice;

use rheos_core::{FlowRecord, Timestamp, WideRecord};
use rheos_wire::export::{ExportConfig, ExportRecord, Exporter as Encoder, Protocol, Refused};

use crate::error::{Error, handed_out, nothing, object_mut, reporting};
use crate::guarded;

/// What an exporter speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum ExportProtocol {
    /// NetFlow version 5: IPv4 only.
    Netflow5 = 1,
    /// NetFlow version 9 (RFC 3954).
    Netflow9 = 2,
    /// IPFIX (RFC 7011).
    Ipfix = 3,
    /// sFlow version 5: samples of packets.
    Sflow = 4,
}

/// Makes datagrams of records, one at a time, in memory of its own. Sends nothing: that is for a socket of the caller's.
#[derive(Debug)]
pub struct Exporter {
    encoder: Encoder,
    datagram: Vec<u8>,
}

/// An exporter of one `rheos_export_protocol`. `domain` is the observation domain or source id; a `datagram_len_max` of
/// 0 is what fits Ethernet; `sampling` tells the collector that one packet in so many was counted, 0 and 1 that all
/// were. Null on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_exporter_new(
    protocol: u32,
    domain: u32,
    datagram_len_max: usize,
    sampling: u32,
    error: *mut *mut Error,
) -> *mut Exporter {
    let work = || {
        let protocol = match protocol {
            p if p == ExportProtocol::Netflow5 as u32 => Protocol::NetFlow5,
            p if p == ExportProtocol::Netflow9 as u32 => Protocol::NetFlow9,
            p if p == ExportProtocol::Ipfix as u32 => Protocol::Ipfix,
            p if p == ExportProtocol::Sflow as u32 => Protocol::Sflow5,
            _ => {
                let hint = "use one of rheos_export_protocol";
                return Err(Error::argument("there is no such protocol", hint));
            }
        };
        let default = ExportConfig::default();
        let datagram_len_max = match datagram_len_max {
            0 => default.datagram_len_max,
            told => told,
        };
        let sampling = sampling.max(1);
        let config = ExportConfig { protocol, domain, datagram_len_max, sampling, ..default };
        let wrong = |error: rheos_wire::export::ConfigError| {
            Error::argument(&error.to_string(), "0 is a value that fits, for both")
        };
        let encoder = Encoder::new(config).map_err(wrong)?;
        let datagram = vec![0; encoder.datagram_len_max()];
        Ok(handed_out(Exporter { encoder, datagram }))
    };
    // SAFETY: null or a place for an error, as the interface asks.
    unsafe { reporting(error, nothing(), work) }
}

/// Frees an exporter, and the datagram that it gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_exporter_free(exporter: *mut Exporter) {
    if !exporter.is_null() {
        // SAFETY: made by `Box::into_raw`, and freed once, as the interface asks.
        drop(unsafe { Box::from_raw(exporter) });
    }
}

/// Fills one datagram with as many of the records as it holds.
unsafe fn encoded<R: ExportRecord>(
    exporter: *mut Exporter,
    now: u64,
    (records, count): (*const R, usize),
    (taken, length): (*mut usize, *mut usize),
) -> *const u8 {
    let records: &[R] = if records.is_null() {
        &[]
    } else {
        // SAFETY: `count` records lie there, as the interface asks.
        unsafe { slice::from_raw_parts(records, count) }
    };
    // SAFETY: null or live and used by this thread only, as the interface asks.
    let (exporter, taken, length) =
        unsafe { (object_mut(exporter, "exporter").ok(), taken.as_mut(), length.as_mut()) };
    let (mut done, mut len, mut bytes) = (0, 0, c"".as_ptr().cast::<u8>());
    if let Some(Exporter { encoder, datagram }) = exporter {
        let now = Timestamp::from_nanos(now);
        // The buffer is as long as the exporter asks for.
        let filled = guarded(None, || encoder.encode(now, records, datagram).ok());
        if let Some(filled) = filled {
            (done, len, bytes) = (filled.taken, filled.len, datagram.as_ptr());
        }
    }
    if let Some(taken) = taken {
        *taken = done;
    }
    if let Some(length) = length {
        *length = len;
    }
    bytes
}

/// The next datagram at the moment `now` (nanoseconds since the Unix epoch); it lives until the next call. `taken` says
/// how many of the records are done: go on with those behind them until all are. A `length` of 0 is nothing to send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_exporter_encode(
    exporter: *mut Exporter,
    now: u64,
    records: *const FlowRecord,
    count: usize,
    taken: *mut usize,
    length: *mut usize,
) -> *const u8 {
    // SAFETY: as the interface asks.
    unsafe { encoded(exporter, now, (records, count), (taken, length)) }
}

/// The same for wide records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_exporter_encode_wide(
    exporter: *mut Exporter,
    now: u64,
    records: *const WideRecord,
    count: usize,
    taken: *mut usize,
    length: *mut usize,
) -> *const u8 {
    // SAFETY: as the interface asks.
    unsafe { encoded(exporter, now, (records, count), (taken, length)) }
}

/// How many records could not be told in the protocol: IPv6 in NetFlow 5, and more than it can count. 0 of null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_exporter_refused(exporter: *const Exporter) -> u64 {
    // SAFETY: null or live, as the interface asks.
    let exporter = unsafe { exporter.as_ref() };
    exporter.map_or(0, |exporter| {
        let counters = exporter.encoder.counters();
        Refused::ALL.iter().map(|reason| counters.refused(*reason)).sum()
    })
}
