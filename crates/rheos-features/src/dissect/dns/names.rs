//! The names that are asked for: how many, how long, how random.

use rheos_wire::dns::{Name, Question};

use super::{QueryType, Types, counted_type};
use crate::moments::Moments;
use crate::smallest::Smallest;

/// Up to so many names of a flow are told apart exactly.
pub const NAMES_KEPT: usize = 512;
/// Up to so many parents of names are told apart exactly.
pub const PARENTS_KEPT: usize = 128;

/// Questions of a flow.
#[derive(Debug, Default)]
pub struct NameTally {
    /// Different names, upper and lower case being the same.
    pub distinct: Smallest<NAMES_KEPT>,
    /// Different names without their first label.
    pub parents: Smallest<PARENTS_KEPT>,
    /// Lengths as written, in octets.
    pub len: Moments,
    /// Labels per name.
    pub labels: Moments,
    /// The longest label, in octets.
    pub label_len_max: u8,
    /// Octets of labels in all, and digits among them.
    octets: u64,
    digits: u64,
    /// Sum and greatest of the entropies of names, and how many have one.
    entropy_sum: f64,
    entropy_max: f64,
    entropies: u64,
    /// Questions by type: [`QueryType::ALL`], then all others.
    by_type: [u32; QueryType::ALL.len() + 1],
    /// Types that are asked for.
    pub types: Types,
}

impl NameTally {
    pub(super) fn on_question(&mut self, question: &Question<'_>) {
        let name = &question.name;
        let count = &mut self.by_type[counted_type(question.record_type)];
        *count = count.saturating_add(1);
        self.types.add(question.record_type);
        self.len.push(name.len() as u64);
        self.labels.push(name.label_count() as u64);
        self.distinct.add(hash_of(name, 0));
        if name.label_count() > 1 {
            self.parents.add(hash_of(name, 1));
        }
        let mut counts = [0_u8; 256];
        let mut octets = 0_u32;
        for label in name.labels() {
            self.label_len_max = self.label_len_max.max(label.len() as u8);
            octets += label.len() as u32;
            for byte in label {
                self.digits += u64::from(byte.is_ascii_digit());
                // A name has at most 254 octets.
                counts[usize::from(byte.to_ascii_lowercase())] += 1;
            }
        }
        self.octets += u64::from(octets);
        if octets > 0 {
            let entropy = entropy(&counts, octets);
            self.entropy_sum += entropy;
            self.entropy_max = self.entropy_max.max(entropy);
            self.entropies += 1;
        }
    }

    /// How many questions there were.
    pub fn questions(&self) -> u64 {
        self.len.n
    }

    /// How many were for records of a type.
    pub fn of_type(&self, kind: QueryType) -> u64 {
        u64::from(self.by_type[kind as usize])
    }

    /// How many were for records of a type that is not counted on its own.
    pub fn of_other_types(&self) -> u64 {
        u64::from(self.by_type[QueryType::ALL.len()])
    }

    /// Mean of the names' entropies, in bits per octet.
    pub fn entropy_mean(&self) -> Option<f64> {
        (self.entropies > 0).then(|| self.entropy_sum / self.entropies as f64)
    }

    /// The greatest of the names' entropies, in bits per octet.
    pub fn entropy_max(&self) -> Option<f64> {
        (self.entropies > 0).then_some(self.entropy_max)
    }

    /// Share of digits among the octets of all names.
    pub fn digit_ratio(&self) -> Option<f64> {
        (self.octets > 0).then(|| self.digits as f64 / self.octets as f64)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.distinct.heap_bytes() + self.parents.heap_bytes()
    }
}

/// Shannon entropy in bits per octet: log2 n - sum(c log2 c) / n.
fn entropy(counts: &[u8; 256], n: u32) -> f64 {
    let weighted = |count: &u8| f64::from(*count) * f64::from(*count).log2();
    let sum: f64 = counts.iter().filter(|count| **count > 1).map(weighted).sum();
    let n = f64::from(n);
    (n.log2() - sum / n).max(0.0)
}

/// The hash of a question: name without regard to case, type and class.
pub(super) fn question_hash(question: &Question<'_>) -> u64 {
    let rest = u64::from(question.record_type) << 16 | u64::from(question.class);
    spread(hash_of(&question.name, 0) ^ spread(rest))
}

/// The hash of a name without its first `skip` labels, without regard to case: FNV-1a, evenly spread.
fn hash_of(name: &Name<'_>, skip: usize) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    let of_label = |hash: u64, label: &[u8]| {
        let hash = step(hash, label.len() as u8);
        label.iter().fold(hash, |hash, byte| step(hash, byte.to_ascii_lowercase()))
    };
    spread(name.labels().skip(skip).fold(BASIS, of_label))
}

/// The finalizer of SplitMix64.
pub(super) fn spread(z: u64) -> u64 {
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(tally: &mut NameTally, wire: &[u8], record_type: u16) {
        let (name, _) = Name::parse(wire, 0).unwrap();
        tally.on_question(&Question { name, record_type, class: 1 });
    }

    #[test]
    fn names_are_counted_and_measured() {
        let mut tally = NameTally::default();
        ask(&mut tally, b"\x02a1\x02bc\0", 1);
        ask(&mut tally, b"\x02A1\x02Bc\0", 28);
        ask(&mut tally, b"\x04aaaa\x02bc\0", 99);
        assert_eq!((tally.questions(), tally.distinct.count(), tally.parents.count()), (3, 2, 1));
        assert_eq!((tally.len.min(), tally.len.max()), (Some(5.0), Some(7.0)));
        assert_eq!((tally.labels.mean(), tally.label_len_max), (Some(2.0), 4));
        assert_eq!(tally.of_type(QueryType::A), 1);
        assert_eq!(tally.of_type(QueryType::Aaaa), 1);
        assert_eq!(tally.of_other_types(), 1);
        // 2 digits of 14 octets; a1bc has 2 bits, aaaabc log2 6 - 8 / 6
        assert_eq!(tally.digit_ratio(), Some(2.0 / 14.0));
        let last = 6_f64.log2() - 8.0 / 6.0;
        assert!((tally.entropy_mean().unwrap() - (4.0 + last) / 3.0).abs() < 1e-12);
        assert_eq!(tally.entropy_max(), Some(2.0));
    }

    #[test]
    fn the_root_has_a_length_of_0_and_no_entropy() {
        let mut tally = NameTally::default();
        ask(&mut tally, b"\0", 2);
        assert_eq!((tally.len.max(), tally.labels.max()), (Some(0.0), Some(0.0)));
        assert_eq!((tally.entropy_mean(), tally.digit_ratio()), (None, None));
        assert_eq!((tally.distinct.count(), tally.parents.count()), (1, 0));
    }

    #[test]
    fn labels_are_not_mixed_up() {
        let of = |wire: &[u8]| hash_of(&Name::parse(wire, 0).unwrap().0, 0);
        assert_ne!(of(b"\x01a\x02bc\0"), of(b"\x02ab\x01c\0"));
        assert_eq!(of(b"\x01A\0"), of(b"\x01a\0"));
    }
}
