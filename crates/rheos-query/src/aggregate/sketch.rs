//! How many values there are, about: HyperLogLog with a list of values' hashes while they are few.
//!
//! P. Flajolet et al., HyperLogLog (AofA 2007); the list is that of S. Heule et al., HyperLogLog in Practice (EDBT
//! 2013, section 5.3), the estimate that of O. Ertl, New cardinality estimation algorithms for HyperLogLog sketches
//! (arXiv 1702.01284, algorithm 6). All of it follows from the set of values alone: any order of adding and merging
//! gives the same number.

use rheos_core::seed::mix;

/// 2^12 registers: a standard error of 1.04 / sqrt(4096), 1.6 %.
const REGISTERS_LOG2: u32 = 12;
const REGISTERS: usize = 1 << REGISTERS_LOG2;
/// Bits of a hash that tell values apart in the list.
const FEW_LOG2: u32 = 26;
/// Most values in the list, whose error is below 0.01 %; it takes no more memory than the registers.
const FEW_MAX: usize = 1024;
/// Greatest value of a register: one more than the bits of a hash that do not choose it.
const RANK_MAX: usize = 64 - REGISTERS_LOG2 as usize + 1;

/// A set of values of which about the size is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sketch {
    /// What the list needs of each hash, in order: the first bits, and the rank of those behind them.
    Few(Vec<u32>),
    /// The greatest rank of the hashes that chose the register.
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// The same for every run, as answers must be, and well-mixed (the finalizer of SplitMix64, once per half).
const fn hash(value: u128) -> u64 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let high = mix(((value >> 64) as u64).wrapping_add(GOLDEN));
    mix((value as u64).wrapping_add(high).wrapping_add(GOLDEN))
}

/// Place of the first one in `bits`, from 1 on; one more than `count` if there is none.
const fn rank(bits: u64, count: u32) -> u8 {
    let zeros = bits.leading_zeros();
    (if zeros < count { zeros } else { count }) as u8 + 1
}

/// First bits and rank of a hash in 32 bits.
const fn few(hash: u64) -> u32 {
    let first = (hash >> (64 - FEW_LOG2)) as u32;
    first << 6 | rank(hash << FEW_LOG2, 64 - FEW_LOG2) as u32
}

/// The register and its rank of what the list has of a hash.
const fn register(few: u32) -> (usize, u8) {
    let (first, rest) = (few >> 6, (few & 63) as u8);
    let chosen = (first >> (FEW_LOG2 - REGISTERS_LOG2)) as usize;
    // The bits of the list that do not choose the register, then those that its rank is of.
    let middle = FEW_LOG2 - REGISTERS_LOG2;
    let bits = first << (32 - middle);
    let rank = if bits == 0 { middle as u8 + rest } else { bits.leading_zeros() as u8 + 1 };
    (chosen, rank)
}

impl Sketch {
    /// Adds a value.
    pub(super) fn add(&mut self, value: u128) {
        let few = few(hash(value));
        self.insert(few);
    }

    fn insert(&mut self, few: u32) {
        match self {
            Self::Few(list) => {
                let Err(place) = list.binary_search(&few) else { return };
                if list.len() < FEW_MAX {
                    return list.insert(place, few);
                }
                let mut registers = Box::new([0; REGISTERS]);
                for known in list.iter().copied().chain([few]) {
                    raise(&mut registers, known);
                }
                *self = Self::Many(registers);
            }
            Self::Many(registers) => raise(registers, few),
        }
    }

    /// Adds all values of another one.
    pub(super) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Few(list)) => list.iter().for_each(|&few| self.insert(few)),
            (Self::Many(ours), Self::Many(theirs)) => {
                ours.iter_mut().zip(theirs.iter()).for_each(|(a, b)| *a = *b.max(a));
            }
            (Self::Few(list), Self::Many(theirs)) => {
                let mut registers = theirs.clone();
                for &few in list.iter() {
                    raise(&mut registers, few);
                }
                *self = Self::Many(registers);
            }
        }
    }

    /// About how many values were added.
    pub(super) fn count(&self) -> u64 {
        match self {
            // How many of 2^26 places are taken by so many values (linear counting).
            Self::Few(list) => {
                let places = f64::from(1 << FEW_LOG2);
                (-places * (-(list.len() as f64) / places).ln_1p()).round() as u64
            }
            Self::Many(registers) => {
                let mut counts = [0_u32; RANK_MAX + 1];
                registers.iter().for_each(|&rank| counts[usize::from(rank).min(RANK_MAX)] += 1);
                estimate(&counts).round() as u64
            }
        }
    }
}

fn raise(registers: &mut [u8; REGISTERS], few: u32) {
    let (chosen, rank) = register(few);
    if let Some(register) = registers.get_mut(chosen) {
        *register = rank.max(*register);
    }
}

/// Ertl's estimate from how many registers have each rank.
fn estimate(counts: &[u32; RANK_MAX + 1]) -> f64 {
    let m = REGISTERS as f64;
    let mut sum = m * tau(1.0 - f64::from(counts[RANK_MAX]) / m);
    for &count in counts[1..RANK_MAX].iter().rev() {
        sum = 0.5 * (sum + f64::from(count));
    }
    sum += m * sigma(f64::from(counts[0]) / m);
    m * m / (2.0 * std::f64::consts::LN_2 * sum)
}

/// x + sum of x^(2^k) 2^(k-1); squares vanish after few steps, unless all registers are empty.
fn sigma(x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut factor, mut sum) = (x, 1.0, x);
    loop {
        power *= power;
        let before = sum;
        sum += power * factor;
        factor *= 2.0;
        if sum <= before {
            return sum;
        }
    }
}

/// (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3; the terms shrink by half at least.
fn tau(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut root, mut factor, mut sum) = (x, 1.0, 1.0 - x);
    loop {
        root = root.sqrt();
        factor *= 0.5;
        let before = sum;
        sum -= (1.0 - root).powi(2) * factor;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: impl IntoIterator<Item = u128>) -> Sketch {
        let mut sketch = Sketch::default();
        values.into_iter().for_each(|value| sketch.add(value));
        sketch
    }

    #[test]
    fn few_values_are_counted_exactly() {
        assert_eq!(Sketch::default().count(), 0);
        for count in [1, 2, 100, 1024] {
            assert_eq!(of((0..count).chain(0..count)).count(), count as u64);
        }
    }

    /// Over 40 sets of each size, the root of the mean square error is that of the method.
    #[test]
    fn the_error_is_the_one_that_is_told() {
        for size in [1500_u64, 10_000, 100_000] {
            let square = |set: u64| {
                let values = (0..size).map(|n| u128::from(set << 40 | n) << 20);
                (of(values).count() as f64 / size as f64 - 1.0).powi(2)
            };
            let error = ((0..40).map(square).sum::<f64>() / 40.0).sqrt();
            assert!((0.008..0.022).contains(&error), "{size}: {error}");
        }
    }

    #[test]
    fn ranks_of_the_list_are_those_of_the_hash() {
        for bits in 0..64 {
            let hash = 0xabc0_0000_0000_0000 | (1_u64 << bits);
            let whole = rank(hash << REGISTERS_LOG2, 64 - REGISTERS_LOG2);
            assert_eq!(register(few(hash)), ((hash >> 52) as usize, whole), "{bits}");
        }
        assert_eq!(register(few(0)), (0, RANK_MAX as u8));
    }

    proptest! {
        /// Only the set matters: not the order, nor which part was where.
        #[test]
        fn merged_sketches_are_those_of_all_values(
            values in proptest::collection::vec(0..5000_u128, 0..4000),
            cut in any::<proptest::sample::Index>(),
        ) {
            let (a, b) = values.split_at(cut.index(values.len() + 1));
            let mut merged = of(a.iter().copied());
            merged.merge(&of(b.iter().rev().copied()));
            prop_assert_eq!(merged, of(values.iter().copied()));
        }
    }
}
