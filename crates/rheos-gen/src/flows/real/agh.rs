//! Packets and bytes of flows in a campus network: mixtures fitted to 4.03 billion unsampled flows of 30 days.
//!
//! P. Jurkiewicz, G. Rzym, P. Borylo: "Flow length and size distributions in campus Internet traffic", Computer
//! Communications 167 (2021); the numbers are those of its data set `agh_2015`. A draw is rounded down, plus 1.

use std::sync::LazyLock;

use super::distribution::{Distribution, Shares};
use super::quantiles::Quantiles;

/// A distribution and its weight.
type Part = (f64, Distribution);

const fn even(weight: f64, below: f64) -> Part {
    (weight, Distribution::Uniform { from: 0.0, to: below })
}

const fn log_normal(weight: f64, sigma: f64, median: f64) -> Part {
    (weight, Distribution::LogNormal { median, sigma })
}

const TCP_PACKETS: [Part; 10] = [
    even(0.05804, 1.0),
    even(0.31052, 2.0),
    even(0.05510, 3.0),
    even(0.04775, 4.0),
    even(0.00588, 5.0),
    even(0.12529, 6.0),
    log_normal(0.20654, 0.5122, 7.954),
    log_normal(0.12190, 0.7508, 21.74),
    log_normal(0.05251, 1.1085, 115.97),
    log_normal(0.01646, 1.9932, 845.9),
];

const UDP_PACKETS: [Part; 13] = [
    even(0.58273, 1.0),
    even(0.18723, 2.0),
    even(0.09147, 3.0),
    even(0.05622, 4.0),
    log_normal(0.02945, 0.4895, 9.674),
    log_normal(0.04023, 0.2603, 4.884),
    log_normal(0.00472, 0.4494, 29.41),
    log_normal(0.00563, 0.9247, 67.48),
    log_normal(0.00181, 1.0498, 594.5),
    log_normal(0.000_321, 1.8548, 7892.5),
    log_normal(0.000_156, 1.1264, 19_824.0),
    log_normal(0.000_027_6, 0.4013, 90_370.0),
    log_normal(1.5e-7, 0.5734, 12_757_029.0),
];

const TCP_BYTES: [Part; 8] = [
    log_normal(0.35622, 0.3907, 97.45),
    log_normal(0.24596, 0.8091, 309.4),
    log_normal(0.29937, 1.0768, 2126.7),
    log_normal(0.08065, 1.3083, 25_681.0),
    log_normal(0.01504, 1.3514, 416_681.0),
    log_normal(0.00207, 1.0825, 5_602_172.0),
    log_normal(0.000_683, 1.0191, 53_432_349.0),
    log_normal(8.2e-6, 1.1905, 514_468_039.0),
];

const UDP_BYTES: [Part; 9] = [
    log_normal(0.63683, 0.3061, 119.2),
    log_normal(0.20281, 0.2264, 319.2),
    log_normal(0.12530, 0.5893, 630.2),
    log_normal(0.02770, 0.7596, 3216.0),
    log_normal(0.00593, 1.1418, 29_017.0),
    log_normal(0.00119, 1.3011, 650_546.0),
    log_normal(0.000_185, 1.7089, 12_790_970.0),
    log_normal(0.000_053_5, 1.2758, 22_546_731.0),
    log_normal(1e-7, 0.5244, 2.1e10),
];

/// Shortest flow in bytes: an Ethernet frame without padding holds no less with its checksum.
const BYTES_MIN: f64 = 64.0;

/// The tables of both protocols.
#[derive(Debug)]
pub(super) struct Sizes {
    tcp: Protocol,
    udp: Protocol,
}

/// Packets and bytes of one protocol's flows.
#[derive(Debug)]
pub(super) struct Protocol {
    pub(super) packets: Quantiles,
    pub(super) bytes: Quantiles,
}

/// They are the same for every plan.
static SIZES: LazyLock<Sizes> = LazyLock::new(|| {
    let table = |mixture: &[Part], least: f64| {
        // The nearest whole number of half more is what rounding down and one more gives.
        Quantiles::new(&Shares::new(&Distribution::Mixture(mixture.to_vec())), |value| {
            (value + 0.5).max(least)
        })
    };
    let protocol =
        |packets, bytes| Protocol { packets: table(packets, 1.0), bytes: table(bytes, BYTES_MIN) };
    Sizes { tcp: protocol(&TCP_PACKETS, &TCP_BYTES), udp: protocol(&UDP_PACKETS, &UDP_BYTES) }
});

/// Every protocol but TCP is like UDP.
pub(super) fn sizes(tcp: bool) -> &'static Protocol {
    let sizes: &Sizes = &SIZES;
    if tcp { &sizes.tcp } else { &sizes.udp }
}

#[cfg(test)]
mod tests {
    use super::super::quantiles::whole;
    use super::*;

    const PLACES: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

    /// The published quantiles: packets and bytes.
    const PUBLISHED: [(bool, [f64; 9], [f64; 9]); 2] = [
        (
            true,
            [1.0, 1.0, 3.0, 10.0, 32.0, 88.0, 867.0, 18_074.0, 125_758.0],
            [76.0, 111.0, 333.0, 2099.0, 10_367.0, 37_060.0, 539_117.0, 1.64e7, 1.65e8],
        ),
        (
            false,
            [1.0, 1.0, 1.0, 2.0, 3.0, 6.0, 29.0, 1028.0, 56_144.0],
            [88.0, 110.0, 152.0, 317.0, 612.0, 1188.0, 7797.0, 449_423.0, 2.27e7],
        ),
    ];

    fn draw(tcp: bool, place: u32) -> (u64, u64) {
        let sizes = sizes(tcp);
        let at = |table: &Quantiles| whole(table.at(place).into()).0;
        (at(&sizes.packets), at(&sizes.bytes))
    }

    #[test]
    fn published_quantiles_come_out_within_three_percent() {
        for (tcp, packets, bytes) in PUBLISHED {
            for (i, place) in PLACES.into_iter().enumerate() {
                let drawn = draw(tcp, (place * 4_294_967_296.0) as u32);
                // Of whole numbers the next one is as good.
                let near =
                    |ours: f64, theirs: f64| (ours - theirs).abs() <= (0.03 * theirs).max(1.0);
                assert!(near(drawn.0 as f64, packets[i]), "{tcp} {place}: {drawn:?} packets");
                assert!(near(drawn.1 as f64, bytes[i]), "{tcp} {place}: {drawn:?} bytes");
            }
        }
    }

    #[test]
    fn means_are_the_published_ones() {
        for (tcp, bytes) in [(true, 112_500.0), (false, 17_900.0)] {
            let mean = sizes(tcp).bytes.mean_whole();
            assert!((mean / bytes - 1.0).abs() < 0.03, "{tcp}: {mean}");
        }
    }

    #[test]
    fn packets_of_flows_have_possible_lengths() {
        for place in (0..=u32::MAX - (1 << 18)).step_by(1 << 18).chain([u32::MAX]) {
            for tcp in [true, false] {
                let (packets, bytes) = draw(tcp, place);
                assert!(packets >= 1 && bytes >= 20 * packets, "{place:x}: {packets} {bytes}");
                assert!(bytes <= 1600 * packets, "{place:x}: {packets} {bytes}");
            }
        }
    }
}
