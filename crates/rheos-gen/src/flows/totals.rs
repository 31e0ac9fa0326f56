//! Flows with packets, bytes and a duration, as the older statistics tool made them of its records.
//!
//! A record of one packet says what packets are like: its length is their mean. How many there are, and how far
//! apart, follows from protocol and service. The clock goes by what flows come to, so that their bytes are the promised
//! bandwidth: the older tool took each flow for one packet, and told some 25 times the bandwidth, once for
//! each thread.
//!
//! Flow `i` depends on the configuration and `i` only, but for the number of its stream: that is `i` modulo the number
//! of streams. So the flows are the same for any number of streams and threads.

use rheos_core::{RecordFlags, Seed, WideRecord};

use super::config::{FlowConfig, Sizes};
use super::draw;
use super::error::{FlowError, FlowProblem};
use super::kernel::Kernel;
use super::pattern::TCP;
use super::plan::{FlowPlan, Leaf};
use super::real::{Sessions, SizeModel};
use super::wide;

/// Words of totals have keys that differ from those of all others in these bits.
const TOTAL_WORDS: u64 = 1 << 60;
/// Most lengths of a leaf whose means are worked out one by one; of more it is an even choice.
const LENGTHS_MAX: u32 = 1 << 16;
/// Flows that a thread makes at least.
const PART: usize = 1 << 12;
/// Most threads of [`FlowTotals::fill`].
const THREADS_MAX: usize = 1024;
/// Most streams.
const STREAMS_MAX: u32 = 1 << 16;

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const UDP: u8 = 17;

/// Makes the flows of a configuration, at any place of their row.
///
/// ```
/// use rheos_core::WideRecord;
/// use rheos_gen::flows::{FlowConfig, FlowTotals};
///
/// let made = FlowTotals::new(&FlowConfig::default(), 4)?;
/// let mut flows = [WideRecord::default(); 1000];
/// assert_eq!(made.fill(0, &mut flows, 2), 1000);
/// let mut last = [WideRecord::default()];
/// made.fill(999, &mut last, 1);
/// assert_eq!(last[0], flows[999]);
/// # Ok::<(), rheos_gen::flows::FlowError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FlowTotals {
    plan: FlowPlan,
    kernel: Kernel,
    sizes: Sizes,
    streams: u32,
    /// Whether flows are made of records here; a model of a real network has done it already.
    grow: bool,
}

impl FlowTotals {
    /// Checks the configuration. The first of the `streams` has the configured number, the others those behind it.
    pub fn new(config: &FlowConfig, streams: u32) -> Result<Self, FlowError> {
        if !(1..=STREAMS_MAX).contains(&streams) {
            return Err(FlowError::new("", FlowProblem::Stream { stream: 0, streams }));
        }
        config.check()?;
        let sizes = config.sizes;
        let grow =
            config.realism.sizes == SizeModel::Patterns && config.sessions == Sessions::default();
        let plan = FlowPlan::with_means(config, |leaf| grow.then(|| mean_bytes(leaf, sizes)));
        let kernel = Kernel::best().suited(&plan);
        Ok(Self { plan, kernel, sizes, streams, grow })
    }

    /// What is made, with the clock and the number of flows.
    pub const fn plan(&self) -> &FlowPlan {
        &self.plan
    }

    /// How many streams there are.
    pub const fn streams(&self) -> u32 {
        self.streams
    }

    /// Fills `out` with the flows from `index` on, on up to `threads` threads; returns how many there are, fewer than
    /// asked for only at the end.
    pub fn fill(&self, index: u64, out: &mut [WideRecord], threads: usize) -> usize {
        let left = self.plan.bound().saturating_sub(index);
        let count = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let out = out.get_mut(..count).unwrap_or_default();
        let threads = threads.clamp(1, THREADS_MAX).min(count.div_ceil(PART)).max(1);
        if threads == 1 {
            self.fill_part(index, out);
            return count;
        }
        std::thread::scope(|scope| {
            let part = count.div_ceil(threads);
            for (number, part_out) in (0_u64..).zip(out.chunks_mut(part)) {
                scope.spawn(move || self.fill_part(index + number * part as u64, part_out));
            }
        });
        count
    }

    fn fill_part(&self, index: u64, out: &mut [WideRecord]) {
        wide::fill(self.kernel, &self.plan, index, self.plan.clock.at(index), out);
        for (i, record) in (index..).zip(out) {
            // Less than the number of streams, which has 32 bits.
            let stream = (i % u64::from(self.streams)) as u32;
            record.stream_id = self.plan.stream_id.wrapping_add(stream);
            // Services and attacks have packets and bytes of their own.
            let is_pattern = usize::from(record.pattern) < self.plan.patterns().len();
            if self.grow && is_pattern && record.label == 0 {
                self.grow(i, record);
            }
        }
    }

    fn grow(&self, index: u64, record: &mut WideRecord) {
        let reversed = record.flags & RecordFlags::REVERSED != 0;
        let server_port = if reversed { record.source_port } else { record.destination_port };
        let service = Service::of(record.protocol, server_port);
        let mut words = Seed(draw::state(self.plan.key ^ TOTAL_WORDS, index)).rng();
        let (least, most) = service.packets();
        let packets = words.between(least, most);
        let (least, most) = service.gap(packets);
        let gap = words.between(least, most);
        let length = u32::try_from(record.bytes).unwrap_or(u32::MAX);
        let spread = Spread::of(length, self.sizes);
        let mut bytes = 0;
        for _ in 0..packets / 2 {
            let word = words.bits();
            bytes += spread.length((word >> 32) as u32) + spread.length(word as u32);
        }
        if packets % 2 == 1 {
            bytes += spread.length((words.bits() >> 32) as u32);
        }
        record.packets = packets;
        record.bytes = bytes;
        record.last = record.first.saturating_add(gap * (packets - 1));
    }
}

/// What decides about packets and gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Web,
    Ssh,
    Database,
    Mail,
    Tcp,
    Dns,
    Udp,
    Other,
}

/// The ports that are no others'.
const WEB: [u16; 2] = [80, 443];
const SSH: [u16; 1] = [22];
const DATABASE: [u16; 4] = [3306, 5432, 6379, 27017];
const MAIL: [u16; 3] = [25, 465, 587];
const DNS: [u16; 1] = [53];

impl Service {
    fn of(protocol: u8, server_port: u16) -> Self {
        match (protocol, server_port) {
            (TCP, port) if WEB.contains(&port) => Self::Web,
            (TCP, port) if SSH.contains(&port) => Self::Ssh,
            (TCP, port) if DATABASE.contains(&port) => Self::Database,
            (TCP, port) if MAIL.contains(&port) => Self::Mail,
            (TCP, _) => Self::Tcp,
            (UDP, port) if DNS.contains(&port) => Self::Dns,
            (UDP, _) => Self::Udp,
            _ => Self::Other,
        }
    }

    /// Fewest and most packets, all numbers between equally likely.
    const fn packets(self) -> (u64, u64) {
        match self {
            Self::Web | Self::Mail => (10, 50),
            Self::Ssh => (100, 500),
            Self::Database | Self::Tcp => (5, 100),
            Self::Dns => (2, 2),
            Self::Udp => (1, 20),
            Self::Other => (1, 10),
        }
    }

    /// Shortest and longest time between two packets in nanoseconds; for DNS it is that of all together.
    fn gap(self, packets: u64) -> (u64, u64) {
        match self {
            Self::Web => (10 * MS, 100 * MS),
            Self::Ssh => (MS, 50 * MS),
            Self::Database => (MS, 20 * MS),
            Self::Mail | Self::Tcp => (5 * MS, 50 * MS),
            Self::Dns => {
                let gaps = packets.saturating_sub(1).max(1);
                (MS / gaps, 50 * MS / gaps)
            }
            Self::Udp => (100 * US, 10 * MS),
            Self::Other => (MS, 10 * MS),
        }
    }
}

/// The lengths of a flow's packets: a fifth around its own, within the configured limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spread {
    low: u64,
    span: u64,
    min: u64,
    max: u64,
}

impl Spread {
    fn of(length: u32, sizes: Sizes) -> Self {
        let length = u64::from(length);
        let (low, high) = ((length * 4).div_ceil(5), length * 6 / 5);
        // The longest length has 31 bits, so that a span fits 32.
        Self { low, span: high - low + 1, min: sizes.min.into(), max: sizes.max.into() }
    }

    /// The length that 32 random bits draw.
    #[inline]
    fn length(self, half: u32) -> u64 {
        (self.low + ((u64::from(half) * self.span) >> 32)).clamp(self.min, self.max)
    }

    /// The mean of all lengths, exact.
    fn mean(self) -> f64 {
        let (low, high) = (self.low, self.low + self.span - 1);
        let below = self.min.saturating_sub(low).min(self.span);
        let above = high.saturating_sub(self.max).min(self.span - below);
        let inside = self.span - below - above;
        let first = low + below;
        // Even by even: the sum of `inside` numbers from `first` on.
        let inside_sum = inside as f64 * (first as f64 + (inside as f64 - 1.0) / 2.0);
        let sum = below as f64 * self.min as f64 + above as f64 * self.max as f64 + inside_sum;
        sum / self.span as f64
    }
}

/// The mean bytes of a flow of this leaf: of how many packets it has, times how long they are.
fn mean_bytes(leaf: &Leaf, sizes: Sizes) -> f64 {
    let last = u32::from(leaf.port) + leaf.port_count.max(1) - 1;
    let ports = u32::from(leaf.port)..=last;
    let mean = |service: Service| {
        let (least, most) = service.packets();
        (least + most) as f64 / 2.0
    };
    let known = WEB.iter().chain(&SSH).chain(&DATABASE).chain(&MAIL).chain(&DNS);
    let known = known.filter(|&&port| ports.contains(&u32::from(port)));
    let special: Vec<f64> = known.map(|&port| mean(Service::of(leaf.protocol, port))).collect();
    // Port 0 is no service's.
    let others = f64::from(leaf.port_count.max(1)) - special.len() as f64;
    let all = special.iter().sum::<f64>() + others * mean(Service::of(leaf.protocol, 0));
    all / f64::from(leaf.port_count.max(1)) * mean_length(leaf, sizes)
}

fn mean_length(leaf: &Leaf, sizes: Sizes) -> f64 {
    let steps = leaf.size_count.clamp(1, LENGTHS_MAX);
    let width = f64::from(leaf.size_count.max(1)) / f64::from(steps);
    let length = |step: u32| {
        let middle = (f64::from(step) + 0.5) * width - 0.5;
        leaf.size.saturating_add(middle.round().max(0.0) as u32)
    };
    (0..steps).map(|step| Spread::of(length(step), sizes).mean()).sum::<f64>() / f64::from(steps)
}

#[cfg(test)]
mod tests;
