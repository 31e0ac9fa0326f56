//! Servers that own ports: those of one port are a few hosts of each subnet.

#![expect(clippy::inline_always, reason = "loops over a chunk become vectors only as a whole")]

use rheos_core::seed::mix;

use super::chunk::{Column, LANES};
use crate::flows::draw;
use crate::flows::plan::{Net, Side};

/// Servers of one port in one subnet: 2^3.
const SERVERS_BITS: u32 = 3;

/// One of the servers of a port in a subnet, as halves of its address. The same ones in every run.
#[inline(always)]
pub(super) fn server(net: &Net, port: u16, which: u64) -> [u64; 2] {
    let bits = mix(u64::from(port) << SERVERS_BITS | which);
    let own = bits & net.mask[1];
    // The high host bits of wide subnets stay zeros.
    let router = own == 0 && net.has_router;
    let number = u64::from(net.first) + u64::from(draw::below((bits >> 32) as u32, net.count));
    [net.high, net.low + number + (own | u64::from(router))]
}

/// Which of them a half word chooses: by the square of an even choice, so that small numbers are likelier.
#[inline(always)]
fn which(half: u32) -> u64 {
    (u64::from(half) * u64::from(half)) >> (64 - SERVERS_BITS)
}

/// The servers that half words choose: the first of a port for 35 % of all, the last for 6 %.
#[inline(always)]
pub(super) fn servers(
    side: &Side,
    nets: &Column<u32>,
    halves: &Column<u32>,
    ports: &Column<u32>,
    [high, low]: &mut [Column<u64>; 2],
) {
    if let [only] = *side.nets {
        for k in 0..LANES {
            [high[k], low[k]] = server(&only, ports[k] as u16, which(halves[k]));
        }
        return;
    }
    for k in 0..LANES {
        let net = side.nets.get(nets[k] as usize).copied().unwrap_or_default();
        [high[k], low[k]] = server(&net, ports[k] as u16, which(halves[k]));
    }
}
