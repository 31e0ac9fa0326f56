//! Attacks among the traffic: what each looks like, that the ground truth is true, that the row is the same however it
//! is gone through.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use rheos_core::units::BitRate;
use rheos_core::{Nanos, RecordFlags, Timestamp, WideRecord};
use rheos_gen::flows::{
    Arrivals, Attack, AttackKind, AttackTally, Conversations, Diurnal, FlowConfig, FlowGenerator,
    FlowRate, Kernel, Rate, Realism, SizeModel, Step, Subnets, Timing, TruthFormat,
};
use sha2::{Digest, Sha256};

fn per_second(flows: f64) -> FlowRate {
    FlowRate::per_second(flows).expect("a rate")
}

fn config(attacks: Vec<Attack>) -> FlowConfig {
    FlowConfig {
        seed: 5,
        rate: Rate::Flows(per_second(1000.0)),
        duration: Some(Nanos::from_secs(120)),
        attacks,
        ..FlowConfig::default()
    }
}

fn made(config: &FlowConfig) -> (Vec<WideRecord>, AttackTally) {
    let mut made = FlowGenerator::new(config.plan().expect("a plan"));
    assert!(!made.is_narrow());
    let mut tally = AttackTally::new(made.plan());
    let mut out = vec![WideRecord::default(); 1000];
    let mut all = Vec::new();
    loop {
        let count = made.fill_wide(&mut out);
        if count == 0 {
            break;
        }
        tally.add(&out[..count]);
        all.extend_from_slice(&out[..count]);
    }
    assert_eq!(Some(all.len() as u64), made.plan().count());
    (all, tally)
}

/// The records of the only attack.
fn attacked(attack: Attack) -> (Vec<WideRecord>, String) {
    let (all, tally) = made(&config(vec![attack]));
    let mut truth = Vec::new();
    tally.write(TruthFormat::Csv, &mut truth).expect("memory");
    let all = all.into_iter().filter(|r| r.label == 1).collect();
    (all, String::from_utf8(truth).expect("text"))
}

/// Requests and answers.
fn directions(records: &[WideRecord]) -> (Vec<&WideRecord>, Vec<&WideRecord>) {
    records.iter().partition(|r| r.flags & RecordFlags::REVERSED == 0)
}

fn net(text: &str) -> rheos_gen::flows::Subnet {
    text.parse().expect("a net")
}

#[test]
fn a_port_scan_asks_every_port_once() {
    let (records, truth) = attacked(Attack {
        start: Nanos::from_secs(10),
        sources: vec![net("203.0.113.9")],
        targets: vec![net("10.0.0.7"), net("10.0.0.8")],
        ports: vec![(1, 1000), (8080, 8080)],
        ..Attack::new(AttackKind::PortScan)
    });
    let (probes, answers) = directions(&records);
    assert_eq!(probes.len(), 2002);
    let asked: HashSet<_> = probes.iter().map(|r| (r.destination(), r.destination_port)).collect();
    assert_eq!(asked.len(), 2002);
    let sources: HashSet<_> = probes.iter().map(|r| (r.source(), r.source_port)).collect();
    assert_eq!(sources.len(), 1);
    // Neighbouring probes are of ports all over.
    let jumps =
        probes.windows(2).filter(|w| w[0].destination_port.abs_diff(w[1].destination_port) > 8);
    assert!(jumps.count() > 1500);
    // 58 of 64 answer, closed ports with RST and ACK; of open ones the answer is reset.
    assert!(answers.len().abs_diff(2002 * 58 / 64) <= 6, "{}", answers.len());
    let open = answers.iter().filter(|r| r.tcp_flags == 0x12).count();
    assert!((10..80).contains(&open), "{open}");
    assert!(answers.iter().all(|r| matches!(r.tcp_flags, 0x12 | 0x14) && r.packets == 1));
    let by_id: HashMap<_, _> = answers.iter().map(|r| (r.flow_id, **r)).collect();
    for probe in &probes {
        let answer = by_id.get(&probe.flow_id);
        let flags = match answer.map(|r| r.tcp_flags) {
            Some(0x12) => 0x06,
            _ => 0x02,
        };
        assert_eq!(probe.tcp_flags, flags);
        if let Some(answer) = answer {
            assert_eq!(
                (answer.source(), answer.destination()),
                (probe.destination(), probe.source())
            );
            assert_eq!(answer.destination_port, probe.source_port);
            assert!(answer.first > probe.first);
        }
    }
    // 500 a second from the tenth on.
    let begin = 1_704_067_200_000_000_000 + 10_000_000_000;
    assert!(probes.iter().all(|r| (begin..begin + 4_004_000_000).contains(&r.first)));
    let line = truth.lines().nth(1).expect("a line");
    assert!(line.starts_with("1,port_scan-1,port_scan,T1046,17040672100"), "{line}");
    assert!(line.ends_with(",203.0.113.9/32,10.0.0.7/32;10.0.0.8/32"), "{line}");
}

#[test]
fn a_host_scan_asks_every_host_once() {
    let (records, _) =
        attacked(Attack { targets: vec![net("10.1.0.0/22")], ..Attack::new(AttackKind::HostScan) });
    let (probes, answers) = directions(&records);
    let asked: HashSet<_> = probes.iter().map(|r| r.destination()).collect();
    assert_eq!((probes.len(), asked.len()), (1022, 1022));
    assert!(probes.iter().all(|r| r.destination_port == 445));
    assert!(answers.len().abs_diff(1022 * 6 / 64) <= 6, "{}", answers.len());
}

#[test]
fn floods_come_from_many_addresses() {
    for (kind, protocol, rate) in [
        (AttackKind::SynFlood, 6, 10_000),
        (AttackKind::UdpFlood, 17, 5_000),
        (AttackKind::IcmpFlood, 1, 2_000),
        (AttackKind::DnsAmplification, 17, 5_000),
    ] {
        let duration = Some(Nanos::from_secs(2));
        let (records, _) = attacked(Attack { duration, ..Attack::new(kind) });
        let (requests, answers) = directions(&records);
        assert_eq!(requests.len(), 2 * rate, "{kind:?}");
        let sources: HashSet<_> = requests.iter().map(|r| r.source()).collect();
        let targets: HashSet<_> = requests.iter().map(|r| r.destination()).collect();
        assert!(sources.len() > rate && targets.len() == 1, "{kind:?}");
        assert!(requests.iter().all(|r| r.protocol == protocol), "{kind:?}");
        assert!(!answers.is_empty(), "{kind:?}");
        let port = |r: &WideRecord| (r.protocol, r.tcp_flags, r.destination_port);
        match kind {
            AttackKind::SynFlood => {
                assert!(requests.iter().all(|r| r.tcp_flags == 0x02 && r.bytes == 40));
                assert!(answers.iter().all(|r| r.tcp_flags == 0x12 && r.bytes == 44 * r.packets));
            }
            AttackKind::UdpFlood => {
                assert!(answers.iter().all(|r| port(r) == (1, 0, 771)));
                let ports: HashSet<_> = requests.iter().map(|r| r.destination_port).collect();
                assert!(ports.len() > 8000);
            }
            AttackKind::IcmpFlood => {
                assert!(requests.iter().all(|r| port(r) == (1, 0, 2048)));
                assert!(answers.iter().all(|r| port(r) == (1, 0, 0)));
            }
            _ => {
                let mean = requests.iter().map(|r| r.bytes).sum::<u64>() / requests.len() as u64;
                assert!(requests.iter().all(|r| r.source_port == 53 && r.packets >= 2));
                assert!((2500..2750).contains(&mean), "41 times a question of 64 bytes: {mean}");
            }
        }
    }
}

#[test]
fn passwords_are_tried_in_sessions_of_like_size() {
    for port in [22, 21, 3389] {
        let (records, _) = attacked(Attack {
            ports: vec![(port, port)],
            count: Some(200),
            ..Attack::new(AttackKind::BruteForce)
        });
        let (requests, answers) = directions(&records);
        assert_eq!((requests.len(), answers.len()), (200, 200));
        let bytes = requests.iter().map(|r| r.bytes);
        let (least, most) = (bytes.clone().min().unwrap_or(0), bytes.max().unwrap_or(0));
        assert!(most as f64 / (least as f64) < 1.35, "{port}: {least} {most}");
        assert!(records.iter().all(|r| r.tcp_flags == 0x1b && r.end_reason == 3));
        for (request, answer) in requests.iter().zip(&answers) {
            assert_eq!(request.flow_id, answer.flow_id);
            assert!(answer.first > request.first && answer.last == request.last);
        }
    }
}

#[test]
fn beacons_come_at_regular_times() {
    let attack = Attack {
        period: Some(Nanos::from_secs(4)),
        jitter: Some(0.25),
        sources: vec![net("192.168.1.40/31")],
        ..Attack::new(AttackKind::Beacon)
    };
    let mut config = config(vec![attack]);
    config.duration = Some(Nanos::from_secs(400));
    let (all, _) = made(&config);
    for host in ["192.168.1.40", "192.168.1.41"] {
        let times: Vec<u64> = all
            .iter()
            .filter(|r| r.label == 1 && r.source().to_string() == host)
            .map(|r| r.first)
            .collect();
        assert_eq!(times.len(), 100);
        let gaps: Vec<f64> = times.windows(2).map(|w| (w[1] - w[0]) as f64 / 1e9).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        assert!((mean - 4.0).abs() < 0.01, "{mean}");
        assert!(gaps.iter().all(|gap| (3.5..4.5).contains(gap)));
        assert!(gaps.iter().any(|gap| (gap - 4.0).abs() > 0.2), "there is jitter");
    }
}

#[test]
fn an_upload_is_cut_by_the_active_timeout() {
    let attack = Attack {
        bandwidth: Some(BitRate(8_000_000)),
        duration: Some(Nanos::from_secs(1000)),
        ..Attack::new(AttackKind::Exfiltration)
    };
    let mut config = config(vec![attack]);
    config.duration = Some(Nanos::from_secs(1100));
    config.rate = Rate::Flows(per_second(1.0));
    let (all, _) = made(&config);
    let parts: Vec<_> = all.into_iter().filter(|r| r.label == 1).collect();
    let (up, down) = directions(&parts);
    assert_eq!((up.len(), down.len()), (4, 4));
    // 1 MB/s for 1000 s.
    assert_eq!(up.iter().map(|r| r.bytes).sum::<u64>(), 1_000_000_000);
    assert!(down.iter().map(|r| r.bytes).sum::<u64>() < 20_000_000);
    assert_eq!(parts.iter().map(|r| r.flow_id).collect::<HashSet<_>>().len(), 1);
    let told: Vec<_> = up
        .iter()
        .map(|r| (r.tcp_flags, r.end_reason, r.flags & RecordFlags::CONTINUED != 0))
        .collect();
    assert_eq!(told, [(0x1a, 2, false), (0x18, 2, true), (0x18, 2, true), (0x19, 3, true)]);
    assert!(up.windows(2).all(|w| w[0].last < w[1].first));
    assert_eq!(up[3].last - up[0].first, 1_000_000_000_000);
    config.sessions.active_timeout = Some(Nanos::from_secs(100));
    let (all, tally) = made(&config);
    assert_eq!(all.iter().filter(|r| r.label == 1).count(), 20);
    assert_eq!(tally.sums()[0].bytes, 1_000_000_000 + 10 * 33_334 * 52);
}

#[test]
fn tunnels_have_long_questions_and_larger_answers() {
    let (records, _) = attacked(Attack::new(AttackKind::DnsTunnel));
    let (questions, answers) = directions(&records);
    assert!(questions.len() == 6000 && answers.len() > 5800);
    assert!(questions.iter().all(|r| r.destination_port == 53 && r.protocol == 17));
    assert!(answers.iter().all(|r| r.source_port == 53 && r.protocol == 17 && r.bytes >= 400));
    assert!(questions.iter().all(|r| r.source().to_string() == "192.168.1.1"));
}

#[test]
fn attacks_have_ipv6_addresses_where_the_networks_have() {
    for kind in AttackKind::ALL {
        let mut config = config(vec![Attack { count: Some(50), ..Attack::new(kind) }]);
        config.sources = Subnets::even([net("2001:db8:1::/64")]);
        config.destinations = Subnets::even([net("2001:db8:2::/64")]);
        config.duration = Some(Nanos::from_secs(4000));
        config.rate = Rate::Flows(per_second(1.0));
        let (all, tally) = made(&config);
        let found: Vec<_> = all.iter().filter(|r| r.label == 1).collect();
        assert!(found.len() >= 10 && found.iter().all(|r| r.is_ipv6()), "{kind:?}");
        assert_eq!(tally.sums()[0].records, found.len() as u64);
        assert!(found.iter().all(|r| r.protocol != 1), "{kind:?}");
    }
}

fn everything() -> FlowConfig {
    let mut attacks: Vec<Attack> = (0..)
        .zip(AttackKind::ALL)
        .map(|(i, kind)| Attack { start: Nanos::from_secs(i * 3), ..Attack::new(kind) })
        .collect();
    // Far more than the traffic around it; and two kinds at once.
    attacks.push(Attack {
        start: Nanos::from_secs(50),
        rate: Some(per_second(200_000.0)),
        count: Some(100_000),
        ..Attack::new(AttackKind::SynFlood)
    });
    let step = |secs, rate, ramp| Step { at: Nanos::from_secs(secs), rate, ramp };
    FlowConfig {
        realism: Realism {
            sizes: SizeModel::Agh2015,
            arrivals: Arrivals::Bursty,
            host_exponent: Some(1.0),
        },
        timing: Timing {
            diurnal: Some(Diurnal::default()),
            schedule: vec![step(10, 1.0, false), step(20, 4.0, true), step(60, 0.2, false)],
            ..Timing::default()
        },
        reversed_share: 0.3,
        ..config(attacks)
    }
}

#[test]
fn any_place_threads_and_kernel_make_the_same_row() {
    same_row(&everything());
}

/// The same among conversations, which fill blocks of the background by themselves.
#[test]
fn attacks_stand_among_conversations() {
    let mut config = everything();
    config.attacks.truncate(4);
    config.reversed_share = 0.0;
    config.sessions.conversations = Some(Conversations::default());
    same_row(&config);
}

fn same_row(config: &FlowConfig) {
    let (all, tally) = made(config);
    let plan = config.plan().expect("a plan");
    assert!(all.len() > 300_000, "{}", all.len());
    for kernel in Kernel::all() {
        for parts in [1, 2, 7] {
            let whole = FlowGenerator::with_kernel(plan.clone(), kernel);
            let mut joined = Vec::new();
            let mut joined_tally = AttackTally::new(&plan);
            let threads: Vec<_> = whole
                .split(parts)
                .into_iter()
                .map(|mut part| {
                    std::thread::spawn(move || {
                        let mut out = vec![WideRecord::default(); part.remaining() as usize];
                        assert_eq!(part.fill_wide(&mut out), out.len());
                        out
                    })
                })
                .collect();
            for thread in threads {
                let part = thread.join().expect("a thread");
                joined_tally.add(&part);
                joined.extend(part);
            }
            assert!(joined == all, "{parts} parts by {}", kernel.name());
            assert_eq!(joined_tally, tally);
        }
    }
    let mut made = FlowGenerator::new(plan);
    let places = (0..all.len()).step_by(all.len() / 300);
    for (at, count) in places.flat_map(|at| [(at, 1), (at + 77, 300)]) {
        let mut out = vec![WideRecord::default(); count];
        made.seek(at as u64);
        let count = made.fill_wide(&mut out);
        assert!(out[..count] == all[at.min(all.len())..][..count], "{at}");
    }
}

/// Same seed, same bytes, also in a later version: a change here is a change that users see.
#[test]
fn the_row_is_the_recorded_one() {
    let mut config = everything();
    config.realism.sizes = SizeModel::Patterns;
    config.realism.host_exponent = None;
    let mut told = String::new();
    let attacks = std::mem::take(&mut config.attacks);
    for (name, attacks) in [("bursts_and_schedule", Vec::new()), ("attacks", attacks)] {
        config.attacks = attacks;
        let (all, _) = made(&config);
        let digest = Sha256::digest(bytemuck::cast_slice::<WideRecord, u8>(&all));
        let hex = digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let _ = writeln!(told, "{name} {} {hex}", all.len());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fingerprints/attacks.txt");
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(told == expected, "the records made are not those of {}:\n{told}", file.display());
}

#[test]
fn records_stand_in_order_of_their_moments() {
    let config = everything();
    let plan = config.plan().expect("a plan");
    let (all, _) = made(&config);
    let mut before = 0;
    for (index, record) in (0..).zip(&all).step_by(97) {
        let moment = plan.moment(index).as_nanos();
        assert!(moment >= before && record.first >= moment, "{index}");
        before = moment;
    }
    let end = config.start + Nanos::from_secs(120);
    assert!(plan.moment(all.len() as u64) >= end);
    let probes = all.iter().filter(|r| r.label != 0 && r.flags & RecordFlags::REVERSED == 0);
    assert!(probes.map(|r| r.first).is_sorted());
}

/// All of an attack within a nanosecond: its records are not walked over one by one.
#[test]
fn a_billion_records_at_once_are_no_obstacle() {
    let burst = Attack {
        duration: Some(Nanos(1)),
        count: Some(1 << 36),
        start: Nanos::from_secs(1),
        ..Attack::new(AttackKind::SynFlood)
    };
    let plan = config(vec![burst.clone(), burst]).plan().expect("a plan");
    let begin = plan.index_at(plan.start() + Nanos::from_secs(1));
    let mut made = FlowGenerator::new(plan);
    let mut out = [WideRecord::default(); 8];
    // Two of 64 events are answered for each eight.
    let records = (1_u64 << 36) / 64 * 80;
    for (skip, label) in [(10, 1), (records / 2, 1), (records - 20, 1), (records + 20, 2)] {
        made.seek(begin + skip);
        assert_eq!(made.fill_wide(&mut out), 8);
        assert!(out.iter().all(|r| r.label == label), "{skip}: {}", out[0].label);
    }
}

/// The background is what it is without attacks, in the same order.
#[test]
fn attacks_leave_the_background_as_it_is() {
    let mut config = everything();
    let (with, _) = made(&config);
    config.attacks.clear();
    let (without, tally) = made(&config);
    assert!(with.iter().filter(|r| r.label == 0).eq(&without));
    assert!(tally.sums().is_empty());
    let ids: HashSet<u64> = with.iter().filter(|r| r.label != 0).map(|r| r.flow_id).collect();
    assert!(without.iter().all(|r| !ids.contains(&r.flow_id)));
}

#[test]
fn the_ground_truth_counts_what_was_made() {
    let mut config = everything();
    let (all, _) = made(&config);
    for limit in [1, 1000, 123_456, u64::MAX] {
        config.max_flows = Some(limit);
        let (some, tally) = made(&config);
        assert!(some[..] == all[..some.len()]);
        for sums in tally.sums() {
            let own: Vec<_> = some.iter().filter(|r| r.label == sums.label).collect();
            assert_eq!(sums.records, own.len() as u64, "{}", sums.name);
            assert_eq!(sums.packets, own.iter().map(|r| r.packets).sum::<u64>());
            assert_eq!(sums.bytes, own.iter().map(|r| r.bytes).sum::<u64>());
            let first = own.iter().map(|r| Timestamp::from_nanos(r.first)).min();
            assert_eq!((sums.first, sums.last.is_some()), (first, first.is_some()));
        }
    }
    let plan = config.plan().expect("a plan");
    assert_eq!(plan.labels().count(), 12);
    assert_eq!((plan.label_name(0), plan.label_name(11)), ("background", "syn_flood-11"));
}

#[test]
fn truth_is_written_as_lines_of_json_too() {
    let (_, tally) = made(&everything());
    let mut truth = Vec::new();
    tally.write(TruthFormat::JsonLines, &mut truth).expect("memory");
    let lines: Vec<serde_json::Value> = String::from_utf8(truth)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 11);
    for (line, sums) in lines.iter().zip(tally.sums()) {
        assert_eq!(line["name"], sums.name.as_str());
        assert_eq!(line["records"], sums.records);
        assert_eq!(line["technique"], sums.kind.technique());
        assert_eq!(line["targets"][0], sums.targets[0].to_string());
        let first = sums.first.map(Timestamp::as_nanos);
        assert_eq!(line["start_ns"].as_u64(), first);
    }
}

#[test]
fn streams_share_the_background_and_the_first_has_the_attacks() {
    let config = everything();
    let plan = config.plan().expect("a plan");
    let (all, tally) = made(&config);
    let attacked: u64 = tally.sums().iter().map(|s| s.records).sum();
    let mut background = 0;
    let mut found = 0;
    for stream in 0..3 {
        let plan = plan.stream(stream, 3).expect("a stream");
        let mut out = vec![WideRecord::default(); plan.bound() as usize];
        FlowGenerator::new(plan).fill_wide(&mut out);
        let own = out.iter().filter(|r| r.label != 0).count() as u64;
        assert!(stream == 0 || own == 0);
        found += own;
        background += out.len() as u64 - own;
    }
    assert_eq!(background + found, all.len() as u64);
    // Streams have blocks of their own, so their order at the end may differ a little.
    assert!(found.abs_diff(attacked) < 1000, "{found} {attacked}");
}
