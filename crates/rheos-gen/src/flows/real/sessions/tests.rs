use std::collections::{BTreeMap, HashMap};

use rheos_core::{RecordFlags, WideRecord};

use super::*;
use crate::flows::{
    FlowConfig, FlowGenerator, Kernel, Pattern, Realism, Reply, Service, SizeModel,
};

const COUNT: usize = 400_128;
const S: u64 = 1_000_000_000;

fn made(config: &FlowConfig, count: usize) -> Vec<WideRecord> {
    let mut out = vec![WideRecord::default(); count];
    let mut made = FlowGenerator::new(config.plan().expect("a plan"));
    assert_eq!(made.fill_wide(&mut out), count);
    out
}

fn config(sizes: SizeModel, conversations: Conversations) -> FlowConfig {
    FlowConfig {
        seed: 5,
        realism: Realism { sizes, ..Realism::default() },
        sessions: Sessions { conversations: Some(conversations), ..Sessions::default() },
        ..FlowConfig::default()
    }
}

fn cut(config: FlowConfig) -> FlowConfig {
    let sessions = Sessions {
        active_timeout: Some(Nanos::from_secs(300)),
        inactive_timeout: Some(Nanos::from_secs(15)),
        service_affinity: true,
        ..config.sessions
    };
    FlowConfig { sessions, ..config }
}

fn is_reply(record: &WideRecord) -> bool {
    record.flags & RecordFlags::REVERSED != 0
}

/// Packets and bytes of each direction of each flow: what its records come to.
fn flows(records: &[WideRecord]) -> BTreeMap<(u64, bool), WideRecord> {
    let mut flows = BTreeMap::<_, WideRecord>::new();
    for record in records {
        let flow = flows.entry((record.flow_id, is_reply(record))).or_insert(WideRecord {
            packets: 0,
            bytes: 0,
            tcp_flags: 0,
            ..*record
        });
        flow.packets += record.packets;
        flow.bytes += record.bytes;
        flow.tcp_flags |= record.tcp_flags;
        flow.last = flow.last.max(record.last);
    }
    flows
}

#[test]
fn both_directions_belong_together() {
    let records = made(&cut(config(SizeModel::Services, Conversations::default())), COUNT);
    for block in records.chunks(256) {
        let mut ids: Vec<u64> = block.iter().map(|r| r.flow_id).collect();
        ids.dedup();
        let before = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), before, "records of a flow stand together");
    }
    let flows = flows(&records);
    let mut requests = 0_u32;
    for ((id, reply), flow) in &flows {
        assert!(*id > 0);
        if !reply {
            requests += 1;
            continue;
        }
        let request = &flows[&(*id, false)];
        assert_eq!(
            (request.source_ip, request.destination_ip, request.source_port),
            (flow.destination_ip, flow.source_ip, flow.destination_port)
        );
        assert_eq!((request.destination_port, request.protocol), (flow.source_port, flow.protocol));
        assert!(flow.first > request.first, "{request:?} {flow:?}");
    }
    assert!(requests > 100_000, "{requests}");
}

#[test]
fn parts_say_how_they_were_cut() {
    let mut config = cut(config(SizeModel::Services, Conversations::default()));
    config.patterns = vec![(Pattern::Ssh, 100.0)];
    let records = made(&config, COUNT);
    let mut continued = 0_u32;
    for pair in records.windows(2) {
        let [one, two] = pair else { continue };
        let same = one.flow_id == two.flow_id && is_reply(one) == is_reply(two);
        assert_eq!(same, two.flags & RecordFlags::CONTINUED != 0, "{one:?} {two:?}");
        if same {
            continued += 1;
            assert!(one.last < two.first && matches!(one.end_reason, 1 | 2));
            assert_eq!(one.source_port, two.source_port);
        }
    }
    assert!(continued > 1_000, "{continued}");
    let long = records.iter().filter(|r| r.last - r.first >= 300 * S).count();
    // Only where a block has no room for all parts.
    assert!(long <= COUNT / 256, "{long} of {continued}");
}

#[test]
fn connections_have_the_states_and_flags_that_were_asked_for() {
    let talk = Conversations { answered: 0.8, refused: 0.15, ..Conversations::default() };
    let mut config = config(SizeModel::Services, talk);
    config.patterns = vec![(Pattern::Web, 100.0)];
    let records = made(&config, COUNT);
    let flows = flows(&records);
    let (mut states, mut lookups) = (HashMap::<_, u32>::new(), 0_u32);
    for ((id, reply), flow) in &flows {
        if *reply || flow.protocol != 6 {
            lookups += u32::from(!reply);
            continue;
        }
        let reply = flows.get(&(*id, true)).map(|r| r.tcp_flags);
        *states.entry((flow.tcp_flags, reply)).or_default() += 1;
    }
    let all: u32 = states.values().sum();
    let share = |of: &dyn Fn(u8, Option<u8>) -> bool| {
        let sum: u32 = states.iter().filter(|(key, _)| of(key.0, key.1)).map(|s| s.1).sum();
        f64::from(sum) / f64::from(all)
    };
    // Three deviations of 180 000, and one conversation in 130 that a block's end leaves without its answer.
    let near = |got: f64, expected: f64| (got - expected).abs() < 0.006;
    let answered = |asked: u8, told: Option<u8>| asked != 0x02 && told.is_some();
    assert!(near(share(&answered), 0.8), "{states:?}");
    // Of at least three packets each way.
    assert!(near(share(&|asked, told| (asked, told) == (0x1b, Some(0x1b))), 0.79), "{states:?}");
    assert!(near(share(&|asked, told| (asked, told) == (0x02, Some(0x14))), 0.15), "{states:?}");
    assert!(near(share(&|asked, told| (asked, told) == (0x02, None)), 0.05), "{states:?}");
    assert!(near(f64::from(lookups) / f64::from(all), 0.3), "{lookups} of {all}");
}

/// The published quantiles hold for flows, both directions pooled, as they were measured.
#[test]
fn conversations_keep_the_published_sizes() {
    let talk = Conversations { dns_before: 0.0, ..Conversations::default() };
    let mut config = cut(config(SizeModel::Agh2015, talk));
    config.patterns = vec![(Pattern::Web, 50.0), (Pattern::Dns, 50.0)];
    let flows = flows(&made(&config, 4 * COUNT));
    let places = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
    for (protocol, packets, bytes) in [
        (
            6,
            [1.0, 1.0, 3.0, 10.0, 32.0, 88.0, 867.0],
            [76.0, 111.0, 333.0, 2099.0, 10_367.0, 37_060.0, 539_117.0],
        ),
        (
            17,
            [1.0, 1.0, 1.0, 2.0, 3.0, 6.0, 29.0],
            [88.0, 110.0, 152.0, 317.0, 612.0, 1188.0, 7797.0],
        ),
    ] {
        type Field = fn(&WideRecord) -> u64;
        let fields: [(Field, [f64; 7]); 2] = [(|r| r.packets, packets), (|r| r.bytes, bytes)];
        for (field, published) in fields {
            // Without the RSTs that refuse connections: half a flow.
            let found = flows.values().filter(|r| r.protocol == protocol && r.tcp_flags != 0x14);
            let mut found: Vec<u64> = found.map(field).collect();
            found.sort_unstable();
            for (place, expected) in places.into_iter().zip(published) {
                let got = found[(place * found.len() as f64) as usize] as f64;
                let off = (got - expected).abs();
                assert!(off <= (0.03 * expected).max(1.0), "{protocol} {place}: {got} {expected}");
            }
        }
    }
}

/// Ranks of values from 0 to 1, ties at their middle.
fn ranks(values: &[u64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|&i| values[i]);
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let ties = order[from..].iter().take_while(|&&i| values[i] == values[order[from]]).count();
        for &i in &order[from..from + ties] {
            ranks[i] = (from as f64 + (ties - 1) as f64 / 2.0) / values.len() as f64;
        }
        from += ties;
    }
    ranks
}

#[test]
fn requests_and_replies_are_correlated_as_asked() {
    let wide = |median| Distribution::LogNormal { median, sigma: 1.0 };
    let service = Service {
        name: "wide".to_owned(),
        protocol: 17,
        ports: vec![(4000, 4000)],
        packets: wide(1000.0),
        bytes_per_packet: Distribution::Constant(100.0),
        gap_ms: Distribution::Constant(1.0),
        reply: Some(Reply {
            packets: wide(5000.0),
            bytes_per_packet: Distribution::Constant(900.0),
        }),
        dscp: 0,
    };
    for correlation in [0.0, 0.6, 1.0] {
        let talk =
            Conversations { correlation, answered: 1.0, refused: 0.0, ..Conversations::default() };
        let config = FlowConfig {
            patterns: Vec::new(),
            services: vec![(service.clone(), 100.0)],
            ..config(SizeModel::Patterns, talk)
        };
        let flows = flows(&made(&config, COUNT / 4));
        let pairs = flows
            .iter()
            .filter(|((_, reply), _)| *reply)
            .map(|((id, _), reply)| (flows[&(*id, false)].packets, reply.packets));
        let (asked, told): (Vec<u64>, Vec<u64>) = pairs.unzip();
        let (a, b) = (ranks(&asked), ranks(&told));
        let covariance: f64 = a.iter().zip(&b).map(|(a, b)| (a - 0.5) * (b - 0.5)).sum();
        // The variance of even ranks is a twelfth; the deviation of 50 000 pairs is 0.005.
        let spearman = covariance / a.len() as f64 * 12.0;
        assert!((spearman - correlation).abs() < 0.02, "{correlation}: {spearman}");
    }
}

#[test]
fn bytes_of_conversations_come_to_the_bandwidth() {
    let service = Service {
        name: "session".to_owned(),
        protocol: 6,
        ports: vec![(9000, 9003)],
        packets: Distribution::Uniform { from: 30.0, to: 60.0 },
        bytes_per_packet: Distribution::Uniform { from: 200.0, to: 220.0 },
        gap_ms: Distribution::Constant(1.0),
        reply: Some(Reply {
            packets: Distribution::Uniform { from: 30.0, to: 50.0 },
            bytes_per_packet: Distribution::Uniform { from: 900.0, to: 1000.0 },
        }),
        dscp: 0,
    };
    // Gaps of 15 s are cut, too: there records vary too much for a thousandth.
    for (seed, cuts, ipv6, gap_ms, most) in [
        (1, false, false, 15_000.0, 0.001),
        (2, true, false, 6_000.0, 0.001),
        (3, true, true, 6_000.0, 0.001),
        (4, true, true, 15_000.0, 0.004),
    ] {
        let mut service = service.clone();
        service.gap_ms = Distribution::Uniform { from: 10.0, to: gap_ms };
        let base = config(SizeModel::Services, Conversations::default());
        let mut config = FlowConfig {
            seed,
            patterns: vec![(Pattern::Dns, 40.0)],
            services: vec![(service, 60.0)],
            ..base
        };
        if ipv6 {
            config.sources.subnets.push("2001:db8::/64".parse().expect("a net"));
            config.destinations.subnets.push("2001:db8:1::/48".parse().expect("a net"));
        }
        let config = if cuts { cut(config) } else { config };
        let count = 24 * COUNT;
        let mut made = FlowGenerator::new(config.plan().expect("a plan"));
        let mut out = vec![WideRecord::default(); 256 * 64];
        let mut bytes = 0_u64;
        for _ in 0..count / out.len() {
            made.fill_wide(&mut out);
            bytes += out.iter().map(|r| r.bytes).sum::<u64>();
        }
        let records = count / out.len() * out.len();
        let off = bytes as f64 / records as f64 / made.plan().mean_size() - 1.0;
        assert!(off.abs() < most, "{cuts} {ipv6}: {off}");
    }
}

#[test]
fn any_place_any_part_and_any_kernel_give_the_same_bytes() {
    let config = cut(config(SizeModel::Services, Conversations::default()));
    let all = made(&config, 10_000);
    for kernel in Kernel::all() {
        let mut made = FlowGenerator::with_kernel(config.plan().expect("a plan"), kernel);
        for (from, count) in [(0, 10_000), (1, 300), (255, 2), (256, 256), (700, 64), (9_999, 1)] {
            let mut out = vec![WideRecord::default(); count];
            made.seek(from as u64);
            let (first, second) = out.split_at_mut(count / 3);
            assert_eq!(made.fill_wide(first) + made.fill_wide(second), count);
            assert_eq!(out, all[from..from + count], "{from} {}", kernel.name());
        }
    }
}

#[test]
fn servers_own_ports_and_clients_ports_rise() {
    let config = cut(config(SizeModel::Services, Conversations::default()));
    let records = made(&config, COUNT);
    let mut servers = HashMap::<u16, HashMap<[u8; 16], u32>>::new();
    let mut clients = HashMap::<[u8; 16], Vec<u16>>::new();
    for record in records.iter().filter(|r| !is_reply(r) && r.flags & RecordFlags::CONTINUED == 0) {
        let of_port = servers.entry(record.destination_port).or_default();
        *of_port.entry(record.destination_ip).or_default() += 1;
        if record.protocol == 6 {
            clients.entry(record.source_ip).or_default().push(record.source_port);
        }
    }
    for port in [443, 80, 22, 53] {
        assert!((4..=8).contains(&servers[&port].len()), "{port}: {:?}", servers[&port].len());
    }
    for ports in clients.values() {
        assert!(ports.iter().all(|&port| port >= 49_152));
        // They rise until they begin anew, at most once in so many conversations of all hosts.
        let falls = ports.windows(2).filter(|w| w[0] >= w[1]).count();
        assert!(falls <= 1 + COUNT / 16_384, "{falls} of {}", ports.len());
    }
}

#[test]
fn echo_requests_are_answered_by_echo_replies() {
    let ping = Service {
        name: "ping".to_owned(),
        protocol: 1,
        ports: vec![(8 << 8, 8 << 8)],
        packets: Distribution::Constant(4.0),
        bytes_per_packet: Distribution::Constant(84.0),
        gap_ms: Distribution::Constant(1000.0),
        reply: None,
        dscp: 0,
    };
    let mut config = config(SizeModel::Patterns, Conversations::default());
    (config.patterns, config.services) = (Vec::new(), vec![(ping, 100.0)]);
    config.sources.subnets.push("2001:db8::/64".parse().expect("a net"));
    config.destinations.subnets.push("2001:db8:1::/48".parse().expect("a net"));
    for record in made(&config, 10_000) {
        assert_eq!((record.source_port, record.tcp_flags), (0, 0));
        let expected = match (record.is_ipv6(), is_reply(&record)) {
            (false, false) => (1, 8 << 8),
            (false, true) => (1, 0),
            (true, false) => (58, 128 << 8),
            (true, true) => (58, 129 << 8),
        };
        assert_eq!((record.protocol, record.destination_port), expected);
        assert_eq!((record.packets, record.bytes, record.last - record.first), (4, 336, 3 * S));
    }
}

#[test]
fn shares_and_timeouts_have_limits() {
    type Change = fn(&mut Conversations);
    let wrong: [(&str, Change); 6] = [
        ("answered", |c| c.answered = 1.1),
        ("refused", |c| c.refused = 0.5),
        ("correlation", |c| c.correlation = -0.1),
        ("downstream", |c| c.downstream = f64::NAN),
        ("dns_before", |c| c.dns_before = 2.0),
        ("think_time", |c| c.think_time = Distribution::Constant(-1.0)),
    ];
    for (key, change) in wrong {
        let mut talk = Conversations::default();
        change(&mut talk);
        let error = config(SizeModel::Services, talk).plan().expect_err(key);
        assert_eq!(error.key, format!("realism.conversations.{key}"));
    }
    let mut short = config(SizeModel::Services, Conversations::default());
    short.sessions.active_timeout = Some(Nanos::from_millis(10));
    assert_eq!(short.plan().expect_err("too short").key, "realism.active_timeout");
    let mut both = config(SizeModel::Services, Conversations::default());
    both.reversed_share = 0.5;
    assert_eq!(both.plan().expect_err("both").key, "generation.bidirectional_mode");
}
