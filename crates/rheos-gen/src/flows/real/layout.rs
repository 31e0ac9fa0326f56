//! Records as twelve words of 64 bits: so they are written by a dozen stores, and what is in them is made in vectors.
//!
//! The words are those of `WideRecord` in memory, on machines of either byte order.

use rheos_core::WideRecord;

/// A record.
pub(super) type Words = [u64; size_of::<WideRecord>() / 8];

/// How far a field of so many bytes is shifted that begins at byte `at` of its word.
const fn shift(at: u32, bytes: u32) -> u32 {
    if cfg!(target_endian = "big") { 64 - 8 * (at + bytes) } else { 8 * at }
}

/// Of the word before the ports: the rest of it is zeros.
pub(super) const STREAM_ID: u32 = shift(0, 4);

/// Of the word of ports, protocol and flags.
pub(super) const SOURCE_PORT: u32 = shift(0, 2);
pub(super) const DESTINATION_PORT: u32 = shift(2, 2);
pub(super) const PROTOCOL: u32 = shift(4, 1);
pub(super) const TCP_FLAGS: u32 = shift(5, 1);
pub(super) const TOS: u32 = shift(6, 1);
pub(super) const FLAGS: u32 = shift(7, 1);

/// Of the word after that.
pub(super) const PATTERN: u32 = shift(0, 1);
pub(super) const END_REASON: u32 = shift(2, 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_records_have_them() {
        let at = |value: u64, shift: u32| value << shift;
        let record = WideRecord {
            first: 1,
            last: 2,
            bytes: 3,
            packets: 4,
            flow_id: 5,
            stream_id: 6,
            source_port: 0x0708,
            destination_port: 0x090a,
            protocol: 11,
            tcp_flags: 12,
            tos: 13,
            flags: 14,
            pattern: 15,
            end_reason: 16,
            ..WideRecord::default()
        };
        let words: Words = bytemuck::cast(record);
        assert_eq!(words[..5], [1, 2, 3, 4, 5]);
        let mapped = u64::from_ne_bytes([0, 0, 0xff, 0xff, 0, 0, 0, 0]);
        assert_eq!(words[5..9], [0, mapped, 0, mapped]);
        let ports = at(0x0708, SOURCE_PORT) | at(0x090a, DESTINATION_PORT);
        let bytes = at(11, PROTOCOL) | at(12, TCP_FLAGS) | at(13, TOS) | at(14, FLAGS);
        let last = at(15, PATTERN) | at(16, END_REASON);
        assert_eq!(words[9..], [at(6, STREAM_ID), ports | bytes, last]);
    }
}
