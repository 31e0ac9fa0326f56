//! Address pools: which hosts there are.

use std::net::IpAddr;

use rheos_core::seed::Seed;
use rheos_core::{Addr, IpVersion};

use crate::Error;

/// The hosts of one prefix.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    base: Addr,
    version: IpVersion,
    hosts: u64,
    /// Numbered straight on from the base when the prefix is small, else spread over the host part.
    spread: bool,
    /// A single address or a pair (RFC 3021): every address is a host.
    small: bool,
    seed: Seed,
}

impl Pool {
    /// Reads `10.0.0.0/8`, `2001:db8::/64` or a single address; uses at most `hosts_max` hosts.
    pub(crate) fn parse(
        text: &str,
        hosts_max: u64,
        seed: Seed,
        field: &'static str,
    ) -> Result<Self, Error> {
        let wrong = |reason| Error::Prefix { field, got: text.to_owned(), reason };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let ip: IpAddr = address.trim().parse().map_err(|_| wrong("the address cannot be read"))?;
        let width = if ip.is_ipv4() { 32 } else { 128 };
        let length: u32 = match length {
            Some(length) => length.parse().map_err(|_| wrong("the length is no number"))?,
            None => width,
        };
        if length > width {
            return Err(wrong("the length is larger than the address"));
        }
        let host_bits = width - length;
        let version = if ip.is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
        let base = match ip {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                Addr::v4((v4.to_bits() & mask).to_be_bytes())
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                Addr((v6.to_bits() & mask).to_be_bytes())
            }
        };
        // Network and broadcast address of an IPv4 prefix are no hosts; nor is the first of an IPv6 prefix.
        let usable = match host_bits {
            0 => 1,
            1 => 2,
            bits => (1u64 << bits.min(62)) - 2,
        };
        let hosts = usable.min(hosts_max.max(1));
        Ok(Self { base, version, hosts, spread: host_bits >= 48, small: host_bits <= 1, seed })
    }

    pub(crate) const fn version(&self) -> IpVersion {
        self.version
    }

    pub(crate) const fn hosts(&self) -> u64 {
        self.hosts
    }

    /// The `n`-th host, `n` taken modulo [`Pool::hosts`].
    pub(crate) fn host(&self, n: u64) -> Addr {
        let n = n % self.hosts;
        let offset = if self.small {
            n
        } else if self.spread {
            // Like a stable opaque interface identifier (RFC 7217), 48 bits of it.
            (self.seed.bits(n) >> 16) | 1
        } else {
            n + 1
        };
        match self.version {
            IpVersion::V4 => {
                let base = u32::from_be_bytes(self.base.v4_bytes());
                Addr::v4(base.wrapping_add(offset as u32).to_be_bytes())
            }
            IpVersion::V6 => Addr(
                u128::from_be_bytes(self.base.0).wrapping_add(u128::from(offset)).to_be_bytes(),
            ),
        }
    }
}

/// The pools of a role, by version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools {
    v4: Vec<Pool>,
    v6: Vec<Pool>,
}

impl Pools {
    pub(crate) fn parse(
        texts: &[String],
        hosts_max: u32,
        seed: Seed,
        field: &'static str,
    ) -> Result<Self, Error> {
        let mut pools = Self::default();
        for (n, text) in texts.iter().enumerate() {
            let pool = Pool::parse(text, u64::from(hosts_max), seed.child(n as u64), field)?;
            match pool.version() {
                IpVersion::V4 => pools.v4.push(pool),
                IpVersion::V6 => pools.v6.push(pool),
            }
        }
        Ok(pools)
    }

    pub(crate) fn has(&self, v6: bool) -> bool {
        !self.of(v6).is_empty()
    }

    fn of(&self, v6: bool) -> &[Pool] {
        if v6 { &self.v6 } else { &self.v4 }
    }

    /// The host at `share` (0 to 1) of all hosts of a version. The plan has made sure that there is one.
    pub(crate) fn at(&self, v6: bool, share: f64) -> Addr {
        let pools = self.of(v6);
        let total: u64 = pools.iter().map(Pool::hosts).sum();
        let mut n = ((share * total as f64) as u64).min(total.saturating_sub(1));
        for pool in pools {
            if n < pool.hosts() {
                return pool.host(n);
            }
            n -= pool.hosts();
        }
        Addr::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(text: &str) -> Result<Pool, Error> {
        Pool::parse(text, 1000, Seed(1), "addresses.clients")
    }

    #[test]
    fn hosts_lie_in_their_prefix() {
        let p = pool("10.1.2.3/30").expect("reads");
        assert_eq!(p.hosts(), 2);
        assert_eq!(p.host(0).v4_bytes(), [10, 1, 2, 1]);
        let p = pool("10.1.2.0/24").expect("reads");
        assert_eq!((p.hosts(), p.host(0).v4_bytes()), (254, [10, 1, 2, 1]));
        assert_eq!(p.host(253).v4_bytes(), [10, 1, 2, 254]);
        let p = pool("0.0.0.0/0").expect("reads");
        assert_eq!(p.hosts(), 1000);
        let p = pool("2001:db8::/64").expect("reads");
        assert_eq!(p.host(7).0[..8], [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0]);
        let p = pool("2001:db8::53").expect("reads");
        assert_eq!((p.hosts(), p.host(5).0[15]), (1, 0x53));
    }

    #[test]
    fn wrong_prefixes_name_the_field() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/x", "::/129"] {
            let error = pool(text).expect_err(text);
            assert!(error.to_string().contains("addresses.clients"), "{error}");
            assert!(error.hint().contains("addresses.clients"));
        }
    }
}
