//! Names that IANA gives to the numbers of DNS
//! (<https://www.iana.org/assignments/dns-parameters/dns-parameters.xhtml>).

use std::fmt::Write;

/// Numbers of record types that are read closer.
pub mod record_type {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Name server.
    pub const NS: u16 = 2;
    /// Canonical name.
    pub const CNAME: u16 = 5;
    /// Anything at all (RFC 1035 §3.3.10).
    pub const NULL: u16 = 10;
    /// Pointer.
    pub const PTR: u16 = 12;
    /// Mail exchange.
    pub const MX: u16 = 15;
    /// Text.
    pub const TXT: u16 = 16;
    /// IPv6 address.
    pub const AAAA: u16 = 28;
    /// Service.
    pub const SRV: u16 = 33;
    /// EDNS(0) (RFC 6891).
    pub const OPT: u16 = 41;
    /// Service binding (RFC 9460).
    pub const SVCB: u16 = 64;
    /// Service binding for HTTP (RFC 9460).
    pub const HTTPS: u16 = 65;
    /// Transaction signature (RFC 8945).
    pub const TSIG: u16 = 250;
    /// Whatever there is: `*`, once ANY (RFC 8482).
    pub const ANY: u16 = 255;
}

/// The types from 1 on; empty where IANA has no name.
const FIRST: [&str; 68] = [
    "A",
    "NS",
    "MD",
    "MF",
    "CNAME",
    "SOA",
    "MB",
    "MG",
    "MR",
    "NULL",
    "WKS",
    "PTR",
    "HINFO",
    "MINFO",
    "MX",
    "TXT",
    "RP",
    "AFSDB",
    "X25",
    "ISDN",
    "RT",
    "NSAP",
    "NSAP-PTR",
    "SIG",
    "KEY",
    "PX",
    "GPOS",
    "AAAA",
    "LOC",
    "NXT",
    "EID",
    "NIMLOC",
    "SRV",
    "ATMA",
    "NAPTR",
    "KX",
    "CERT",
    "A6",
    "DNAME",
    "SINK",
    "OPT",
    "APL",
    "DS",
    "SSHFP",
    "IPSECKEY",
    "RRSIG",
    "NSEC",
    "DNSKEY",
    "DHCID",
    "NSEC3",
    "NSEC3PARAM",
    "TLSA",
    "SMIMEA",
    "",
    "HIP",
    "NINFO",
    "RKEY",
    "TALINK",
    "CDS",
    "CDNSKEY",
    "OPENPGPKEY",
    "CSYNC",
    "ZONEMD",
    "SVCB",
    "HTTPS",
    "DSYNC",
    "HHIT",
    "BRID",
];

/// The name of a record type, where IANA has one.
pub fn type_name(number: u16) -> Option<&'static str> {
    let name = match number {
        1..=68 => FIRST.get(usize::from(number) - 1).copied().unwrap_or_default(),
        99 => "SPF",
        100 => "UINFO",
        101 => "UID",
        102 => "GID",
        103 => "UNSPEC",
        104 => "NID",
        105 => "L32",
        106 => "L64",
        107 => "LP",
        108 => "EUI48",
        109 => "EUI64",
        128 => "NXNAME",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        253 => "MAILB",
        254 => "MAILA",
        255 => "ANY",
        256 => "URI",
        257 => "CAA",
        258 => "AVC",
        259 => "DOA",
        260 => "AMTRELAY",
        261 => "RESINFO",
        262 => "WALLET",
        263 => "CLA",
        264 => "IPN",
        32_768 => "TA",
        32_769 => "DLV",
        _ => "",
    };
    Some(name).filter(|name| !name.is_empty())
}

/// Appends the name of a record type, or `TYPE` and its number (RFC 3597 §5).
pub fn push_type(out: &mut String, number: u16) {
    match type_name(number) {
        Some(name) => out.push_str(name),
        None => {
            let _ = write!(out, "TYPE{number}");
        }
    }
}

/// Response codes that are counted on their own.
pub mod rcode {
    /// No error.
    pub const NOERROR: u16 = 0;
    /// The query could not be read.
    pub const FORMERR: u16 = 1;
    /// The server failed.
    pub const SERVFAIL: u16 = 2;
    /// The name does not exist.
    pub const NXDOMAIN: u16 = 3;
    /// The kind of query is not known.
    pub const NOTIMP: u16 = 4;
    /// The server refuses.
    pub const REFUSED: u16 = 5;
}

/// The name of a response code, where IANA has one. 16 is BADVERS in a response and BADSIG in a signature.
pub fn rcode_name(number: u16) -> Option<&'static str> {
    let name = match number {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "DSOTYPENI",
        16 => "BADVERS",
        17 => "BADKEY",
        18 => "BADTIME",
        19 => "BADMODE",
        20 => "BADNAME",
        21 => "BADALG",
        22 => "BADTRUNC",
        23 => "BADCOOKIE",
        _ => return None,
    };
    Some(name)
}

/// Appends the name of a response code, or `RCODE` and its number.
pub fn push_rcode(out: &mut String, number: u16) {
    match rcode_name(number) {
        Some(name) => out.push_str(name),
        None => {
            let _ = write!(out, "RCODE{number}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_codes_have_their_names() {
        let of = |number| {
            let mut out = String::new();
            push_type(&mut out, number);
            out
        };
        let named = [(1, "A"), (28, "AAAA"), (33, "SRV"), (41, "OPT"), (53, "SMIMEA"), (55, "HIP")];
        for (number, name) in named.into_iter().chain([(64, "SVCB"), (65, "HTTPS"), (68, "BRID")]) {
            assert_eq!(of(number), name);
        }
        assert_eq!((of(0), of(54), of(69)), ("TYPE0".into(), "TYPE54".into(), "TYPE69".into()));
        assert_eq!((of(255), of(65534)), ("ANY".into(), "TYPE65534".into()));
        let mut out = String::new();
        push_rcode(&mut out, 3);
        push_rcode(&mut out, 12);
        assert_eq!(out, "NXDOMAINRCODE12");
    }
}
