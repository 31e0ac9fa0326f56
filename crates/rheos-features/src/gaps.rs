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
    /// Counts modulo 2^16: few buckets of few flows hold more.
    pages: Vec<[u16; SUB]>,
    /// How often a count has passed 2^16, in order of buckets; most flows have no such bucket.
    carries: Vec<Carry>,
    count: u64,
    min: u64,
    max: u64,
}

/// What one bucket's 16 bits could not hold.
#[derive(Clone, Copy, Debug)]
struct Carry {
    page: u8,
    sub: u8,
    times: u32,
}

impl Default for GapSketch {
    fn default() -> Self {
        Self {
            places: [0; PAGES],
            pages: Vec::new(),
            carries: Vec::new(),
            count: 0,
            min: u64::MAX,
            max: 0,
        }
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
        *count = count.wrapping_add(1);
        if *count == 0 {
            self.carry(page as u8, sub as u8);
        }
        self.count += 1;
        self.min = self.min.min(gap);
        self.max = self.max.max(gap);
    }

    #[cold]
    fn carry(&mut self, page: u8, sub: u8) {
        match self.carries.binary_search_by_key(&(page, sub), |c| (c.page, c.sub)) {
            Ok(found) => self.carries[found].times = self.carries[found].times.saturating_add(1),
            Err(at) => self.carries.insert(at, Carry { page, sub, times: 1 }),
        }
    }

    /// The buckets that hold something, in order: page, bucket, count.
    fn buckets(&self) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        let used = self.places.iter().enumerate().filter(|&(_, &place)| place > 0);
        let mut carries = self.carries.iter().peekable();
        used.flat_map(|(page, &place)| {
            let counts = self.pages[usize::from(place) - 1].iter().enumerate();
            counts.map(move |(sub, &count)| (page, sub, u64::from(count)))
        })
        .map(move |(page, sub, low)| {
            let here = |c: &&Carry| (usize::from(c.page), usize::from(c.sub)) == (page, sub);
            let high = carries.next_if(here).map_or(0, |carry| u64::from(carry.times));
            (page, sub, high << 16 | low)
        })
    }

    /// How many gaps were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The gap of the given rank, counted from 0: within [`RELATIVE_ERROR`], the first and last exact.
    pub fn at(&self, rank: u64) -> f64 {
        let mut value = [0.0];
        self.walk(&[rank], &mut value);
        value[0]
    }

    /// As [`Self::at`] for ranks in ascending order, in one pass over the buckets.
    pub(crate) fn walk(&self, ranks: &[u64], values: &mut [f64]) {
        let mut buckets = self.buckets();
        let (mut passed, mut here) = (0, self.max as f64);
        for (&rank, value) in ranks.iter().zip(values) {
            while passed <= rank {
                let Some((page, sub, count)) = buckets.next() else { break };
                passed += count;
                if count > 0 {
                    here = middle(page, sub).clamp(self.min as f64, self.max as f64);
                }
            }
            *value = match rank {
                0 => self.min as f64,
                _ if rank + 1 >= self.count => self.max as f64,
                _ => here,
            };
        }
    }

    /// Memory in bytes beyond the struct itself.
    pub fn heap_bytes(&self) -> usize {
        self.pages.capacity() * size_of::<[u16; SUB]>()
            + self.carries.capacity() * size_of::<Carry>()
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
        let mut values = [0.0; 5];
        sketch.walk(&[0, 1, 1, 2, 3], &mut values);
        assert_eq!(Some(values), Some([10.0, 10.0, 10.0, third, 5_000_003.0]));
    }

    #[test]
    fn counts_beyond_16_bits_are_kept() {
        let mut sketch = GapSketch::default();
        for (gap, times) in [(40, 70_000), (3, 65_536), (41, 200_000)] {
            (0..times).for_each(|_| sketch.add(gap));
        }
        let mut values = [0.0; 5];
        sketch.walk(&[1, 65_535, 65_536, 135_535, 135_536], &mut values);
        assert_eq!(Some(values), Some([3.0, 3.0, 40.0, 40.0, 41.0]));
        assert_eq!((sketch.count(), sketch.carries.len()), (335_536, 3));
    }
}
