//! Records as they lie in memory, in files that say what they hold.
//!
//! | bytes | field |
//! |---|---|
//! | 0-7 | `RHEOSFLW` |
//! | 8-11 | version of the layouts ([`RECORD_ABI`]) |
//! | 12-15 | length of a record: 32 or 96 |
//! | 16-23 | number of records; all ones where it was not known when the file was begun |
//! | 24-31 | seed |
//! | 32-39 | [`FlowPlan::hash`](super::FlowPlan::hash) |
//! | 40-55 | 0 |
//! | 56-63 | checksum of the 56 bytes before |
//!
//! Then the records, each field little endian, without anything between them.

use std::borrow::Cow;

use bytemuck::Pod;
use rheos_core::record::RECORD_ABI;
use rheos_core::seed::mix;
use rheos_core::{FlowRecord, WideRecord};

/// Length of the header.
pub const RAW_HEADER_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"RHEOSFLW";

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawHeader {
    /// Length of a record.
    pub record_bytes: u32,
    /// How many records; `None` where it was not known when the file was begun.
    pub count: Option<u64>,
    /// The seed they were made from.
    pub seed: u64,
    /// The plan they were made from.
    pub plan: u64,
}

/// What is wrong with a file of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    /// Less than a header.
    #[error("it has {got} bytes, a header alone has 64")]
    Short {
        /// How many there are.
        got: usize,
    },
    /// Something else.
    #[error("it does not begin with `RHEOSFLW`: no file of flow records")]
    Magic,
    /// Damaged.
    #[error("the header's checksum is wrong")]
    Checksum,
    /// Written by another version.
    #[error("it has version {got} of the records' layout, known is 1")]
    Version {
        /// The version found.
        got: u32,
    },
    /// Records of the other kind.
    #[error("its records have {got} bytes, {expected} are asked for")]
    Record {
        /// The length found.
        got: u32,
        /// The length asked for.
        expected: u32,
    },
    /// Cut off, or more than said.
    #[error("{got} bytes of records are not {expected}")]
    Length {
        /// Bytes behind the header.
        got: u64,
        /// What the header says, or the next whole number of records.
        expected: u64,
    },
}

/// A record that files can hold.
pub trait RawRecord: Pod + Default {
    /// Its length in bytes.
    const BYTES: u32 = size_of::<Self>() as u32;
    /// With every field turned to little endian, or back from it: nothing on most machines.
    #[must_use]
    fn little_endian(self) -> Self;
}

impl RawRecord for FlowRecord {
    #[inline]
    fn little_endian(self) -> Self {
        Self {
            timestamp: self.timestamp.to_le(),
            source_ip: self.source_ip.to_le(),
            destination_ip: self.destination_ip.to_le(),
            source_port: self.source_port.to_le(),
            destination_port: self.destination_port.to_le(),
            packet_length: self.packet_length.to_le(),
            stream_id: self.stream_id.to_le(),
            ..self
        }
    }
}

impl RawRecord for WideRecord {
    #[inline]
    fn little_endian(self) -> Self {
        Self {
            first: self.first.to_le(),
            last: self.last.to_le(),
            bytes: self.bytes.to_le(),
            packets: self.packets.to_le(),
            flow_id: self.flow_id.to_le(),
            stream_id: self.stream_id.to_le(),
            input_interface: self.input_interface.to_le(),
            output_interface: self.output_interface.to_le(),
            source_port: self.source_port.to_le(),
            destination_port: self.destination_port.to_le(),
            source_as: self.source_as.to_le(),
            ..self
        }
    }
}

impl RawHeader {
    /// As bytes.
    pub fn to_bytes(self) -> [u8; RAW_HEADER_BYTES] {
        let mut bytes = [0; RAW_HEADER_BYTES];
        let kind = u64::from(self.record_bytes) << 32 | u64::from(RECORD_ABI);
        let count = self.count.unwrap_or(u64::MAX);
        let words = [u64::from_le_bytes(MAGIC), kind, count, self.seed, self.plan, 0, 0];
        let check = [checksum(&words)];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words.iter().chain(&check)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The header of a file, and what lies behind it.
    pub fn from_bytes(file: &[u8]) -> Result<(Self, &[u8]), RawError> {
        let Some((header, rest)) = file.split_first_chunk::<RAW_HEADER_BYTES>() else {
            return Err(RawError::Short { got: file.len() });
        };
        let mut words = [0; RAW_HEADER_BYTES / 8];
        for (word, bytes) in words.iter_mut().zip(header.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let [magic, kind, count, seed, plan, _, _, check] = words;
        if magic.to_le_bytes() != MAGIC {
            return Err(RawError::Magic);
        }
        if check != checksum(&words[..7]) {
            return Err(RawError::Checksum);
        }
        if kind as u32 != RECORD_ABI {
            return Err(RawError::Version { got: kind as u32 });
        }
        let count = (count != u64::MAX).then_some(count);
        Ok((Self { record_bytes: (kind >> 32) as u32, count, seed, plan }, rest))
    }
}

fn checksum(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum: u64, &word| mix(sum.wrapping_add(1) ^ word))
}

/// Records as a file holds them, behind its header: as they lie in memory, where that is little-endian.
pub fn raw_bytes<R: RawRecord>(records: &[R]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(bytemuck::cast_slice(records));
    }
    let swapped: Vec<R> = records.iter().map(|record| record.little_endian()).collect();
    Cow::Owned(bytemuck::cast_slice(&swapped).to_vec())
}

/// The header and all records of a file.
pub fn read_raw<R: RawRecord>(file: &[u8]) -> Result<(RawHeader, Vec<R>), RawError> {
    let (header, bytes) = RawHeader::from_bytes(file)?;
    if header.record_bytes != R::BYTES {
        return Err(RawError::Record { got: header.record_bytes, expected: R::BYTES });
    }
    let (got, size) = (bytes.len() as u64, u64::from(R::BYTES));
    let expected = match header.count {
        Some(count) => count.saturating_mul(size),
        None => got.next_multiple_of(size),
    };
    if got != expected {
        return Err(RawError::Length { got, expected });
    }
    let mut records = vec![R::default(); bytes.len() / size_of::<R>()];
    bytemuck::cast_slice_mut(&mut records).copy_from_slice(bytes);
    if cfg!(target_endian = "big") {
        for record in &mut records {
            *record = record.little_endian();
        }
    }
    Ok((header, records))
}

#[cfg(test)]
mod tests;
