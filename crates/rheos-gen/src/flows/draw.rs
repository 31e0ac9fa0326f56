//! The randomness of flow records: words that depend on a key and an index only.
//!
//! A record's words are the outputs of `SplitMix64` at the record's index, four times with different second
//! multipliers: so record `i` costs the same wherever it is asked for, and eight of them fit the lanes of a vector.
//! The multipliers are the second of `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014) and three of the 64-bit ones
//! in table 6 of Steele and Vigna, "Computationally easy, spectrally good multipliers" (2021).

#![expect(clippy::inline_always, reason = "a record is made of ten calls of a few instructions")]

use rheos_core::Seed;

/// Distance of the counters of neighbouring records: the golden ratio.
pub(super) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// The multiplier that all words of a record share.
pub(super) const FIRST: u64 = 0xbf58_476d_1ce4_e5b9;
/// The multiplier of each word.
pub(super) const SECOND: [u64; 4] =
    [0x94d0_49bb_1331_11eb, 0xd134_2543_de82_ef95, 0xaf25_1af3_b0f0_25b5, 0xf7c2_ebc0_8f67_f2b5];

/// The key of a stream: all its randomness follows from it.
pub(super) const fn key(seed: u64, stream: u32) -> u64 {
    Seed(seed).named("flows").child(stream as u64).0
}

/// The counter of record `index`; that of the next is `STEP` larger.
#[inline(always)]
pub(super) const fn counter(key: u64, index: u64) -> u64 {
    key.wrapping_add(index.wrapping_mul(STEP))
}

/// What all words of the record with this counter come from.
#[inline(always)]
pub(super) const fn state_of(counter: u64) -> u64 {
    let state = (counter ^ (counter >> 30)).wrapping_mul(FIRST);
    state ^ (state >> 27)
}

/// What all words of record `index` come from.
#[inline(always)]
pub(super) const fn state(key: u64, index: u64) -> u64 {
    state_of(counter(key, index))
}

/// Word `which` (0 to 3) of a record: two independent halves of 32 bits, high and low.
#[inline(always)]
pub(super) const fn word(state: u64, which: usize) -> (u32, u32) {
    let word = state.wrapping_mul(SECOND[which]);
    let high = (word >> 32) as u32;
    (high, word as u32 ^ high)
}

/// Both halves of a word as one.
#[inline(always)]
pub(super) const fn long((high, low): (u32, u32)) -> u64 {
    (high as u64) << 32 | low as u64
}

/// Scales a random half word to `0..span`.
#[inline(always)]
pub(super) const fn below(half: u32, span: u32) -> u32 {
    ((half as u64 * span as u64) >> 32) as u32
}

#[cfg(test)]
mod tests;
