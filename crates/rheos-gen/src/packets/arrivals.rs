//! When conversations begin.
//!
//! Each source has its own schedule, and the `i`-th begin of a schedule depends on nothing but the source's seed,
//! its rate and `i`. Background conversations begin in blocks of 64: within a block the begins are independent and
//! uniform (a Poisson process given its count), so load is bursty and yet any begin can be found without the others.

use rheos_core::seed::Seed;

const BLOCK: usize = 64;

/// How the begins of a source are spaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Spacing {
    /// At random.
    Random,
    /// One in every interval, anywhere within this share of it.
    Steady(f64),
}

/// One source's schedule, walked in order.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    seed: Seed,
    start: u64,
    interval: f64,
    spacing: Spacing,
    count: u64,
    next: u64,
    step: u64,
    block: [u32; BLOCK],
    block_number: u64,
}

impl Schedule {
    /// `count` begins from `start` on, `interval` nanoseconds apart in the mean, of which this one walks
    /// every `step`-th from the `first`-th on.
    pub(crate) fn new(
        seed: Seed,
        start: u64,
        interval: f64,
        spacing: Spacing,
        count: u64,
        (first, step): (u64, u64),
    ) -> Self {
        Self {
            seed,
            start,
            interval,
            spacing,
            count,
            next: first,
            step,
            block: [0; BLOCK],
            block_number: u64::MAX,
        }
    }

    /// Number and time of the next begin.
    pub(crate) fn peek(&mut self) -> Option<(u64, u64)> {
        if self.next >= self.count {
            return None;
        }
        let n = self.next;
        let intervals = match self.spacing {
            Spacing::Steady(share) => n as f64 + share * self.seed.child(n).rng().unit(),
            Spacing::Random => {
                let block = n / BLOCK as u64;
                if block != self.block_number {
                    self.fill(block);
                }
                let place = f64::from(self.block[(n % BLOCK as u64) as usize]) / 4_294_967_296.0;
                (block as f64 + place) * BLOCK as f64
            }
        };
        Some((n, self.start.saturating_add((intervals * self.interval) as u64)))
    }

    pub(crate) fn advance(&mut self) {
        self.next = self.next.saturating_add(self.step);
    }

    fn fill(&mut self, block: u64) {
        let mut rng = self.seed.child(block).rng();
        for place in &mut self.block {
            *place = rng.bits() as u32;
        }
        self.block.sort_unstable();
        self.block_number = block;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(spacing: Spacing, count: u64, shard: (u64, u64)) -> Vec<(u64, u64)> {
        let mut schedule = Schedule::new(Seed(5), 1_000, 100.0, spacing, count, shard);
        std::iter::from_fn(|| {
            let at = schedule.peek();
            schedule.advance();
            at
        })
        .collect()
    }

    #[test]
    fn begins_are_in_order_and_do_not_depend_on_the_count() {
        for spacing in [Spacing::Random, Spacing::Steady(1.0)] {
            let few = walk(spacing, 100, (0, 1));
            let many = walk(spacing, 1_000, (0, 1));
            assert_eq!(few[..], many[..100]);
            assert!(many.windows(2).all(|pair| pair[0].1 <= pair[1].1));
            let last = many[999].1;
            assert!((99_000..=106_000).contains(&last), "{last}");
            let odd = walk(spacing, 1_000, (1, 2));
            assert_eq!(odd[3], many[7]);
        }
    }
}
