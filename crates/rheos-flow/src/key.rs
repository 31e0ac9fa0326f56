//! The key of a packet's flow and its hash: computed once per packet, used for the shard and the table.

use rheos_core::{Direction, FlowKey};
use rheos_wire::{Packet, TunnelKind};

use crate::FlowConfig;

/// A packet's place: the key of its flow, which way the packet goes along it, and the key's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// What both directions of the flow share.
    pub key: FlowKey,
    /// Whether the packet's source is the key's lower endpoint.
    pub direction: Direction,
    /// [`key_hash`] of the key under [`FlowConfig::hash_seed`].
    pub hash: u64,
}

impl Keyed {
    /// The place of `packet` in a table with `config`.
    #[inline]
    pub fn of(packet: &Packet, config: &FlowConfig) -> Self {
        let (key, direction) = key_of(packet, config);
        Self { key, direction, hash: key_hash(&key, config.hash_seed) }
    }

    /// Which of `shards` tables holds the flow.
    ///
    /// # Panics
    /// Never: with no shards the answer is 0.
    #[inline]
    pub const fn shard(&self, shards: usize) -> usize {
        shard_of(self.hash, shards)
    }
}

/// The key of a packet's flow, and which way the packet goes along it.
///
/// A tunnel's id is part of the key only where both directions use the same one: in GTP-U, L2TP and MPLS each
/// end picks its own (TS 29.281 §5.1, RFC 2661 §3.1, RFC 3031 §3.1), so there only the kind of tunnel is.
#[inline]
pub fn key_of(packet: &Packet, config: &FlowConfig) -> (FlowKey, Direction) {
    let vlan = if config.key_vlan {
        u32::from(packet.vlan[0]) << 16 | u32::from(packet.vlan[1])
    } else {
        0
    };
    let tunnel = match packet.tunnel {
        Some(tunnel) if config.key_tunnel => {
            let shared =
                !matches!(tunnel.kind, TunnelKind::GtpU | TunnelKind::L2tp | TunnelKind::Mpls);
            (tunnel.kind as u64) << 32 | if shared { u64::from(tunnel.id) } else { 0 }
        }
        _ => 0,
    };
    FlowKey::new(packet.tuple, vlan, tunnel)
}

/// A 64-bit hash of `key`: the folded 128-bit products of wyhash over the key's eight words.
///
/// Not for strangers to choose keys against: tables on live traffic take a random seed.
#[inline]
pub fn key_hash(key: &FlowKey, seed: u64) -> u64 {
    // Odd constants with as many ones as zeros, from the fractional digits of the golden ratio and roots.
    const A: u64 = 0x9e37_79b9_7f4a_7c15;
    const B: u64 = 0xbb67_ae85_84ca_a73b;
    const C: u64 = 0x3c6e_f372_fe94_f82b;
    const D: u64 = 0xa54f_f53a_5f1d_36f1;
    let tuple = &key.tuple;
    let [src_high, src_low] = words(tuple.src.0);
    let [dst_high, dst_low] = words(tuple.dst.0);
    let rest = u64::from(tuple.src_port) << 48
        | u64::from(tuple.dst_port) << 32
        | u64::from(tuple.protocol) << 8
        | tuple.version as u64;
    let addresses = fold(src_high ^ A ^ seed, src_low ^ B)
        ^ fold(dst_high ^ C, dst_low ^ D.wrapping_add(seed)).rotate_left(23);
    let policy = key.tunnel.rotate_left(32) ^ u64::from(key.vlan);
    fold(addresses ^ rest ^ B, fold(rest ^ seed ^ D, policy ^ A) ^ C)
}

/// Spreads hashes over `shards` by bits that the table's buckets and tags use last.
#[inline]
pub const fn shard_of(hash: u64, shards: usize) -> usize {
    ((((hash >> 24) & 0xffff_ffff) * shards as u64) >> 32) as usize
}

#[inline]
fn words(bytes: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_ne_bytes(bytes);
    [whole as u64, (whole >> 64) as u64]
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rheos_core::{Addr, FiveTuple, IpVersion};
    use rheos_wire::Tunnel;

    use super::*;

    fn tuple(host: u32, port: u16) -> FiveTuple {
        FiveTuple {
            src: Addr::v4(host.to_be_bytes()),
            dst: Addr::v4([10, 0, 0, 1]),
            src_port: port,
            dst_port: 443,
            protocol: 6,
            version: IpVersion::V4,
        }
    }

    #[test]
    fn hashes_of_near_keys_spread_over_buckets_tags_and_shards() {
        let mut seen = HashSet::new();
        let mut shards = [0_u32; 8];
        let mut buckets = vec![0_u8; 1 << 16];
        for host in 0..256 {
            for port in 0..256 {
                let (key, _) = FlowKey::new(tuple(0x0a00_0100 + host, 1024 + port), 0, 0);
                let hash = key_hash(&key, 7);
                assert!(seen.insert(hash));
                shards[shard_of(hash, 8)] += 1;
                let bucket = &mut buckets[hash as usize & 0xffff];
                *bucket = bucket.saturating_add(1);
            }
        }
        assert!(shards.iter().all(|&n| (7_700..8_700).contains(&n)), "{shards:?}");
        // 65 536 balls in as many bins: the fullest holds about 8.
        assert!(buckets.iter().all(|&n| n < 14));
    }

    #[test]
    fn every_part_of_the_key_and_the_seed_count() {
        let (key, _) = FlowKey::new(tuple(1, 2), 0, 0);
        let mut variants = vec![key; 7];
        variants[0].vlan = 1;
        variants[1].tunnel = 1;
        variants[2].tuple.protocol = 17;
        variants[3].tuple.version = IpVersion::V6;
        variants[4].tuple.src.0[0] = 1;
        variants[5].tuple.dst.0[0] = 1;
        variants[6].tuple.dst_port += 1;
        let mut hashes: HashSet<u64> = variants.iter().map(|k| key_hash(k, 0)).collect();
        hashes.insert(key_hash(&key, 0));
        hashes.insert(key_hash(&key, 1));
        assert_eq!(hashes.len(), 9);
    }

    #[test]
    fn defect_14_vlans_and_tunnels_key_by_policy() {
        let config = FlowConfig::default();
        let plain = Packet { tuple: tuple(1, 2), ..Packet::default() };
        let tagged = Packet { vlan: [7, 0], vlan_count: 1, ..plain };
        let tunnel = |kind, id| Tunnel { kind, depth: 1, id, outer: tuple(9, 9) };
        let vxlan = |id| Packet { tunnel: Some(tunnel(TunnelKind::Vxlan, id)), ..plain };
        let gtp = |id| Packet { tunnel: Some(tunnel(TunnelKind::GtpU, id)), ..plain };
        let key = |packet: &Packet| key_of(packet, &config).0;
        assert_ne!(key(&plain), key(&tagged));
        assert_ne!(key(&vxlan(1)), key(&vxlan(2)));
        assert_ne!(key(&plain), key(&gtp(1)));
        assert_eq!(key(&gtp(1)), key(&gtp(2)), "each GTP-U end picks its own id");
        let merged = FlowConfig { key_vlan: false, key_tunnel: false, ..config };
        assert_eq!(key_of(&plain, &merged), key_of(&tagged, &merged));
        assert_eq!(key_of(&plain, &merged), key_of(&vxlan(1), &merged));
    }
}
