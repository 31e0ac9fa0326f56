//! What a host is like: every property follows from the seed and the address, so a host stays itself in all its
//! conversations.

use rheos_core::Addr;
use rheos_core::seed::Seed;

/// Which TCP/IP stack a host runs, as far as packets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    Linux,
    Windows,
    Apple,
}

/// The properties of one host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host {
    pub(crate) mac: [u8; 6],
    pub(crate) stack: Stack,
    /// Where its TCP timestamp clock stood at the epoch.
    pub(crate) clock: u32,
    /// Routers between it and the capture when it is remote.
    pub(crate) hops: u8,
    seed: Seed,
}

impl Host {
    pub(crate) fn of(seed: Seed, addr: Addr, server: bool) -> Self {
        let [a, b] = halves(addr);
        let seed = seed.child(a).child(b);
        let bits = seed.bits(0);
        let stack = match (bits & 0xff, server) {
            (0..=229, true) | (0..=69, false) => Stack::Linux,
            (70..=199, false) | (_, true) => Stack::Windows,
            (_, false) => Stack::Apple,
        };
        let m = bits.to_be_bytes();
        Self {
            // Locally administered, unicast (IEEE 802).
            mac: [0x02, m[0], m[1], m[2], m[3], m[4]],
            stack,
            clock: seed.bits(1) as u32,
            hops: 4 + (seed.bits(2) % 16) as u8,
            seed,
        }
    }

    /// The TTL its packets start with.
    pub(crate) const fn ttl(&self) -> u8 {
        match self.stack {
            Stack::Windows => 128,
            Stack::Linux | Stack::Apple => 64,
        }
    }

    /// The window its SYN offers.
    pub(crate) const fn syn_window(&self) -> u16 {
        match self.stack {
            Stack::Linux | Stack::Windows => 64_240,
            Stack::Apple => 65_535,
        }
    }

    /// How far its windows are shifted (RFC 7323).
    pub(crate) const fn window_shift(&self) -> u8 {
        match self.stack {
            Stack::Linux => 7,
            Stack::Windows => 8,
            Stack::Apple => 6,
        }
    }

    /// Whether it offers TCP timestamps.
    pub(crate) const fn timestamps(&self) -> bool {
        !matches!(self.stack, Stack::Windows)
    }

    /// One-way delay in nanoseconds between a host of the capture's own network and the capture.
    pub(crate) fn near_delay(&self) -> u64 {
        30_000 + self.seed.bits(3) % 370_000
    }

    /// One-way delay in nanoseconds between a remote host and the capture: 0.4 to 120 ms, half below 9 ms.
    pub(crate) fn far_delay(&self) -> u64 {
        let ms = self.seed.child(4).rng().log_normal(9.0, 0.9).clamp(0.4, 120.0);
        (ms * 1e6) as u64
    }

    /// Whether it is in a VLAN and in which, as bits to choose by.
    pub(crate) fn vlan_bits(&self) -> u64 {
        self.seed.bits(5)
    }
}

/// An address as two numbers.
pub(crate) fn halves(addr: Addr) -> [u64; 2] {
    let whole = u128::from_be_bytes(addr.0);
    [(whole >> 64) as u64, whole as u64]
}
