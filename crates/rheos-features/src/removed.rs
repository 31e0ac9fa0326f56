//! Names of older tools that are no columns here, and why.

/// A name that is not a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The name.
    pub name: &'static str,
    /// Why there is no such column, and what to take in its place.
    pub reason: &'static str,
}

const LICENCE: &str =
    "of the JA4+ methods only JA4, for TLS and QUIC clients, is under a free licence";

/// All such names, in alphabetical order.
pub static REMOVED: &[Removed] = &[
    Removed { name: "ja4h", reason: LICENCE },
    Removed {
        name: "ja4l",
        reason: "of the JA4+ methods only JA4, for TLS and QUIC clients, is under a free licence; tcp_rtt_handshake_fwd, tcp_rtt_handshake_bwd and tcp_fp_fwd_hops tell distances",
    },
    Removed { name: "ja4s", reason: LICENCE },
    Removed { name: "ja4ssh", reason: LICENCE },
    Removed {
        name: "ja4t",
        reason: "JoyfulJay's documentation calls tcp_fp_fwd so, whose text was a format of its own and never JA4T; of the JA4+ methods only JA4, for TLS and QUIC clients, is under a free licence; tcp_fp_fwd is our own signature",
    },
    Removed { name: "ja4ts", reason: "as ja4t; tcp_fp_bwd is our own signature" },
    Removed { name: "ja4x", reason: LICENCE },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn removed_names_are_no_columns_and_have_reasons() {
        assert!(REMOVED.is_sorted_by(|a, b| a.name < b.name));
        for removed in REMOVED {
            assert!(table::find(removed.name).is_err(), "{} is a column", removed.name);
            assert!(removed.reason.len() > 20, "{}", removed.name);
        }
    }
}
