//! Which protocol is spoken, what told it, and how far it could be read.

use rheos_core::Direction;

use crate::column::extended as column;
use crate::column::{Column, GroupInfo, Kind, Profile};
use crate::dissect::Dissection;
use crate::groups::{Ended, Group};
use crate::row::RowBuffer;

const NO_PAYLOAD: &str = "no payload was captured, or neither TCP nor UDP";
const NOT_FOUND: &str = "`app` is null or `unknown`";
const NO_STREAM: &str = "no payload was captured, or not TCP";

/// IP protocol number.
const TCP: u8 = 6;

use Kind::{Bool, F64, Str, U32, U64};

const COLUMNS: &[Column] = &[
    column("app", Str, "", "the protocol that is spoken, by its bytes and never by a port alone; the last one where one follows another in the flow; `unknown` where payload was seen and no detector knew it").null(NO_PAYLOAD).profile(Profile::Core),
    column("app_stack", Str, "", "all protocols that were found in the flow, each after or inside the one before, joined by `>`: `http>tls` is TLS through a CONNECT proxy").null(NOT_FOUND),
    column("app_confidence", F64, "", "how sure `app` is, from 0 to 1: 1 where the protocol's own dissector read what no other protocol says, else what the detector says of the first bytes").null(NOT_FOUND).profile(Profile::Core),
    column("app_rule", Str, "", "what decided `app`: `<protocol>.<what was seen>`, `handover` where the protocol before it announced it, or `continued` where only an earlier part of the flow told it, before the active timeout cut it").null(NOT_FOUND).profile(Profile::Core),
    column("app_bytes_read_fwd", U64, "bytes", "payload bytes from the initiator that detector and dissector read, in order; reading ends once all is known that columns tell").fwd().null(NO_PAYLOAD),
    column("app_bytes_read_bwd", U64, "bytes", "payload bytes from the responder that detector and dissector read, in order; reading ends once all is known that columns tell").bwd().null(NO_PAYLOAD),
    column("app_gaps_fwd", U32, "count", "holes in the initiator's byte stream that were given up while it was read").fwd().null(NO_STREAM),
    column("app_gaps_bwd", U32, "count", "holes in the responder's byte stream that were given up while it was read").bwd().null(NO_STREAM),
    column("app_gap_bytes_fwd", U64, "bytes", "bytes in the holes of app_gaps_fwd").fwd().null(NO_STREAM),
    column("app_gap_bytes_bwd", U64, "bytes", "bytes in the holes of app_gaps_bwd").bwd().null(NO_STREAM),
    column("app_overlap_conflicts", U32, "count", "segments that say other bytes than those that came first for the same place of the stream and were not read yet: a sign of evasion or of a broken sender").null(NO_STREAM),
    column("app_reading_limited", Bool, "", "a memory limit of reassembly gave up a hole or ended the reading of the flow").null(NO_PAYLOAD),
];

/// The group.
#[derive(Clone, Copy, Debug)]
pub struct Application;

impl Group for Application {
    type State = ();
    const INFO: GroupInfo = GroupInfo {
        name: "application",
        meaning: "application protocol by its bytes, and accounts of reading it",
        columns: COLUMNS,
    };

    fn new(_: &crate::FeaturePlan) {}

    fn finish((): &(), ended: &mut Ended<'_>, row: &mut RowBuffer) {
        let read = ended.dissection;
        let layers = read.map_or(&[][..], |read| read.layers());
        let last = layers.last();
        let app = last.map_or("unknown", |layer| layer.found.app.name());
        row.str("app", read.map(|_| app));
        row.text("app_stack", |out| {
            for layer in layers {
                if !out.is_empty() && !std::ptr::eq(layer, &raw const layers[0]) {
                    out.push('>');
                }
                out.push_str(layer.found.app.name());
            }
            !layers.is_empty()
        });
        row.f64("app_confidence", last.map(crate::dissect::Layer::confidence));
        row.str("app_rule", last.map(|layer| layer.found.rule));
        let [forward, backward] = [Direction::Forward, Direction::Backward];
        row.u64("app_bytes_read_fwd", read.map(|read| read.bytes_read(forward)));
        row.u64("app_bytes_read_bwd", read.map(|read| read.bytes_read(backward)));
        let tcp = ended.head.tuple.protocol == TCP;
        let streams =
            read.filter(|_| tcp).map(|read| [forward, backward].map(|side| *read.stream(side)));
        row.u32("app_gaps_fwd", streams.map(|[fwd, _]| fwd.gaps));
        row.u32("app_gaps_bwd", streams.map(|[_, bwd]| bwd.gaps));
        row.u64("app_gap_bytes_fwd", streams.map(|[fwd, _]| fwd.gap_bytes));
        row.u64("app_gap_bytes_bwd", streams.map(|[_, bwd]| bwd.gap_bytes));
        let conflicts = streams.map(|[fwd, bwd]| fwd.conflicts.saturating_add(bwd.conflicts));
        row.u32("app_overlap_conflicts", conflicts);
        row.bool("app_reading_limited", read.map(Dissection::was_limited));
    }
}
