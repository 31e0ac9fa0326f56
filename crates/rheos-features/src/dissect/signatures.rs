//! Protocols that get a name and no columns: what their first bytes look like.
//!
//! A signature decides like a detector ([`super::Detect`]) and reads nothing after that. The signatures themselves
//! are pure functions in [`rheos_wire::detect`], one line per protocol in its two lists.

use rheos_wire::App;
use rheos_wire::detect::{DATAGRAMS, Look, STREAMS, Said, Shot};

use super::{Opening, Sides, Verdict};

/// What the signatures say of a connection's first bytes, one after the other.
///
/// Where no SYN was seen it is a guess which side opened the connection, so they look both ways.
pub(super) fn judge_stream(sides: &Sides<'_>, mut say: impl FnMut(Verdict)) {
    let [client, server] = sides.bytes;
    let said = Said { client, server, ports: sides.ports };
    let reversed = said.reversed();
    for &(app, look) in STREAMS {
        say(verdict(
            app,
            match look(&said) {
                Look::No => look(&reversed),
                seen => seen,
            },
        ));
    }
}

/// What the signatures say of one of a flow's first datagrams, one after the other.
pub(super) fn judge_datagram(opening: &Opening<'_>, mut say: impl FnMut(Verdict)) {
    let &Opening { bytes, sent_len, before, ports, .. } = opening;
    let shot = Shot { bytes, sent_len: sent_len as usize, before, ports };
    for &(app, look) in DATAGRAMS {
        say(verdict(app, look(&shot)));
    }
}

fn verdict(app: App, look: Look) -> Verdict {
    match look {
        Look::No => Verdict::No,
        Look::More => Verdict::More,
        Look::Yes { rule, confidence } => Verdict::yes(app, rule, confidence),
    }
}
