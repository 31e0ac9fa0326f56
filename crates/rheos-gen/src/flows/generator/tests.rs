use super::*;
use crate::flows::FlowConfig;

fn made(change: impl FnOnce(&mut FlowConfig)) -> FlowGenerator {
    let mut config = FlowConfig { reversed_share: 0.3, ..FlowConfig::default() };
    change(&mut config);
    FlowGenerator::new(config.plan().expect("a plan"))
}

fn take(made: &mut FlowGenerator, count: usize) -> Vec<FlowRecord> {
    let mut out = vec![FlowRecord::default(); count];
    let done = made.fill(&mut out);
    out.truncate(done);
    out
}

#[test]
fn one_by_one_is_as_many_at_once() {
    let mut one = made(|c| c.max_flows = Some(1000));
    let mut many = one.clone();
    assert_eq!(one.size_hint(), (1000, Some(1000)));
    let singles: Vec<_> = one.by_ref().collect();
    assert_eq!(singles, take(&mut many, 2000));
    assert_eq!((one.next(), one.is_done(), one.index(), many.remaining()), (None, true, 1000, 0));
}

#[test]
fn filling_goes_on_where_next_stopped() {
    let mut made = made(|_| ());
    let all = take(&mut made.clone(), 600);
    let mut found: Vec<_> = made.by_ref().take(100).collect();
    assert_eq!(made.index(), 100);
    found.extend(take(&mut made, 77));
    found.extend(made.by_ref().take(300));
    let checkpoint = made.checkpoint();
    assert_eq!(checkpoint.position, 477);
    made.reset();
    assert_eq!(made.next(), all.first().copied());
    made.restore(checkpoint).expect("the same plan");
    found.extend(take(&mut made, 123));
    assert_eq!(found, all);
}

#[test]
fn a_checkpoint_of_another_plan_is_refused() {
    let other = made(|c| c.seed = 2).checkpoint();
    let mut made = made(|_| ());
    let error = made.restore(other).expect_err("another plan");
    assert!(matches!(error.problem, FlowProblem::Checkpoint(_)));
    // A longer run of the same records may go on.
    let mut long = self::made(|c| c.max_flows = Some(50));
    assert_eq!(long.restore(Checkpoint { position: 40, ..made.checkpoint() }), Ok(()));
    assert_eq!(long.remaining(), 10);
}

#[test]
fn threads_make_the_same_bytes() {
    let mut one = made(|_| ());
    one.seek(5);
    let total = 3 * PART + 77;
    let expected = take(&mut one.clone(), total);
    for threads in [0, 1, 2, 7, 5000] {
        let mut many = one.clone();
        let mut out = vec![FlowRecord::default(); total];
        assert_eq!(many.fill_parallel(&mut out, threads), total);
        assert!(out == expected, "{threads} threads");
        assert_eq!(many.index(), 5 + total as u64);
        assert_eq!(many.next(), one.clone().nth(total));
    }
}

#[test]
fn parts_make_the_whole() {
    let mut whole = made(|c| c.max_flows = Some(1003));
    whole.seek(3);
    for parts in [1, 2, 7, 2000] {
        let split = whole.split(parts);
        assert_eq!(split.len(), parts as usize);
        let records: Vec<_> = split.into_iter().flat_map(|mut p| take(&mut p, 1003)).collect();
        assert!(records == take(&mut whole.clone(), 1003), "{parts} parts");
    }
}

#[test]
fn columns_hold_the_fields_of_records() {
    let mut made = made(|c| c.max_flows = Some(1400));
    let records = take(&mut made.clone(), 1400);
    let (mut times, mut ports, mut flags) = (vec![0; 1500], vec![0; 1600], vec![0; 1450]);
    let (mut sources, mut streams) = (vec![0; 1500], vec![7; 1500]);
    let count = made.fill_columns(&mut FlowColumns {
        timestamp: Some(&mut times),
        source_ip: Some(&mut sources),
        destination_port: Some(&mut ports),
        flags: Some(&mut flags),
        stream_id: Some(&mut streams),
        ..FlowColumns::default()
    });
    assert_eq!(count, 1400);
    for (i, record) in records.iter().enumerate() {
        let row = (times[i], sources[i], ports[i], flags[i], streams[i]);
        let FlowRecord { timestamp, source_ip, destination_port, flags, stream_id, .. } = *record;
        assert_eq!(row, (timestamp, source_ip, destination_port, flags, stream_id));
    }
    assert_eq!((times[1400], streams[1400]), (0, 7), "beyond the end nothing is written");
    assert_eq!(made.fill_columns(&mut FlowColumns::default()), 0);
}

#[test]
fn statistics_tell_simulated_time() {
    let mut made = made(|c| {
        c.rate = crate::flows::Rate::Flows(crate::flows::FlowRate { micros: 4_000_000 });
    });
    let start = made.plan().start();
    let none = FlowStats { flows: 0, elapsed: Nanos::ZERO, flows_per_second: 0.0, current: start };
    assert_eq!(made.stats(), none);
    take(&mut made, 10);
    let stats = made.stats();
    assert_eq!((stats.flows, stats.elapsed), (10, Nanos::from_millis(2500)));
    assert!((stats.flows_per_second - 4.0).abs() < 1e-9);
    assert_eq!(stats.current, start + Nanos::from_millis(2500));
}

/// With drawn moments, statistics told the even clock's time.
#[test]
fn statistics_tell_the_moment_of_the_next_record() {
    let mut made = made(|c| c.realism.arrivals = crate::flows::Arrivals::Poisson);
    let mut records = vec![WideRecord::default(); 700];
    made.fill_wide(&mut records);
    for index in [0, 1, 255, 256, 300, 699] {
        made.seek(index);
        assert_eq!(made.stats().current.as_nanos(), records[index as usize].first, "{index}");
    }
}

/// Counting went one index too far, beyond 64 bits, where builds look for that.
#[test]
fn the_last_of_all_indices_has_a_record() {
    let fast = crate::flows::Rate::Flows(crate::flows::FlowRate { micros: u64::MAX });
    let ipv6 = || crate::flows::Subnets::even(["2001:db8::/64".parse().expect("a net")]);
    let plain = made(|c| c.rate = fast);
    let wide = made(|c| (c.rate, c.sources, c.destinations) = (fast, ipv6(), ipv6()));
    let drawn = made(|c| (c.rate, c.realism.host_exponent) = (fast, Some(1.0)));
    for mut made in [plain, wide, drawn] {
        assert_eq!(made.plan().bound(), u64::MAX);
        made.seek(u64::MAX - 3);
        assert_eq!(made.fill_wide(&mut [WideRecord::default(); 5]), 3);
        made.seek(u64::MAX - 3);
        assert!(!made.is_narrow() || take(&mut made, 5).len() == 3);
    }
}

#[test]
fn seeking_beyond_the_end_ends() {
    let mut made = made(|c| c.max_flows = Some(10));
    made.seek(u64::MAX);
    assert_eq!((made.index(), made.next(), take(&mut made, 5).len()), (10, None, 0));
    // Without limits the end is the end of time.
    let mut endless = self::made(|_| ());
    endless.seek(u64::MAX);
    assert!(endless.is_done());
    endless.seek(endless.plan().bound() - 1);
    assert_eq!(take(&mut endless, 5).len(), 1);
}
