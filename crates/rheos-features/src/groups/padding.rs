//! Signs of traffic that hides its shape: constant sizes, constant rates, cells.

use rheos_core::Nanos;
use rheos_wire::Packet;

use super::{Ended, Group, Seen};
use crate::column::Kind::{Bool, F64, U32, U64};
use crate::column::experimental as column;
use crate::column::{Column, GroupInfo, Needs};
use crate::log::PacketLog;
use crate::moments::Moments;
use crate::row::RowBuffer;

const TCP: u8 = 6;
const NO_GAP: &str = "fewer than two packets";
const LONE: &str = "fewer than two packets";
const FOLDED: &str =
    "beyond 2048 distinct lengths in one flow, further ones count as the nearest lower one";
const CELL: &str = "counts what records hold: a length of the IP packet (once 580 to 600) is not what Tor's cells have, as they travel several to a record";

/// The most frequent length is constant when so many packets have it.
const CONSTANT_SHARE: f64 = 0.95;
/// Gaps that vary by no more than this of their mean are constant.
const CONSTANT_VARIATION: f64 = 0.1;
/// A flow is like Tor when so many of its records hold whole cells, of at least [`TOR_RECORDS_MIN`].
const TOR_SHARE: f64 = 0.7;
/// Fewer records tell nothing: one in 171 has such a length by chance.
const TOR_RECORDS_MIN: u32 = 4;

/// The columns of the group.
pub static COLUMNS: &[Column] = &[
    column("pkt_size_variance", F64, "bytes^2", "population variance (ddof 0) of the packets' IP lengths: equals pkt_len_variance").alias("pkt_len_std"),
    column("pkt_size_cv", F64, "", "population standard deviation of the packets' IP lengths over their mean").null("the mean is 0").changed("null, not 0, when the mean is 0"),
    column("is_constant_size", Bool, "", "at least 95 % of packets have the most frequent IP length")
        .needs(Needs::Quantiles)
        .null(LONE)
        .changed("null for a lone packet, which is no pattern"),
    column("dominant_size_mode", U32, "bytes", "most frequent IP length: equals dominant_pkt_size").alias("dominant_pkt_size").needs(Needs::Quantiles),
    column("dominant_size_ratio", F64, "", "share of packets with that length: equals dominant_pkt_ratio").alias("dominant_pkt_ratio").needs(Needs::Quantiles),
    column("unique_size_count", U32, "lengths", "different IP lengths").needs(Needs::Quantiles).changed(FOLDED),
    column("size_entropy", F64, "", "size_entropy_bits over log2(unique_size_count): 1 when all lengths are equally frequent")
        .needs(Needs::Quantiles)
        .null("fewer than two different lengths")
        .changed("null, not 0, for one length, where it is 0 over 0"),
    column("iat_variance", F64, "s^2", "population variance (ddof 0) of the gaps between packets: iat_std squared").alias("iat_std").null(NO_GAP).changed("null, not 0, without gaps"),
    column("iat_cv", F64, "", "population standard deviation of the gaps between packets over their mean: equals burstiness_index").alias("burstiness_index").null("fewer than two packets, or all gaps are 0").changed("null, not 0, when it is not defined"),
    column("is_constant_rate", Bool, "", "iat_cv is at most 0.1")
        .null("fewer than three packets, or all gaps are 0")
        .changed("null for one gap, which cannot vary, and for gaps of 0; it was true for both"),
    column("tor_cell_count", U64, "packets", "TCP packets whose payload begins with a TLS application data record of whole 514-byte Tor cells and nothing else: its length less the cipher's 16, 17 or 24 bytes is a multiple of 514")
        .null("no TCP packet begins with a TLS application data record")
        .changed(CELL),
    column("tor_cell_ratio", F64, "", "tor_cell_count over the packets whose payload begins with a TLS application data record").null("no TCP packet begins with a TLS application data record").changed(CELL),
    column("is_tor_like", Bool, "", "tor_cell_ratio is at least 0.7").null("fewer than four packets begin with a TLS application data record").changed(CELL),
    column("burst_padding_ratio", F64, "", "share of bytes that are headers, not padding: burst_overhead_bytes / total_bytes")
        .null("total_bytes is 0")
        .changed("the name is kept, the value is the share of headers; also for a lone packet"),
    column("burst_overhead_bytes", U64, "bytes", "total_bytes - payload_bytes_total: IP and transport headers").changed("also for a lone packet"),
    column("avg_burst_payload_efficiency", F64, "", "arithmetic mean over bursts (burst_count) of their payload bytes over their IP bytes")
        .null("no burst has bytes")
        .changed("the configured burst threshold counts, not always 50 ms; also for a lone packet"),
    column("padding_score", F64, "", "0.3 is_constant_size + 0.2 (dominant_size_ratio is above 0.8) + 0.2 is_constant_rate + 0.3 is_tor_like; what is null adds 0")
        .needs(Needs::Quantiles)
        .null("fewer than three packets")
        .changed("null for flows too short to have a shape: a lone packet scored 0.5"),
    column("size_entropy_bits", F64, "bits", "Shannon entropy of the packets' IP lengths; 0 when all are equal").needs(Needs::Quantiles),
    column("link_padding_bytes", U64, "bytes", "bytes of frames behind the IP packet: Ethernet padding, trailers, check sequences; packets in tunnels, from fragments and without IP length are left out")
        .null("of no packet it can be told"),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Padding;

/// Sums over packets, gaps and bursts.
#[derive(Debug, Default)]
pub struct State {
    lengths: Moments,
    gaps: Moments,
    /// IP bytes and payload bytes of the burst that goes on.
    burst: [u64; 2],
    /// Sum over finished bursts of payload over IP bytes, and how many they are.
    efficiency: f64,
    bursts: u64,
    trailing: u64,
    trailing_told: bool,
    records: u32,
    cells: u32,
}

impl Group for Padding {
    type State = State;
    const INFO: GroupInfo = GroupInfo {
        name: "padding",
        meaning: "constant sizes and rates, cells, headers and padding",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) -> State {
        State::default()
    }

    #[inline]
    fn on_packet(state: &mut State, seen: &Seen<'_>) {
        let packet = seen.packet;
        state.lengths.push(u64::from(packet.ip_len));
        if let Some(Nanos(gap)) = seen.arrival.gap {
            state.gaps.push(gap);
            if gap >= seen.plan.config.burst_threshold.0 {
                state.end_burst();
            }
        }
        state.burst[0] += u64::from(packet.ip_len);
        state.burst[1] += u64::from(packet.payload_len);
        if let Some(trailing) = trailing_bytes(packet) {
            state.trailing += u64::from(trailing);
            state.trailing_told = true;
        }
        if packet.tuple.protocol == TCP
            && let Some(len) = application_record(packet.payload(seen.bytes))
        {
            state.records = state.records.saturating_add(1);
            state.cells = state.cells.saturating_add(u32::from(holds_cells(len)));
        }
    }

    fn finish(state: &State, ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let packets = state.lengths.n;
        let sizes = Sizes::of(ended);
        let share = sizes.mode.map(|(_, count)| count as f64 / packets as f64);
        let constant_size = share.filter(|_| packets > 1).map(|share| share >= CONSTANT_SHARE);
        let variation = state.gaps.variation();
        let constant_rate =
            variation.filter(|_| packets > 2).map(|variation| variation <= CONSTANT_VARIATION);
        let cells = state.cell_share();
        let tor =
            cells.filter(|_| state.records >= TOR_RECORDS_MIN).map(|share| share >= TOR_SHARE);
        row.f64("pkt_size_variance", state.lengths.variance());
        row.f64("pkt_size_cv", state.lengths.variation());
        row.bool("is_constant_size", constant_size);
        row.u32("dominant_size_mode", sizes.mode.map(|(len, _)| len));
        row.f64("dominant_size_ratio", share);
        row.u32("unique_size_count", sizes.distinct);
        let evenness = sizes.entropy / f64::from(sizes.distinct).log2();
        row.f64("size_entropy", (sizes.distinct > 1).then_some(evenness));
        row.f64("iat_variance", state.gaps.variance().map(|square| square / 1e18));
        row.f64("iat_cv", variation);
        row.bool("is_constant_rate", constant_rate);
        row.u64("tor_cell_count", cells.map(|_| u64::from(state.cells)));
        row.f64("tor_cell_ratio", cells);
        row.bool("is_tor_like", tor);
        let totals = &ended.head.totals;
        let bytes: u64 = totals.iter().map(|totals| totals.ip_bytes).sum();
        let payload: u64 = totals.iter().map(|totals| totals.payload_bytes).sum();
        let overhead = bytes.saturating_sub(payload);
        row.f64("burst_padding_ratio", (bytes > 0).then(|| overhead as f64 / bytes as f64));
        row.u64("burst_overhead_bytes", overhead);
        row.f64("avg_burst_payload_efficiency", state.efficiency());
        let is = |truth: Option<bool>| f64::from(u8::from(truth == Some(true)));
        let dominant = share.map(|share| share > 0.8);
        let score =
            0.3 * is(constant_size) + 0.2 * is(dominant) + 0.2 * is(constant_rate) + 0.3 * is(tor);
        row.f64("padding_score", (packets > 2).then_some(score));
        row.f64("size_entropy_bits", sizes.entropy);
        row.u64("link_padding_bytes", state.trailing_told.then_some(state.trailing));
    }
}

impl State {
    /// Only where a gap ends a burst: the one place that divides.
    #[cold]
    fn end_burst(&mut self) {
        let [bytes, payload] = std::mem::take(&mut self.burst);
        if bytes > 0 {
            self.efficiency += payload as f64 / bytes as f64;
            self.bursts += 1;
        }
    }

    /// The mean over all bursts, the one that goes on included.
    fn efficiency(&self) -> Option<f64> {
        let [bytes, payload] = self.burst;
        let (last, bursts) = if bytes > 0 {
            (payload as f64 / bytes as f64, self.bursts + 1)
        } else {
            (0.0, self.bursts)
        };
        (bursts > 0).then(|| (self.efficiency + last) / bursts as f64)
    }

    fn cell_share(&self) -> Option<f64> {
        (self.records > 0).then(|| f64::from(self.cells) / f64::from(self.records))
    }
}

/// What the log tells of lengths.
struct Sizes {
    mode: Option<(u32, u64)>,
    distinct: u32,
    /// In bits.
    entropy: f64,
}

impl Sizes {
    fn of(ended: &mut Ended<'_>) -> Self {
        let log: &PacketLog = ended.log;
        let mode = log.lengths(ended.scratch).1;
        let (mut distinct, mut total, mut weighted) = (0, 0, 0.0);
        log.each_length(ended.scratch, |_, count| {
            distinct += 1;
            total += count;
            weighted += count as f64 * (count as f64).log2();
        });
        // One length: exactly 0, whatever the logarithms round to.
        let entropy =
            if distinct > 1 { (total as f64).log2() - weighted / total as f64 } else { 0.0 };
        Self { mode, distinct, entropy }
    }
}

/// Bytes of the frame behind the IP packet.
#[inline]
fn trailing_bytes(packet: &Packet) -> Option<u32> {
    let plain = !packet.reassembled && !packet.offload_len && packet.tunnel.is_none();
    let end = packet.l3_offset.checked_add(packet.ip_len).filter(|_| plain)?;
    packet.wire_len.checked_sub(end)
}

/// The length of a TLS application data record (RFC 8446 section 5.2) at the start of a payload.
#[inline]
fn application_record(payload: &[u8]) -> Option<u16> {
    match payload {
        [0x17, 3, 1..=3, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

/// Whether a record of this length holds whole Tor cells of 514 bytes (tor-spec section 3) and nothing else, under
/// ChaCha20 in TLS 1.2 (16 bytes more), any cipher of TLS 1.3 (17), or AES-GCM in TLS 1.2 (24).
#[inline]
fn holds_cells(record_len: u16) -> bool {
    const CELL: u16 = 514;
    [16, 17, 24]
        .into_iter()
        .filter_map(|more| record_len.checked_sub(more))
        .any(|len| len > 0 && len % CELL == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_whole_cells() {
        for len in [514 + 16, 514 + 17, 514 + 24, 2 * 514 + 17, 31 * 514 + 17] {
            assert!(holds_cells(len), "{len}");
        }
        for len in [0, 16, 17, 24, 514, 515, 1400, 16_401] {
            assert!(!holds_cells(len), "{len}");
        }
        assert_eq!(application_record(&[0x17, 3, 3, 2, 1, 9]), Some(513));
        assert_eq!(application_record(&[0x16, 3, 3, 2, 1]), None);
        assert_eq!(application_record(&[0x17, 3, 3, 2]), None);
    }

    #[test]
    fn bursts_without_bytes_do_not_count() {
        let mut state = State::default();
        assert_eq!(state.efficiency(), None);
        state.end_burst();
        assert_eq!(state.bursts, 0);
        state.burst = [100, 25];
        state.end_burst();
        state.burst = [100, 75];
        assert_eq!(state.efficiency(), Some(0.5));
    }
}
