//! Frames of all conversations in order of time.
//!
//! Live conversations lie in a heap by the time of their next packet, frames that are late or come twice in
//! another; each step takes the earliest of the next begin, the next packet and the next late frame.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rheos_core::{Direction, FrameBatch, FrameMeta, LinkType, Timestamp};

use super::arrivals::Schedule;
use super::conversation::{Conversation, Cx, Part, Sent};
use super::faults::{Fate, spoil_checksum, spoil_length};
use super::label::LabelId;
use super::message::Content;
use super::plan::Plan;
use super::truth::{ConversationId, FlowTruth};
use crate::Error;

/// The most late or doubled frames that wait at once; at the limit frames are on time.
const HELD_MAX: usize = 4_096;
/// The most finished flows that wait to be taken.
const TRUTH_MAX: usize = 1 << 16;
/// Ethernet's least frame without its check sequence.
const FRAME_MIN: usize = 60;

/// What is known of a frame beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// When the capture saw it; never less than that of the frame before.
    pub ts: Timestamp,
    /// Its length on the wire; more than its bytes when it was cut.
    pub wire_len: u32,
    /// What it is, see [`Plan::labels`].
    pub label: LabelId,
    /// Which conversation it belongs to.
    pub conversation: ConversationId,
    /// From the initiator or to it.
    pub direction: Direction,
}

/// What was made so far, in frames unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames put out.
    pub frames: u64,
    /// Their bytes on the wire.
    pub wire_bytes: u64,
    /// Conversations begun.
    pub conversations: u64,
    /// Conversations that began late because [`super::SynthesisConfig::live_max`] were alive.
    pub begun_late: u64,
    /// The most conversations alive at once.
    pub live_peak: u64,
    /// Frames made, whether they then came or not: what the percentages of the faults refer to.
    pub made: u64,
    /// Lost.
    pub lost: u64,
    /// Put out late.
    pub reordered: u64,
    /// Put out a second time.
    pub duplicated: u64,
    /// Cut.
    pub truncated: u64,
    /// With a wrong length field.
    pub bad_length: u64,
    /// With a wrong checksum.
    pub bad_checksum: u64,
    /// On time and single only because too many frames waited already.
    pub held_full: u64,
    /// Flows whose truth was not taken in time and is lost.
    pub truth_lost: u64,
}

#[derive(Clone, Debug)]
struct Held {
    info: FrameInfo,
    bytes: Vec<u8>,
}

/// Makes the frames of a [`Plan`]. Memory grows with the conversations alive at once, not with the frames made.
#[derive(Debug)]
pub struct Synthesizer {
    plan: Plan,
    content: Content,
    scratch: Vec<u8>,
    counters: Counters,
    schedules: Vec<Schedule>,
    /// Time and source of the next begin.
    begin: Option<(u64, usize)>,
    /// Time of the next packet, conversation, place in `slots`.
    live: BinaryHeap<Reverse<(u64, ConversationId, u32)>>,
    slots: Vec<Option<Conversation>>,
    free: Vec<u32>,
    /// Time, number and place in `held` of waiting frames.
    waiting: BinaryHeap<Reverse<(u64, u64, u32)>>,
    held: Vec<Held>,
    held_free: Vec<u32>,
    held_count: u64,
    now: u64,
    keep_truth: bool,
    truth: Vec<FlowTruth>,
}

impl Synthesizer {
    /// Ready to make the frames of `plan`.
    pub fn new(plan: Plan) -> Self {
        Self::with_schedules(plan, 0, 1)
    }

    /// Ready to make every `shards`-th conversation of `plan`, from the `shard`-th on: all shards together make
    /// the conversations that [`Synthesizer::new`] makes, each the same.
    pub fn shard(plan: Plan, shard: u64, shards: u64) -> Result<Self, Error> {
        if shard >= shards {
            return Err(Error::Shard { shard, shards });
        }
        Ok(Self::with_schedules(plan, shard, shards))
    }

    fn with_schedules(plan: Plan, shard: u64, shards: u64) -> Self {
        let mut made = Self {
            content: Content::new(plan.seed),
            schedules: plan.schedules(shard, shards),
            scratch: Vec::with_capacity(16 << 10),
            counters: Counters::default(),
            begin: None,
            live: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            waiting: BinaryHeap::new(),
            held: Vec::new(),
            held_free: Vec::new(),
            held_count: 0,
            now: 0,
            keep_truth: false,
            truth: Vec::new(),
            plan,
        };
        made.find_begin();
        made
    }

    /// Keeps the ground truth of finished flows for [`Synthesizer::take_truth`], at most 65 536 of them: take them
    /// now and then.
    #[must_use]
    pub fn keeping_truth(mut self) -> Self {
        self.keep_truth = true;
        self
    }

    /// The plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was made so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Moves the truth of the flows that ended since the last call to `out`, in order of their end.
    pub fn take_truth(&mut self, out: &mut Vec<FlowTruth>) {
        out.append(&mut self.truth);
    }

    /// Writes the next frame over `frame`; none when all conversations have ended.
    pub fn next_into(&mut self, frame: &mut Vec<u8>) -> Option<FrameInfo> {
        frame.clear();
        self.append_next(frame)
    }

    /// The next frames, at most `frames_max`, as a batch of Ethernet frames, with what is known of each in `infos`,
    /// which is overwritten. None when all conversations have ended.
    pub fn next_batch(
        &mut self,
        frames_max: usize,
        infos: &mut Vec<FrameInfo>,
    ) -> Option<FrameBatch> {
        infos.clear();
        let first_index = self.counters.frames;
        let mut bytes = Vec::with_capacity(frames_max.min(1 << 16) * 256);
        let mut frames = Vec::with_capacity(frames_max.min(1 << 16));
        while frames.len() < frames_max {
            let offset = bytes.len();
            let Some(info) = self.append_next(&mut bytes) else { break };
            frames.push(FrameMeta {
                ts: info.ts,
                offset,
                cap_len: (bytes.len() - offset) as u32,
                wire_len: info.wire_len,
                link: LinkType::ETHERNET,
                interface: 0,
            });
            infos.push(info);
        }
        (!frames.is_empty()).then(|| FrameBatch { bytes: Arc::new(bytes), frames, first_index })
    }

    /// Writes the next frame behind what `out` holds.
    pub fn append_next(&mut self, out: &mut Vec<u8>) -> Option<FrameInfo> {
        loop {
            let live = self.live.peek().map_or(u64::MAX, |Reverse((at, _, _))| *at);
            let held = self.waiting.peek().map_or(u64::MAX, |Reverse((at, _, _))| *at);
            if let Some((at, source)) = self.begin
                && at <= live.min(held)
                && self.live.len() < self.plan.live_max
            {
                self.begin_conversation(at, source);
                continue;
            }
            let info = if held < live {
                self.release(out)
            } else {
                if live == u64::MAX {
                    return None;
                }
                self.step(out)
            };
            if let Some(info) = info {
                self.counters.frames += 1;
                self.counters.wire_bytes += u64::from(info.wire_len);
                return Some(info);
            }
        }
    }

    fn find_begin(&mut self) {
        let mut first: Option<(u64, usize)> = None;
        for (source, schedule) in self.schedules.iter_mut().enumerate() {
            if let Some((_, at)) = schedule.peek()
                && first.is_none_or(|(earliest, _)| at < earliest)
            {
                first = Some((at, source));
            }
        }
        self.begin = first;
    }

    fn begin_conversation(&mut self, at: u64, source: usize) {
        let schedule = &mut self.schedules[source];
        if let Some((number, _)) = schedule.peek() {
            schedule.advance();
            let conversation = Conversation::new(&self.plan, source, number);
            self.counters.conversations += 1;
            self.counters.begun_late += u64::from(at < self.now);
            let id = conversation.id;
            let slot = if let Some(slot) = self.free.pop() {
                self.slots[slot as usize] = Some(conversation);
                slot
            } else {
                self.slots.push(Some(conversation));
                (self.slots.len() - 1) as u32
            };
            self.live.push(Reverse((at.max(self.now), id, slot)));
            self.counters.live_peak = self.counters.live_peak.max(self.live.len() as u64);
        }
        self.find_begin();
    }

    /// Lets the earliest conversation send its packet. None when the frame was lost or is late.
    fn step(&mut self, out: &mut Vec<u8>) -> Option<FrameInfo> {
        let mut top = self.live.peek_mut()?;
        let Reverse((now, _, slot)) = *top;
        self.now = now;
        let conversation = self.slots.get_mut(slot as usize)?.as_mut()?;
        let faults = &self.plan.faults;
        let number = conversation.number;
        let lost = faults.loses(conversation.key, number);
        let start = out.len();
        let mut cx = Cx {
            content: &self.content,
            scratch: &mut self.scratch,
            out,
            now,
            lost: lost && faults.retransmit,
        };
        let (sent, next) = conversation.step(&mut cx);
        conversation.number = number.wrapping_add(1);
        self.counters.made += 1;
        let fate = if lost {
            None
        } else {
            if self.plan.link.pad_short_frames && out.len() - start < FRAME_MIN {
                out.resize(start + FRAME_MIN, 0);
            }
            Some(faults.fate(conversation.key, number))
        };
        let info = FrameInfo {
            ts: Timestamp::from_nanos(now),
            wire_len: (out.len() - start) as u32,
            label: conversation.label,
            conversation: conversation.id,
            direction: if (sent.from == 0) == sent.about {
                Direction::Backward
            } else {
                Direction::Forward
            },
        };
        match next {
            Some(at) => {
                top.0.0 = at;
                drop(top);
            }
            None => {
                std::collections::binary_heap::PeekMut::pop(top);
            }
        }
        let over = next.is_none();
        let delivered = if let Some(fate) = fate {
            self.deliver(out, start, info, &sent, fate, slot)
        } else {
            self.counters.lost += 1;
            self.note_loss(&sent, slot);
            out.truncate(start);
            None
        };
        if over {
            self.finish(slot);
        }
        delivered
    }

    fn finish(&mut self, slot: u32) {
        if let Some(conversation) = self.slots[slot as usize].take() {
            self.free.push(slot);
            if self.keep_truth {
                for flow in conversation.truth() {
                    if self.truth.len() < TRUTH_MAX {
                        self.truth.push(flow);
                    } else {
                        self.counters.truth_lost += 1;
                    }
                }
            }
        }
    }

    /// A lost fragment takes its datagram with it.
    fn note_loss(&mut self, sent: &Sent, slot: u32) {
        if let Some(conversation) = self.slots[slot as usize].as_mut() {
            conversation.broken = !matches!(sent.part, Part::Whole | Part::Last);
        }
    }

    /// Lets happen to the frame what its fate says, counts it into the truth, and hands it out or holds it back.
    fn deliver(
        &mut self,
        out: &mut Vec<u8>,
        start: usize,
        mut info: FrameInfo,
        sent: &Sent,
        mut fate: Fate,
        slot: u32,
    ) -> Option<FrameInfo> {
        self.spoil(out, sent, &mut fate);
        if let Some(bits) = fate.cut {
            // The Ethernet header at least, and at least one byte less than all.
            let len = out.len() - start;
            let keep = 14 + (bits % (len as u64 - 14)) as usize;
            out.truncate(start + keep);
            self.counters.truncated += 1;
        }
        let full = self.held.len() - self.held_free.len() >= HELD_MAX;
        if full && (fate.late.is_some() || fate.copy.is_some()) {
            self.counters.held_full += 1;
            (fate.late, fate.copy) = (None, None);
        }
        let at = info.ts.as_nanos();
        let late = at + fate.late.unwrap_or(0);
        info.ts = Timestamp::from_nanos(late);
        self.count_truth(slot, sent, &fate, &info);
        if let Some(after) = fate.copy {
            self.counters.duplicated += 1;
            let copy = FrameInfo { ts: Timestamp::from_nanos(late + after), ..info };
            self.hold(copy, &out[start..]);
        }
        if fate.late.is_some() {
            self.counters.reordered += 1;
            self.hold(info, &out[start..]);
            out.truncate(start);
            return None;
        }
        Some(info)
    }

    fn spoil(&mut self, out: &mut [u8], sent: &Sent, fate: &mut Fate) {
        let transport = matches!(sent.part, Part::Whole | Part::Fragment { first: true });
        if let Some(bits) = fate.bad_length {
            spoil_length(out, &sent.layout, transport, bits);
            self.counters.bad_length += 1;
        } else if fate.bad_checksum {
            fate.bad_checksum = spoil_checksum(out, &sent.layout, sent.checksum_at);
            self.counters.bad_checksum += u64::from(fate.bad_checksum);
        }
    }

    fn count_truth(&mut self, slot: u32, sent: &Sent, fate: &Fate, info: &FrameInfo) {
        let Some(conversation) = self.slots[slot as usize].as_mut() else { return };
        let copies = 1 + u64::from(fate.copy.is_some());
        let sums = if sent.about { &mut conversation.about } else { &mut conversation.main };
        sums.see(info.ts.as_nanos());
        sums.see(info.ts.as_nanos() + fate.copy.unwrap_or(0));
        let truth = &mut sums.directions[sent.from];
        truth.frames += copies;
        truth.wire_bytes += copies * u64::from(info.wire_len);
        truth.bad_length += copies * u64::from(fate.bad_length.is_some());
        truth.bad_checksum += copies * u64::from(fate.bad_checksum);
        truth.truncated += copies * u64::from(fate.cut.is_some());
        let packets = match sent.part {
            Part::Whole => copies * u64::from(fate.bad_length.is_none()),
            Part::Fragment { .. } | Part::Last => {
                conversation.broken |= fate.bad_length.is_some() || fate.cut.is_some();
                let whole = sent.part == Part::Last && !conversation.broken;
                if sent.part == Part::Last {
                    conversation.broken = false;
                }
                u64::from(whole)
            }
        };
        truth.packets += packets;
        truth.ip_bytes += packets * sent.ip_len;
        truth.payload_bytes += packets * sent.payload_len;
    }

    fn hold(&mut self, info: FrameInfo, bytes: &[u8]) {
        let place = if let Some(place) = self.held_free.pop() {
            let held = &mut self.held[place as usize];
            held.info = info;
            held.bytes.clear();
            held.bytes.extend_from_slice(bytes);
            place
        } else {
            self.held.push(Held { info, bytes: bytes.to_vec() });
            (self.held.len() - 1) as u32
        };
        self.held_count += 1;
        self.waiting.push(Reverse((info.ts.as_nanos(), self.held_count, place)));
    }

    fn release(&mut self, out: &mut Vec<u8>) -> Option<FrameInfo> {
        let Reverse((at, _, place)) = self.waiting.pop()?;
        self.now = at;
        self.held_free.push(place);
        let held = self.held.get(place as usize)?;
        out.extend_from_slice(&held.bytes);
        Some(held.info)
    }
}
