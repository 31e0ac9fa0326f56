//! Where a generator stands, as text and as bytes.

use std::fmt;
use std::str::FromStr;

use rheos_core::seed::mix;

use super::error::{FlowError, FlowProblem};

/// A position in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// [`FlowPlan::hash`](super::FlowPlan::hash).
    pub plan: u64,
    /// The index of the next record.
    pub position: u64,
}

/// What a checkpoint begins with, as bytes and as text.
const MAGIC: [u8; 8] = *b"RHEOSCP1";
const WORD: &str = "rheos-checkpoint-1";

/// Length of a checkpoint as bytes.
pub const CHECKPOINT_BYTES: usize = 32;

impl Checkpoint {
    /// Magic, plan, position, checksum: 8 bytes each, little endian.
    pub fn to_bytes(self) -> [u8; CHECKPOINT_BYTES] {
        let parts = [MAGIC, self.plan.to_le_bytes(), self.position.to_le_bytes(), self.check()];
        let mut bytes = [0; CHECKPOINT_BYTES];
        for (place, part) in bytes.chunks_exact_mut(8).zip(parts) {
            place.copy_from_slice(&part);
        }
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) gave.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FlowError> {
        let (parts, rest) = bytes.as_chunks::<8>();
        let ([magic, plan, position, check], []) = (parts, rest) else {
            return Err(wrong("it is not 32 bytes long"));
        };
        let found =
            Self { plan: u64::from_le_bytes(*plan), position: u64::from_le_bytes(*position) };
        if *magic != MAGIC {
            return Err(wrong("it does not begin with `RHEOSCP1`"));
        }
        if *check != found.check() {
            return Err(wrong("its checksum is wrong"));
        }
        Ok(found)
    }

    fn check(self) -> [u8; 8] {
        mix(mix(self.plan).wrapping_add(self.position)).to_le_bytes()
    }
}

#[cold]
fn wrong(what: &'static str) -> FlowError {
    FlowError::new("", FlowProblem::Checkpoint(what))
}

/// `rheos-checkpoint-1 8a2f00c9d1e2b3a4 1000000`
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{WORD} {:016x} {}", self.plan, self.position)
    }
}

impl FromStr for Checkpoint {
    type Err = FlowError;

    fn from_str(text: &str) -> Result<Self, FlowError> {
        let mut words = text.split_ascii_whitespace();
        let (Some(WORD), Some(plan), Some(position), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong("it is not written like `rheos-checkpoint-1 8a2f00c9d1e2b3a4 1000`"));
        };
        let plan = u64::from_str_radix(plan, 16).map_err(|_| wrong("its plan is no hex number"))?;
        let position = position.parse().map_err(|_| wrong("its position is no number"))?;
        Ok(Self { plan, position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_round_trip() {
        for checkpoint in [
            Checkpoint { plan: 0, position: 0 },
            Checkpoint { plan: u64::MAX, position: u64::MAX },
            Checkpoint { plan: 0x8a2f_00c9_d1e2_b3a4, position: 1_000_000 },
        ] {
            assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
            assert_eq!(Checkpoint::from_bytes(&checkpoint.to_bytes()), Ok(checkpoint));
        }
    }

    #[test]
    fn damage_is_told() {
        let good = Checkpoint { plan: 1, position: 2 }.to_bytes();
        for at in 0..good.len() {
            let mut bad = good;
            bad[at] ^= 1;
            assert!(Checkpoint::from_bytes(&bad).is_err(), "byte {at}");
        }
        for length in 0..good.len() {
            assert!(Checkpoint::from_bytes(&good[..length]).is_err());
        }
        for text in
            ["", "rheos-checkpoint-1", "rheos-checkpoint-1 xyz 1", "rheos-checkpoint-1 1 -1"]
        {
            assert!(text.parse::<Checkpoint>().is_err(), "{text}");
        }
    }
}
