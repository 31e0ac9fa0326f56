//! Captured bytes and the batches they travel in.

use std::sync::Arc;

use crate::Timestamp;

/// A link-layer header type, numbered as pcap and pcapng files number it
/// (the `LINKTYPE_` list of the tcpdump group).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: four bytes of address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without the HDLC-like framing bytes.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing (RFC 1662), or Cisco HDLC told by its first byte.
    pub const PPP_HDLC: Self = Self(50);
    /// PPP over Ethernet, from the PPPoE header on (RFC 2516).
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP as written by systems whose `DLT_RAW` is 12.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as written by systems whose `DLT_RAW` is 14.
    pub const RAW_OPENBSD: Self = Self(14);
    /// Raw IP: version told by the first nibble.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC (also told from PPP by its first byte).
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11 without a radio header.
    pub const IEEE802_11: Self = Self(105);
    /// `OpenBSD` loopback: four bytes of address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// IEEE 802.11 with a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// IEEE 802.15.4 with frame check sequence.
    pub const IEEE802_15_4_WITHFCS: Self = Self(195);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// IEEE 802.15.4 without frame check sequence.
    pub const IEEE802_15_4_NOFCS: Self = Self(230);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// Captured bytes with what the capture says of them.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When it was captured.
    pub ts: Timestamp,
    /// Its length on the wire in bytes; at least `data.len()` in a sound capture.
    pub wire_len: u32,
    /// What `data` begins with.
    pub link: LinkType,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// Where one frame lies in its batch's bytes.
#[derive(Clone, Copy, Debug)]
pub struct FrameMeta {
    /// When it was captured.
    pub ts: Timestamp,
    /// First byte in [`FrameBatch::bytes`].
    pub offset: usize,
    /// Captured bytes.
    pub cap_len: u32,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Link type of the interface it came from.
    pub link: LinkType,
    /// Interface number within its source (pcapng), else 0.
    pub interface: u16,
}

/// Frames in the order of their source, sharing one buffer: the unit that travels between threads.
///
/// A clone shares the bytes. The buffer goes back to its source's pool when the last clone is gone.
#[derive(Clone, Debug, Default)]
pub struct FrameBatch {
    /// The bytes that every frame's offset points into; may hold file headers between frames.
    pub bytes: Arc<Vec<u8>>,
    /// The frames, in capture order.
    pub frames: Vec<FrameMeta>,
    /// Number of the first frame in its whole stream (over all files), counted from 0.
    pub first_index: u64,
}

impl FrameBatch {
    /// The frames with their bytes.
    ///
    /// # Panics
    /// If a source made a frame that points outside the buffer: a defect of that source.
    pub fn iter(&self) -> impl Iterator<Item = Frame<'_>> {
        self.frames.iter().map(|meta| self.frame(meta))
    }

    /// One frame with its bytes.
    ///
    /// # Panics
    /// If `meta` points outside the buffer.
    #[inline]
    pub fn frame(&self, meta: &FrameMeta) -> Frame<'_> {
        Frame {
            ts: meta.ts,
            wire_len: meta.wire_len,
            link: meta.link,
            data: &self.bytes[meta.offset..meta.offset + meta.cap_len as usize],
        }
    }
}
