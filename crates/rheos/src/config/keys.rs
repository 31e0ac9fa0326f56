//! The table of settings: everything else about them is derived from it.

use super::value::Kind;

/// What is known of one setting.
#[derive(Debug)]
pub(crate) struct KeyInfo {
    /// Which one.
    pub(crate) key: Key,
    /// Section of the file, and first word of the variable.
    pub(crate) section: &'static str,
    /// Name within the section.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Its value when no layer says otherwise.
    pub(crate) default: &'static str,
    /// The flag that sets it.
    pub(crate) flag: Option<&'static str>,
    /// Whether rows can differ by it; such keys are part of the configuration hash.
    pub(crate) changes_rows: bool,
    /// What it means, and who would turn it.
    pub(crate) meaning: &'static str,
}

impl KeyInfo {
    /// `flow.idle_timeout`.
    pub(crate) fn dotted(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// `RHEOS_FLOW_IDLE_TIMEOUT`.
    pub(crate) fn env(&self) -> String {
        format!("RHEOS_{}_{}", self.section, self.name).to_uppercase()
    }
}

macro_rules! keys {
    ($($id:ident = $section:literal . $name:literal, $kind:expr, $default:literal,
       $flag:expr, $rows:literal, $meaning:literal;)+) => {
        /// One setting.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key { $(
            #[doc = $meaning]
            $id,
        )+ }

        /// Every setting, by section.
        pub(crate) static KEYS: &[KeyInfo] = &[$(KeyInfo {
            key: Key::$id,
            section: $section,
            name: $name,
            kind: $kind,
            default: $default,
            flag: $flag,
            changes_rows: $rows,
            meaning: $meaning,
        },)+];
    };
}

impl Key {
    /// The key's row of the table.
    pub(crate) fn info(self) -> &'static KeyInfo {
        &KEYS[self as usize]
    }
}

/// The sections, in the order of the table.
pub(crate) fn sections() -> impl Iterator<Item = &'static str> {
    KEYS.iter()
        .map(|k| k.section)
        .scan("", |last, section| {
            let new = *last != section;
            *last = section;
            Some(new.then_some(section))
        })
        .flatten()
}

const ANY: u64 = u64::MAX;
const SEQUENCE_MAX: u64 = rheos_features::FeatureConfig::SEQUENCE_MAX as u64;
const ENTROPY_MAX: u64 = rheos_features::FeatureConfig::ENTROPY_MAX as u64;
/// The words of `--tunnels`.
pub(crate) const TUNNEL_WORDS: &[&str] = &["inner", "outer"];
/// The words of `--checksums`.
pub(crate) const CHECKSUM_WORDS: &[&str] = &["ignore", "count", "drop"];
/// The words of `--format` for rows.
pub(crate) const FORMAT_WORDS: &[&str] = &["auto", "csv", "jsonl", "parquet", "arrow", "arrows"];
/// The words of `--compression` for rows.
pub(crate) const COMPRESSION_WORDS: &[&str] = &["auto", "none", "gzip", "zstd", "snappy"];
const TUNNELS: Kind = Kind::Choice(TUNNEL_WORDS);
const CHECKSUMS: Kind = Kind::Choice(CHECKSUM_WORDS);
/// The words of `--profile`, from few columns to all, and the views.
pub(crate) const PROFILE_WORDS: &[&str] =
    &["default", "core", "extended", "experimental", "all", "cicflowmeter", "nfstream"];
const PROFILES: Kind = Kind::Choice(PROFILE_WORDS);
/// The words of `--connection`.
pub(crate) const CONNECTION_WORDS: &[&str] = &["streaming", "exact"];
const CONNECTIONS: Kind = Kind::Choice(CONNECTION_WORDS);
const FORMATS: Kind = Kind::Choice(FORMAT_WORDS);
const COMPRESSIONS: Kind = Kind::Choice(COMPRESSION_WORDS);

const OVERLAPS: Kind = Kind::Choice(&["first", "last", "drop"]);
const ORDERS: Kind = Kind::Choice(&["given", "time"]);

keys! {
    CaptureRecursive = "capture"."recursive", Kind::Switch, "false", Some("--recursive"), true,
        "also read the folders in a folder";
    CaptureOrder = "capture"."order", ORDERS, "given", Some("--order"), true,
        "order of several files: as given (folders by name), or by the time of their first packets";
    CaptureEach = "capture"."each", Kind::Switch, "false", Some("--each"), true,
        "each capture for itself: flows end with it, and the column `source` names it";
    CaptureJobs = "capture"."jobs", Kind::Count { min: 0, max: 1024 }, "0", Some("--jobs"), false,
        "captures that are read at a time, if each is for itself; 0: as many as threads. Rows do not depend on it";
    DecodeTunnels = "decode"."tunnels", TUNNELS, "inner", Some("--tunnels"), true,
        "which packet keys a flow in a tunnel: the innermost one, or the outermost one";
    DecodeTunnelDepthMax = "decode"."tunnel_depth_max", Kind::Count { min: 1, max: 16 }, "4", None, true,
        "how many tunnels inside each other are looked into";
    DecodeChecksums = "decode"."checksums", CHECKSUMS, "count", Some("--checksums"), true,
        "what to do with wrong IPv4, TCP, UDP, ICMP and SCTP checksums: do not look, count, or drop the packet";
    DecodeTunnelPorts = "decode"."tunnel_ports", Kind::List,
        "vxlan:4789,vxlan:8472,vxlan:4790,geneve:6081,gtpu:2152,teredo:3544,l2tp:1701,gre:4754,ayiya:5072,mpls:6635", None, true,
        "which UDP ports carry which tunnels, as `kind:port`";
    DecodeFragmentMemory = "decode"."fragment_memory", Kind::Size { min: 128 << 10, max: 1 << 40 }, "4MiB", None, true,
        "most bytes held for datagrams of which fragments are missing; at the limit the oldest one is dropped";
    DecodeFragmentDatagramsMax = "decode"."fragment_datagrams_max", Kind::Count { min: 1, max: 1 << 24 }, "4096", None, true,
        "most datagrams held of which fragments are missing; at the limit the oldest one is dropped";
    DecodeFragmentTimeoutV4 = "decode"."fragment_timeout_v4", Kind::Duration, "30s", None, true,
        "how long the fragments of an IPv4 datagram may take";
    DecodeFragmentTimeoutV6 = "decode"."fragment_timeout_v6", Kind::Duration, "60s", None, true,
        "how long the fragments of an IPv6 datagram may take";
    DecodeFragmentOverlapV4 = "decode"."fragment_overlap_v4", OVERLAPS, "first", None, true,
        "whose bytes hold where IPv4 fragments overlap: those that came first or last; or drop the datagram";
    DecodeFragmentOverlapV6 = "decode"."fragment_overlap_v6", OVERLAPS, "drop", None, true,
        "whose bytes hold where IPv6 fragments overlap: those that came first or last; or drop the datagram (RFC 5722)";
    DecodeFilter = "decode"."filter", Kind::Text, "", Some("--filter"), true,
        "only packets that match this expression, such as `tcp port 443 and not net 10.0.0.0/8`; empty: all";
    SamplingPackets = "sampling"."packets", Kind::Share, "100%", Some("--sample-packets"), true,
        "which share of packets is looked at, each chosen for itself by the seed";
    SamplingFlows = "sampling"."flows", Kind::Share, "100%", Some("--sample-flows"), true,
        "which share of flows is followed, chosen by a hash of their endpoints under the seed: both directions stay together";
    FlowIdleTimeout = "flow"."idle_timeout", Kind::Duration, "60s", Some("--idle-timeout"), true,
        "a flow without a packet for this long has ended";
    FlowActiveTimeout = "flow"."active_timeout", Kind::Duration, "30m", Some("--active-timeout"), true,
        "a flow that lasts this long is cut, and its next packet begins a new row; 0: never";
    FlowTcpLinger = "flow"."tcp_linger", Kind::Duration, "5s", Some("--tcp-linger"), true,
        "how long a closed TCP flow waits for its tail packets";
    FlowReorderSlack = "flow"."reorder_slack", Kind::Duration, "1s", None, true,
        "how far a capture may be out of order: flows are ended this much after their timeout by the time of other flows";
    FlowFlowsMax = "flow"."flows_max", Kind::Count { min: 1, max: ANY }, "1000000", Some("--max-flows"), true,
        "most flows held at once; at the limit the least recently seen one ends as `evicted`";
    FlowKeyVlan = "flow"."key_vlan", Kind::Switch, "true", Some("--key-vlan"), true,
        "packets of different VLANs are different flows";
    FlowKeyTunnel = "flow"."key_tunnel", Kind::Switch, "true", Some("--key-tunnel"), true,
        "packets of different tunnels (VNI, TEID, GRE key) are different flows";
    FlowThreads = "flow"."threads", Kind::Count { min: 0, max: 1024 }, "0", Some("--threads"), false,
        "threads that build flows; 0: one per core. Rows do not depend on it";
    FlowSeed = "flow"."seed", Kind::Count { min: 0, max: ANY }, "0", Some("--seed"), true,
        "seed of sampling and of the flow tables' hash. Rows do not depend on it unless packets or flows are sampled, or flows are evicted";
    FeaturesProfile = "features"."profile", PROFILES, "default", Some("--profile"), true,
        "how many columns: `core` for every flow, `extended` also those of certain protocols, `experimental` also those that may change, `all` with optional ones; `default`: `core`, or all but optional ones of the groups that are named; `cicflowmeter`, `nfstream`: the columns of these tools";
    FeaturesGroups = "features"."groups", Kind::List, "", Some("--groups"), true,
        "only these groups of columns; empty: all of the profile";
    FeaturesColumns = "features"."columns", Kind::List, "", Some("--columns"), true,
        "only these columns, in this order; beside groups, also these, after those; empty: by group and profile";
    FeaturesExclude = "features"."exclude", Kind::List, "", Some("--exclude"), true,
        "without these columns or groups";
    FeaturesSequencePackets = "features"."sequence_packets", Kind::Count { min: 1, max: SEQUENCE_MAX }, "20", Some("--sequence-packets"), true,
        "how many first packets the sequence columns hold";
    FeaturesBurstThreshold = "features"."burst_threshold", Kind::Duration, "50ms", None, true,
        "a gap of this length or longer ends a burst and is idle time";
    FeaturesExactPackets = "features"."exact_packets", Kind::Count { min: 1, max: SEQUENCE_MAX }, "64", None, true,
        "up to so many packets of a flow quantiles of gaps are exact";
    FeaturesEntropySampleBytes = "features"."entropy_sample_bytes", Kind::Count { min: 1, max: ENTROPY_MAX }, "256", None, true,
        "how many payload bytes of each direction the entropy columns sample";
    FeaturesFlowIdSalt = "features"."flow_id_salt", Kind::Secret, "", None, true,
        "makes the `flow_id` of equal flows differ between data sets with different salts";
    FeaturesConnection = "features"."connection", CONNECTIONS, "streaming", Some("--connection"), true,
        "which flows the group `connection` tells of: those up to a row's own, or all of the capture (rows then wait for its end, and centralities and communities are told)";
    FeaturesHostsMax = "features"."hosts_max", Kind::Count { min: 2, max: 1 << 31 }, "1000000", None, true,
        "most hosts that the group `connection` knows; streaming, the host seen least recently is forgotten, exact, it is an error";
    FeaturesHostPairsMax = "features"."host_pairs_max", Kind::Count { min: 0, max: 1 << 31 }, "2000000", None, true,
        "most pairs of hosts (and of hosts and ports) that the group `connection` knows; streaming, what is beyond is estimated, exact, it is an error";
    FeaturesExactRowsMax = "features"."exact_rows_max", Kind::Count { min: 1, max: ANY }, "4000000", None, true,
        "most rows that wait in memory for the end of the capture with `--connection exact`; more are an error";
    FeaturesReassemblyFlowBytes = "features"."reassembly_flow_bytes", Kind::Size { min: 1 << 10, max: 1 << 30 }, "256KiB", None, true,
        "most bytes of TCP streams held for one flow until a hole is filled or a message is whole; at the limit the hole is given up";
    FeaturesReassemblyTotalBytes = "features"."reassembly_total_bytes", Kind::Size { min: 1 << 20, max: 1 << 40 }, "256MiB", None, true,
        "most bytes of TCP streams held in all; at the limit flows give up their holes";
    FeaturesTlsMessageMax = "features"."tls_message_max", Kind::Size { min: 1 << 10, max: 1 << 24 }, "64KiB", None, true,
        "longest handshake message of TLS that is read, such as a list of certificates; longer ones are stepped over";
    LabelsFile = "labels"."file", Kind::Text, "", Some("--labels"), true,
        "file with labels (CSV, JSON, Parquet) that are joined to rows by five-tuple and time; empty: none";
    LabelsColumns = "labels"."columns", Kind::List, "", Some("--labels-columns"), true,
        "the columns of labels that are joined; empty: all but those that tell flows";
    LabelsDirected = "labels"."directed", Kind::Switch, "false", Some("--labels-directed"), true,
        "labels match flows whose initiator is their source only, not also those the other way round";
    PrivacyAnonymize = "privacy"."anonymize", Kind::Switch, "false", Some("--anonymize"), true,
        "replace addresses and names by keyed pseudonyms; addresses keep their common prefixes";
    PrivacyKeyFile = "privacy"."key_file", Kind::Text, "", Some("--key-file"), false,
        "file with the key of the pseudonyms: 32 bytes or 64 hex digits as they are, else at least 16 bytes, hashed";
    PrivacySecret = "privacy"."key", Kind::Secret, "", None, false,
        "the key itself, where no file is named: best set by its environment variable";
    PrivacyIps = "privacy"."ips", Kind::Switch, "true", Some("--no-ips"), true,
        "whether columns with IP and hardware addresses, and hashes of them, are there";
    PrivacyPorts = "privacy"."ports", Kind::Switch, "true", Some("--no-ports"), true,
        "whether columns with ports are there";
    PrivacyNames = "privacy"."names", Kind::Switch, "true", Some("--no-names"), true,
        "whether columns with names are there: SNI, DNS names, certificate subjects, HTTP fields";
    OutputFormat = "output"."format", FORMATS, "auto", Some("--format"), false,
        "format of the rows; auto: by the name of the output file, else CSV";
    OutputCompression = "output"."compression", COMPRESSIONS, "auto", Some("--compression"), false,
        "compression, inside Parquet and Arrow, around CSV and JSON Lines; auto: by the name of the file, zstd for Parquet";
    OutputProvenance = "output"."provenance", Kind::Switch, "true", Some("--no-provenance"), false,
        "whether a file `<output>.provenance.json` tells what made the rows: version, settings, hashes of captures, counts";
    OutputRowGroupRows = "output"."row_group_rows", Kind::Count { min: 1, max: 1 << 30 }, "1048576", None, false,
        "most rows of a Parquet row group: more rows compress better and take more memory";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn profiles_are_those_of_the_features() {
        let views = rheos_features::VIEWS.iter().map(|view| view.name);
        let words: Vec<_> = rheos_features::select::WORDS.iter().copied().chain(views).collect();
        assert_eq!(PROFILE_WORDS, words);
    }

    #[test]
    fn the_table_is_sound() {
        let names: HashSet<_> = KEYS.iter().map(KeyInfo::dotted).collect();
        assert_eq!(names.len(), KEYS.len());
        for (place, info) in KEYS.iter().enumerate() {
            assert_eq!(info.key as usize, place);
            assert!(info.kind.parse(info.default).is_ok(), "{}", info.dotted());
            assert!(!info.meaning.ends_with('.'), "{}", info.dotted());
        }
        assert_eq!(sections().count(), sections().collect::<HashSet<_>>().len());
    }
}
