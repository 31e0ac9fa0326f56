//! Reassembly of IPv4 and IPv6 fragments (RFC 791 §3.2, RFC 815, RFC 8200 §4.5), bounded in memory, number
//! and time.
//!
//! A datagram is told by its addresses, identification and version, by the protocol in IPv4, and by the VLANs
//! and the tunnel around it. It stays until its last hole is filled, its time is over, or room is needed.

use hashbrown::HashTable;
use rheos_core::{DropCounters, DropReason, FiveTuple, FlowKey, IpVersion, Nanos, Timestamp};
use rheos_wire::{Fragment, Packet};

use crate::key_hash;
use crate::recency::{Class, Recency};

/// A datagram's bytes without its own header (RFC 791 §3.1, RFC 8200 §3).
const DATAGRAM_MAX: u32 = 65_535;
/// What a held datagram costs beside its bytes.
const HELD_COST: usize = 256;
/// Buffers kept for reuse.
const SPARE_BUFFERS: usize = 16;

/// Whose bytes hold where fragments overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverlapPolicy {
    /// Those that came first: as most IPv4 stacks do. The default for IPv4.
    First,
    /// Those that came last.
    Last,
    /// None: the datagram and its later fragments are dropped (RFC 5722). The default for IPv6. An exact copy of
    /// a fragment is tolerated (RFC 8200 §4.5).
    Drop,
}

/// How fragments become datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentConfig {
    /// Most bytes held for unfinished datagrams, at least 128 KiB; the oldest one has to go when there are more.
    pub bytes_max: usize,
    /// Most unfinished datagrams, at least 1; the oldest one has to go when there are more.
    pub datagrams_max: usize,
    /// How long an IPv4 datagram may take from its first fragment on.
    pub timeout_v4: Nanos,
    /// How long an IPv6 datagram may take from its first fragment on.
    pub timeout_v6: Nanos,
    /// Whose bytes hold where IPv4 fragments overlap.
    pub overlap_v4: OverlapPolicy,
    /// Whose bytes hold where IPv6 fragments overlap.
    pub overlap_v6: OverlapPolicy,
}

impl Default for FragmentConfig {
    fn default() -> Self {
        Self {
            bytes_max: 4 << 20,
            datagrams_max: 4096,
            timeout_v4: Nanos::from_secs(30),
            timeout_v6: Nanos::from_secs(60),
            overlap_v4: OverlapPolicy::First,
            overlap_v6: OverlapPolicy::Drop,
        }
    }
}

/// What happened in reassembly, beside the drops.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FragmentCounters {
    /// Fragments taken in.
    pub fragments: u64,
    /// Datagrams made whole.
    pub datagrams: u64,
    /// Exact copies of fragments that were there already.
    pub copies: u64,
    /// Fragments that overlapped others of their datagram without being exact copies.
    pub overlaps: u64,
    /// Datagrams given up for their time was over, or the input's end.
    pub timed_out: u64,
    /// Datagrams given up for want of room.
    pub evicted: u64,
    /// Most bytes held at once.
    pub bytes_held_max: u64,
}

impl FragmentCounters {
    /// Adds another worker's counts; `bytes_held_max` becomes the sum, an upper bound.
    pub fn merge(&mut self, other: &Self) {
        self.fragments += other.fragments;
        self.datagrams += other.datagrams;
        self.copies += other.copies;
        self.overlaps += other.overlaps;
        self.timed_out += other.timed_out;
        self.evicted += other.evicted;
        self.bytes_held_max += other.bytes_held_max;
    }
}

/// A datagram made whole.
#[derive(Debug)]
pub(crate) struct Whole {
    /// IP header first, made that of an unfragmented datagram. Ends early where a fragment was cut by the capture.
    pub(crate) bytes: Vec<u8>,
    /// Frames it came in.
    pub(crate) frames: u32,
    /// Their bytes on the wire.
    pub(crate) wire_len: u32,
}

#[derive(Debug)]
struct Datagram {
    key: FlowKey,
    /// The header of the fragment at offset 0; empty until it comes.
    header: Vec<u8>,
    /// Protocol or next header, from the fragment at offset 0.
    protocol: u8,
    data: Vec<u8>,
    /// What of `data` is there: ascending and apart.
    parts: Vec<(u32, u32)>,
    /// Sum of the parts.
    covered: u32,
    /// Data length, once the last fragment came.
    total: Option<u32>,
    /// Bytes from here on may be missing, for a fragment was cut by the capture.
    cut_at: u32,
    frames: u32,
    wire_len: u32,
    /// Dropped for overlaps: so are all fragments that still come.
    poisoned: bool,
}

/// Puts fragments together.
#[derive(Debug)]
pub(crate) struct Reassembler {
    pub(crate) counters: FragmentCounters,
    config: FragmentConfig,
    index: HashTable<u32>,
    slots: Vec<Datagram>,
    free: Vec<u32>,
    order: Recency,
    clock: Timestamp,
    bytes_held: usize,
    spare: Vec<Vec<u8>>,
}

/// What to do with a fragment that lies where others are already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// Nothing is there.
    Free,
    /// The same bytes at the same place.
    Copy,
    /// Something else.
    Overlap,
}

impl Reassembler {
    pub(crate) fn new(config: FragmentConfig) -> Self {
        Self {
            counters: FragmentCounters::default(),
            order: Recency::new([config.timeout_v4, config.timeout_v6]),
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            clock: Timestamp::ZERO,
            bytes_held: 0,
            spare: Vec::new(),
            config,
        }
    }

    /// Takes in one fragment of the frame or datagram `bytes`; `around` tells its time, length and outer layers.
    /// What is dropped on the way is counted in `drops`, frame by frame.
    pub(crate) fn add(
        &mut self,
        fragment: &Fragment,
        bytes: &[u8],
        around: &Packet,
        drops: &mut DropCounters,
    ) -> Option<Whole> {
        self.counters.fragments += 1;
        if around.ts > self.clock {
            self.clock = around.ts;
        }
        self.expire(drops);
        let Some(data) = sound_data(fragment, bytes) else {
            drops.add(DropReason::FragmentMalformed);
            return None;
        };
        let slot = self.slot_of(fragment, around, drops);
        let datagram = &mut self.slots[slot as usize];
        if datagram.poisoned {
            drops.add(DropReason::FragmentOverlap);
            return None;
        }
        let (from, to) = (fragment.offset, fragment.offset + fragment.data_len);
        if !datagram.agrees(to, fragment.more) {
            drops.add(DropReason::FragmentMalformed);
            self.release_if_empty(slot);
            return None;
        }
        if !fragment.more {
            datagram.total = Some(to);
        }
        datagram.frames += 1;
        datagram.wire_len = datagram.wire_len.saturating_add(around.wire_len);
        let fit = datagram.fit(from, to, data);
        let policy = match fragment.version {
            IpVersion::V4 => self.config.overlap_v4,
            IpVersion::V6 => self.config.overlap_v6,
        };
        match fit {
            Fit::Free => {}
            Fit::Copy => self.counters.copies += 1,
            Fit::Overlap => {
                self.counters.overlaps += 1;
                if policy == OverlapPolicy::Drop {
                    self.poison(slot, drops);
                    return None;
                }
            }
        }
        if fit != Fit::Copy {
            self.store(slot, fragment, bytes, data, policy == OverlapPolicy::Last);
            self.make_room(drops);
        }
        self.take_if_whole(slot, fragment.version, drops)
    }

    /// The input ended: all that is held stays incomplete.
    pub(crate) fn finish(&mut self, drops: &mut DropCounters) {
        while let Some(slot) = self.order.oldest() {
            self.give_up(slot, DropReason::FragmentIncomplete, drops);
        }
    }

    /// Takes a datagram's buffer back for the next one.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && buffer.capacity() > 0 {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    fn expire(&mut self, drops: &mut DropCounters) {
        if self.order.may_be_overdue(self.clock) {
            while let Some(slot) = self.order.overdue(self.clock) {
                self.give_up(slot, DropReason::FragmentIncomplete, drops);
            }
        }
    }

    /// The slot of the fragment's datagram, a new one if need be.
    fn slot_of(&mut self, fragment: &Fragment, around: &Packet, drops: &mut DropCounters) -> u32 {
        let key = datagram_key(fragment, around);
        let hash = key_hash(&key, 0);
        let slots = &self.slots;
        if let Some(&slot) = self.index.find(hash, |&slot| slots[slot as usize].key == key) {
            return slot;
        }
        if self.index.len() >= self.config.datagrams_max.max(1)
            && let Some(oldest) = self.order.oldest()
        {
            self.counters.evicted += 1;
            self.give_up(oldest, DropReason::FragmentLimit, drops);
        }
        let datagram = Datagram {
            key,
            header: Vec::new(),
            protocol: 0,
            data: self.spare.pop().unwrap_or_default(),
            parts: Vec::new(),
            covered: 0,
            total: None,
            cut_at: u32::MAX,
            frames: 0,
            wire_len: 0,
            poisoned: false,
        };
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = datagram;
            slot
        } else {
            self.slots.push(datagram);
            (self.slots.len() - 1) as u32
        };
        self.bytes_held += HELD_COST;
        self.order.insert(slot, hash, class_of(fragment.version), self.clock);
        let order = &self.order;
        self.index.insert_unique(hash, slot, |&slot| order.link(slot).hash);
        slot
    }

    fn store(
        &mut self,
        slot: u32,
        fragment: &Fragment,
        bytes: &[u8],
        data: &[u8],
        last_wins: bool,
    ) {
        let datagram = &mut self.slots[slot as usize];
        let before = datagram.cost();
        let (from, to) = (fragment.offset, fragment.offset + fragment.data_len);
        if from == 0 && datagram.header.is_empty() {
            let start = fragment.l3_offset as usize;
            let header = bytes.get(start..start + fragment.header_len as usize).unwrap_or_default();
            datagram.header.extend_from_slice(header);
            datagram.protocol = fragment.protocol;
        }
        if datagram.data.len() < to as usize {
            datagram.data.resize(to as usize, 0);
        }
        let captured = from + data.len() as u32;
        if captured < to {
            datagram.cut_at = datagram.cut_at.min(captured);
        }
        datagram.lay(from, to, data, last_wins);
        self.bytes_held = self.bytes_held + datagram.cost() - before;
        self.counters.bytes_held_max = self.counters.bytes_held_max.max(self.bytes_held as u64);
    }

    /// Gives up the oldest datagrams until what is held is within the limit again.
    fn make_room(&mut self, drops: &mut DropCounters) {
        let limit = self.config.bytes_max.max(128 << 10);
        while self.bytes_held > limit
            && let Some(oldest) = self.order.oldest()
        {
            self.counters.evicted += 1;
            self.give_up(oldest, DropReason::FragmentLimit, drops);
        }
    }

    fn take_if_whole(
        &mut self,
        slot: u32,
        version: IpVersion,
        drops: &mut DropCounters,
    ) -> Option<Whole> {
        let datagram = &self.slots[slot as usize];
        if datagram.frames == 0 || datagram.total != Some(datagram.covered) {
            return None;
        }
        let (frames, wire_len) = (datagram.frames, datagram.wire_len);
        let mut bytes = self.spare.pop().unwrap_or_default();
        let datagram = &self.slots[slot as usize];
        let sound = match version {
            IpVersion::V4 => datagram.write_v4(&mut bytes),
            IpVersion::V6 => datagram.write_v6(&mut bytes),
        };
        if sound.is_none() {
            self.recycle(bytes);
            self.give_up(slot, DropReason::FragmentMalformed, drops);
            return None;
        }
        self.counters.datagrams += 1;
        self.release(slot);
        Some(Whole { bytes, frames, wire_len })
    }

    /// Forgets what an overlapped datagram holds, but keeps its place so that its other fragments are dropped too.
    fn poison(&mut self, slot: u32, drops: &mut DropCounters) {
        let datagram = &mut self.slots[slot as usize];
        drops.add_many(DropReason::FragmentOverlap, u64::from(datagram.frames));
        self.bytes_held -= datagram.cost();
        datagram.poisoned = true;
        datagram.frames = 0;
        datagram.parts = Vec::new();
        datagram.header = Vec::new();
        let buffer = std::mem::take(&mut datagram.data);
        self.bytes_held += datagram.cost();
        self.recycle(buffer);
    }

    /// Counts every frame of a datagram as dropped.
    fn give_up(&mut self, slot: u32, reason: DropReason, drops: &mut DropCounters) {
        let datagram = &self.slots[slot as usize];
        drops.add_many(reason, u64::from(datagram.frames));
        self.counters.timed_out +=
            u64::from(reason == DropReason::FragmentIncomplete && datagram.frames > 0);
        self.release(slot);
    }

    /// A datagram whose only fragment made no sense was not begun.
    fn release_if_empty(&mut self, slot: u32) {
        if self.slots[slot as usize].frames == 0 {
            self.release(slot);
        }
    }

    fn release(&mut self, slot: u32) {
        let hash = self.order.link(slot).hash;
        if let Ok(entry) = self.index.find_entry(hash, |&held| held == slot) {
            entry.remove();
        }
        self.order.remove(slot);
        let datagram = &mut self.slots[slot as usize];
        self.bytes_held -= datagram.cost();
        datagram.frames = 0;
        datagram.header = Vec::new();
        datagram.parts = Vec::new();
        let buffer = std::mem::take(&mut datagram.data);
        self.free.push(slot);
        self.recycle(buffer);
    }
}

fn class_of(version: IpVersion) -> Class {
    Class::from(version == IpVersion::V6)
}

/// The captured data of a fragment that can be part of a datagram.
fn sound_data<'a>(fragment: &Fragment, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let end = fragment.offset.checked_add(fragment.data_len)?;
    let header = match fragment.version {
        IpVersion::V4 => fragment.header_len,
        IpVersion::V6 => fragment.header_len.saturating_sub(40),
    };
    // All but the last fragment carry a multiple of 8 bytes, or the next one's offset could not be told.
    let aligned = !fragment.more || fragment.data_len.is_multiple_of(8);
    if !aligned || fragment.data_len == 0 || end.saturating_add(header) > DATAGRAM_MAX {
        return None;
    }
    let start = fragment.data_offset as usize;
    let captured = fragment.data_cap_len.min(fragment.data_len) as usize;
    bytes.get(start..start.checked_add(captured)?)
}

/// What tells one datagram from another, in the form of a (directed) flow key: the identification takes the
/// ports' place. IPv6 leaves the next header out (RFC 8200 §4.5: only that of the first fragment counts).
fn datagram_key(fragment: &Fragment, around: &Packet) -> FlowKey {
    let protocol = match fragment.version {
        IpVersion::V4 => fragment.protocol,
        IpVersion::V6 => 0,
    };
    FlowKey {
        tuple: FiveTuple {
            src: fragment.src,
            dst: fragment.dst,
            src_port: (fragment.id >> 16) as u16,
            dst_port: fragment.id as u16,
            protocol,
            version: fragment.version,
        },
        vlan: u32::from(around.vlan[0]) << 16 | u32::from(around.vlan[1]),
        tunnel: around
            .tunnel
            .map_or(0, |t| (t.kind as u64) << 40 | u64::from(t.depth) << 32 | u64::from(t.id)),
    }
}

impl Datagram {
    fn cost(&self) -> usize {
        HELD_COST + self.data.len() + self.header.len() + self.parts.len() * 8
    }

    /// Whether a fragment's end fits what is known of the datagram's end.
    fn agrees(&self, to: u32, more: bool) -> bool {
        let reached = self.parts.last().map_or(0, |part| part.1);
        match (self.total, more) {
            (Some(total), true) => to <= total,
            (Some(total), false) => to == total,
            (None, true) => true,
            (None, false) => to >= reached,
        }
    }

    fn fit(&self, from: u32, to: u32, data: &[u8]) -> Fit {
        let first = self.parts.partition_point(|part| part.1 <= from);
        match self.parts.get(first) {
            Some(&part) if part.0 < to => {
                let held = self.data.get(from as usize..from as usize + data.len());
                if part == (from, to) && held == Some(data) { Fit::Copy } else { Fit::Overlap }
            }
            _ => Fit::Free,
        }
    }

    /// Writes `data` where nothing is yet, or everywhere, and notes `from..to` as there.
    fn lay(&mut self, from: u32, to: u32, data: &[u8], last_wins: bool) {
        let mut put = |start: u32, end: u32| {
            let (low, high) = ((start - from) as usize, (end - from) as usize);
            let source = data.get(low.min(data.len())..high.min(data.len())).unwrap_or_default();
            self.data[start as usize..start as usize + source.len()].copy_from_slice(source);
        };
        if last_wins {
            put(from, to);
        }
        let mut next = from;
        let mut place = self.parts.partition_point(|part| part.1 <= from);
        while next < to {
            let hole_end = self.parts.get(place).map_or(to, |part| part.0.min(to));
            if next < hole_end {
                if !last_wins {
                    put(next, hole_end);
                }
                self.parts.insert(place, (next, hole_end));
                self.covered += hole_end - next;
                place += 1;
            }
            next = self.parts.get(place).map_or(to, |part| part.1);
            place += 1;
        }
    }

    /// The data that is there without a cut.
    fn captured(&self) -> &[u8] {
        &self.data[..(self.covered.min(self.cut_at)) as usize]
    }

    fn write_v4(&self, out: &mut Vec<u8>) -> Option<()> {
        out.extend_from_slice(&self.header);
        let header = out.get_mut(..).filter(|header| header.len() >= 20)?;
        let total = u16::try_from(header.len() as u32 + self.covered).ok()?;
        header[2..4].copy_from_slice(&total.to_be_bytes());
        header[6..8].fill(0);
        header[10..12].fill(0);
        let sum = internet_checksum(header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        out.extend_from_slice(self.captured());
        Some(())
    }

    fn write_v6(&self, out: &mut Vec<u8>) -> Option<()> {
        const FRAGMENT_HEADER: u8 = 44;
        out.extend_from_slice(&self.header);
        let header = out.get_mut(..).filter(|header| header.len() >= 40)?;
        let length = u16::try_from(header.len() as u32 - 40 + self.covered).ok()?;
        header[4..6].copy_from_slice(&length.to_be_bytes());
        // The last header before the fragment header names what came after it.
        let mut place = 6;
        let mut end = 40;
        while *header.get(place)? != FRAGMENT_HEADER {
            place = end;
            end += 8 * (usize::from(*header.get(end + 1)?) + 1);
        }
        header[place] = self.protocol;
        out.extend_from_slice(self.captured());
        Some(())
    }
}

/// RFC 1071.
fn internet_checksum(bytes: &[u8]) -> u16 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut sum: u32 = pairs.iter().map(|pair| u32::from(u16::from_be_bytes(*pair))).sum();
    sum += rest.first().map_or(0, |&byte| u32::from(byte) << 8);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
