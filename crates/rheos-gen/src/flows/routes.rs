//! What a router knows of addresses: the network that they belong to, whose it is, and by which interface it is
//! reached.
//!
//! As in a router, the longest prefix counts. All prefixes of a version together cut its addresses into stretches that
//! each have one answer.

use rheos_core::WideRecord;

use super::error::{FlowError, FlowProblem};
use super::subnet::Subnet;

/// Most routes.
const ROUTES_MAX: usize = 65_536;

/// A network, whose it is, and how it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network; records tell the length of its prefix.
    pub network: Subnet,
    /// Its autonomous system; 0 where none is told (RFC 7607).
    pub as_number: u32,
    /// SNMP index of the interface that it lies behind; 0 where none is told.
    pub interface: u16,
}

/// Every rule.
pub(super) fn check(routes: &[Route]) -> Result<(), FlowError> {
    const KEY: &str = "network.routes";
    if routes.len() > ROUTES_MAX {
        let problem = FlowProblem::TooMany { got: routes.len(), max: ROUTES_MAX };
        return Err(FlowError::new(KEY, problem));
    }
    let mut networks: Vec<Subnet> = routes.iter().map(|route| route.network).collect();
    networks.sort_unstable_by_key(|network| (network.address(), network.prefix_length()));
    match networks.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(super::config::not_this(
            KEY,
            &twice[0].to_string(),
            "a list in which every network stands once",
        )),
        None => Ok(()),
    }
}

/// Routes by address.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Routes {
    /// Of IPv4 (mapped to IPv6) and of IPv6.
    versions: [Stretches; 2],
}

/// Where an answer begins to hold, rising, with the answer.
#[derive(Clone, Debug, Default, PartialEq)]
struct Stretches {
    from: Vec<u128>,
    told: Vec<Told>,
}

/// What is known of an address; zeros where nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    as_number: u32,
    interface: u16,
    prefix: u8,
}

impl Routes {
    /// `None` without routes.
    pub(super) fn new(routes: &[Route]) -> Option<Self> {
        (!routes.is_empty())
            .then(|| Self { versions: [false, true].map(|ipv6| Stretches::new(routes, ipv6)) })
    }

    /// Tells the records what is known of their ends.
    pub(super) fn tell(&self, records: &mut [WideRecord]) {
        for record in records {
            let table = &self.versions[usize::from(record.is_ipv6())];
            let source = table.at(u128::from_be_bytes(record.source_ip));
            let destination = table.at(u128::from_be_bytes(record.destination_ip));
            record.source_as = source.as_number;
            record.source_prefix = source.prefix;
            record.input_interface = source.interface;
            record.output_interface = destination.interface;
        }
    }
}

impl Stretches {
    fn new(routes: &[Route], ipv6: bool) -> Self {
        let mut ends: Vec<(u128, u128, Told)> = routes
            .iter()
            .filter(|route| route.network.is_ipv6() == ipv6)
            .map(|route| {
                let (first, last) = route.network.bounds();
                let prefix = route.network.prefix_length();
                let told = Told { as_number: route.as_number, interface: route.interface, prefix };
                (first, last, told)
            })
            .collect();
        // Networks lie within each other or apart: an outer one comes before those within it.
        ends.sort_unstable_by_key(|&(first, last, _)| (first, u128::MAX - last));
        let mut stretches = Self::default();
        stretches.begin(0, Told::default());
        let mut around: Vec<(u128, Told)> = Vec::new();
        for (first, last, told) in ends {
            stretches.leave(&mut around, Some(first));
            stretches.begin(first, told);
            around.push((last, told));
        }
        stretches.leave(&mut around, None);
        stretches
    }

    /// Ends the networks around that end before an address, or all.
    fn leave(&mut self, around: &mut Vec<(u128, Told)>, before: Option<u128>) {
        while let Some((last, _)) =
            around.pop_if(|(last, _)| before.is_none_or(|before| *last < before))
        {
            let outer = around.last().map_or_else(Told::default, |&(_, told)| told);
            if let Some(next) = last.checked_add(1) {
                self.begin(next, outer);
            }
        }
    }

    /// From an address on it is this.
    fn begin(&mut self, from: u128, told: Told) {
        if self.from.last() == Some(&from) {
            self.told.pop();
        } else {
            self.from.push(from);
        }
        self.told.push(told);
    }

    #[inline]
    fn at(&self, address: u128) -> Told {
        let place = self.from.partition_point(|&from| from <= address);
        // The first stretch begins with the first address.
        self.told[place - 1]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn route(network: &str, as_number: u32, interface: u16) -> Route {
        Route { network: network.parse().expect("a network"), as_number, interface }
    }

    #[test]
    fn the_longest_prefix_counts() {
        let routes = Routes::new(&[
            route("0.0.0.0/0", 3320, 1),
            route("10.0.0.0/8", 64_500, 2),
            route("10.0.0.0/24", 64_501, 3),
            route("10.255.255.255", 64_502, 4),
            route("2001:db8::/32", 64_503, 5),
        ])
        .expect("routes");
        let record = |source: [u8; 4], destination: [u8; 4]| WideRecord {
            source_ip: WideRecord::mapped(u32::from_be_bytes(source)),
            destination_ip: WideRecord::mapped(u32::from_be_bytes(destination)),
            ..WideRecord::default()
        };
        let told = |mut record: WideRecord| {
            routes.tell(std::slice::from_mut(&mut record));
            let interfaces = (record.input_interface, record.output_interface);
            (record.source_as, record.source_prefix, interfaces)
        };
        assert_eq!(told(record([10, 0, 0, 255], [10, 0, 1, 0])), (64_501, 24, (3, 2)));
        assert_eq!(told(record([10, 255, 255, 255], [11, 0, 0, 0])), (64_502, 32, (4, 1)));
        assert_eq!(told(record([255, 255, 255, 255], [10, 255, 255, 254])), (3320, 0, (1, 2)));
        let mut six = WideRecord {
            source_ip: (0x2001_0db8_u128 << 96 | 7).to_be_bytes(),
            flags: rheos_core::RecordFlags::IPV6,
            ..WideRecord::default()
        };
        six.destination_ip = (0x2001_0db9_u128 << 96).to_be_bytes();
        assert_eq!(told(six), (64_503, 32, (5, 0)));
    }

    proptest! {
        /// Whatever the networks: the same as looking at every route.
        #[test]
        fn stretches_tell_what_a_search_of_all_routes_tells(
            networks in proptest::collection::vec((any::<u32>(), 0..=32_u8), 0..60),
            addresses in proptest::collection::vec(any::<u32>(), 60),
        ) {
            let mut routes: Vec<Route> = (1..)
                .zip(&networks)
                .filter_map(|(number, &(bits, length))| {
                    // Few bits, so that networks often lie within each other.
                    let address = std::net::Ipv4Addr::from_bits(bits & 0xc0e0_0103);
                    let network = Subnet::new(address.into(), length)?;
                    Some(Route { network, as_number: number, interface: number as u16 })
                })
                .collect();
            routes.sort_by_key(|route| (route.network.address(), route.network.prefix_length()));
            routes.dedup_by_key(|route| route.network);
            prop_assert_eq!(check(&routes), Ok(()));
            let table = Stretches::new(&routes, false);
            let near = networks.iter().map(|&(bits, _)| bits & 0xc0e0_0103);
            for address in addresses.into_iter().chain(near) {
                let mapped = u128::from_be_bytes(WideRecord::mapped(address));
                let has = |route: &&Route| {
                    let (first, last) = route.network.bounds();
                    (first..=last).contains(&mapped)
                };
                let best = routes.iter().filter(has).max_by_key(|r| r.network.prefix_length());
                let told = table.at(mapped);
                let expected = best.map_or((0, 0), |r| (r.as_number, r.network.prefix_length()));
                prop_assert_eq!((told.as_number, told.prefix), expected);
            }
        }
    }

    #[test]
    fn a_network_has_one_route() {
        let twice = [route("10.0.0.0/8", 1, 0), route("10.1.0.0/8", 2, 0)];
        let error = check(&twice).expect_err("twice");
        assert!(error.to_string().contains("10.0.0.0/8"), "{error}");
    }
}
