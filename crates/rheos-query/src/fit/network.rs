//! Where hosts are, and how unequal they are.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::address_of;
use crate::analyze::spread::zipf_slope;
use crate::block::{MAPPED, is_v4};

/// Networks that are told on each side.
pub const NETWORKS_MAX: usize = 12;

/// Lengths of prefixes that are tried, the longest first; of IPv4, and of IPv6.
const LENGTHS: [(u8, u8); 5] = [(24, 64), (20, 56), (16, 48), (12, 40), (8, 32)];

/// The share of flows that the networks should tell of, before shorter prefixes are tried.
const COVERED: f64 = 0.98;

/// A network with its share of flows.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its first address.
    pub address: IpAddr,
    /// Length of its prefix.
    pub prefix: u8,
    /// Of all flows of the networks that are told.
    pub share: f64,
}

/// The hosts of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Networks {
    /// The busiest first; shares sum to 1.
    pub networks: Vec<Network>,
    /// The share of flows that lie in them.
    pub covered: f64,
    /// Hosts that were seen.
    pub hosts: u64,
    /// Zipf's exponent of the busiest hosts; `None` with too few of them, or all alike.
    pub exponent: Option<f64>,
}

/// Ranks that Zipf's exponent is told by: those of hosts seen only once or twice are noise.
const RANKS: usize = 1000;
const SEEN_MIN: u64 = 3;

impl Networks {
    pub(super) fn learn(hosts: impl Iterator<Item = u128>) -> Self {
        let mut flows: HashMap<u128, u64> = HashMap::new();
        for host in hosts {
            *flows.entry(host).or_default() += 1;
        }
        let all: u64 = flows.values().sum();
        let mut best = (Vec::new(), 0);
        for lengths in LENGTHS {
            let ranked = ranked(&flows, lengths);
            let told: u64 = ranked.iter().map(|(_, count)| count).sum();
            let enough = told as f64 >= COVERED * all as f64;
            if told > best.1 {
                best = (ranked, told);
            }
            if enough {
                break;
            }
        }
        let (ranked, told) = best;
        let network = |((base, prefix), count): ((u128, u8), u64)| Network {
            address: address_of(base),
            prefix,
            share: count as f64 / told.max(1) as f64,
        };
        let mut counts: Vec<u64> = flows.values().copied().filter(|&n| n >= SEEN_MIN).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts.truncate(RANKS);
        Self {
            networks: ranked.into_iter().map(network).collect(),
            covered: told as f64 / all.max(1) as f64,
            hosts: flows.len() as u64,
            exponent: zipf_slope(&counts).filter(|slope| *slope > 0.1),
        }
    }
}

/// The busiest networks of these lengths with their flows.
fn ranked(flows: &HashMap<u128, u64>, (v4, v6): (u8, u8)) -> Vec<((u128, u8), u64)> {
    let mut networks: HashMap<(u128, u8), u64> = HashMap::new();
    for (&host, &count) in flows {
        let of_host = if is_v4(host) {
            let mask = u32::MAX.checked_shl(32 - u32::from(v4)).unwrap_or(0);
            (MAPPED | u128::from(host as u32 & mask), v4)
        } else {
            let mask = u128::MAX.checked_shl(128 - u32::from(v6)).unwrap_or(0);
            (host & mask, v6)
        };
        *networks.entry(of_host).or_default() += count;
    }
    let mut ranked: Vec<_> = networks.into_iter().collect();
    ranked.sort_unstable_by_key(|&(network, count)| (u64::MAX - count, network));
    ranked.truncate(NETWORKS_MAX);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> u128 {
        let address: std::net::Ipv4Addr = text.parse().expect("an address");
        MAPPED | u128::from(address.to_bits())
    }

    #[test]
    fn few_networks_are_told_as_they_are() {
        let hosts = [("10.0.0.1", 60), ("10.0.0.2", 20), ("192.168.7.9", 20)];
        let all = hosts.iter().flat_map(|&(host, n)| std::iter::repeat_n(v4(host), n));
        let learned = Networks::learn(all);
        let told: Vec<(String, f64)> = learned
            .networks
            .iter()
            .map(|n| (format!("{}/{}", n.address, n.prefix), n.share))
            .collect();
        assert_eq!(told, [("10.0.0.0/24".to_owned(), 0.8), ("192.168.7.0/24".to_owned(), 0.2)]);
        assert!(learned.covered > 0.999 && learned.hosts == 3);
    }

    #[test]
    fn many_networks_are_told_by_shorter_prefixes() {
        let host = |i: u128| v4("10.0.0.1") + (i << 8);
        let learned = Networks::learn((0..4000).map(host));
        assert_eq!(learned.networks.len(), 1, "{:?}", learned.networks);
        assert_eq!(learned.networks[0].prefix, 12);
        assert!(learned.covered > 0.999);
    }

    #[test]
    fn the_exponent_of_unequal_hosts_is_found() {
        let all = (1..=2000_u128).flat_map(|rank| {
            let flows = (20_000.0 / (rank as f64).powf(0.9)) as usize;
            std::iter::repeat_n(v4("10.0.0.0") + rank, flows)
        });
        let exponent = Networks::learn(all).exponent.expect("a slope");
        assert!((exponent - 0.9).abs() < 0.03, "{exponent}");
        let equal = (0..5000_u128).map(|i| v4("10.0.0.0") + i % 50);
        assert_eq!(Networks::learn(equal).exponent, None);
    }
}
