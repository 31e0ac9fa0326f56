//! From frame batches to packets: decode, reassembly of fragments, filter, and the accounts of every frame.

use rheos_core::{DropCounters, DropReason, Frame, FrameBatch, LinkType};
use rheos_wire::filter::PacketFilter;
use rheos_wire::{DecodeConfig, Decoded, Fragment, Packet, decode, decode_datagram};

use crate::fragments::Reassembler;
use crate::sampling::Sampler;
use crate::{FragmentConfig, FragmentCounters, SamplingConfig};

/// How frames become packets.
#[derive(Clone, Debug, Default)]
pub struct IngestConfig {
    /// How frames are decoded.
    pub decode: DecodeConfig,
    /// How fragments become datagrams.
    pub fragments: FragmentConfig,
    /// Only packets that match are handed on; fragments are put together before they are looked at.
    pub filter: Option<PacketFilter>,
    /// Which frames are looked at, and which flows' packets are handed on.
    pub sampling: SamplingConfig,
}

/// The accounts: `frames == packets + absorbed + drops.total()` after [`Ingest::finish`].
#[derive(Clone, Debug, Default)]
pub struct IngestCounters {
    /// Frames taken in.
    pub frames: u64,
    /// Captured bytes of them.
    pub captured_bytes: u64,
    /// Their bytes on the wire.
    pub wire_bytes: u64,
    /// Frames of which fewer bytes were captured than were on the wire.
    pub cut: u64,
    /// Packets handed on.
    pub packets: u64,
    /// Fragments that became part of a reassembled packet (which is counted once, in `packets`).
    pub absorbed: u64,
    /// Frames that became no packet, by reason.
    pub drops: DropCounters,
    /// Packets handed on although a checksum was wrong, by the reason for which they might have been dropped.
    pub checksums_wrong: DropCounters,
    /// Packets whose transport checksum was left to the sender's network card.
    pub checksums_offloaded: u64,
    /// Subframes of 802.11 aggregates that were not read, as only the first of a frame is. They are no frames: the
    /// equation above holds without them.
    pub subframes_unread: u64,
    /// Frames of link types that are not read.
    pub unsupported_links: UnsupportedLinks,
}

impl IngestCounters {
    /// Adds another worker's counts.
    pub fn merge(&mut self, other: &Self) {
        self.frames += other.frames;
        self.captured_bytes += other.captured_bytes;
        self.wire_bytes += other.wire_bytes;
        self.cut += other.cut;
        self.packets += other.packets;
        self.absorbed += other.absorbed;
        self.drops.merge(&other.drops);
        self.checksums_wrong.merge(&other.checksums_wrong);
        self.checksums_offloaded += other.checksums_offloaded;
        self.subframes_unread += other.subframes_unread;
        for (link, frames) in &other.unsupported_links.by_number {
            self.unsupported_links.add(*link, *frames);
        }
        self.unsupported_links.others += other.unsupported_links.others;
    }
}

/// Frames per link type that is not read, for the first [`Self::NAMED_MAX`] such types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnsupportedLinks {
    /// Link types with their frames, in order of first sight.
    pub by_number: Vec<(LinkType, u64)>,
    /// Frames of further link types.
    pub others: u64,
}

impl UnsupportedLinks {
    /// How many link types are told apart.
    pub const NAMED_MAX: usize = 32;

    fn add(&mut self, link: LinkType, frames: u64) {
        if let Some((_, count)) = self.by_number.iter_mut().find(|(known, _)| *known == link) {
            *count += frames;
        } else if self.by_number.len() < Self::NAMED_MAX {
            self.by_number.push((link, frames));
        } else {
            self.others += frames;
        }
    }
}

/// Datagrams in fragments in tunnels in fragments: so many times over and no more.
const NESTED_FRAGMENTS_MAX: u8 = 4;

/// The first stage of every road.
#[derive(Debug)]
pub struct Ingest {
    /// The accounts so far.
    pub counters: IngestCounters,
    config: DecodeConfig,
    filter: Option<PacketFilter>,
    sampler: Sampler,
    reassembler: Reassembler,
    packet: Packet,
}

impl Default for Ingest {
    fn default() -> Self {
        Self::new(IngestConfig::default())
    }
}

impl Ingest {
    /// A stage that has seen nothing.
    pub fn new(config: IngestConfig) -> Self {
        Self {
            counters: IngestCounters::default(),
            config: config.decode,
            filter: config.filter,
            sampler: Sampler::new(config.sampling),
            reassembler: Reassembler::new(config.fragments),
            packet: Packet::default(),
        }
    }

    /// Decodes a batch and hands each packet on, with the bytes its offsets point into.
    pub fn batch(&mut self, batch: &FrameBatch, mut packet: impl FnMut(&Packet, &[u8])) {
        for (frame, index) in batch.iter().zip(batch.first_index..) {
            self.frame(frame, index, &mut packet);
        }
    }

    /// Decodes one frame, number `index` of its stream, and hands its packet on, if it is or completes one.
    #[inline]
    pub fn frame(&mut self, frame: Frame<'_>, index: u64, packet: &mut impl FnMut(&Packet, &[u8])) {
        self.counters.frames += 1;
        self.counters.captured_bytes += frame.data.len() as u64;
        self.counters.wire_bytes += u64::from(frame.wire_len);
        self.counters.cut += u64::from((frame.data.len() as u64) < u64::from(frame.wire_len));
        if !self.sampler.keeps_frame(index) {
            self.counters.drops.add(DropReason::Sampling);
            return;
        }
        let decoded = decode(frame, index, &self.config, &mut self.packet);
        self.counters.subframes_unread += u64::from(self.packet.subframes_unread);
        match decoded {
            Decoded::Packet => self.hand_on(frame.data, packet),
            Decoded::Fragment(fragment) => self.reassemble(&fragment, frame.data, 0, packet),
            Decoded::Dropped(reason) => self.drop(reason, frame.link),
        }
    }

    /// The input ended: what was held for reassembly is counted as incomplete.
    pub fn finish(&mut self) {
        self.reassembler.finish(&mut self.counters.drops);
    }

    /// What happened in reassembly.
    pub fn fragment_counters(&self) -> &FragmentCounters {
        &self.reassembler.counters
    }

    #[inline]
    fn hand_on(&mut self, bytes: &[u8], packet: &mut impl FnMut(&Packet, &[u8])) {
        if let Some(filter) = &self.filter
            && !filter.matches(&self.packet)
        {
            self.counters.drops.add(DropReason::Filter);
            return;
        }
        if !self.sampler.keeps_flow(self.packet.tuple) {
            self.counters.drops.add(DropReason::Sampling);
            return;
        }
        if let Some(reason) = self.packet.checksum.wrong {
            self.counters.checksums_wrong.add(reason);
        }
        self.counters.checksums_offloaded += u64::from(self.packet.checksum.offloaded);
        self.counters.packets += 1;
        packet(&self.packet, bytes);
    }

    /// Takes in a fragment; the frames of a finished datagram are absorbed but for one, which becomes whatever the
    /// datagram becomes.
    #[cold]
    fn reassemble(
        &mut self,
        fragment: &Fragment,
        bytes: &[u8],
        nested: u8,
        packet: &mut impl FnMut(&Packet, &[u8]),
    ) {
        let drops = &mut self.counters.drops;
        let Some(whole) = self.reassembler.add(fragment, bytes, &self.packet, drops) else {
            return;
        };
        self.counters.absorbed += u64::from(whole.frames) - 1;
        self.packet.wire_len = whole.wire_len;
        let decoded = decode_datagram(&whole.bytes, &self.config, &mut self.packet);
        self.packet.reassembled = true;
        self.packet.fragments = whole.frames.min(u32::from(u16::MAX)) as u16;
        match decoded {
            Decoded::Packet => self.hand_on(&whole.bytes, packet),
            Decoded::Fragment(inner) if nested < NESTED_FRAGMENTS_MAX => {
                self.reassemble(&inner, &whole.bytes, nested + 1, packet);
            }
            Decoded::Fragment(_) => self.counters.drops.add(DropReason::FragmentMalformed),
            Decoded::Dropped(reason) => self.counters.drops.add(reason),
        }
        self.reassembler.recycle(whole.bytes);
    }

    #[cold]
    fn drop(&mut self, reason: DropReason, link: LinkType) {
        self.counters.drops.add(reason);
        if reason == DropReason::LinkUnsupported {
            self.counters.unsupported_links.add(link, 1);
        }
    }
}
