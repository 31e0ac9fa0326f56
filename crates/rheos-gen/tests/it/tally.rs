//! Flows counted by the decoder, to be compared with the ground truth.

use std::collections::HashMap;

use rheos_core::{FiveTuple, Frame, LinkType};
use rheos_gen::{ConversationId, FlowTruth, FrameInfo, SynthesisConfig, Synthesizer};
use rheos_wire::{DecodeConfig, Decoded, Fragment, Packet, decode, decode_datagram};

/// One direction: packets, IP bytes, payload bytes.
pub(crate) type Counts = [u64; 3];

/// Packets by conversation and directed tuple, as the decoder sees them.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) flows: HashMap<(ConversationId, FiveTuple), Counts>,
    pub(crate) wrong_checksums: u64,
    pub(crate) dropped: u64,
    pub(crate) tunnelled: u64,
    pub(crate) reassembled: u64,
    parts: HashMap<(ConversationId, u32), (u32, Vec<u8>)>,
}

impl Tally {
    /// Decodes a frame and counts its packet, which is handed to `look`.
    pub(crate) fn add(&mut self, bytes: &[u8], info: &FrameInfo, look: &mut impl FnMut(&Packet)) {
        let frame =
            Frame { ts: info.ts, wire_len: info.wire_len, link: LinkType::ETHERNET, data: bytes };
        let config = DecodeConfig::default();
        let mut packet = Packet::default();
        let decoded = match decode(frame, 0, &config, &mut packet) {
            Decoded::Fragment(fragment) => match self.join(info.conversation, &fragment, bytes) {
                Some(datagram) => decode_datagram(&datagram, &config, &mut packet),
                None => return,
            },
            decoded => decoded,
        };
        if decoded != Decoded::Packet {
            self.dropped += 1;
            return;
        }
        look(&packet);
        self.wrong_checksums += u64::from(packet.checksum.wrong.is_some());
        self.tunnelled += u64::from(packet.tunnel.is_some());
        self.reassembled += u64::from(packet.reassembled);
        let counts = self.flows.entry((info.conversation, packet.tuple)).or_default();
        counts[0] += 1;
        counts[1] += u64::from(packet.ip_len);
        counts[2] += u64::from(packet.payload_len);
    }

    /// Puts fragments together that come in order; any gap drops the datagram.
    fn join(&mut self, of: ConversationId, part: &Fragment, bytes: &[u8]) -> Option<Vec<u8>> {
        let key = (of, part.id);
        let data = &bytes[part.data_offset as usize..(part.data_offset + part.data_len) as usize];
        let (next, datagram) = self.parts.entry(key).or_default();
        if part.offset == 0 {
            let start = part.l3_offset as usize;
            *datagram = bytes[start..start + part.header_len as usize].to_vec();
            *next = 0;
        }
        if datagram.is_empty() || *next != part.offset {
            return None;
        }
        datagram.extend_from_slice(data);
        *next += part.data_len;
        if part.more {
            return None;
        }
        let (_, mut whole) = self.parts.remove(&key)?;
        let total = whole.len() as u16;
        if whole[0] >> 4 == 4 {
            whole[2..4].copy_from_slice(&total.to_be_bytes());
            whole[6..8].fill(0);
        } else {
            whole[4..6].copy_from_slice(&(total - 40).to_be_bytes());
            whole[6] = part.protocol;
        }
        Some(whole)
    }

    /// Compares with the truth; returns how many flows there were.
    pub(crate) fn assert_equals(&self, truth: &[FlowTruth]) -> usize {
        let mut seen = 0;
        for flow in truth {
            for (direction, tuple) in [(0, flow.tuple), (1, flow.tuple.reversed())] {
                let sums = flow.directions[direction];
                let expected = [sums.packets, sums.ip_bytes, sums.payload_bytes];
                let got = self.flows.get(&(flow.conversation, tuple)).copied().unwrap_or_default();
                seen += usize::from(got[0] > 0);
                assert_eq!(got, expected, "{:?} {tuple}", flow.conversation);
            }
        }
        assert_eq!(seen, self.flows.len(), "flows that the truth does not know");
        truth.len()
    }
}

/// Makes and decodes everything that `config` describes.
pub(crate) fn run(
    config: &SynthesisConfig,
    mut look: impl FnMut(&FrameInfo, &[u8], &Packet),
) -> (Tally, Vec<FlowTruth>, Synthesizer) {
    let plan = config.plan().expect("the configuration is sound");
    let mut made = Synthesizer::new(plan).keeping_truth();
    let (mut tally, mut truth, mut frame) = (Tally::default(), Vec::new(), Vec::new());
    while let Some(info) = made.next_into(&mut frame) {
        tally.add(&frame, &info, &mut |packet| look(&info, &frame, packet));
        made.take_truth(&mut truth);
    }
    made.take_truth(&mut truth);
    (tally, truth, made)
}
