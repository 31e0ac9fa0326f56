//! The hosts of some subnets as one row of numbers.

use std::net::IpAddr;

use rheos_core::WideRecord;
use rheos_core::seed::mix;

use crate::flows::subnet::Subnet;

/// Most hosts of an IPv6 subnet that are in use.
const HOSTS_MAX_V6: u64 = 1 << 32;

/// Hosts with their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostRow {
    /// Number of hosts up to and with each subnet, and its first host as wide records have it.
    nets: Vec<(u64, u128)>,
    pub(super) ipv6: bool,
    pub(super) count: u64,
}

impl HostRow {
    /// All of one IP version.
    pub(super) fn new(subnets: &[Subnet]) -> Self {
        let mut count = 0_u64;
        let nets = subnets.iter().map(|subnet| {
            let (hosts, first) = match (subnet.hosts_v4(), subnet.address()) {
                (Some(hosts), _) => {
                    let first = u128::from_be_bytes(WideRecord::mapped(hosts.first));
                    (u64::from(hosts.count), first)
                }
                (None, IpAddr::V6(address)) => {
                    let bits = 128 - u32::from(subnet.prefix_length());
                    // Not the address of all zeros (RFC 4291 §2.6.1), unless there are only two (RFC 6164).
                    let router = u64::from(bits > 1);
                    let hosts = 1_u64.checked_shl(bits).map_or(HOSTS_MAX_V6, |all| all - router);
                    (hosts.min(HOSTS_MAX_V6), address.to_bits() + u128::from(router))
                }
                (None, IpAddr::V4(_)) => (0, 0),
            };
            count = count.saturating_add(hosts);
            (count, first)
        });
        let nets = nets.collect();
        Self { nets, ipv6: subnets.iter().any(|s| s.is_ipv6()), count: count.max(1) }
    }

    /// Host `number`, below the count.
    pub(super) fn at(&self, number: u64) -> u128 {
        let net = self.nets.partition_point(|&(end, _)| end <= number);
        let begin = net.checked_sub(1).map_or(0, |before| self.nets[before].0);
        self.nets.get(net).map_or(0, |&(_, first)| first + u128::from(number - begin))
    }
}

/// A place below `count` for each number below it, all over: numbers times a factor without a common divisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scatter {
    factor: u64,
    first: u64,
    count: u64,
}

impl Scatter {
    pub(super) fn new(count: u64, key: u64) -> Self {
        let gcd = |mut a: u64, mut b: u64| {
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        let count = count.max(1);
        let start = mix(key) % count;
        // Of any few numbers in a row one will do.
        let found = (0..256).map(|step| start + step).find(|&f| f > 0 && gcd(f, count) == 1);
        Self { factor: found.unwrap_or(1), first: mix(key ^ count) % count, count }
    }

    /// The place of a number; beyond the count they come again.
    pub(super) fn at(self, number: u64) -> u64 {
        let place = u128::from(number % self.count) * u128::from(self.factor);
        ((place + u128::from(self.first)) % u128::from(self.count)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(texts: &[&str]) -> HostRow {
        let nets: Vec<Subnet> = texts.iter().map(|t| t.parse().expect("a net")).collect();
        HostRow::new(&nets)
    }

    #[test]
    fn hosts_of_all_subnets_have_numbers() {
        let row = row(&["10.0.0.0/30", "192.0.2.7", "192.0.2.8/31"]);
        let name = |number| std::net::Ipv4Addr::from_bits(row.at(number) as u32).to_string();
        assert_eq!(row.count, 5);
        assert_eq!(
            [0, 1, 2, 3, 4].map(name),
            ["10.0.0.1", "10.0.0.2", "192.0.2.7", "192.0.2.8", "192.0.2.9"]
        );
        assert_eq!(row.at(5), 0, "beyond the last there is none");
    }

    #[test]
    fn ipv6_hosts_leave_out_the_routers_address() {
        for (net, count, first) in [
            ("2001:db8::/64", HOSTS_MAX_V6, 1),
            ("2001:db8::/126", 3, 1),
            ("2001:db8::/127", 2, 0),
            ("2001:db8::5/128", 1, 5),
            ("::/0", HOSTS_MAX_V6, 1),
        ] {
            let row = row(&[net]);
            assert_eq!((row.count, row.at(0) as u64, row.ipv6), (count, first, true), "{net}");
        }
    }

    #[test]
    fn every_number_has_a_place_of_its_own() {
        for count in [1, 2, 3, 254, 255, 1000, 1024, 65_534] {
            for key in 0..5 {
                let scatter = Scatter::new(count, key);
                let mut seen: Vec<u64> = (0..count).map(|n| scatter.at(n)).collect();
                seen.sort_unstable();
                assert!(seen.into_iter().eq(0..count), "{count} {key}");
                assert_eq!(scatter.at(count), scatter.at(0));
            }
        }
    }
}
