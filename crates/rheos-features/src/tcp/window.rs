//! Windows: how many bytes a side is ready to take, and their scale.
//!
//! The window of a segment with SYN is never scaled (RFC 7323 §2.2), and the others are when both sides sent the
//! option. Without the handshake the scale is not known, and neither is a window in bytes.

use rheos_wire::tcp_flags::{FIN, RST, SYN};

use super::sequence::{Event, Told};
use super::{Segment, after};

/// The greatest shift; a greater one counts as this (RFC 7323 §2.3).
const SHIFT_MAX: u8 = 14;

/// What a side's SYN said of scaling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Offer {
    /// None was captured.
    #[default]
    Unknown,
    /// It had no option.
    Without,
    With {
        shift: u8,
        /// It was a SYN-ACK, which has the option only if the SYN had it.
        answers: bool,
    },
}

/// A window, as far as it can be told in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offered {
    raw: u16,
    /// It belongs to a SYN, so that it is in bytes as it stands.
    syn: bool,
    bytes: Option<u32>,
}

impl Offered {
    /// The window of this segment.
    pub(crate) fn of(segment: &Segment, scale: Option<u8>) -> Self {
        let syn = segment.is(SYN);
        let shift = if syn { Some(0) } else { scale };
        Self { raw: segment.window, syn, bytes: shift.map(|s| u32::from(segment.window) << s) }
    }
}

/// One side's windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    offer: Offer,
    last: Option<Offered>,
    /// Of the first packet.
    pub(crate) first: Option<u16>,
    /// The greatest of a SYN.
    syn_max: Option<u16>,
    /// Over segments without SYN and RST, as they were sent.
    count: u64,
    sum: u64,
    min: u16,
    max: u16,
    pub(crate) ups: u32,
    pub(crate) downs: u32,
    pub(crate) zeros: u32,
    pub(crate) updates: u32,
    pub(crate) fulls: u32,
    /// Most bytes of this side that waited for an ACK.
    pub(crate) in_flight_max: Option<u32>,
}

/// By how many bits each side's windows are shifted; nothing where that is not known.
pub(crate) fn scales(sides: &[Window; 2]) -> [Option<u8>; 2] {
    [scale(sides[0].offer, sides[1].offer), scale(sides[1].offer, sides[0].offer)]
}

/// Whether windows are scaled; nothing where the handshake does not tell.
pub(crate) fn scaling(sides: &[Window; 2]) -> Option<bool> {
    match [sides[0].offer, sides[1].offer] {
        [Offer::Without, _] | [_, Offer::Without] => Some(false),
        [Offer::With { .. }, Offer::With { .. }]
        | [Offer::With { answers: true, .. }, _]
        | [_, Offer::With { answers: true, .. }] => Some(true),
        _ => None,
    }
}

fn scale(own: Offer, other: Offer) -> Option<u8> {
    match (own, other) {
        (Offer::Without, _) | (_, Offer::Without) => Some(0),
        (Offer::With { shift, answers: true }, Offer::Unknown)
        | (Offer::With { shift, .. }, Offer::With { .. }) => Some(shift.min(SHIFT_MAX)),
        _ => None,
    }
}

impl Window {
    /// A SYN said this of scaling.
    pub(crate) fn on_syn(&mut self, shift: Option<u8>, answers: bool) {
        self.offer = shift.map_or(Offer::Without, |shift| Offer::With { shift, answers });
    }

    /// The last window in bytes. As the scale may have come to be known since, it is shifted here.
    pub(crate) fn last(&self, scale: Option<u8>) -> Option<u32> {
        let last = self.last?;
        if last.raw == 0 {
            return Some(0);
        }
        let shift = if last.syn { Some(0) } else { scale };
        shift.map(|shift| u32::from(last.raw) << shift)
    }

    /// Whether this is the same window as the last one.
    pub(crate) fn repeats(&self, now: &Offered) -> bool {
        self.last.is_some_and(|last| {
            if last.syn == now.syn { last.raw == now.raw } else { last.bytes == now.bytes }
        })
    }

    /// Takes in a segment of this side; `room` is the other side's last window in bytes.
    #[inline]
    pub(crate) fn on_segment(
        &mut self,
        segment: &Segment,
        now: &Offered,
        told: &Told,
        room: Option<u32>,
    ) {
        self.first.get_or_insert(segment.window);
        if segment.is(RST) {
            return;
        }
        if segment.is(SYN) {
            self.syn_max = self.syn_max.max(Some(segment.window));
        } else {
            self.in_flight_max = self.in_flight_max.max(told.in_flight);
            self.on_window(segment, now, told);
            self.on_data(segment, told, room);
        }
        self.last = Some(*now);
    }

    fn on_window(&mut self, segment: &Segment, now: &Offered, told: &Told) {
        let raw = segment.window;
        self.min = if self.count == 0 { raw } else { self.min.min(raw) };
        self.max = self.max.max(raw);
        self.sum = self.sum.saturating_add(u64::from(raw));
        self.count += 1;
        if let Some(last) = self.last.filter(|last| !last.syn) {
            self.ups = self.ups.saturating_add(u32::from(raw > last.raw));
            self.downs = self.downs.saturating_add(u32::from(raw < last.raw));
        }
        self.zeros = self.zeros.saturating_add(u32::from(raw == 0 && !segment.is(FIN)));
        let expected = told.is(Event::InOrder) && told.is(Event::AckRepeats);
        let update = segment.is_pure_ack() && expected && raw > 0;
        if update && self.last.is_some() && !self.repeats(now) {
            self.updates = self.updates.saturating_add(1);
        }
    }

    /// Whether the segment fills the other side's window to its edge.
    fn on_data(&mut self, segment: &Segment, told: &Told, room: Option<u32>) {
        let (Some(acked), Some(room)) = (told.acked, room) else { return };
        let probe = told.is(Event::WindowProbe) || told.is(Event::KeepAlive);
        let full = segment.len > 0
            && !segment.is(FIN)
            && !probe
            && after(segment.end(), acked)
            && segment.end() == acked.wrapping_add(room);
        self.fulls = self.fulls.saturating_add(u32::from(full));
    }

    /// The shift that this side's SYN said, whether or not it is in use.
    pub(crate) fn shift(&self) -> Option<u8> {
        match self.offer {
            Offer::With { shift, .. } => Some(shift),
            _ => None,
        }
    }

    /// The least, greatest and mean window as sent, without SYN and RST.
    pub(crate) fn raw(&self) -> Option<(u16, u16, f64)> {
        (self.count > 0).then(|| (self.min, self.max, self.sum as f64 / self.count as f64))
    }

    /// The least and mean window in bytes, without SYN and RST.
    pub(crate) fn bytes(&self, scale: Option<u8>) -> Option<(u32, f64)> {
        let shift = scale?;
        let (min, _, mean) = self.raw()?;
        Some((u32::from(min) << shift, mean * f64::from(1_u32 << shift)))
    }

    /// The greatest window in bytes, with SYN.
    pub(crate) fn bytes_max(&self, scale: Option<u8>) -> Option<u32> {
        let later = (self.count > 0).then(|| scale.map(|shift| u32::from(self.max) << shift));
        match later {
            Some(None) => None,
            Some(later) => later.max(self.syn_max.map(u32::from)),
            None => self.syn_max.map(u32::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_needs_both_sides() {
        let with = |shift, answers| Offer::With { shift, answers };
        let told = [
            (Offer::Unknown, Offer::Unknown, None),
            (with(7, false), Offer::Unknown, None),
            // A SYN-ACK has the option only where the SYN had it.
            (with(7, true), Offer::Unknown, Some(7)),
            (Offer::Unknown, with(7, true), None),
            (with(7, false), Offer::Without, Some(0)),
            (Offer::Without, with(7, true), Some(0)),
            (Offer::Unknown, Offer::Without, Some(0)),
            (with(7, false), with(2, true), Some(7)),
            (with(200, false), with(2, true), Some(14)),
        ];
        for (own, other, shift) in told {
            assert_eq!(scale(own, other), shift, "{own:?} {other:?}");
        }
    }

    #[test]
    fn the_window_of_a_syn_is_not_shifted() {
        let mut window = Window { syn_max: Some(60_000), ..Window::default() };
        assert_eq!(window.bytes_max(None), Some(60_000));
        (window.count, window.min, window.max, window.sum) = (2, 500, 502, 1002);
        assert_eq!(window.bytes_max(Some(7)), Some(64_256));
        assert_eq!(window.bytes_max(Some(0)), Some(60_000));
        assert_eq!((window.bytes_max(None), window.bytes(None)), (None, None));
        assert_eq!(window.bytes(Some(1)), Some((1000, 1002.0)));
    }
}
