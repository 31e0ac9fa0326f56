//! Whether servers own their services: knowing the server leaves little to be known about the service.

use std::collections::HashMap;

use super::sample::Conversation;
use super::service::service_of;
use crate::analyze::spread::entropy;

/// A server with fewer conversations tells nothing: one service may be chance.
const SEEN_MIN: u64 = 10;

/// Parts of the services' entropy that may be left where the server is known.
const LEFT_MAX: f64 = 0.25;

/// Less entropy of services than this, in bits, is one service: nothing to own.
const BITS_MIN: f64 = 0.3;

/// Servers of one service in one network that are still few.
const SERVERS_MAX: usize = 16;

/// Whether few servers have each service, and few services each server; `networks` is how many networks they lie in.
pub(super) fn is_owned(conversations: &[Conversation], networks: usize) -> bool {
    let mut of_server: HashMap<u128, HashMap<(u8, u16), u64>> = HashMap::new();
    for one in conversations {
        let services = of_server.entry(one.server).or_default();
        *services.entry(service_of(one)).or_default() += 1;
    }
    of_server.retain(|_, services| services.values().sum::<u64>() >= SEEN_MIN);
    let mut of_all: HashMap<(u8, u16), u64> = HashMap::new();
    let mut servers: HashMap<(u8, u16), usize> = HashMap::new();
    for (&service, &count) in of_server.values().flatten() {
        *of_all.entry(service).or_default() += count;
        *servers.entry(service).or_default() += 1;
    }
    let seen: u64 = of_all.values().sum();
    // Enough of all that those rarely seen may be left out.
    if seen * 2 < conversations.len() as u64 {
        return false;
    }
    let before = entropy(of_all.values().copied());
    let left = |services: &HashMap<_, u64>| {
        let counts = services.values().copied();
        entropy(counts.clone()) * counts.sum::<u64>() as f64 / seen as f64
    };
    let left: f64 = of_server.values().map(left).sum();
    let few = servers.values().all(|&servers| servers <= SERVERS_MAX * networks.max(1));
    before >= BITS_MIN && left <= LEFT_MAX * before && few
}

#[cfg(test)]
mod tests {
    use super::super::sample::Part;
    use super::*;

    fn one(server: u128, port: u16) -> Conversation {
        let request = Part { first: 0, last: 0, packets: 1, bytes: 40 };
        Conversation { client: 1, server, port, protocol: 6, request, reply: None }
    }

    #[test]
    fn servers_with_a_port_each_own_it() {
        let owned: Vec<_> =
            (0..1000).map(|i| one(i % 4, [443, 25, 22, 53][i as usize % 4])).collect();
        assert!(is_owned(&owned, 1));
        let shared: Vec<_> = (0..1000).map(|i| one(i % 4, [443, 25, 22][i as usize % 3])).collect();
        assert!(!is_owned(&shared, 1));
    }

    #[test]
    fn one_service_and_rare_servers_tell_nothing() {
        let single: Vec<_> = (0..1000).map(|i| one(i % 4, 443)).collect();
        assert!(!is_owned(&single, 1));
        let rare: Vec<_> = (0..1000).map(|i| one(i, [443, 25][i as usize % 2])).collect();
        assert!(!is_owned(&rare, 1));
    }

    #[test]
    fn crowds_of_servers_are_more_than_a_few_own() {
        let crowd: Vec<_> = (0..10_000).map(|i| one(i % 100, [443, 25][i as usize % 2])).collect();
        assert!(!is_owned(&crowd, 1));
        assert!(is_owned(&crowd, 4));
    }
}
