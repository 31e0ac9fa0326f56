//! One SYN and what becomes of it: the atom of scans and SYN floods.

use rheos_core::seed::Rng;

use super::conversation::{Cx, Step};
use super::headers::Path;
use super::tcp::segment::{ACK, RST, SYN, Segment};

/// Raw-socket tools send a bare header with this one option: an MSS of 1460.
const MSS: [u8; 4] = [2, 4, 0x05, 0xb4];

/// What the probed port says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Closed: a reset.
    Reset,
    /// Filtered, or a host that is overwhelmed.
    Nothing,
    /// Open; the scanner resets what it has learned of.
    Open,
    /// Open, to a source that never asked and keeps silent.
    SynAckOnly,
}

#[derive(Clone, Debug)]
pub(crate) struct Probe {
    answer: Answer,
    step: u8,
    seq: u32,
    peer_seq: u32,
}

impl Probe {
    pub(crate) fn new(answer: Answer, rng: &mut Rng) -> Self {
        let bits = rng.bits();
        Self { answer, step: 0, seq: bits as u32, peer_seq: (bits >> 32) as u32 }
    }

    pub(crate) fn step(&mut self, path: &mut Path, cx: &mut Cx<'_>) -> Step {
        let now = cx.now;
        let step = self.step;
        self.step += 1;
        match (step, self.answer) {
            (0, answer) => {
                let syn = Segment {
                    seq: self.seq,
                    flags: SYN,
                    window: 1_024,
                    options: &MSS,
                    ..Segment::new(0)
                };
                let sent = syn.send(path, cx);
                let answers = answer != Answer::Nothing && !cx.lost;
                (sent, answers.then(|| now + 2 * path.delays[1] + 30_000))
            }
            (1, Answer::Reset) => {
                let ack = self.seq.wrapping_add(1);
                let reset = Segment { ack, flags: RST | ACK, ..Segment::new(1) };
                (reset.send(path, cx), None)
            }
            (1, answer) => {
                let syn_ack = Segment {
                    seq: self.peer_seq,
                    ack: self.seq.wrapping_add(1),
                    flags: SYN | ACK,
                    window: 64_240,
                    options: &MSS,
                    ..Segment::new(1)
                };
                let sent = syn_ack.send(path, cx);
                let resets = answer == Answer::Open && !cx.lost;
                (sent, resets.then(|| now + 2 * path.delays[0] + 20_000))
            }
            _ => {
                let reset =
                    Segment { seq: self.seq.wrapping_add(1), flags: RST, ..Segment::new(0) };
                (reset.send(path, cx), None)
            }
        }
    }
}
