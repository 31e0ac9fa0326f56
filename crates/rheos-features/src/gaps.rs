//! Gaps of a long flow in log-linear buckets: constant time per packet, bounded memory, bounded error.
//!
//! Each power of two of nanoseconds is divided into 32 equal buckets (the layout of HDR histograms), and a
//! value is told as the middle of its bucket: off by at most 1/64 of itself. Below 64 ns buckets are 1 ns wide.

const SUB_BITS: u32 = 5;
const SUB: usize = 1 << SUB_BITS;
/// One page of exact values, then one per power of two from 2^5 on.
const PAGES: usize = 64 - SUB_BITS as usize + 1;

/// The greatest relative error of a value: half a bucket.
pub const RELATIVE_ERROR: f64 = 1.0 / 64.0;

/// Counts per bucket; pages of buckets exist once a value fell into them.
#[derive(Clone, Debug)]
pub struct GapSketch {
    /// For each page, one more than its place in `pages`; 0 while it is empty.
    places: [u8; PAGES],
    pages: Vec<[u32; SUB]>,
    count: u64,
    min: u64,
    max: u64,
}

impl Default for GapSketch {
    fn default() -> Self {
        Self { places: [0; PAGES], pages: Vec::new(), count: 0, min: u64::MAX, max: 0 }
    }
}

/// The page and bucket of a value.
fn bucket(value: u64) -> (usize, usize) {
    if value < SUB as u64 {
        return (0, value as usize);
    }
    let shift = value.ilog2() - SUB_BITS;
    (shift as usize + 1, (value >> shift) as usize & (SUB - 1))
}

/// The middle of a bucket.
fn middle(page: usize, sub: usize) -> f64 {
    if page == 0 {
        return sub as f64;
    }
    let shift = page as u32 - 1;
    let low = ((SUB + sub) as u64) << shift;
    low as f64 + ((1_u64 << shift) - 1) as f64 / 2.0
}

impl GapSketch {
    /// Takes in one gap in nanoseconds.
    pub fn add(&mut self, gap: u64) {
        let (page, sub) = bucket(gap);
        let mut place = usize::from(self.places[page]);
        if place == 0 {
            // A flow meets few pages, one by one: room to spare would often be half of the memory.
            self.pages.reserve_exact(1);
            self.pages.push([0; SUB]);
            place = self.pages.len();
            self.places[page] = place as u8;
        }
        let count = &mut self.pages[place - 1][sub];
        *count = count.saturating_add(1);
        self.count += 1;
        self.min = self.min.min(gap);
        self.max = self.max.max(gap);
    }

    /// How many gaps were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The gap of the given rank, counted from 0: within [`RELATIVE_ERROR`], the first and last exact.
    pub fn at(&self, rank: u64) -> f64 {
        if rank == 0 {
            return self.min as f64;
        }
        let mut passed = 0;
        let used = self.places.iter().enumerate().filter(|&(_, &place)| place > 0);
        for (page, &place) in used {
            for (sub, &count) in self.pages[usize::from(place) - 1].iter().enumerate() {
                passed += u64::from(count);
                if passed > rank && rank + 1 < self.count {
                    return middle(page, sub).clamp(self.min as f64, self.max as f64);
                }
            }
        }
        self.max as f64
    }

    /// Memory in bytes beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        self.pages.capacity() * size_of::<[u32; SUB]>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_their_values_within_the_stated_error() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in edges.chain([u64::MAX, 1_000_000_007, 50_000_000]) {
            let (page, sub) = bucket(value);
            assert!(page < PAGES && sub < SUB, "{value}");
            let error = (middle(page, sub) - value as f64).abs();
            assert!(error <= value as f64 * RELATIVE_ERROR, "{value}: {error}");
        }
        assert_eq!(Some(middle(bucket(63).0, bucket(63).1)), Some(63.0), "exact below 64");
    }

    #[test]
    fn ranks_come_in_order_and_ends_are_exact() {
        let mut sketch = GapSketch::default();
        for gap in [5_000_003, 10, 1_000_001, 10] {
            sketch.add(gap);
        }
        assert_eq!((sketch.at(0), sketch.at(1), sketch.at(3)), (10.0, 10.0, 5_000_003.0));
        let third = sketch.at(2);
        assert!((third - 1_000_001.0).abs() <= 1_000_001.0 * RELATIVE_ERROR);
        assert_eq!(Some(sketch.at(99)), Some(5_000_003.0));
    }
}
