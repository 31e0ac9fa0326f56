//! Sets of few values: exact up to a limit, and no larger.
//!
//! Most flows have one hardware address per side, one flow label, one identifier: the first value is kept in
//! place, and only a second one makes a list.

/// Different values, at most `MAX` of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distinct<T, const MAX: usize> {
    first: Option<T>,
    more: Vec<T>,
    folded: bool,
}

impl<T, const MAX: usize> Default for Distinct<T, MAX> {
    fn default() -> Self {
        Self { first: None, more: Vec::new(), folded: false }
    }
}

impl<T: Copy + Ord, const MAX: usize> Distinct<T, MAX> {
    /// Adds `value`; forgets it where there are `MAX` others already.
    #[inline]
    pub fn add(&mut self, value: T) {
        match self.first {
            Some(first) if first == value => {}
            None => self.first = Some(value),
            Some(_) => self.add_more(value),
        }
    }

    fn add_more(&mut self, value: T) {
        if self.more.contains(&value) {
            return;
        }
        if self.more.len() + 1 < MAX {
            // Few sets grow, and those by little.
            self.more.reserve_exact(1);
            self.more.push(value);
        } else {
            self.folded = true;
        }
    }

    /// How many there are, `MAX` also where there were more.
    pub fn count(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    /// Whether values were forgotten.
    pub fn is_folded(&self) -> bool {
        self.folded
    }

    /// The value that came first.
    pub fn first(&self) -> Option<T> {
        self.first
    }

    /// The least of them.
    pub fn min(&self) -> Option<T> {
        self.iter().min()
    }

    /// All of them, in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.first.into_iter().chain(self.more.iter().copied())
    }

    /// How many values are in this set or in `other`.
    pub fn count_with(&self, other: &Self) -> usize {
        let own = |value: &T| self.iter().any(|mine| mine == *value);
        self.count() + other.iter().filter(|value| !own(value)).count()
    }

    /// Memory in bytes beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        self.more.capacity() * size_of::<T>()
    }
}

/// Which of the 256 values a header's byte took: exact, in 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BytesSeen([u64; 4]);

impl BytesSeen {
    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: u8) {
        self.0[usize::from(value >> 6)] |= 1 << (value & 63);
    }

    /// How many different values there are.
    pub fn count(&self) -> u16 {
        self.0.iter().map(|word| word.count_ones() as u16).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_value_once_and_stops_at_the_limit() {
        let mut set = Distinct::<u8, 3>::default();
        assert_eq!((set.count(), set.min(), set.first()), (0, None, None));
        for value in [7, 9, 7, 2, 9] {
            set.add(value);
        }
        assert_eq!((set.count(), set.min(), set.first()), (3, Some(2), Some(7)));
        assert!(!set.is_folded());
        set.add(1);
        set.add(7);
        assert_eq!((set.count(), set.min()), (3, Some(2)), "the fourth is forgotten");
        assert!(set.is_folded());
        assert_eq!(set.heap_bytes(), 2);
    }

    #[test]
    fn unions_count_what_both_hold_once() {
        let of = |values: &[u8]| {
            let mut set = Distinct::<u8, 8>::default();
            for &value in values {
                set.add(value);
            }
            set
        };
        assert_eq!(of(&[1, 2]).count_with(&of(&[2, 3])), 3);
        assert_eq!(of(&[]).count_with(&of(&[5])), 1);
        assert_eq!(of(&[5]).count_with(&of(&[])), 1);
    }

    #[test]
    fn every_value_counts_once() {
        let mut seen = BytesSeen::default();
        for value in (0..=255).chain(0..=255) {
            assert_eq!(seen.count(), u16::from(value).max(seen.count()));
            seen.add(value);
        }
        assert_eq!(seen.count(), 256);
    }
}
