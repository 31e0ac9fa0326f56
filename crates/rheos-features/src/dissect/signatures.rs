//! Protocols that get a name and no columns: what their first bytes look like.
//!
//! A signature decides like a detector ([`super::Detect`]) and reads nothing after that.

use super::{Opening, Sides, Verdict};

/// How TCP connections of a protocol begin.
pub(super) const STREAMS: &[fn(&Sides<'_>) -> Verdict] = &[];

/// How datagrams of a protocol look.
pub(super) const DATAGRAMS: &[fn(&Opening<'_>) -> Verdict] = &[];
