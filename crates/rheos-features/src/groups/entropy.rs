//! How random the first bytes of payload are.
//!
//! Of each direction the first payload bytes are counted by value, up to a limit (256 by default), in order of
//! arrival: what was sent again counts again. An entropy from `n` bytes is too low on average, by about
//! (m - 1) / (2 n ln 2) bits with `m` different values, and never above log2(n): 256 random bytes show about 7.2
//! of their 8 bits. The `_corrected` columns add that term (Miller and Madow 1955).

use std::sync::LazyLock;

use super::{Ended, Group, Seen};
use crate::column::Kind::{F64, U32};
use crate::column::extended as column;
use crate::column::{Column, GroupInfo};
use crate::row::RowBuffer;

const NO_PAYLOAD: &str = "no payload";
const NO_FWD: &str = "no payload from the initiator";
const NO_BWD: &str = "no payload from the responder";
const BIAS: &str = "null, not 0, without payload; packets are not cut to 256 bytes; too low for few bytes, see the _corrected column";
const SHARE: &str = "null, not 0, without payload";

const fn share(name: &'static str, meaning: &'static str) -> Column {
    column(name, F64, "", meaning).null(NO_PAYLOAD).changed(SHARE)
}

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("entropy_payload", F64, "bits", "Shannon entropy, 0 to 8 bits per byte, of the first payload bytes of both directions together (default 256 of each)").null(NO_PAYLOAD).changed(BIAS),
    column("entropy_initiator", F64, "bits", "Shannon entropy of the initiator's first payload bytes").fwd().null(NO_FWD).changed(BIAS),
    column("entropy_responder", F64, "bits", "Shannon entropy of the responder's first payload bytes").bwd().null(NO_BWD).changed(BIAS),
    column("entropy_ratio", F64, "", "entropy_initiator / entropy_responder")
        .null("a direction has no payload, or entropy_responder is 0")
        .changed("null, not infinite or 0, when it is not defined"),
    column("byte_distribution_uniformity", F64, "", "255 over byte_chi_square, at most 1: about 1 for encrypted or compressed bytes, near 0 for text")
        .null("fewer than 256 bytes were sampled")
        .changed("from the chi-square statistic: the older formula gave about 1 for nearly everything; null, not 0, for few bytes"),
    share("printable_ratio", "share of the sampled bytes that are printable ASCII (0x20 to 0x7e), TAB, LF or CR"),
    share("null_ratio", "share of the sampled bytes that are 0x00"),
    share("high_byte_ratio", "share of the sampled bytes that are 0x80 or above"),
    column("payload_bytes_sampled", U32, "bytes", "payload bytes that were sampled, of both directions").changed("a configured number per direction, 256 by default"),
    column("entropy_payload_corrected", F64, "bits", "entropy_payload + (m - 1) / (2 n ln 2), at most 8: m different values among n bytes").null(NO_PAYLOAD),
    column("entropy_initiator_corrected", F64, "bits", "entropy_initiator with the same correction").fwd().null(NO_FWD),
    column("entropy_responder_corrected", F64, "bits", "entropy_responder with the same correction").bwd().null(NO_BWD),
    column("byte_chi_square", F64, "", "chi-square statistic of the sampled bytes against equally frequent values: sum over the 256 values of (count - n/256)^2 / (n/256); 255 on average for random bytes")
        .null("fewer than 256 bytes were sampled"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Entropy;

/// How often each byte value occurred.
type Counts = [u16; 256];

/// What was sampled of both directions, the initiator first.
#[derive(Debug)]
pub struct Sample {
    counts: [Counts; 2],
    len: [u16; 2],
}

/// Made with the first payload.
pub type State = Option<Box<Sample>>;

impl Group for Entropy {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "entropy",
        meaning: "how random the first payload bytes are",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) -> State {
        None
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        if seen.packet.payload_cap_len == 0 {
            return;
        }
        let limit = seen.plan.config.entropy_sample_bytes;
        let side = seen.arrival.direction.index();
        if state.as_ref().is_some_and(|sample| usize::from(sample.len[side]) >= limit) {
            return;
        }
        let payload = seen.packet.payload(seen.bytes);
        if payload.is_empty() || limit == 0 {
            return;
        }
        let sample =
            state.get_or_insert_with(|| Box::new(Sample { counts: [[0; 256]; 2], len: [0; 2] }));
        let left = limit.saturating_sub(usize::from(sample.len[side]));
        let counts = &mut sample.counts[side];
        for &byte in payload.iter().take(left) {
            counts[usize::from(byte)] += 1;
        }
        // The limit is within 16 bits, and so is every count.
        sample.len[side] += payload.len().min(left) as u16;
    }

    fn reset(state: &mut State, _: &crate::FeaturePlan) {
        if let Some(sample) = state {
            sample.counts = [[0; 256]; 2];
            sample.len = [0; 2];
        }
    }

    fn finish(state: &State, _: &mut Ended<'_>, row: &mut RowBuffer) {
        let sampled = Sampled::of(state.as_deref());
        let Sampled { both: Tally { n, .. }, .. } = sampled;
        let [all, fwd, bwd] = [&sampled.both, &sampled.fwd, &sampled.bwd].map(Tally::entropy);
        row.f64("entropy_payload", all.map(|e| e.plain));
        row.f64("entropy_initiator", fwd.map(|e| e.plain));
        row.f64("entropy_responder", bwd.map(|e| e.plain));
        let ratio = fwd.zip(bwd).filter(|(_, bwd)| bwd.plain > 0.0);
        row.f64("entropy_ratio", ratio.map(|(fwd, bwd)| fwd.plain / bwd.plain));
        let chi_square = sampled.both.chi_square();
        row.f64("byte_distribution_uniformity", chi_square.map(|chi| (255.0 / chi).min(1.0)));
        let share = |chosen: u32| (n > 0).then(|| f64::from(chosen) / f64::from(n));
        row.f64("printable_ratio", share(sampled.printable));
        row.f64("null_ratio", share(sampled.zero));
        row.f64("high_byte_ratio", share(sampled.high));
        row.u32("payload_bytes_sampled", n);
        row.f64("entropy_payload_corrected", all.map(|e| e.corrected));
        row.f64("entropy_initiator_corrected", fwd.map(|e| e.corrected));
        row.f64("entropy_responder_corrected", bwd.map(|e| e.corrected));
        row.f64("byte_chi_square", chi_square);
    }
}

/// What the counts of a flow come to, in one pass.
#[derive(Default)]
struct Sampled {
    fwd: Tally,
    bwd: Tally,
    both: Tally,
    printable: u32,
    zero: u32,
    high: u32,
}

impl Sampled {
    fn of(sample: Option<&Sample>) -> Self {
        let mut all = Self::default();
        let Some(Sample { counts: [fwd, bwd], .. }) = sample else { return all };
        let (fwd, bwd) = (fwd.as_chunks::<4>().0, bwd.as_chunks::<4>().0);
        for (start, (fwd, bwd)) in (0..=255).step_by(4).zip(fwd.iter().zip(bwd)) {
            // Most values do not occur in a few hundred bytes.
            if *fwd == [0; 4] && *bwd == [0; 4] {
                continue;
            }
            for (value, (&fwd, &bwd)) in (start..=255_u8).zip(fwd.iter().zip(bwd)) {
                all.add(value, u32::from(fwd), u32::from(bwd));
            }
        }
        all
    }

    #[inline]
    fn add(&mut self, value: u8, fwd: u32, bwd: u32) {
        let count = fwd + bwd;
        self.fwd.add(fwd);
        self.bwd.add(bwd);
        self.both.add(count);
        match value {
            0x20..=0x7e | b'\t' | b'\n' | b'\r' => self.printable += count,
            0 => self.zero += count,
            0x80.. => self.high += count,
            _ => {}
        }
    }
}

/// Sums over the counts of the byte values.
#[derive(Default)]
struct Tally {
    /// Bytes.
    n: u32,
    /// Values that occur.
    used: u32,
    /// Sum of `count * log2(count)`.
    weighted: f64,
    /// Sum of `count * count`.
    squares: u64,
}

/// `count * log2(count)` of the counts that samples of the usual size have.
static WEIGHTS: LazyLock<[f64; 1024]> =
    LazyLock::new(|| std::array::from_fn(|count| weight(count as u32)));

fn weight(count: u32) -> f64 {
    if count > 1 { f64::from(count) * f64::from(count).log2() } else { 0.0 }
}

/// An entropy in bits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shannon {
    plain: f64,
    corrected: f64,
}

impl Tally {
    #[inline]
    fn add(&mut self, count: u32) {
        self.n += count;
        self.used += u32::from(count > 0);
        self.weighted += WEIGHTS.get(count as usize).copied().unwrap_or_else(|| weight(count));
        self.squares += u64::from(count) * u64::from(count);
    }

    /// Nothing without bytes.
    fn entropy(&self) -> Option<Shannon> {
        if self.n == 0 {
            return None;
        }
        let n = f64::from(self.n);
        // One value: exactly 0, whatever the logarithms round to.
        let plain = if self.used > 1 { n.log2() - self.weighted / n } else { 0.0 };
        let bias = f64::from(self.used - 1) / (2.0 * n * std::f64::consts::LN_2);
        Some(Shannon { plain, corrected: (plain + bias).min(8.0) })
    }

    /// The statistic against equally frequent values, `256 / n * sum(count^2) - n`; nothing for fewer bytes than
    /// values.
    fn chi_square(&self) -> Option<f64> {
        let n = f64::from(self.n);
        (self.n >= 256).then(|| (256.0 * self.squares as f64 / n - n).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(bytes: &[u8]) -> Tally {
        let mut sample = Sample { counts: [[0; 256]; 2], len: [0; 2] };
        for &byte in bytes {
            sample.counts[0][usize::from(byte)] += 1;
        }
        Sampled::of(Some(&sample)).fwd
    }

    #[test]
    fn hand_computed_entropies() {
        assert_eq!(tally(&[]).entropy(), None);
        let one = tally(&[7; 100]).entropy().unwrap();
        assert_eq!((one.plain, one.corrected), (0.0, 0.0));
        let four = tally(&[0, 1, 2, 3]).entropy().unwrap();
        assert_eq!(Some(four.plain), Some(2.0));
        // 3 / (8 ln 2)
        assert!((four.corrected - 2.541_010_640).abs() < 1e-9);
        let all: Vec<u8> = (0..=255).collect();
        let all = tally(&all).entropy().unwrap();
        assert_eq!((all.plain, all.corrected), (8.0, 8.0), "never above 8");
    }

    #[test]
    fn few_random_bytes_seem_less_random_than_they_are() {
        // A multiplicative generator's high bytes: uniform, and the same everywhere.
        let mut state = 0x1234_5678_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let bytes: Vec<u8> = (0..256).map(|_| next()).collect();
        let of = tally(&bytes).entropy().unwrap();
        assert!((7.0..7.35).contains(&of.plain), "{}", of.plain);
        assert!(of.corrected - of.plain > 0.4 && of.corrected <= 8.0);
        let chi = tally(&bytes).chi_square().unwrap();
        assert!((150.0..360.0).contains(&chi), "{chi}");
    }

    #[test]
    fn chi_square_by_hand() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(tally(&all).chi_square(), Some(0.0));
        assert_eq!(tally(&all[..255]).chi_square(), None);
        // 256 equal bytes: 255^2 + 255 * 1
        assert_eq!(tally(&[9; 256]).chi_square(), Some(65_280.0));
    }
}
