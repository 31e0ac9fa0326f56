//! Hosts of unequal popularity: the host of rank r is chosen r^-s as often as the first (Zipf's law).

use rheos_core::seed::{exp, ln, mix};

use crate::flows::Subnet;
use crate::flows::alias::{self, Alias};

/// Most hosts of a subnet that are in use: those of lower rank would hardly ever be chosen.
const RANKS_MAX: u64 = 1 << 16;

/// The ranks of the hosts of each subnet.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flows) struct Popularity {
    /// One choice for each number of hosts.
    choices: Vec<(u64, Alias)>,
    /// For each subnet: which choice, how many hosts there are, and how ranks are scattered over them.
    subnets: Vec<(usize, u64, u64)>,
}

impl Popularity {
    pub(super) fn new(subnets: &[Subnet], exponent: f64) -> Self {
        let mut popularity = Self { choices: Vec::new(), subnets: Vec::new() };
        for subnet in subnets {
            let hosts = match subnet.hosts_v4() {
                Some(hosts) => u64::from(hosts.count),
                None => 1_u64 << (128 - u32::from(subnet.prefix_length())).min(63),
            };
            let ranks = hosts.min(RANKS_MAX);
            let known = popularity.choices.iter().position(|(of, _)| *of == ranks);
            let choice = known.unwrap_or_else(|| {
                popularity.choices.push((ranks, zipf(ranks, exponent)));
                popularity.choices.len() - 1
            });
            popularity.subnets.push((choice, hosts, scatter(hosts)));
        }
        popularity
    }

    /// Which host of a subnet a random half word chooses: a number below the number of its hosts.
    pub(in crate::flows) fn host(&self, subnet: u32, half: u32) -> u64 {
        let Some(&(choice, hosts, scatter)) = self.subnets.get(subnet as usize) else { return 0 };
        let rank = self.choices.get(choice).map_or(0, |(_, choice)| choice.pick(half));
        // Ranks go to places that are no neighbours, each to one of its own. The product fits 64 bits, or only its
        // low bits count.
        let place = (u64::from(rank) + 1).wrapping_mul(scatter);
        if hosts.is_power_of_two() { place & (hosts - 1) } else { place % hosts }
    }
}

fn zipf(ranks: u64, exponent: f64) -> Alias {
    let weights: Vec<f64> = (1..=ranks).map(|rank| exp(-exponent * ln(rank as f64))).collect();
    Alias::new(&alias::shares(&weights), 1)
}

/// A factor without a common divisor with the number of hosts.
fn scatter(hosts: u64) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let start = mix(hosts) | 1;
    // Of any few odd numbers in a row one will do.
    let found = (0..64).map(|step| start.wrapping_add(2 * step)).find(|&f| gcd(f, hosts) == 1);
    found.unwrap_or(1) % hosts.max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 1 << 22;

    fn popularity(net: &str, exponent: f64) -> Popularity {
        Popularity::new(&[net.parse().expect("a net")], exponent)
    }

    #[test]
    fn every_rank_has_a_host_of_its_own() {
        for net in ["10.0.0.0/24", "10.0.0.0/30", "10.0.0.0/31", "10.0.0.0/32", "10.0.0.0/17"] {
            let popularity = popularity(net, 1.0);
            let hosts = popularity.subnets[0].1;
            let scatter = u128::from(popularity.subnets[0].2);
            let mut seen: Vec<u64> =
                (1..=hosts).map(|r| (u128::from(r) * scatter % u128::from(hosts)) as u64).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..hosts), "{net}");
        }
    }

    #[test]
    fn ranks_follow_zipfs_law() {
        for exponent in [0.8, 1.0, 1.2] {
            let popularity = popularity("10.0.0.0/24", exponent);
            let mut counts = vec![0_u64; 254];
            for draw in 0..DRAWS {
                // All half words at equal distances.
                counts[popularity.host(0, draw << 10 | 1 << 9) as usize] += 1;
            }
            counts.sort_unstable_by_key(|&c| std::cmp::Reverse(c));
            let sum: f64 = (1..=254).map(|r| exp(-exponent * ln(f64::from(r)))).sum();
            for rank in [1_u32, 2, 5, 50, 254] {
                let expected = f64::from(DRAWS) * exp(-exponent * ln(f64::from(rank))) / sum;
                let got = counts[rank as usize - 1] as f64;
                assert!((got / expected - 1.0).abs() < 0.02, "{exponent} {rank}: {got} {expected}");
            }
        }
    }
}
