//! A sanity battery: what a generator of no quality would fail.

use super::*;

const RECORDS: u64 = 1 << 18;

/// All eight halves of a record.
fn halves(key: u64, index: u64) -> [u32; 8] {
    let state = state(key, index);
    let mut all = [0; 8];
    for which in 0..4 {
        let (high, low) = word(state, which);
        all[2 * which] = high;
        all[2 * which + 1] = low;
    }
    all
}

/// How many deviations chi-square is off its mean: (x - df) / sqrt(2 df).
fn deviation(counts: &[u32]) -> f64 {
    let total: u64 = counts.iter().map(|&c| u64::from(c)).sum();
    let expected = total as f64 / counts.len() as f64;
    let chi: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
    let degrees = (counts.len() - 1) as f64;
    (chi - degrees) / (2.0 * degrees).sqrt()
}

#[test]
fn the_first_word_is_splitmix64() {
    // The high half is untouched by its last step, the low one differs by the distance of that shift only.
    let reference = rheos_core::seed::mix(77_u64.wrapping_add(5_u64.wrapping_mul(STEP)));
    let (high, low) = word(state(77, 5), 0);
    assert_eq!(u64::from(high) >> 2, reference >> 34);
    assert_ne!(high, low);
}

#[test]
fn bytes_are_even() {
    for key in [0, 1, key(1, 0), u64::MAX] {
        let mut counts = vec![[0_u32; 256]; 32];
        for index in 0..RECORDS {
            for (half, value) in halves(key, index).into_iter().enumerate() {
                for (byte, value) in value.to_le_bytes().into_iter().enumerate() {
                    counts[4 * half + byte][usize::from(value)] += 1;
                }
            }
        }
        for (place, counts) in counts.iter().enumerate() {
            let off = deviation(counts);
            assert!(off.abs() < 5.0, "key {key}, byte {place}: {off} deviations");
        }
    }
}

#[test]
fn halves_of_a_record_know_nothing_of_each_other() {
    for (a, b) in (0..8).flat_map(|a| (0..a).map(move |b| (a, b))) {
        let mut counts = vec![0_u32; 1 << 12];
        for index in 0..RECORDS {
            let all = halves(42, index);
            counts[((all[a] >> 26) << 6 | all[b] >> 26) as usize] += 1;
        }
        let off = deviation(&counts);
        assert!(off.abs() < 5.0, "halves {a} and {b}: {off} deviations");
    }
    // Four at a time: 4 bits of each.
    for set in [[0, 2, 4, 6], [1, 3, 5, 7], [0, 1, 2, 3], [4, 5, 6, 7]] {
        let mut counts = vec![0_u32; 1 << 12];
        for index in 0..RECORDS {
            let all = halves(43, index);
            let cell = set.iter().fold(0, |cell, &h| cell << 3 | all[h] >> 29);
            counts[cell as usize] += 1;
        }
        let off = deviation(&counts);
        assert!(off.abs() < 5.0, "halves {set:?}: {off} deviations");
    }
}

#[test]
fn neighbouring_records_are_not_correlated() {
    for lag in [1, 2, 8, 16, 4096] {
        for half in 0..8 {
            let value = |index| f64::from(halves(7, index)[half]) / 4_294_967_296.0 - 0.5;
            let sum: f64 = (0..RECORDS).map(|i| value(i) * value(i + lag)).sum();
            // Each product has the variance 1/144.
            let off = sum / (RECORDS as f64 / 144.0).sqrt();
            assert!(off.abs() < 5.0, "half {half}, lag {lag}: {off} deviations");
        }
    }
}

#[test]
fn every_bit_of_index_and_key_moves_half_of_the_bits() {
    const SAMPLES: u64 = 4096;
    for bit in 0..64 {
        let mut moved = [[0_u32; 256]; 2];
        for sample in 0..SAMPLES {
            let (key, index) = (sample.wrapping_mul(0x1234_5678_9abc_def1), sample);
            let before = halves(key, index);
            for (kind, after) in
                [halves(key ^ 1 << bit, index), halves(key, index ^ 1 << bit)].iter().enumerate()
            {
                for half in 0..8 {
                    let changed = before[half] ^ after[half];
                    for at in 0..32 {
                        moved[kind][32 * half + at] += changed >> at & 1;
                    }
                }
            }
        }
        for (kind, moved) in moved.iter().enumerate() {
            // On average over all bits: the low ones of a product follow fewer of its factor's.
            let share = f64::from(moved.iter().sum::<u32>()) / (256.0 * SAMPLES as f64);
            assert!((share - 0.5).abs() < 0.02, "bit {bit} of {kind}: {share}");
            for half in 0..8 {
                let top = f64::from(moved[32 * half + 31]) / SAMPLES as f64;
                assert!((top - 0.5).abs() < 0.06, "bit {bit} of {kind}, half {half}: {top}");
            }
        }
    }
}
