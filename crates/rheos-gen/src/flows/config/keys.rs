//! Every key of a configuration: what it takes, what it is by default, and what it means. Reading and the reference page
//! go by these tables.

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKey {
    /// As it is written.
    pub name: &'static str,
    /// What stands behind it.
    pub value: &'static str,
    /// What holds without it; empty if nothing does.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// Keys that stand together.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKeys {
    /// Where: `network.routes[]` is each entry of a list; empty at the top.
    pub path: &'static str,
    /// What they are about.
    pub about: &'static str,
    /// The keys.
    pub keys: &'static [ConfigKey],
}

impl ConfigKeys {
    /// The names of the keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

/// All of them.
pub const CONFIG_KEYS: &[&ConfigKeys] = &[
    &TOP,
    &GENERATION,
    &RATE,
    &PATTERN,
    &SERVICE,
    &REPLY,
    &DISTRIBUTION,
    &PART,
    &LOGNORMAL,
    &PARETO,
    &WEIBULL,
    &NORMAL,
    &NETWORK,
    &ROUTE,
    &PACKETS,
    &REALISM,
    &CONVERSATIONS,
    &DIURNAL,
    &STEP,
    &ATTACK,
];

const fn key(
    name: &'static str,
    value: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> ConfigKey {
    ConfigKey { name, value, default, meaning }
}

pub(super) const TOP: ConfigKeys = ConfigKeys {
    path: "",
    about: "A configuration is YAML, JSON or TOML. `include: [FILE]` beside these keys takes others from files; \
            `${NAME}` and `${NAME:-default}` in any value are variables, given by `--var NAME=VALUE`.",
    keys: &[
        key("generation", "section", "", "How many records, when and how fast."),
        key("traffic_patterns", "list", "", "Kinds of traffic; their percentages sum to 100."),
        key("network", "section", "", "Who speaks to whom."),
        key("packets", "section", "", "Lengths of packets of the patterns."),
        key(
            "realism",
            "section",
            "",
            "Models of real networks; records are wide with any of them.",
        ),
        key("attacks", "list", "", "Attacks on top of the traffic; the first has label 1."),
    ],
};

pub(super) const GENERATION: ConfigKeys = ConfigKeys {
    path: "generation",
    about: "One of `max_flows`, `duration_seconds` and `end_timestamp` is needed; the first limit that is met counts.",
    keys: &[
        key("max_flows", "count, like `10M`", "", "How many records."),
        key("duration_seconds", "number", "", "Over how much simulated time."),
        key("rate", "section", "", "How fast the clock goes."),
        key(
            "start_timestamp",
            "seconds since 1970 or RFC 3339",
            "2024-01-01T00:00:00Z",
            "The moment of the first record.",
        ),
        key(
            "bidirectional_mode",
            "`none`, `random`",
            "none",
            "`random` turns records around, each for itself; both directions of one flow are \
             `realism.conversations`.",
        ),
        key("bidirectional_probability", "0 to 1", "0.5", "How many of them `random` turns."),
        key("seed", "whole number", "1", "All randomness follows from it."),
        key(
            "stream_id",
            "whole number",
            "0",
            "Goes into every record; streams of one seed differ.",
        ),
        key("end_timestamp", "as `start_timestamp`", "", "Only records before this moment."),
    ],
};

pub(super) const RATE: ConfigKeys = ConfigKeys {
    path: "generation.rate",
    about: "One of them is needed.",
    keys: &[
        key("bandwidth_gbps", "number above 0", "", "So that lengths come to so many 10^9 bit/s."),
        key("flows_per_second", "number above 0", "", "So many records per second."),
        key("bandwidth", "like `40Gbps`", "", "As `bandwidth_gbps`, with a unit."),
    ],
};

pub(super) const PATTERN: ConfigKeys = ConfigKeys {
    path: "traffic_patterns[]",
    about: "One of the older generator's patterns.",
    keys: &[
        key(
            "type",
            "`web_traffic`, `database_traffic`, `dns_traffic`, `ssh_traffic`, `smtp_traffic`, `ftp_traffic`, \
             `random`",
            "random",
            "The ports, protocols and sizes; `http_traffic`, `https_traffic` and `email_traffic` are known, too.",
        ),
        key("percentage", "0 to 100", "0", "Of all records."),
        key(
            "config",
            "anything",
            "",
            "Taken for the older generator's sake; it used it for nothing.",
        ),
    ],
};

pub(super) const SERVICE: ConfigKeys = ConfigKeys {
    path: "traffic_patterns[], type: service",
    about: "Traffic with distributions of its own; they tell one direction of a flow.",
    keys: &[
        key("type", "`service`", "", ""),
        key("percentage", "0 to 100", "0", "Of all records; of conversations where there are any."),
        key("config", "anything", "", "Taken as in patterns."),
        key("name", "text", "service", "What it is called."),
        key("protocol", "name or IANA number", "", "Needed."),
        key(
            "ports",
            "list of `443` or `8000-8100`",
            "none",
            "Of the server, equally likely; of ICMP, type * 256 + code.",
        ),
        key("packets", "distribution", "", "Needed: packets of a flow."),
        key("bytes_per_packet", "distribution", "", "Needed: the mean length of a flow's packets."),
        key("gap_ms", "distribution", "10", "Milliseconds between packets."),
        key("reply", "section", "as the request", "What comes back, with `realism.conversations`."),
        key("dscp", "0 to 63", "0", "Differentiated services (RFC 2474)."),
    ],
};

pub(super) const REPLY: ConfigKeys = ConfigKeys {
    path: "traffic_patterns[].reply",
    about: "",
    keys: &[
        key("packets", "distribution", "as the request", "Packets of the answer."),
        key("bytes_per_packet", "distribution", "as the request", "Their mean length."),
    ],
};

/// What a distribution may be, between the weight that only parts of mixtures have and the mixture that none is.
const KINDS: &[ConfigKey] = &[
    key("weight", "number above 0", "1", "The part's share, among those of the others."),
    key("constant", "number", "", "Always the same. A number alone means this, too."),
    key("uniform", "`[from, to]`", "", "Equally likely between two numbers."),
    key("exponential", "mean", "", "Waiting times without memory."),
    key("lognormal", "section", "", "Products of many causes: sizes, delays."),
    key("pareto", "section", "", "Heavy tails."),
    key("weibull", "section", "", "Times to an end."),
    key("normal", "section", "", "Sums of many causes."),
    key(
        "quantiles",
        "2 to 1025 rising numbers",
        "",
        "What was measured, at even shares from 0 to 1.",
    ),
    key("mixture", "list", "", "Several, each with its weight."),
];

pub(super) const DISTRIBUTION: ConfigKeys = ConfigKeys {
    path: "distribution",
    about: "Exactly one of these keys.",
    keys: KINDS.split_at(1).1,
};
/// A part of a mixture: a distribution with its weight.
pub(super) const PART: ConfigKeys = ConfigKeys {
    path: "distribution.mixture[]",
    about: "A weight and one distribution.",
    keys: KINDS.split_at(KINDS.len() - 1).0,
};
pub(super) const LOGNORMAL: ConfigKeys = ConfigKeys {
    path: "distribution.lognormal",
    about: "",
    keys: &[
        key("median", "number above 0", "", "Half of all values are smaller."),
        key("sigma", "number above 0", "", "The standard deviation of the logarithm."),
    ],
};
pub(super) const PARETO: ConfigKeys = ConfigKeys {
    path: "distribution.pareto",
    about: "",
    keys: &[
        key("least", "number above 0", "", "No value is smaller."),
        key("alpha", "number above 0", "", "The tail's exponent: the smaller, the heavier."),
    ],
};
pub(super) const WEIBULL: ConfigKeys = ConfigKeys {
    path: "distribution.weibull",
    about: "",
    keys: &[
        key("scale", "number above 0", "", "63 % of all values are smaller."),
        key("shape", "number above 0", "", "Below 1 with a long tail, 1 is exponential."),
    ],
};
pub(super) const NORMAL: ConfigKeys = ConfigKeys {
    path: "distribution.normal",
    about: "",
    keys: &[
        key("mean", "number", "", "The middle."),
        key("deviation", "number above 0", "", "The standard deviation."),
    ],
};

pub(super) const NETWORK: ConfigKeys = ConfigKeys {
    path: "network",
    about: "",
    keys: &[
        key(
            "source_subnets",
            "list of networks",
            "192.168.1.0/24",
            "Where clients are; IPv4 and IPv6.",
        ),
        key("destination_subnets", "list of networks", "10.0.0.0/8", "Where servers are."),
        key(
            "source_weights",
            "list of percentages",
            "equal",
            "One for each network; they sum to 100.",
        ),
        key("destination_weights", "list of percentages", "equal", "The same for servers."),
        key("routes", "list", "", "What routers know of addresses; records that tell it are wide."),
    ],
};

pub(super) const ROUTE: ConfigKeys = ConfigKeys {
    path: "network.routes[]",
    about: "The longest prefix counts. Records tell the source's prefix length and autonomous system, and both \
            interfaces.",
    keys: &[
        key("network", "like `10.0.0.0/8`", "", "Needed. `0.0.0.0/0` is the way to all others."),
        key("as", "whole number", "0", "Its autonomous system."),
        key("interface", "whole number", "0", "SNMP index of the interface that it lies behind."),
    ],
};

pub(super) const PACKETS: ConfigKeys = ConfigKeys {
    path: "packets",
    about: "",
    keys: &[
        key("min_size", "bytes", "64", "No record is shorter."),
        key("max_size", "bytes", "1500", "No record is longer."),
        key("average_size", "bytes", "the patterns' own", "The mean of all, which is met exactly."),
    ],
};

pub(super) const REALISM: ConfigKeys = ConfigKeys {
    path: "realism",
    about: "",
    keys: &[
        key(
            "sizes",
            "`patterns`, `agh_2015`, `services`",
            "patterns",
            "How many packets and bytes flows have: one packet each, as on a campus (Jurkiewicz and others, 2021), or \
             as each kind of traffic has.",
        ),
        key(
            "arrivals",
            "`even`, `poisson`, `bursty`",
            "even",
            "When flows begin: at equal distances, without memory, or in bursts on all scales of time.",
        ),
        key("host_exponent", "0.5 to 2", "all alike", "Zipf's exponent of hosts' popularity."),
        key("conversations", "`true` or section", "false", "Both directions of every flow."),
        key("service_affinity", "`true`, `false`", "false", "Servers own their ports."),
        key(
            "active_timeout",
            "span, like `300s`",
            "flows end after 300s",
            "Longer flows come in parts.",
        ),
        key(
            "inactive_timeout",
            "span, like `15s`",
            "none",
            "Flows that pause longer come in parts.",
        ),
        key(
            "burst_bias",
            "0.5 to 0.95",
            "0.7",
            "Of bursty arrivals: the share of its time that the slower half of any stretch takes.",
        ),
        key("diurnal", "section", "", "The hours of a day."),
        key("schedule", "list", "", "Steps, ramps and spikes."),
    ],
};

pub(super) const CONVERSATIONS: ConfigKeys = ConfigKeys {
    path: "realism.conversations",
    about: "",
    keys: &[
        key("answered", "0 to 1", "0.93", "Flows that get an answer."),
        key("refused", "0 to 1", "0.02", "TCP connections that are reset."),
        key("round_trip", "distribution", "lognormal, median 30, sigma 0.8", "Milliseconds."),
        key(
            "think_time",
            "distribution",
            "lognormal, median 5, sigma 1.5",
            "Milliseconds until servers answer.",
        ),
        key("correlation", "0 to 1", "0.6", "How much sizes of both directions have in common."),
        key(
            "downstream",
            "0 to 1",
            "0.91",
            "Conversations in which the answer is the larger direction.",
        ),
        key(
            "dns_before",
            "0 to 1",
            "0.3",
            "TCP conversations with a question to a name server before.",
        ),
    ],
};

pub(super) const DIURNAL: ConfigKeys = ConfigKeys {
    path: "realism.diurnal",
    about: "Over a whole day (a week, where weekends differ) the mean rate is the configured one.",
    keys: &[
        key("peak_hour", "0 to 24", "14", "When most comes."),
        key("multiplier", "1 to 1000", "4", "The peak's rate in multiples of the least."),
        key("weekend", "0.01 to 100", "0.5", "What Saturdays and Sundays have of other days."),
        key("utc_offset", "like `+01:00`", "Z", "How far local time is ahead."),
    ],
};

pub(super) const STEP: ConfigKeys = ConfigKeys {
    path: "realism.schedule[]",
    about: "",
    keys: &[
        key("at", "span", "", "Needed: after the start."),
        key("rate", "0 to 1000", "", "Needed: in multiples of the configured rate."),
        key("ramp", "`true`, `false`", "false", "Along a straight line from the step before."),
    ],
};

pub(super) const ATTACK: ConfigKeys = ConfigKeys {
    path: "attacks[]",
    about: "What is left out has a default that fits the type and the networks. An event is a probe, a session or a \
            question, with its answer.",
    keys: &[
        key(
            "type",
            "`port_scan`, `host_scan`, `syn_flood`, `udp_flood`, `icmp_flood`, `dns_amplification`, `brute_force`, \
             `beacon`, `exfiltration`, `dns_tunnel`",
            "",
            "Needed.",
        ),
        key("name", "text", "the type with its number", "In labels and the ground truth."),
        key("start", "span", "0", "After the start of all."),
        key("duration", "span", "by type", "How long."),
        key("rate", "events per second", "by type", "How fast."),
        key("count", "count", "by the above", "How many events."),
        key("source", "network or list", "by type", "Who does it."),
        key("target", "network or list", "by type", "Whom it is done to."),
        key("ports", "like `22,80,8000-8100`, or list", "by type", "Of the targets."),
        key("packets", "like `10-14`", "by type", "Packets of a request."),
        key("bytes", "like `1800-2200`", "by type", "Bytes of a request."),
        key("answered", "0 to 1", "by type", "Requests that get an answer."),
        key("period", "span", "60s", "Of beacons: the time between two of a host."),
        key("jitter", "0 to 1", "by type", "Of beacons: how late, in parts of the period."),
        key("bandwidth", "like `50Mbps`", "by type", "Of uploads."),
    ],
};
