//! When the flows of a host started.

use rheos_core::Timestamp;

/// Starts at most so far apart are of one run: a second.
const RUN_GAP_NS: u64 = 1_000_000_000;

/// Runs per host that can still grow. Flows come in the order of their end, so starts come out of order; a flow that
/// is older than all of these runs begins one of its own.
pub(super) const RUNS_MAX: usize = 16;

/// Starts of which each is at most a second after the one before.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u64,
    last: u64,
    flows: u64,
}

/// Moments and runs of start times, in whatever order they come.
#[derive(Debug, Default)]
pub(super) struct Starts {
    count: u64,
    /// The start that came first: others are told as seconds from it.
    origin: u64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    squares: f64,
    /// In order of time.
    runs: Vec<Run>,
    longest: u64,
}

impl Starts {
    pub(super) fn add(&mut self, start: Timestamp) {
        let at = start.as_nanos();
        if self.count == 0 {
            self.origin = at;
        }
        self.count += 1;
        let distance = at.abs_diff(self.origin) as f64 / 1e9;
        let seconds = if at < self.origin { -distance } else { distance };
        let from_old = seconds - self.mean;
        self.mean += from_old / self.count as f64;
        self.squares += from_old * (seconds - self.mean);
        self.add_to_run(at);
    }

    fn add_to_run(&mut self, at: u64) {
        // The runs that the start touches, of which there are at most two: they lie more than a second apart.
        let near = |run: &Run| {
            at.saturating_add(RUN_GAP_NS) >= run.first && at <= run.last.saturating_add(RUN_GAP_NS)
        };
        let begin = self.runs.partition_point(|run| run.last.saturating_add(RUN_GAP_NS) < at);
        let count = self.runs[begin..].iter().take_while(|run| near(run)).count();
        let mut grown = Run { first: at, last: at, flows: 1 };
        for run in self.runs.drain(begin..begin + count) {
            grown.first = grown.first.min(run.first);
            grown.last = grown.last.max(run.last);
            grown.flows += run.flows;
        }
        self.longest = self.longest.max(grown.flows);
        self.runs.insert(begin, grown);
        if self.runs.len() > RUNS_MAX {
            self.runs.remove(0);
        }
    }

    /// Population standard deviation in seconds.
    pub(super) fn spread(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / self.count as f64).max(0.0).sqrt())
    }

    /// Most flows of a run.
    pub(super) fn longest_run(&self) -> u64 {
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(starts: &[u64]) -> Starts {
        let mut all = Starts::default();
        for &ms in starts {
            all.add(Timestamp::from_nanos(ms * 1_000_000));
        }
        all
    }

    #[test]
    fn runs_break_after_more_than_a_second() {
        assert_eq!(of(&[]).longest_run(), 0);
        assert_eq!(of(&[5]).longest_run(), 1);
        assert_eq!(of(&[0, 1000, 2000, 3001]).longest_run(), 3);
        assert_eq!(of(&[3001, 0, 2000]).longest_run(), 1);
        assert_eq!(of(&[3001, 0, 2000, 1000]).longest_run(), 3);
        assert_eq!(of(&[0, 1800, 900]).longest_run(), 3, "the last joins both");
    }

    #[test]
    fn the_spread_is_the_population_deviation() {
        assert_eq!(of(&[7]).spread(), None);
        assert_eq!(of(&[5000, 5000]).spread(), Some(0.0));
        // 2, 4, 4, 4, 5, 5, 7, 9 s: mean 5, deviation 2.
        let spread = of(&[9000, 2000, 4000, 4000, 5000, 4000, 7000, 5000]).spread().unwrap();
        assert!((spread - 2.0).abs() < 1e-12, "{spread}");
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(mut starts in prop::collection::vec(0_u64..12_000, 1..60)) {
            let shuffled = of(&starts);
            starts.sort_unstable();
            // The definition, over sorted starts.
            let (mut run, mut longest) = (1, 1);
            for pair in starts.windows(2) {
                run = if pair[1] - pair[0] <= 1000 { run + 1 } else { 1 };
                longest = longest.max(run);
            }
            prop_assert_eq!(shuffled.longest_run(), longest);
            prop_assert_eq!(of(&starts).longest_run(), longest);
            match (shuffled.spread(), of(&starts).spread()) {
                (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-9),
                (a, b) => prop_assert_eq!(a, b),
            }
        }

        #[test]
        fn any_times_are_taken(starts in prop::collection::vec(any::<u64>(), 0..200)) {
            let mut all = Starts::default();
            for &at in &starts {
                all.add(Timestamp::from_nanos(at));
            }
            prop_assert!(all.runs.len() <= RUNS_MAX);
            prop_assert!(all.spread().is_none_or(f64::is_finite));
        }
    }
}
