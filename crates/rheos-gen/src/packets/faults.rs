//! What goes wrong on the way, decided for each frame from its conversation's seed and its number in it, so that
//! neither other conversations nor threads change it.

use rheos_core::seed::{Chance, Seed};

use super::config::Faults;
use super::headers::{Layout, TCP, UDP, checksum, ones_sum};

/// The faults of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultPlan {
    pub(crate) loss: Chance,
    pub(crate) retransmit: bool,
    reorder: Chance,
    reorder_ns_max: u64,
    duplicate: Chance,
    truncate: Chance,
    bad_length: Chance,
    bad_checksum: Chance,
    /// Anything but loss can happen.
    any: bool,
}

/// What happens to one frame that was not lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// It comes this many nanoseconds late.
    pub(crate) late: Option<u64>,
    /// A copy comes this many nanoseconds after it.
    pub(crate) copy: Option<u64>,
    /// Random bits that say where it is cut.
    pub(crate) cut: Option<u64>,
    /// Random bits that say which length is wrong.
    pub(crate) bad_length: Option<u64>,
    /// Its checksum is wrong.
    pub(crate) bad_checksum: bool,
}

impl FaultPlan {
    pub(crate) fn new(faults: &Faults) -> Self {
        let reorder = Chance::from_percent(faults.reorder_percent);
        let duplicate = Chance::from_percent(faults.duplicate_percent);
        let truncate = Chance::from_percent(faults.truncate_percent);
        let bad_length = Chance::from_percent(faults.bad_length_percent);
        // One frame has at most one of the two kinds of damage, and each as often as asked for.
        let left = 100.0 - faults.bad_length_percent;
        let bad_checksum =
            Chance::from_share(if left > 0.0 { faults.bad_checksum_percent / left } else { 0.0 });
        Self {
            loss: Chance::from_percent(faults.loss_percent),
            retransmit: faults.retransmit,
            reorder,
            reorder_ns_max: u64::from(faults.reorder_ms_max) * 1_000_000,
            duplicate,
            truncate,
            bad_length,
            bad_checksum,
            any: [reorder, duplicate, truncate, bad_length, bad_checksum]
                .into_iter()
                .any(Chance::is_possible),
        }
    }

    /// Whether frame `number` of a conversation is lost.
    #[inline]
    pub(crate) fn loses(&self, conversation: Seed, number: u32) -> bool {
        self.loss.is_possible()
            && self.loss.hit_by(conversation.bits(0x1055_0000_0000 + u64::from(number)))
    }

    /// What happens to frame `number` of a conversation.
    #[inline]
    pub(crate) fn fate(&self, conversation: Seed, number: u32) -> Fate {
        if !self.any {
            return Fate::default();
        }
        let mut rng = conversation.child(0xfa17_0000_0000 + u64::from(number)).rng();
        let late = rng.hits(self.reorder).then(|| 1 + rng.below(self.reorder_ns_max));
        let copy = rng.hits(self.duplicate).then(|| 1_000 + rng.below(500_000));
        let cut = rng.hits(self.truncate).then(|| rng.bits());
        let bad_length = rng.hits(self.bad_length).then(|| rng.bits());
        let bad_checksum = bad_length.is_none() && rng.hits(self.bad_checksum);
        Fate { late, copy, cut, bad_length, bad_checksum }
    }
}

/// Makes one length field of the frame wrong: that of IP, of UDP, or TCP's header length. `whole` says that
/// the transport header is in this frame.
pub(crate) fn spoil_length(out: &mut [u8], layout: &Layout, whole: bool, bits: u64) {
    let transport = whole && bits & 1 == 0;
    match (transport, layout.protocol) {
        (true, TCP) => {
            let at = layout.l4 + 12;
            // Below the least of five words, or beyond the segment.
            let words = if bits & 2 == 0 { (bits >> 8) as u8 % 5 } else { 15 };
            let beyond = out.len() < layout.l4 + 60;
            let words = if words == 15 && !beyond { 4 } else { words };
            out[at] = words << 4 | out[at] & 0x0f;
        }
        (true, UDP) => {
            let at = layout.l4 + 4;
            // Below the eight bytes of the header, or more than IP carries.
            let length = if bits & 2 == 0 { (bits >> 8) as u16 % 7 + 1 } else { 0xfff0 };
            out[at..at + 2].copy_from_slice(&length.to_be_bytes());
        }
        _ => spoil_ip_length(out, layout, bits),
    }
}

fn spoil_ip_length(out: &mut [u8], layout: &Layout, bits: u64) {
    let frame_len = (out.len() - layout.start) as u16;
    if layout.v6 {
        let at = layout.l3 + 4;
        let beyond = (layout.ip_len - 40) as u16 + 1 + (bits >> 8) as u16 % 4_096;
        let length = beyond.max(frame_len);
        out[at..at + 2].copy_from_slice(&length.to_be_bytes());
        return;
    }
    let at = layout.l3 + 2;
    let length = if bits & 2 == 0 {
        // Less than the header itself, but not 0, which means segmentation offload.
        1 + (bits >> 8) as u16 % 19
    } else {
        (layout.ip_len as u16).max(frame_len) + 1 + (bits >> 8) as u16 % 4_096
    };
    out[at..at + 2].copy_from_slice(&length.to_be_bytes());
    out[layout.l3 + 10..layout.l3 + 12].fill(0);
    let sum = checksum(ones_sum(&out[layout.l3..layout.l3 + 20]));
    out[layout.l3 + 10..layout.l3 + 12].copy_from_slice(&sum);
}

/// Makes a checksum of the frame wrong: the transport's where `at` says where it lies in its header, else IPv4's.
/// Returns whether there was one.
pub(crate) fn spoil_checksum(out: &mut [u8], layout: &Layout, at: Option<usize>) -> bool {
    let at = match at {
        Some(at) => layout.l4 + at,
        None if !layout.v6 => layout.l3 + 10,
        None => return false,
    };
    // A sum that is off by one in the high byte never equals the right one, nor becomes "none".
    out[at] = out[at].wrapping_add(1);
    if out[at] == 0 && out[at + 1] == 0 {
        out[at] = 1;
    }
    true
}
