//! The pcapng file format (draft-ietf-opsawg-pcapng): sections of blocks, each with options.
//!
//! A block is taken whole or not at all: nothing is counted or kept of a block that is not yet in
//! sight, so that reading can stop and go on at any byte.

mod clock;
mod options;

use rheos_core::{FrameMeta, LinkType, Timestamp};

use crate::ahead::Ahead;
use crate::error::DamageKind;
use crate::info::{About, ByteOrder, FileInfo, InterfaceInfo, SectionInfo, words};
use crate::reader::{Building, ReadOptions, Step};
use clock::Clock;
pub(crate) use options::Texts;
use options::{Options, keep_comments, read_interface};

/// Block types of the draft, section 11.1.
pub(crate) mod block {
    pub(crate) const SECTION: u32 = 0x0a0d_0d0a;
    pub(crate) const INTERFACE: u32 = 1;
    pub(crate) const PACKET: u32 = 2;
    pub(crate) const SIMPLE_PACKET: u32 = 3;
    pub(crate) const NAME_RESOLUTION: u32 = 4;
    pub(crate) const STATISTICS: u32 = 5;
    pub(crate) const ENHANCED_PACKET: u32 = 6;
    pub(crate) const SECRETS: u32 = 10;
    pub(crate) const CUSTOM: u32 = 0x0bad;
    pub(crate) const CUSTOM_NO_COPY: u32 = 0x4000_0bad;
}

/// The byte-order magic of a section.
pub(crate) const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// How many interfaces the frames of a file can name.
const MAX_INTERFACES: usize = 1 << 16;

/// Bytes that a packet block may have beyond its packet.
const MAX_BLOCK_EXTRA: usize = 1 << 20;

/// What frames need to know of their interface.
#[derive(Debug)]
struct Interface {
    clock: Clock,
    link: LinkType,
    snap_len: u32,
    number: u16,
}

/// Reader of a pcapng file.
#[derive(Debug)]
pub(crate) struct Pcapng {
    order: ByteOrder,
    /// Those of the section that is being read.
    interfaces: Vec<Interface>,
    max_record: usize,
    max_comments: usize,
    texts: Texts,
    /// Time for packets without one.
    last_ts: Timestamp,
    /// Comments on the frames of the batch that is being made.
    frame_comments: Vec<FrameComment>,
    batch_texts: Texts,
    max_text: usize,
}

/// A comment on a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameComment {
    /// Place of the frame in its batch.
    pub frame: usize,
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// The fields that all packet blocks come down to.
struct Packet {
    interface: u32,
    ticks: Option<u64>,
    cap_len: u32,
    wire_len: u32,
    /// First byte of the packet in the block's body.
    data: usize,
}

impl Pcapng {
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Self {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            max_record: options.max_record,
            max_comments: options.max_comments,
            texts: Texts::new(options.max_text),
            last_ts: Timestamp::ZERO,
            frame_comments: Vec::new(),
            batch_texts: Texts::new(options.max_text),
            max_text: options.max_text,
        }
    }

    /// The comments on the frames of the batch that was made last; takes them away.
    pub(crate) fn take_frame_comments(&mut self) -> Vec<FrameComment> {
        if self.frame_comments.is_empty() {
            return Vec::new();
        }
        self.batch_texts = Texts::new(self.max_text);
        std::mem::take(&mut self.frame_comments)
    }

    /// Reads blocks from `bytes[*pos..]` until the batch is full or bytes are missing.
    pub(crate) fn scan(
        &mut self,
        bytes: &[u8],
        pos: &mut usize,
        batch: &mut Building,
        info: &mut FileInfo,
    ) -> Step {
        let mut ahead = Ahead::new(*pos);
        loop {
            ahead.ask(bytes, *pos);
            let rest = &bytes[*pos..];
            let Some([kind, len, magic]) = words::<3>(rest) else { return Step::Need(12) };
            // A section header's type reads the same in both orders; the magic tells which it is.
            let order = if u32::from_le_bytes(kind) == block::SECTION {
                match [u32::from_le_bytes(magic), u32::from_be_bytes(magic)] {
                    [BYTE_ORDER_MAGIC, _] => ByteOrder::Little,
                    [_, BYTE_ORDER_MAGIC] => ByteOrder::Big,
                    [magic, _] => return Step::Damaged(DamageKind::ByteOrder { magic }),
                }
            } else {
                self.order
            };
            let (kind, len32) = (order.u32(kind), order.u32(len));
            let len = len32 as usize;
            if len < 12 || !len.is_multiple_of(4) {
                return Step::Damaged(DamageKind::BlockLength { block: kind, len: len32 });
            }
            if len - 12 > self.max_record.saturating_add(MAX_BLOCK_EXTRA) {
                let limit = self.max_record.saturating_add(MAX_BLOCK_EXTRA) as u64;
                let len = u64::from(len32);
                return Step::Damaged(DamageKind::TooLong { part: "a block", len, limit });
            }
            let Some(whole) = rest.get(..len) else { return Step::Need(len) };
            let Some((body, trailer)) = whole[8..].split_last_chunk::<4>() else {
                return Step::Damaged(DamageKind::BlockLength { block: kind, len: len32 });
            };
            let last = order.u32(*trailer);
            if last != len32 {
                return Step::Damaged(DamageKind::BlockLengths { block: kind, first: len32, last });
            }
            self.order = order;
            let full = match self.block(kind, body, *pos + 8, batch, info) {
                Ok(full) => full,
                Err(BlockError::Short) => {
                    return Step::Damaged(DamageKind::BlockLength { block: kind, len: len32 });
                }
                Err(BlockError::Other(damage)) => return Step::Damaged(damage),
            };
            *pos += len;
            if full {
                return Step::Full;
            }
        }
    }

    /// Takes one whole block whose body lies at `offset`; tells whether the batch is full now.
    #[inline]
    fn block(
        &mut self,
        kind: u32,
        body: &[u8],
        offset: usize,
        batch: &mut Building,
        info: &mut FileInfo,
    ) -> Result<bool, BlockError> {
        let order = self.order;
        let packet = match kind {
            block::ENHANCED_PACKET => {
                let fields = words::<5>(body).ok_or(BlockError::Short)?;
                let [interface, high, low, cap_len, wire_len] = fields.map(|w| order.u32(w));
                let ticks = Some(u64::from(high) << 32 | u64::from(low));
                Packet { interface, ticks, cap_len, wire_len, data: 20 }
            }
            block::PACKET => {
                let fields = words::<5>(body).ok_or(BlockError::Short)?;
                let [_, high, low, cap_len, wire_len] = fields.map(|w| order.u32(w));
                let [a, b, c, d] = fields[0];
                // All ones mean that the count is not known.
                let dropped = order.u16([c, d]);
                info.dropped_between += if dropped == u16::MAX { 0 } else { u64::from(dropped) };
                let interface = u32::from(order.u16([a, b]));
                let ticks = Some(u64::from(high) << 32 | u64::from(low));
                Packet { interface, ticks, cap_len, wire_len, data: 20 }
            }
            block::SIMPLE_PACKET => {
                let [wire_len] = words::<1>(body).ok_or(BlockError::Short)?;
                let wire_len = order.u32(wire_len);
                let snap_len = self.interfaces.first().map_or(0, |i| i.snap_len);
                let cap_len = if snap_len == 0 { wire_len } else { wire_len.min(snap_len) };
                Packet { interface: 0, ticks: None, cap_len, wire_len, data: 4 }
            }
            _ => return self.other(kind, body, info).map(|()| false),
        };
        self.packet(&packet, body, offset, batch, info)
    }

    #[inline]
    fn packet(
        &mut self,
        packet: &Packet,
        body: &[u8],
        offset: usize,
        batch: &mut Building,
        info: &mut FileInfo,
    ) -> Result<bool, BlockError> {
        let Some(interface) = self.interfaces.get(packet.interface as usize) else {
            let known = self.interfaces.len() as u32;
            return Err(DamageKind::Interface { interface: packet.interface, known }.into());
        };
        let cap_len = packet.cap_len as usize;
        if cap_len > self.max_record {
            let (len, limit) = (cap_len as u64, self.max_record as u64);
            return Err(DamageKind::TooLong { part: "a packet", len, limit }.into());
        }
        let room = body.len() - packet.data;
        if cap_len > room {
            return Err(DamageKind::PacketRoom { len: packet.cap_len, room: room as u32 }.into());
        }
        let ts = packet.ticks.map_or(self.last_ts, |ticks| interface.clock.time(ticks));
        info.timeless_frames += u64::from(packet.ticks.is_none());
        self.last_ts = ts;
        let full = batch.push(FrameMeta {
            ts,
            offset: offset + packet.data,
            cap_len: packet.cap_len,
            wire_len: packet.wire_len,
            link: interface.link,
            interface: interface.number,
        });
        let options_at = packet.data + cap_len.next_multiple_of(4);
        if packet.ticks.is_some() && body.len() > options_at {
            self.packet_options(&body[options_at..], batch, info);
        }
        Ok(full)
    }

    #[cold]
    fn packet_options(&mut self, bytes: &[u8], batch: &Building, info: &mut FileInfo) {
        let frame = batch.frames.len() - 1;
        let number = info.frames + frame as u64;
        for (code, value) in Options::new(self.order, bytes) {
            match (code, value.len()) {
                (1, _) => {
                    info.comments_total += 1;
                    match self.batch_texts.text(value) {
                        Some(text) => self.frame_comments.push(FrameComment { frame, text }),
                        None => info.text_cut += 1,
                    }
                    let about = About::Frame(number);
                    options::keep_comment(info, about, value, self.max_comments, &mut self.texts);
                }
                // epb_dropcount
                (4, 8) => {
                    let dropped = options::u64_of(self.order, value).unwrap_or(0);
                    info.dropped_between = info.dropped_between.saturating_add(dropped);
                }
                _ => {}
            }
        }
    }

    /// Takes a block that holds no packet.
    #[cold]
    fn other(&mut self, kind: u32, body: &[u8], info: &mut FileInfo) -> Result<(), BlockError> {
        match kind {
            block::SECTION => return self.section(body, info),
            block::INTERFACE => return self.interface(body, info),
            block::STATISTICS => return self.statistics(body, info),
            block::NAME_RESOLUTION => info.blocks.name_resolution += 1,
            block::SECRETS => info.blocks.secrets += 1,
            block::CUSTOM | block::CUSTOM_NO_COPY => info.blocks.custom += 1,
            _ => info.blocks.other += 1,
        }
        Ok(())
    }

    fn section(&mut self, body: &[u8], info: &mut FileInfo) -> Result<(), BlockError> {
        let order = self.order;
        let [_, [a, b, c, d]] = words(body).ok_or(BlockError::Short)?;
        let version @ (major, minor) = (order.u16([a, b]), order.u16([c, d]));
        let options = body.get(16..).ok_or(BlockError::Short)?;
        // Some writers put 1.2 for what is 1.0 (draft, section 4.1).
        if !matches!(version, (1, 0 | 2)) {
            return Err(DamageKind::SectionVersion { major, minor }.into());
        }
        if info.sections_total == 0 {
            info.version = version;
            info.byte_order = order;
        }
        self.interfaces.clear();
        let number = info.sections_total;
        info.sections_total += 1;
        keep_comments(
            info,
            About::Section(number),
            Options::new(order, options),
            self.max_comments,
            &mut self.texts,
        );
        if info.sections.len() < FileInfo::SECTIONS_KEPT {
            let mut section = SectionInfo {
                byte_order: order,
                first_interface: info.interfaces.len(),
                ..SectionInfo::default()
            };
            for (code, value) in Options::new(order, options) {
                let field = match code {
                    2 => &mut section.hardware,
                    3 => &mut section.os,
                    4 => &mut section.application,
                    _ => continue,
                };
                *field = self.texts.counted(value, info);
            }
            info.sections.push(section);
        }
        Ok(())
    }

    fn interface(&mut self, body: &[u8], info: &mut FileInfo) -> Result<(), BlockError> {
        let Ok(number) = u16::try_from(info.interfaces.len()) else {
            return Err(DamageKind::Interfaces { limit: MAX_INTERFACES }.into());
        };
        let order = self.order;
        let [[a, b, _, _], snap_len] = words(body).ok_or(BlockError::Short)?;
        let mut interface = InterfaceInfo {
            section: info.sections_total.saturating_sub(1),
            link: LinkType(order.u16([a, b])),
            snap_len: order.u32(snap_len),
            ..InterfaceInfo::default()
        };
        let options = Options::new(order, &body[8..]);
        read_interface(&mut interface, options.clone(), &mut self.texts, info);
        keep_comments(info, About::Interface(number), options, self.max_comments, &mut self.texts);
        self.interfaces.push(Interface {
            clock: Clock::new(interface.resolution, interface.offset_secs),
            link: interface.link,
            snap_len: interface.snap_len,
            number,
        });
        info.interfaces.push(interface);
        Ok(())
    }

    fn statistics(&mut self, body: &[u8], info: &mut FileInfo) -> Result<(), BlockError> {
        let order = self.order;
        let [id] = words(body).ok_or(BlockError::Short)?;
        let id = order.u32(id);
        let options = Options::new(order, body.get(12..).ok_or(BlockError::Short)?);
        info.blocks.statistics += 1;
        // Statistics of an interface that is not described tell nothing; no packet is lost by that.
        let Some(known) = self.interfaces.get(id as usize) else { return Ok(()) };
        let number = known.number;
        keep_comments(
            info,
            About::Statistics(number),
            options.clone(),
            self.max_comments,
            &mut self.texts,
        );
        let Some(interface) = info.interfaces.get_mut(usize::from(number)) else { return Ok(()) };
        for (code, value) in options {
            let field = match code {
                4 => &mut interface.received,
                5 => &mut interface.dropped_by_interface,
                6 => &mut interface.accepted,
                7 => &mut interface.dropped_by_system,
                8 => &mut interface.delivered,
                _ => continue,
            };
            *field = options::u64_of(order, value).or(*field);
        }
        Ok(())
    }
}

/// Why a block cannot be taken.
enum BlockError {
    /// It ends before its fixed fields do.
    Short,
    /// Anything else.
    Other(DamageKind),
}

impl From<DamageKind> for BlockError {
    fn from(kind: DamageKind) -> Self {
        Self::Other(kind)
    }
}
