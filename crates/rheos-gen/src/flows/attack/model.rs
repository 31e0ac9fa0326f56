//! What attacks look like in flow records, unless a configuration says otherwise.
//!
//! Lengths are those of IP packets. TCP without options is 40 bytes, a SYN with the usual MSS option 44 (RFC 9293
//! §3.7.1); over IPv6 all are 20 bytes longer.

use super::AttackKind;

/// IANA protocol numbers.
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMP: u8 = 1;
pub(super) const ICMP_V6: u8 = 58;

/// TCP flags: a SYN alone; a SYN that is refused (RFC 9293 §3.10.7.1: RST and ACK) or answered; one that is reset
/// after its answer, as SYN scans do; a whole connection.
pub(super) const SYN: u8 = 0x02;
pub(super) const RST_ACK: u8 = 0x14;
pub(super) const SYN_ACK: u8 = 0x12;
pub(super) const SYN_RST: u8 = 0x06;
pub(super) const COMPLETE: u8 = 0x1b;
/// Data in the midst of a connection.
pub(super) const DATA: u8 = 0x18;

/// One direction of an event: ranges, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) packets: (u32, u32),
    pub(super) bytes: (u64, u64),
    /// TCP flags; 0 for other protocols.
    pub(super) flags: u8,
}

/// What a kind of attack does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Model {
    pub(super) protocol: u8,
    pub(super) request: Leg,
    pub(super) reply: Leg,
    /// Requests of 64 that are answered.
    pub(super) answered: u32,
    /// How long a session takes, in milliseconds.
    pub(super) span_ms: (u32, u32),
    /// Events per second, in millionths.
    pub(super) rate_micros: u64,
    /// How long it goes on, in seconds, where no number of events follows from hosts and ports.
    pub(super) duration_secs: u64,
    /// How far events are off equal distances, in parts of the distance.
    pub(super) jitter: f64,
    pub(super) ports: &'static [(u16, u16)],
}

const fn leg(packets: (u32, u32), bytes: (u64, u64), flags: u8) -> Leg {
    Leg { packets, bytes, flags }
}

const PER_SECOND: u64 = 1_000_000;
const NO_ANSWER: Leg = leg((1, 1), (40, 40), RST_ACK);
const UNREACHABLE: Leg = leg((1, 1), (56, 56), 0);

/// Nmap sends 44 bytes, in a random order of ports, and takes 1000 of them unless told otherwise; closed
/// ports refuse. How many are open (1 of 50) and how fast it goes are choices.
const PORT_SCAN: Model = Model {
    protocol: TCP,
    request: leg((1, 1), (44, 44), SYN),
    reply: NO_ANSWER,
    answered: 58,
    span_ms: (0, 0),
    rate_micros: 500 * PER_SECOND,
    duration_secs: 60,
    jitter: 1.0,
    ports: &[(1, 1024)],
};

/// Masscan sends 40 bytes, 100 in a second unless told otherwise, in a random order of hosts. SMB is what
/// worms look for; that one in ten addresses answers is a choice.
const HOST_SCAN: Model = Model {
    protocol: TCP,
    request: leg((1, 1), (40, 40), SYN),
    reply: NO_ANSWER,
    answered: 6,
    span_ms: (0, 0),
    rate_micros: 100 * PER_SECOND,
    duration_secs: 60,
    jitter: 1.0,
    ports: &[(445, 445)],
};

/// RFC 4987: the backlog is full of half-open connections from addresses that do not exist; a part is
/// still answered. SYNs without options as hping3 sends them; rate and share are choices.
const SYN_FLOOD: Model = Model {
    protocol: TCP,
    request: leg((1, 1), (40, 40), SYN),
    reply: leg((1, 5), (44, 220), SYN_ACK),
    answered: 16,
    span_ms: (0, 0),
    rate_micros: 10_000 * PER_SECOND,
    duration_secs: 60,
    jitter: 1.0,
    ports: &[(80, 80), (443, 443)],
};

/// Any port: most are closed, and few of these are told so (RFC 1812 §4.3.2.8: senders of ICMP errors
/// limit their rate). Sizes and rate are choices.
const UDP_FLOOD: Model = Model {
    protocol: UDP,
    request: leg((1, 10), (540, 5_400), 0),
    reply: UNREACHABLE,
    answered: 3,
    span_ms: (0, 1_000),
    rate_micros: 5_000 * PER_SECOND,
    duration_secs: 60,
    jitter: 1.0,
    ports: &[(1, 65_535)],
};

/// 84 bytes are what `ping` sends; numbers are choices.
const ICMP_FLOOD: Model = Model {
    protocol: ICMP,
    request: leg((1, 20), (84, 1_680), 0),
    reply: leg((1, 20), (84, 1_680), 0),
    answered: 32,
    span_ms: (0, 1_000),
    rate_micros: 2_000 * PER_SECOND,
    duration_secs: 60,
    jitter: 1.0,
    ports: &[],
};

/// C. Rossow, "Amplification Hell" (NDSS 2014) and US-CERT TA14-017A: answers are 28 to 54 times as long
/// as questions; of a question of 64 bytes that is 1.8 to 3.5 kB, in fragments of 1500.
const DNS_AMPLIFICATION: Model = Model {
    protocol: UDP,
    request: leg((2, 3), (1_792, 3_456), 0),
    reply: UNREACHABLE,
    answered: 1,
    span_ms: (0, 2),
    rate_micros: 5_000 * PER_SECOND,
    duration_secs: 60,
    jitter: 1.0,
    ports: &[(1_024, 65_535)],
};

/// Sessions of like size, as L. Hellemons et al., "SSHCure" (AIMS 2012), look for them by the number of
/// packets; which number, and five a second, are choices.
const BRUTE_FORCE: Model = Model {
    protocol: TCP,
    request: leg((11, 14), (1_800, 2_200), COMPLETE),
    reply: leg((11, 14), (2_400, 2_800), COMPLETE),
    answered: 64,
    span_ms: (1_500, 3_500),
    rate_micros: 5 * PER_SECOND,
    duration_secs: 600,
    jitter: 1.0,
    ports: &[(22, 22)],
};

/// Cobalt Strike asks every 60 s unless told otherwise; a tenth of jitter and sizes are choices.
const BEACON: Model = Model {
    protocol: TCP,
    request: leg((6, 8), (700, 950), COMPLETE),
    reply: leg((5, 7), (850, 1_300), COMPLETE),
    answered: 64,
    span_ms: (80, 400),
    rate_micros: PER_SECOND / 60,
    duration_secs: 86_400,
    jitter: 0.1,
    ports: &[(443, 443)],
};

/// Full packets one way, an acknowledgement for every second one back (RFC 9293 §3.8.6.3). A quarter of
/// an hour at 50 Mbit/s is a choice.
const EXFILTRATION: Model = Model {
    protocol: TCP,
    request: leg((1, 1), (1_500, 1_500), DATA),
    reply: leg((1, 1), (52, 52), DATA),
    answered: 64,
    span_ms: (0, 0),
    rate_micros: PER_SECOND,
    duration_secs: 900,
    jitter: 0.0,
    ports: &[(443, 443)],
};

/// Names up to 255 bytes (RFC 1035 §2.3.4) carry data out, answers up to 1232 bytes (DNS flag day 2020)
/// carry it in; fifty a second is a choice.
const DNS_TUNNEL: Model = Model {
    protocol: UDP,
    request: leg((1, 1), (180, 300), 0),
    reply: leg((1, 1), (400, 1_260), 0),
    answered: 63,
    span_ms: (0, 0),
    rate_micros: 50 * PER_SECOND,
    duration_secs: 600,
    jitter: 1.0,
    ports: &[(53, 53)],
};

impl AttackKind {
    pub(super) const fn model(self) -> Model {
        match self {
            Self::PortScan => PORT_SCAN,
            Self::HostScan => HOST_SCAN,
            Self::SynFlood => SYN_FLOOD,
            Self::UdpFlood => UDP_FLOOD,
            Self::IcmpFlood => ICMP_FLOOD,
            Self::DnsAmplification => DNS_AMPLIFICATION,
            Self::BruteForce => BRUTE_FORCE,
            Self::Beacon => BEACON,
            Self::Exfiltration => EXFILTRATION,
            Self::DnsTunnel => DNS_TUNNEL,
        }
    }

    /// Whether every target and port is taken in turn: then hosts times ports are a natural number of events.
    pub(super) const fn is_scan(self) -> bool {
        matches!(self, Self::PortScan | Self::HostScan)
    }

    /// Whether it comes from inside: from where the configuration's clients are.
    pub(super) const fn is_outbound(self) -> bool {
        matches!(self, Self::Beacon | Self::Exfiltration | Self::DnsTunnel)
    }

    /// Whether it comes from many addresses by default.
    pub(super) const fn is_from_many(self) -> bool {
        matches!(self, Self::SynFlood | Self::UdpFlood | Self::IcmpFlood | Self::DnsAmplification)
    }
}
