//! Frames by hand, and the rows that the whole road makes of them.

use std::convert::Infallible;
use std::sync::Arc;

use arrow_array::RecordBatch;
use rheos_core::{FrameBatch, FrameMeta, LinkType, Timestamp};
use rheos_features::{ExtractConfig, Summary, pipeline};

use super::rows::{Row, START_NS, Value, all_columns, check};

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

/// A frame and when it was captured, in ms after the start.
pub(crate) type Timed = (u64, Vec<u8>);

/// An Ethernet frame with the given VLAN tags.
pub(crate) fn ethernet(vlans: &[u16], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    for vlan in vlans {
        frame.extend([0x81, 0x00]);
        frame.extend(vlan.to_be_bytes());
    }
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An IPv4 packet from 10.0.0.`src` to 10.0.0.`dst`; `fragment` is the word of flags and offset.
pub(crate) fn ipv4(src: u8, dst: u8, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0x12, 0x34]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, src, 10, 0, 0, dst]);
    packet.extend(payload);
    packet
}

/// An IPv6 packet from 2001:db8::1 to 2001:db8::2.
pub(crate) fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next_header, 64]);
    for host in [1, 2] {
        packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    packet.extend(payload);
    packet
}

pub(crate) fn udp(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(src_port.to_be_bytes());
    datagram.extend(dst_port.to_be_bytes());
    datagram.extend(((8 + payload.len()) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

pub(crate) fn tcp(ports: (u16, u16), seq: u32, ack: u32, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(ports.0.to_be_bytes());
    segment.extend(ports.1.to_be_bytes());
    segment.extend(seq.to_be_bytes());
    segment.extend(ack.to_be_bytes());
    segment.extend((0x5000 | flags).to_be_bytes());
    segment.extend([0x10, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

/// A UDP packet in a frame, from 10.0.0.`src`.
pub(crate) fn udp_frame(src: u8, dst: u8, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    ethernet(&[], 0x0800, &ipv4(src, dst, UDP, 0, &udp(ports.0, ports.1, payload)))
}

/// Batches of `size` frames.
pub(crate) fn batches(frames: &[Timed], size: usize) -> Vec<FrameBatch> {
    let mut first_index = 0;
    let batch = |frames: &[Timed]| {
        let mut bytes = Vec::new();
        let metas = frames.iter().map(|(ms, frame)| {
            let offset = bytes.len();
            bytes.extend(frame);
            FrameMeta {
                ts: Timestamp::from_nanos(START_NS + ms * 1_000_000),
                offset,
                cap_len: frame.len() as u32,
                wire_len: frame.len() as u32,
                link: LinkType::ETHERNET,
                interface: 0,
            }
        });
        let frames: Vec<_> = metas.collect();
        let batch = FrameBatch { frames, first_index, bytes: Arc::new(bytes) };
        first_index += batch.frames.len() as u64;
        batch
    };
    frames.chunks(size).map(batch).collect()
}

/// Every column, on so many threads.
pub(crate) fn config(threads: usize) -> ExtractConfig {
    ExtractConfig { features: all_columns(), threads, ..ExtractConfig::default() }
}

/// All record batches that a run makes.
pub(crate) fn extract(
    config: &ExtractConfig,
    batches: &[FrameBatch],
) -> (Vec<RecordBatch>, Summary) {
    let mut input = batches.iter();
    let mut out = Vec::new();
    let summary = pipeline::run(
        config,
        || Ok::<_, Infallible>(input.next().cloned()),
        |batch| {
            out.push(batch);
            Ok(())
        },
    );
    (out, summary.unwrap())
}

/// All rows that frames make with `config`.
pub(crate) fn rows_with(config: &ExtractConfig, frames: &[Timed]) -> Vec<Row> {
    let (out, summary) = extract(config, &batches(frames, 7));
    let rows: Vec<Row> = out.iter().flat_map(Row::all).collect();
    assert_eq!(rows.len() as u64, summary.rows);
    assert_eq!(summary.ingest.frames, frames.len() as u64);
    rows
}

/// All rows that frames make by default.
pub(crate) fn rows(frames: &[Timed]) -> Vec<Row> {
    rows_with(&config(1), frames)
}

/// Frames of one flow with what its columns must be, where bytes matter and not only what was decoded of them.
pub(crate) struct FrameCase {
    pub(crate) name: &'static str,
    pub(crate) frames: Vec<Timed>,
    pub(crate) want: Vec<(&'static str, Value)>,
}

impl FrameCase {
    pub(crate) fn check(&self) {
        let rows = rows(&self.frames);
        assert_eq!(rows.len(), 1, "{}: one flow", self.name);
        check(self.name, &rows[0], &self.want);
    }
}
