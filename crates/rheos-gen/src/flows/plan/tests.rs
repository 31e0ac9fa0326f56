use super::*;

fn plan(change: impl FnOnce(&mut FlowConfig)) -> FlowPlan {
    let mut config = FlowConfig::default();
    change(&mut config);
    config.plan().expect("a plan")
}

#[test]
fn leaves_carry_the_shares_of_ports() {
    let plan = plan(|c| c.patterns = vec![(Pattern::Web, 50.0), (Pattern::Smtp, 50.0)]);
    let found: Vec<_> =
        plan.leaves.iter().take(7).map(|l| (l.port, l.size, l.size_count)).collect();
    let expected = [
        (443, 64, 137),
        (443, 500, 1001),
        (80, 64, 137),
        (80, 500, 1001),
        (25, 200, 1301),
        (587, 200, 1301),
        (465, 200, 1301),
    ];
    assert_eq!(found, expected);
    assert!(plan.leaves.iter().skip(7).all(|&l| l == Leaf::default()));
}

#[test]
fn the_mean_is_met_to_a_hundredth_of_a_byte() {
    for average in [64, 65, 100, 400, 573, 574, 800, 1200, 1499, 1500] {
        let plan = plan(|c| c.sizes.average = Some(average));
        let off = plan.mean_size() - f64::from(average);
        assert!(off.abs() < 0.01, "{average}: {off}");
        for leaf in plan.leaves.iter().filter(|l| l.size_count > 0) {
            assert!(leaf.size >= 64 && leaf.size + leaf.size_count - 1 <= 1500, "{leaf:?}");
        }
    }
    // One fixed size has its own mean.
    let fixed = plan(|c| c.sizes = Sizes { min: 64, max: 64, average: Some(64) });
    assert!((fixed.mean_size() - 64.0).abs() < 1e-9);
}

#[test]
fn limits_are_a_bound_on_the_index() {
    let rate = Rate::Flows(crate::flows::FlowRate { micros: 1_000_000_000 });
    let plan = |max, duration: Option<u64>, end: Option<u64>| {
        plan(|c| {
            c.rate = rate;
            c.max_flows = max;
            c.duration = duration.map(rheos_core::Nanos::from_millis);
            c.end = end.map(|ms| c.start + rheos_core::Nanos::from_millis(ms));
        })
        .count()
    };
    assert_eq!(plan(None, None, None), None);
    assert_eq!(plan(Some(7), None, None), Some(7));
    assert_eq!(plan(Some(7), Some(5), None), Some(5));
    assert_eq!(plan(Some(7), Some(5), Some(3)), Some(3));
    assert_eq!(plan(None, None, Some(0)), Some(0));
}

#[test]
fn time_ends_where_64_bits_do() {
    let plan = plan(|c| {
        c.start = Timestamp::from_nanos(u64::MAX - 1000);
        c.rate = Rate::Flows(crate::flows::FlowRate { micros: 1_000_000_000_000_000 });
    });
    assert_eq!((plan.count(), plan.bound()), (None, 1000));
    assert_eq!(plan.moment(999).as_nanos(), u64::MAX - 1);
}

#[test]
fn the_hash_knows_everything_but_limits() {
    let base = FlowConfig::default();
    let hash = |change: &dyn Fn(&mut FlowConfig)| {
        let mut config = base.clone();
        change(&mut config);
        config.plan().expect("a plan").hash()
    };
    let same = hash(&|_| ());
    assert_eq!(hash(&|c| c.max_flows = Some(5)), same);
    let others: [&dyn Fn(&mut FlowConfig); 8] = [
        &|c| c.seed = 2,
        &|c| c.stream_id = 1,
        &|c| c.rate = Rate::Bandwidth(BitRate(1)),
        &|c| c.start = Timestamp::ZERO,
        &|c| c.reversed_share = 0.5,
        &|c| c.patterns[0].0 = Pattern::Ftp,
        &|c| c.sizes.min = 65,
        &|c| c.destinations.subnets[0] = "10.0.0.0/9".parse().expect("a net"),
    ];
    let hashes: Vec<u64> = others.iter().map(|change| hash(change)).collect();
    for (i, a) in hashes.iter().enumerate() {
        assert!(*a != same && !hashes[..i].contains(a), "change {i}");
    }
}

#[test]
fn only_streams_that_exist_can_be_had() {
    let plan = plan(|_| ());
    assert_eq!(plan.stream(0, 1).as_ref(), Ok(&plan));
    for (stream, streams) in [(1, 1), (0, 0), (7, 3)] {
        let error = plan.stream(stream, streams).expect_err("no stream");
        assert_eq!(error.problem, FlowProblem::Stream { stream, streams });
    }
    let part = plan.stream(1, 2).expect("a stream");
    assert!(part.stream(0, 2).is_err(), "streams are not split again");
}
