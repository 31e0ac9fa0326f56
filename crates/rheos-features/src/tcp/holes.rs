//! Stretches of a byte stream that were jumped over.

use super::{after, between, earlier, later};

/// Stretches kept per direction; beyond that, the oldest is taken as if it had been captured.
pub(crate) const HOLES_MAX: usize = 16;

/// Stretches of sequence numbers that no segment covered yet, ascending and apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holes {
    list: Vec<(u32, u32)>,
    /// Stretches that were forgotten for want of room.
    pub(crate) folded: u32,
}

impl Holes {
    /// Notes that `from` to `to`, which come after all others, were jumped over.
    #[cold]
    pub(crate) fn append(&mut self, from: u32, to: u32) {
        self.insert(self.list.len(), from, to);
    }

    /// Notes that `from` to `to`, which come before all others, were not captured.
    #[cold]
    pub(crate) fn prepend(&mut self, from: u32, to: u32) {
        self.insert(0, from, to);
    }

    fn insert(&mut self, place: usize, from: u32, to: u32) {
        if !after(to, from) {
            return;
        }
        let mut place = place;
        if self.list.len() >= HOLES_MAX {
            self.list.remove(0);
            self.folded = self.folded.saturating_add(1);
            place = place.saturating_sub(1);
        }
        self.list.insert(place, (from, to));
    }

    /// The first byte that is missing.
    #[inline]
    pub(crate) fn first(&self) -> Option<u32> {
        self.list.first().map(|&(from, _)| from)
    }

    /// Closes `from` to `to`, and tells how many bytes of it had been missing.
    pub(crate) fn fill(&mut self, from: u32, to: u32) -> u32 {
        let mut filled = 0_u32;
        let mut split = None;
        self.list.retain_mut(|hole| {
            let (start, end) = (later(hole.0, from), earlier(hole.1, to));
            if !after(end, start) {
                return true;
            }
            filled = filled.wrapping_add(between(start, end));
            let (before, behind) = ((hole.0, start), (end, hole.1));
            let keep = |(a, b): (u32, u32)| after(b, a);
            if keep(before) && keep(behind) {
                split = Some(behind);
            }
            *hole = if keep(before) { before } else { behind };
            keep(*hole)
        });
        if let Some((start, end)) = split {
            let place = self.list.iter().position(|hole| after(hole.0, start));
            self.insert(place.unwrap_or(self.list.len()), start, end);
        }
        filled
    }

    /// Forgets what lies before `seq`: the receiver has it, whether or not it was captured.
    pub(crate) fn drop_before(&mut self, seq: u32) {
        self.list.retain_mut(|hole| {
            hole.0 = later(hole.0, seq);
            after(hole.1, hole.0)
        });
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    /// Memory in bytes beyond the struct itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.list.capacity() * size_of::<(u32, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_cut_and_split() {
        let mut holes = Holes::default();
        holes.append(100, 200);
        holes.append(300, 400);
        assert_eq!(holes.fill(0, 100), 0);
        assert_eq!(holes.fill(150, 160), 10);
        assert_eq!(holes.list, [(100, 150), (160, 200), (300, 400)]);
        assert_eq!(holes.fill(140, 350), 10 + 40 + 50);
        assert_eq!(holes.list, [(100, 140), (350, 400)]);
        holes.drop_before(380);
        assert_eq!((holes.first(), holes.fill(380, 400), holes.first()), (Some(380), 20, None));
    }

    #[test]
    fn holes_lie_across_the_wrap() {
        let mut holes = Holes::default();
        holes.append(u32::MAX - 9, 10);
        assert_eq!(holes.fill(u32::MAX, 5), 6);
        assert_eq!(holes.list, [(u32::MAX - 9, u32::MAX), (5, 10)]);
    }

    #[test]
    fn the_oldest_hole_makes_room() {
        let mut holes = Holes::default();
        for i in 0..=HOLES_MAX as u32 {
            holes.append(i * 10, i * 10 + 5);
        }
        assert_eq!((holes.folded, holes.first(), holes.list.len()), (1, Some(10), HOLES_MAX));
    }
}
