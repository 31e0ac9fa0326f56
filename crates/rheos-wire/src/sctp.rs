//! SCTP's common header (RFC 9260 §3.1). Its chunks are the payload.

use rheos_core::DropReason;

use crate::checksum::Verdict;
use crate::crc32c::Crc32c;
use crate::decode::ChecksumPolicy;
use crate::walk::{Step, Walk, be16};
use crate::{Layer, Packet};

const HEADER: usize = 12;
/// Where the checksum lies.
const CHECKSUM: usize = 8;

/// Reads the header at the walk's position.
pub(crate) fn sctp(walk: &Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<HEADER>() else {
        return Step::Fail(DropReason::SctpTruncated);
    };
    out.layers.push(Layer::Sctp);
    out.tuple.src_port = be16(header, 0);
    out.tuple.dst_port = be16(header, 2);
    walk.set_payload(out, walk.pos + HEADER);
    checksum(walk, out, header)
        .note(walk.checksums, &mut out.checksum)
        .map_or(Step::Done, Step::Reject)
}

/// Verifies the checksum, which counts as zero itself and is sent lowest byte first (RFC 9260 §6.8). Zero is what
/// senders leave to the network card, and what they agree on where a lower layer checks more (RFC 9653).
fn checksum(walk: &Walk<'_>, out: &Packet, header: &[u8; HEADER]) -> Verdict {
    let whole = walk.rest().len() == walk.remaining() && !out.offload_len;
    if walk.checksums == ChecksumPolicy::Ignore || !whole {
        return Verdict::Fine;
    }
    let stored = [header[8], header[9], header[10], header[11]];
    let chunks = walk.rest().get(HEADER..).unwrap_or_default();
    let sum = Crc32c::new().update(&header[..CHECKSUM]).update(&[0; 4]).update(chunks).finish();
    if sum.to_le_bytes() == stored {
        Verdict::Fine
    } else if stored == [0; 4] {
        Verdict::Offloaded
    } else {
        Verdict::Wrong(DropReason::ChecksumSctp)
    }
}
