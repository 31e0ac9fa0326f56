//! UDP (RFC 768) and UDP-Lite (RFC 3828).

use rheos_core::{DropReason, IpVersion};

use crate::checksum::{self, Covered};
use crate::walk::{Step, Walk, be16};
use crate::{Layer, Packet, tunnel};

const HEADER: usize = 8;

pub(crate) mod field {
    pub(crate) const SRC_PORT: usize = 0;
    pub(crate) const DST_PORT: usize = 2;
    /// In UDP-Lite: how many bytes the checksum covers.
    pub(crate) const LENGTH: usize = 4;
    pub(crate) const CHECKSUM: usize = 6;
}

/// Reads the header at the walk's position, and the tunnel in it when its port says so.
#[inline]
pub(crate) fn udp(walk: &mut Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<HEADER>() else {
        return Step::Fail(DropReason::UdpTruncated);
    };
    let remaining = walk.remaining();
    let mut len = usize::from(be16(header, field::LENGTH));
    // A jumbogram's length is 0 (RFC 2675 §4), and one that the network card is to cut up has any.
    if out.offload_len || len == 0 && remaining > usize::from(u16::MAX) {
        len = remaining;
    }
    if len < HEADER || len > remaining {
        return Step::Fail(DropReason::UdpLength);
    }
    out.layers.push(Layer::Udp);
    let (src_port, dst_port) = (be16(header, field::SRC_PORT), be16(header, field::DST_PORT));
    out.tuple.src_port = src_port;
    out.tuple.dst_port = dst_port;
    walk.set_end(walk.pos + len);
    walk.set_payload(out, walk.pos + HEADER);

    let kind = walk.ports.get(dst_port).or_else(|| walk.ports.get(src_port));
    let stored = be16(header, field::CHECKSUM);
    // Over IPv6 only tunnels may go without (RFC 6935).
    let unsummed = stored == 0 && (out.tuple.version == IpVersion::V4 || kind.is_some());
    if !unsummed {
        let covered = Covered { len, pseudo_len: len, stored, reason: DropReason::ChecksumUdp };
        let verdict = checksum::with_pseudo(walk, out, &covered);
        if let Some(reason) = verdict.note(walk.checksums, &mut out.checksum) {
            return Step::Reject(reason);
        }
    }
    match kind {
        None => Step::Done,
        Some(kind) => {
            walk.pos += HEADER;
            tunnel::over_udp(walk, out, kind)
        }
    }
}

/// UDP-Lite: the length is that of IP, and the checksum covers only so many bytes.
pub(crate) fn udp_lite(walk: &Walk<'_>, out: &mut Packet) -> Step {
    let Some(header) = walk.header::<HEADER>() else {
        return Step::Fail(DropReason::UdpTruncated);
    };
    let remaining = walk.remaining();
    let coverage = match usize::from(be16(header, field::LENGTH)) {
        0 => remaining,
        some => some,
    };
    if coverage < HEADER || coverage > remaining {
        return Step::Fail(DropReason::UdpLength);
    }
    out.layers.push(Layer::UdpLite);
    out.tuple.src_port = be16(header, field::SRC_PORT);
    out.tuple.dst_port = be16(header, field::DST_PORT);
    walk.set_payload(out, walk.pos + HEADER);
    let covered = Covered {
        len: coverage,
        pseudo_len: remaining,
        stored: be16(header, field::CHECKSUM),
        reason: DropReason::ChecksumUdp,
    };
    checksum::with_pseudo(walk, out, &covered)
        .note(walk.checksums, &mut out.checksum)
        .map_or(Step::Done, Step::Reject)
}
