//! Hosts of unequal popularity: the host of rank r is chosen r^-s as often as the first (Zipf's law).
//!
//! The inverse of the distribution is a table of 2048 parts, even inside: 8 KiB, which stay in the first cache. Low
//! ranks have many parts each; where a part has several ranks, neighbours are nearly equal.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use rheos_core::seed::{exp, ln, mix};

use super::chunk::{Column, LANES};
use crate::flows::Subnet;

/// Most hosts of a subnet that are in use: those of lower rank would hardly ever be chosen.
const RANKS_MAX: u64 = 1 << 16;
/// Parts of a table, and how many bits choose one.
const PARTS: usize = 1 << BITS;
const BITS: u32 = 11;

/// Ranks at the ends of the parts, in units of 2^-16.
type Ranks = [u32; PARTS + 1];

/// The ranks of the hosts of each subnet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Popularity {
    /// One table for each number of hosts.
    ranks: Vec<Ranks>,
    /// One for each subnet.
    subnets: Vec<Hosts>,
}

/// The hosts of one subnet: which table, and how ranks are scattered over them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Hosts {
    table: u32,
    /// All host bits, at most 63.
    mask: u64,
    /// Odd: a bijection on the host bits.
    scatter: u64,
    /// What is no host where it comes out (else no number), and the host to take then.
    never: u64,
    instead: u64,
}

impl Popularity {
    pub(super) fn new(subnets: &[Subnet], exponent: f64) -> Self {
        let mut popularity = Self { ranks: Vec::new(), subnets: Vec::new() };
        let mut known: Vec<(u64, u32)> = Vec::new();
        for subnet in subnets {
            let version_bits = if subnet.is_ipv6() { 128 } else { 32 };
            let bits = (version_bits - u32::from(subnet.prefix_length())).min(63);
            let mask = (1_u64 << bits) - 1;
            // Of two addresses or one, all are hosts. Else the first is not, and of IPv4 the last is not.
            let ends = u64::from(bits > 1) * if subnet.is_ipv6() { 1 } else { 2 };
            let ranks = (mask - ends + 1).min(RANKS_MAX);
            let table = known.iter().find(|(of, _)| *of == ranks).map(|&(_, table)| table);
            let table = table.unwrap_or_else(|| {
                // At most as many tables as a plan has subnets, 4096.
                let table = popularity.ranks.len() as u32;
                popularity.ranks.push(zipf(ranks, exponent));
                known.push((ranks, table));
                table
            });
            let scatter = mix(mask) | 1;
            // Ranks from 1 on go to places that are no neighbours; the place 0 is that of the rank 2^bits, which
            // only /31 and single addresses have. The rank that would take the last place takes that of the rank
            // which is never drawn.
            let never = if ends == 2 { mask } else { u64::MAX };
            let instead = scatter.wrapping_mul(mask) & mask;
            popularity.subnets.push(Hosts { table, mask, scatter, never, instead });
        }
        popularity
    }

    /// The host bits of the host of a subnet that a random half word chooses.
    #[inline(always)]
    pub(super) fn host(&self, subnet: u32, half: u32) -> u64 {
        let Some(&hosts) = self.subnets.get(subnet as usize) else { return 0 };
        let Some(ranks) = self.ranks.get(hosts.table as usize) else { return 0 };
        hosts.place(ends(ranks, half), half)
    }

    /// The same of the first subnet for many half words.
    #[inline(always)]
    pub(super) fn hosts_of_one(&self, halves: &Column<u32>, out: &mut Column<u64>) {
        let (Some(&hosts), Some(ranks)) = (self.subnets.first(), self.ranks.first()) else {
            return;
        };
        let mut parts = [[0; 2]; LANES];
        all_ends(ranks, halves, &mut parts);
        for k in 0..LANES {
            out[k] = hosts.place(parts[k], halves[k]);
        }
    }
}

/// The ends of the part that a half word chooses.
#[inline(always)]
fn ends(ranks: &Ranks, half: u32) -> [u32; 2] {
    let part = (half >> (32 - BITS)) as usize;
    [ranks[part], ranks[part + 1]]
}

/// The same of many: a function of its own, as gathers into vectors would be slower.
#[inline(never)]
fn all_ends(ranks: &Ranks, halves: &Column<u32>, out: &mut Column<[u32; 2]>) {
    for (out, &half) in out.iter_mut().zip(halves) {
        *out = ends(ranks, half);
    }
}

impl Hosts {
    /// The host bits of the rank that lies so far between the ends of a part.
    #[inline(always)]
    fn place(self, [from, to]: [u32; 2], half: u32) -> u64 {
        let within = half << BITS >> BITS;
        let over = (u64::from(to - from) * u64::from(within)) >> (32 - BITS);
        // Below 2^32, like the ends.
        let rank = u64::from((from + over as u32) >> 16);
        let place = (rank + 1).wrapping_mul(self.scatter) & self.mask;
        if place == self.never { self.instead } else { place }
    }
}

/// The table of so many ranks.
fn zipf(ranks: u64, exponent: f64) -> Ranks {
    let weight = |rank: u64| exp(-exponent * ln(rank as f64));
    let total: f64 = (1..=ranks).map(weight).sum();
    let (mut rank, mut below, mut own) = (0, 0.0, weight(1));
    let entry = |part: usize| {
        let wanted = part as f64 / PARTS as f64 * total;
        while below + own <= wanted && rank + 1 < ranks {
            (rank, below) = (rank + 1, below + own);
            own = weight(rank + 1);
        }
        let value = rank as f64 + ((wanted - below) / own).clamp(0.0, 1.0);
        // The end of the last rank of 2^16 is one unit early.
        (value * 65_536.0) as u32
    };
    std::array::from_fn(entry)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const DRAWS: u32 = 1 << 22;

    fn popularity(net: &str, exponent: f64) -> Popularity {
        Popularity::new(&[net.parse().expect("a net")], exponent)
    }

    #[test]
    fn every_rank_has_a_host_of_its_own() {
        for (net, hosts) in [
            ("10.0.0.0/24", 1..255),
            ("10.0.0.0/30", 1..3),
            ("10.0.0.0/31", 0..2),
            ("10.0.0.0/32", 0..1),
            ("10.0.0.0/17", 1..32_767),
            ("2001:db8::/120", 1..256),
            ("2001:db8::/127", 0..2),
            ("2001:db8::/128", 0..1),
        ] {
            let of = popularity(net, 0.5);
            let Hosts { mask, scatter, never, instead, .. } = of.subnets[0];
            let place = |rank: u64| match rank.wrapping_mul(scatter) & mask {
                place if place == never => instead,
                place => place,
            };
            let mut seen: Vec<u64> = (1..=hosts.end - hosts.start).map(place).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(hosts.clone()), "{net}");
            for half in (0..=u32::MAX).step_by(1 << 12).chain([u32::MAX]) {
                assert!(hosts.contains(&of.host(0, half)), "{net} {half}");
            }
        }
    }

    #[test]
    fn ranks_follow_zipfs_law() {
        for (net, ranks) in [("10.0.0.0/24", 254_u32), ("10.0.0.0/16", 65_534)] {
            for exponent in [0.8, 1.0, 1.2] {
                let popularity = popularity(net, exponent);
                let mut counts = HashMap::<u64, u64>::new();
                for draw in 0..DRAWS {
                    // All half words at equal distances.
                    *counts.entry(popularity.host(0, draw << 10 | 1 << 9)).or_default() += 1;
                }
                let mut counts: Vec<u64> = counts.into_values().collect();
                counts.sort_unstable_by_key(|&c| std::cmp::Reverse(c));
                let sum: f64 = (1..=ranks).map(|r| exp(-exponent * ln(f64::from(r)))).sum();
                for rank in [1_u32, 2, 5, 50, 254] {
                    let expected = f64::from(DRAWS) * exp(-exponent * ln(f64::from(rank))) / sum;
                    let got = counts[rank as usize - 1] as f64;
                    assert!(
                        (got / expected - 1.0).abs() < 0.03,
                        "{net} {exponent} {rank}: {got} {expected}"
                    );
                }
            }
        }
    }
}
