//! How many bytes a record has on average where conversations fill blocks: what bandwidths become clocks by.
//!
//! A block ends with the conversation that fills it, so longer ones are met less often than their share of all says.
//! The expectation follows from how many places conversations take (Wald's equation), place by place from the block's
//! end, with what is lost where the last one finds too little room.

use super::chunk::SPAN_MAX;
use super::parts::Way;
use super::quantiles::{Quantiles, whole};
use super::sequence::{ANSWER, QUESTION};
use super::sessions::Timeouts;
use super::shape::{Shape, Shapes};
use super::talk::{DNS_PORT, IPV6_BYTES, RST_BYTES, SYN_BYTES, SYNS_MAX};
use super::{RealPlan, TCP};
use crate::flows::config::FlowConfig;
use crate::flows::plan::Leaf;
use crate::flows::row::BLOCK;

/// Points at which numbers of packets and gaps are looked up, spread evenly: multiples of the powers of the inverse of
/// 1.2207..., the root of x^4 = x + 1 (Roberts 2018), as parts of 2^64. So many for all kinds of flows together.
const SAMPLES: u64 = 1 << 20;
const SPREAD: [u64; 3] = [0xd1b5_4a32_d192_ed03, 0xabc9_8388_fb8f_ac03, 0x8cb9_2ba7_2f3d_8dd7];

/// Most places that parts take beyond one for each direction.
const EXTRA_MAX: usize = 126;

/// Conversations of one kind: whether there is an answer, whether a name is looked up.
#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    share: f64,
    /// Bytes of requests and replies, times the share.
    request: f64,
    reply: f64,
}

/// Shares by places.
type Extra = [f64; EXTRA_MAX + 1];

/// All conversations of a plan.
#[derive(Debug)]
struct Mix {
    /// Without and with an answer, without and with a look-up.
    kinds: [[Kind; 2]; 2],
    /// The same conversations by how many places more their parts take.
    extra: [[Extra; 2]; 2],
    looked_up: f64,
}

/// Mean bytes of a record. `ipv6` is the share of conversations over IPv6, `shares` those of the leaves.
pub(super) fn mean_record_bytes(
    config: &FlowConfig,
    real: &RealPlan,
    (leaves, shares): (&[Leaf], &[u64]),
    ipv6: f64,
) -> f64 {
    let headers = IPV6_BYTES as f64 * ipv6;
    let even = |(least, span): (u64, u32)| least as f64 + f64::from(span - 1) / 2.0 + headers;
    let mut mix = Mix {
        kinds: [[Kind::default(); 2]; 2],
        extra: [[[0.0; EXTRA_MAX + 1]; 2]; 2],
        looked_up: even(QUESTION) + even(ANSWER),
    };
    let all: f64 = shares.iter().map(|&share| share as f64).sum();
    // Leaves of one pattern differ in nothing that counts here but, perhaps, their port.
    let mut kinds: Vec<(Shape, [f64; 2], f64)> = Vec::new();
    for (index, (leaf, &share)) in leaves.iter().zip(shares).enumerate() {
        let shape = real.shapes.of(index as u32);
        let own = || [f64::from(leaf.size) + f64::from(leaf.size_count.max(1) - 1) / 2.0; 2];
        let means = real.shapes.mean_bytes(index).unwrap_or_else(own);
        let known = kinds.iter_mut().find(|(known, of, _)| {
            known.is_like(&shape) && of.map(f64::to_bits) == means.map(f64::to_bits)
        });
        match known {
            Some((.., known)) => *known += share as f64 / all,
            None => kinds.push((shape, means, share as f64 / all)),
        }
    }
    let samples = SAMPLES / (kinds.len() as u64).max(4);
    for (shape, means, share) in kinds {
        mix.add(config, real, shape, (share, samples), (means, headers));
    }
    mix.normalize();
    mix.bytes_of_block() / BLOCK as f64
}

impl Mix {
    /// The conversations of one leaf.
    fn add(
        &mut self,
        config: &FlowConfig,
        real: &RealPlan,
        shape: Shape,
        (share, samples): (f64, u64),
        ([client, server], headers): ([f64; 2], f64),
    ) {
        let Some(sessions) = &real.sessions else { return };
        let timeouts = sessions.timeouts;
        let Some(talk) = &config.sessions.conversations else {
            let request = client + config.reversed_share * (server - client);
            self.kind(false, 0.0, share, (request, 0.0));
            self.parts(&real.shapes, shape, timeouts, (share, 0.0, None, samples));
            return;
        };
        let tcp = shape.protocol == TCP;
        let refused = if tcp { talk.refused } else { 0.0 };
        let silent = (1.0 - talk.answered - refused).max(0.0);
        let looks_up = if tcp && shape.port != DNS_PORT { talk.dns_before } else { 0.0 };
        let reply = if shape.campus {
            // Both are of one distribution: what the larger has beyond the mean, the smaller lacks.
            let beyond = larger_of_two(&real.shapes.quantiles(shape.bytes[0])) - server;
            server + (1.0 - talk.correlation) * (2.0 * talk.downstream - 1.0) * beyond
        } else {
            server
        };
        let answered_request = client + server - reply;
        let syn = SYN_BYTES as f64 + headers;
        let lost = |packets: f64| if tcp && shape.apart { packets * syn } else { client };
        let syns = f64::from(1 + SYNS_MAX) / 2.0;
        self.kind(true, looks_up, share * talk.answered, (answered_request, reply));
        self.kind(true, looks_up, share * refused, (lost(1.0), RST_BYTES as f64 + headers));
        self.kind(false, looks_up, share * silent, (lost(syns), 0.0));
        let coupled = Some(talk.correlation);
        self.parts(
            &real.shapes,
            shape,
            timeouts,
            (share * talk.answered, looks_up, coupled, samples),
        );
        self.no_parts(true, looks_up, share * refused);
        if tcp {
            self.no_parts(false, looks_up, share * silent);
        } else {
            self.parts(&real.shapes, shape, timeouts, (share * silent, looks_up, None, samples));
        }
    }

    fn kind(&mut self, answers: bool, looks_up: f64, share: f64, (request, reply): (f64, f64)) {
        let kinds = &mut self.kinds[usize::from(answers)];
        for (kind, part) in kinds.iter_mut().zip([1.0 - looks_up, looks_up]) {
            kind.share += share * part;
            kind.request += share * part * request;
            kind.reply += share * part * reply;
        }
    }

    /// How many places parts take. Of both directions where it is told how they are coupled.
    fn parts(
        &mut self,
        shapes: &Shapes,
        shape: Shape,
        timeouts: Timeouts,
        (share, looks_up, coupled, samples): (f64, f64, Option<f64>, u64),
    ) {
        if shape.plain || (timeouts.active.is_none() && timeouts.inactive.is_none()) {
            return self.no_parts(coupled.is_some(), looks_up, share);
        }
        let tables = [shape.packets[0], shape.packets[1], shape.gap].map(|t| shapes.quantiles(t));
        let packets = |of: usize, place| whole(tables[of].at(place).into());
        let wanted = |packets: [(u64, f64); 2], gap: f64| {
            let most = packets[0].1.max(packets[1].1) - 1.0;
            let times = if shape.gap_of_all { most.min(1.0) } else { most };
            let span = (gap * times).clamp(0.0, SPAN_MAX) as u64;
            let more = packets.map(|(packets, _)| {
                let span = if packets > 1 { span } else { 0 };
                Way { packets, bytes: 0, first: 0, span }.parts(timeouts, BLOCK) - 1
            });
            (more[0] + more[1]).min(EXTRA_MAX)
        };
        let part = share / samples as f64;
        let mut extra = [0.0; EXTRA_MAX + 1];
        for sample in 1..=samples {
            let [ask, tell, wait] = SPREAD.map(|step| (sample.wrapping_mul(step) >> 32) as u32);
            let gap = tables[2].at(wait).into();
            let asked = packets(0, ask);
            let Some(coupled) = coupled else {
                extra[wanted([asked, (1, 1.0)], gap)] += part;
                continue;
            };
            extra[wanted([asked, packets(1, ask)], gap)] += part * coupled;
            extra[wanted([asked, packets(1, tell)], gap)] += part * (1.0 - coupled);
        }
        let [without, with] = &mut self.extra[usize::from(coupled.is_some())];
        for ((without, with), share) in without.iter_mut().zip(with).zip(extra) {
            *without += share * (1.0 - looks_up);
            *with += share * looks_up;
        }
    }

    /// Conversations of one record each way.
    fn no_parts(&mut self, answers: bool, looks_up: f64, share: f64) {
        let [without, with] = &mut self.extra[usize::from(answers)];
        without[0] += share * (1.0 - looks_up);
        with[0] += share * looks_up;
    }

    /// Shares of places, each list summing to 1.
    fn normalize(&mut self) {
        for extra in self.extra.iter_mut().flatten() {
            let sum: f64 = extra.iter().sum();
            for share in extra.iter_mut().filter(|_| sum > 0.0) {
                *share /= sum;
            }
        }
        let all: f64 = self.kinds.iter().flatten().map(|kind| kind.share).sum();
        for kind in self.kinds.iter_mut().flatten().filter(|_| all > 0.0) {
            kind.share /= all;
            kind.request /= all;
            kind.reply /= all;
        }
    }

    /// Expected bytes of a whole block.
    fn bytes_of_block(&self) -> f64 {
        // With so many places left.
        let mut expected = [0.0; BLOCK + 1];
        for room in 1..=BLOCK {
            let mut sum = 0.0;
            for (answers, kinds) in self.kinds.iter().enumerate() {
                for (looks_up, kind) in kinds.iter().enumerate() {
                    let fits = looks_up == 1 && room >= 3 + answers;
                    let left = if fits { room - 2 } else { room };
                    let replied = answers == 1 && left > 1;
                    sum += kind.request + if replied { kind.reply } else { 0.0 };
                    sum += if fits { kind.share * self.looked_up } else { 0.0 };
                    for (more, share) in self.extra[answers][looks_up].iter().enumerate() {
                        let used = (1 + answers + more).min(left);
                        sum += kind.share * share * expected[left - used];
                    }
                }
            }
            expected[room] = sum;
        }
        expected[BLOCK]
    }
}

/// The mean of the larger of two independent values.
fn larger_of_two(of: &Quantiles) -> f64 {
    let mut below = 0.0;
    let part = |(from, to, share): (f64, f64, f64)| {
        let up_to: f64 = below + share;
        let both = up_to * up_to - below * below;
        below = up_to;
        both * f64::midpoint(from, to)
    };
    of.parts().map(part).sum()
}
