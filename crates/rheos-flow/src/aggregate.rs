//! Exact aggregation of packets by any part of the five-tuple.

use std::cmp::Ordering;
use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

use hashbrown::HashTable;
use rheos_core::{Addr, FiveTuple, FlowKey, IpVersion, Timestamp};
use rheos_wire::Packet;

use crate::key_hash;

/// Which parts of the five-tuple packets are grouped by: `KeyFields::SRC | KeyFields::DST`, or the names
/// `src,dst,sport,dport,proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyFields(u8);

impl KeyFields {
    /// No part: all packets are one group.
    pub const NONE: Self = Self(0);
    /// Source address.
    pub const SRC: Self = Self(1);
    /// Destination address.
    pub const DST: Self = Self(2);
    /// Source port.
    pub const SPORT: Self = Self(4);
    /// Destination port.
    pub const DPORT: Self = Self(8);
    /// IP protocol number.
    pub const PROTO: Self = Self(16);
    /// The whole five-tuple.
    pub const ALL: Self = Self(31);

    /// Every single part with its name, in the order of a tuple.
    pub const NAMES: [(&str, Self); 5] = [
        ("src", Self::SRC),
        ("dst", Self::DST),
        ("sport", Self::SPORT),
        ("dport", Self::DPORT),
        ("proto", Self::PROTO),
    ];

    /// Whether all parts of `other` are among these.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of these parts, in the order of a tuple.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(_, part)| self.contains(*part)).map(|(name, _)| name)
    }

    /// The tuple with all other parts zero; the version stays where there is an address.
    #[inline]
    fn mask(self, tuple: &FiveTuple) -> FiveTuple {
        let addr = |part, addr: Addr| if self.contains(part) { addr } else { Addr::default() };
        let port = |part, port: u16| if self.contains(part) { port } else { 0 };
        let version = if self.0 & (Self::SRC.0 | Self::DST.0) == 0 {
            IpVersion::default()
        } else {
            tuple.version
        };
        FiveTuple {
            src: addr(Self::SRC, tuple.src),
            dst: addr(Self::DST, tuple.dst),
            src_port: port(Self::SPORT, tuple.src_port),
            dst_port: port(Self::DPORT, tuple.dst_port),
            protocol: if self.contains(Self::PROTO) { tuple.protocol } else { 0 },
            version,
        }
    }
}

impl BitOr for KeyFields {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for KeyFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// A part of the five-tuple that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such key field: `{name}`, they are src, dst, sport, dport, proto")]
pub struct UnknownField {
    /// The name as given.
    pub name: String,
}

impl FromStr for KeyFields {
    type Err = UnknownField;

    /// Names joined by commas; `5tuple` is all of them.
    fn from_str(text: &str) -> Result<Self, UnknownField> {
        if text.trim() == "5tuple" {
            return Ok(Self::ALL);
        }
        text.split(',').map(str::trim).try_fold(Self::NONE, |fields, name| {
            let known = Self::NAMES.into_iter().find(|(known, _)| *known == name);
            known
                .map(|(_, part)| fields | part)
                .ok_or_else(|| UnknownField { name: name.to_owned() })
        })
    }
}

/// What is summed up of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Packets.
    pub packets: u64,
    /// Sum of [`Packet::ip_len`].
    pub ip_bytes: u64,
    /// Sum of [`Packet::wire_len`].
    pub wire_bytes: u64,
    /// The earliest packet time; [`Timestamp::MAX`] without packets.
    pub first: Timestamp,
    /// The latest packet time; [`Timestamp::ZERO`] without packets.
    pub last: Timestamp,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            packets: 0,
            ip_bytes: 0,
            wire_bytes: 0,
            first: Timestamp::MAX,
            last: Timestamp::ZERO,
        }
    }
}

impl Totals {
    /// Counts one packet.
    #[inline]
    pub fn add(&mut self, packet: &Packet) {
        self.packets += 1;
        self.ip_bytes += u64::from(packet.ip_len);
        self.wire_bytes += u64::from(packet.wire_len);
        self.first = self.first.min(packet.ts);
        self.last = self.last.max(packet.ts);
    }

    /// Adds the packets that others count.
    pub fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        self.ip_bytes += other.ip_bytes;
        self.wire_bytes += other.wire_bytes;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Packets that are alike in the chosen fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The chosen fields; the others are zero.
    pub key: FiveTuple,
    /// Their sums.
    pub totals: Totals,
}

/// What groups are ranked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RankBy {
    /// Packets.
    Packets,
    /// Bytes from the IP header on.
    #[default]
    IpBytes,
    /// Bytes on the wire.
    WireBytes,
}

impl RankBy {
    fn of(self, totals: &Totals) -> u64 {
        match self {
            Self::Packets => totals.packets,
            Self::IpBytes => totals.ip_bytes,
            Self::WireBytes => totals.wire_bytes,
        }
    }
}

/// Packets grouped by parts of their (directed) five-tuple, each group's sums exact.
///
/// At most `groups_max` groups are told apart: the packets of keys that come later are summed up in
/// [`Self::other`], so that nothing is lost silently.
#[derive(Clone, Debug)]
pub struct Groups {
    fields: KeyFields,
    len_max: usize,
    index: HashTable<u32>,
    rows: Vec<Group>,
    /// Sums of packets whose key found no room.
    other: Totals,
    /// The group of the packet before: packets come in trains.
    latest: u32,
}

impl Groups {
    /// How many groups are told apart unless said otherwise: about 120 MB of five-tuples.
    pub const GROUPS_MAX: usize = 1 << 20;

    /// No packets yet; `groups_max` is at most 2^32 - 1.
    pub fn new(fields: KeyFields, groups_max: usize) -> Self {
        Self {
            fields,
            len_max: groups_max.min(u32::MAX as usize),
            index: HashTable::new(),
            rows: Vec::new(),
            other: Totals::default(),
            latest: 0,
        }
    }

    /// Which fields packets are grouped by.
    pub fn fields(&self) -> KeyFields {
        self.fields
    }

    /// Counts one packet.
    #[inline]
    pub fn add(&mut self, packet: &Packet) {
        // The whole tuple is looked at where it lies: a copy would wait for the decoder's writes.
        if self.fields == KeyFields::ALL {
            self.add_to(&packet.tuple, packet);
        } else {
            self.add_to(&self.fields.mask(&packet.tuple), packet);
        }
    }

    #[inline]
    fn add_to(&mut self, key: &FiveTuple, packet: &Packet) {
        match self.rows.get_mut(self.latest as usize) {
            Some(group) if group.key == *key => group.totals.add(packet),
            _ => self.totals_of(key).add(packet),
        }
    }

    /// The sums of a key, or the ones of all other keys when it is new and there is no room.
    fn totals_of(&mut self, key: &FiveTuple) -> &mut Totals {
        let hash = hash_of(key);
        let groups = &self.rows;
        let slot = match self.index.find(hash, |&slot| groups[slot as usize].key == *key) {
            Some(&slot) => slot,
            None if self.rows.len() >= self.len_max => return &mut self.other,
            None => {
                let slot = self.rows.len() as u32;
                self.rows.push(Group { key: *key, totals: Totals::default() });
                let groups = &self.rows;
                self.index.insert_unique(hash, slot, |&at| hash_of(&groups[at as usize].key));
                slot
            }
        };
        self.latest = slot;
        &mut self.rows[slot as usize].totals
    }

    /// Adds another worker's groups.
    pub fn merge(&mut self, other: &Self) {
        for group in &other.rows {
            self.totals_of(&group.key).merge(&group.totals);
        }
        self.other.merge(&other.other);
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The sums of packets whose key found no room; no packets unless the limit was reached.
    pub fn other(&self) -> &Totals {
        &self.other
    }

    /// The groups in the order of their first packets.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.rows.iter()
    }

    /// The sums of all packets.
    pub fn total(&self) -> Totals {
        let mut total = self.other;
        for group in &self.rows {
            total.merge(&group.totals);
        }
        total
    }

    /// The `count` largest groups, largest first; equal ones in the order of their keys.
    pub fn top(&self, count: usize, by: RankBy) -> Vec<&Group> {
        let order = |a: &&Group, b: &&Group| -> Ordering {
            by.of(&b.totals).cmp(&by.of(&a.totals)).then_with(|| a.key.cmp(&b.key))
        };
        let mut ranked: Vec<&Group> = self.rows.iter().collect();
        if count < ranked.len() {
            ranked.select_nth_unstable_by(count, order);
            ranked.truncate(count);
        }
        ranked.sort_unstable_by(order);
        ranked
    }
}

#[inline]
fn hash_of(key: &FiveTuple) -> u64 {
    key_hash(&FlowKey { tuple: *key, vlan: 0, tunnel: 0 }, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(from: u8, to: u8, port: u16, len: u32, at: u64) -> Packet {
        Packet {
            ts: Timestamp::from_nanos(at),
            tuple: FiveTuple {
                src: Addr::v4([10, 0, 0, from]),
                dst: Addr::v4([10, 0, 0, to]),
                src_port: port,
                dst_port: 80,
                protocol: 6,
                version: IpVersion::V4,
            },
            ip_len: len,
            wire_len: len + 14,
            ..Packet::default()
        }
    }

    fn sample() -> Vec<Packet> {
        vec![
            packet(1, 2, 1000, 100, 50),
            packet(1, 3, 1001, 200, 10),
            packet(4, 2, 1000, 50, 90),
            packet(1, 2, 1002, 7, 60),
        ]
    }

    fn grouped(fields: KeyFields, groups_max: usize) -> Groups {
        let mut groups = Groups::new(fields, groups_max);
        for packet in &sample() {
            groups.add(packet);
        }
        groups
    }

    #[test]
    fn any_subset_of_the_tuple_groups_exactly() {
        let by_source = grouped(KeyFields::SRC, 100);
        let top = by_source.top(10, RankBy::IpBytes);
        let sums: Vec<_> =
            top.iter().map(|g| (g.key.src.0[15], g.totals.packets, g.totals.ip_bytes)).collect();
        assert_eq!(sums, [(1, 3, 307), (4, 1, 50)]);
        assert_eq!((top[0].key.dst, top[0].key.src_port), (Addr::default(), 0));
        assert_eq!(top[0].totals.first, Timestamp::from_nanos(10));
        assert_eq!(top[0].totals.last, Timestamp::from_nanos(60));
        assert_eq!(top[0].totals.wire_bytes, 307 + 3 * 14);
        assert_eq!(grouped(KeyFields::ALL, 100).len(), 4);
        assert_eq!(grouped(KeyFields::SRC | KeyFields::DST, 100).len(), 3);
        assert_eq!(grouped(KeyFields::SPORT, 100).len(), 3);
        assert_eq!(grouped(KeyFields::NONE, 100).len(), 1);
    }

    #[test]
    fn what_finds_no_room_is_other() {
        let groups = grouped(KeyFields::ALL, 2);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups.other().packets, 2);
        assert_eq!(groups.other().ip_bytes, 57);
        assert_eq!(groups.total().packets, 4);
    }

    #[test]
    fn ranks_are_by_the_measure_and_ties_by_key() {
        let groups = grouped(KeyFields::DST, 100);
        let hosts = |by| groups.top(2, by).iter().map(|g| g.key.dst.0[15]).collect::<Vec<_>>();
        assert_eq!(hosts(RankBy::Packets), [2, 3]);
        assert_eq!(hosts(RankBy::IpBytes), [3, 2]);
        assert_eq!(groups.top(1, RankBy::WireBytes)[0].key.dst.0[15], 3);
        let ties = grouped(KeyFields::ALL, 100);
        let ports: Vec<_> = ties
            .top(4, RankBy::Packets)
            .iter()
            .map(|g| (g.key.src.0[15], g.key.src_port))
            .collect();
        assert_eq!(ports, [(1, 1000), (1, 1002), (1, 1001), (4, 1000)]);
    }

    #[test]
    fn merging_is_as_counting_together() {
        let mut halves = [Groups::new(KeyFields::SRC, 10), Groups::new(KeyFields::SRC, 10)];
        for (i, packet) in sample().iter().enumerate() {
            halves[i % 2].add(packet);
        }
        let [mut one, two] = halves;
        one.merge(&two);
        let whole = grouped(KeyFields::SRC, 10);
        assert_eq!(one.top(9, RankBy::Packets), whole.top(9, RankBy::Packets));
    }

    #[test]
    fn fields_are_read_and_written_as_names() {
        assert_eq!("src, dport".parse(), Ok(KeyFields::SRC | KeyFields::DPORT));
        assert_eq!("5tuple".parse(), Ok(KeyFields::ALL));
        assert_eq!(KeyFields::ALL.to_string(), "src,dst,sport,dport,proto");
        let error = "src,port".parse::<KeyFields>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no such key field: `port`, they are src, dst, sport, dport, proto"
        );
    }
}
