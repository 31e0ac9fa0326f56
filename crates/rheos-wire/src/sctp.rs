//! SCTP's common header (RFC 9260 §3.1). Its chunks are the payload; its CRC32c is not verified.

use rheos_core::DropReason;

use crate::walk::{Step, Walk, be16};
use crate::{Layer, Packet};

const HEADER: usize = 12;

/// Reads the header at the walk's position.
pub(crate) fn sctp(walk: &Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<HEADER>() else {
        return Step::Fail(DropReason::SctpTruncated);
    };
    out.layers.push(Layer::Sctp);
    out.tuple.src_port = be16(header, 0);
    out.tuple.dst_port = be16(header, 2);
    walk.set_payload(out, walk.pos + HEADER);
    Step::Done
}
