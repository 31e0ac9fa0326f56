//! What holds for every configuration: nothing panics, and records keep to what the plan says.

use proptest::prelude::*;
use rheos_core::units::BitRate;
use rheos_core::{FlowRecord, Nanos, Timestamp, WideRecord};
use rheos_gen::flows::{
    Arrivals, Attack, AttackKind, Checkpoint, Conversations, Distribution, Diurnal, FlowConfig,
    FlowGenerator, FlowRate, Kernel, Pattern, Rate, Realism, Reply, Route, Service, Sessions,
    SizeModel, Sizes, Step, Subnet, Subnets, Timing,
};

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..5_u64,
        (0..64_u32).prop_map(|bits| u64::MAX >> bits),
        0..100_000_u64
    ]
}

fn rate() -> impl Strategy<Value = Rate> {
    prop_oneof![
        number().prop_map(|bits| Rate::Bandwidth(BitRate(bits))),
        number().prop_map(|micros| Rate::Flows(FlowRate { micros })),
    ]
}

fn subnets(ipv6: bool) -> impl Strategy<Value = Subnets> {
    let one = (any::<u128>(), 0..=128_u8).prop_filter_map("too long", move |(bits, length)| {
        if ipv6 {
            Subnet::new(std::net::Ipv6Addr::from_bits(bits).into(), length)
        } else {
            Subnet::new(std::net::Ipv4Addr::from_bits(bits as u32).into(), length % 33)
        }
    });
    (prop::collection::vec(one, 1..40), any::<bool>()).prop_map(|(subnets, even)| {
        let weights = vec![100.0 / subnets.len() as f64; subnets.len()];
        Subnets { subnets, weights: if even { Vec::new() } else { weights } }
    })
}

fn sizes() -> impl Strategy<Value = Sizes> {
    (number(), number(), prop::option::of(0..2_000_u32)).prop_map(|(a, b, average)| {
        let (a, b) = ((a % (1 << 31)) as u32, (b % (1 << 31)) as u32);
        Sizes { min: a.min(b), max: a.max(b), average }
    })
}

fn realism() -> impl Strategy<Value = Realism> {
    let arrivals =
        prop_oneof![Just(Arrivals::Even), Just(Arrivals::Poisson), Just(Arrivals::Bursty)];
    (any::<bool>(), arrivals, prop::option::of(0.5..2.0)).prop_map(|(agh, arrivals, exponent)| {
        Realism {
            sizes: if agh { SizeModel::Agh2015 } else { SizeModel::Patterns },
            arrivals,
            host_exponent: exponent,
        }
    })
}

fn timing() -> impl Strategy<Value = Timing> {
    let diurnal = (0.0..24.0, 1.0..50.0, 0.1..3.0, -50_000..50_000).prop_map(
        |(peak_hour, multiplier, weekend, utc_offset_secs)| Diurnal {
            peak_hour,
            multiplier,
            weekend,
            utc_offset_secs,
        },
    );
    let rate = prop_oneof![Just(0.0), Just(1.0), 0.01..1000.0];
    let step = (number(), rate, any::<bool>());
    let schedule = prop::collection::vec(step, 0..6).prop_map(|mut steps| {
        steps.sort_unstable_by_key(|s| s.0);
        steps.dedup_by_key(|s| s.0);
        let step = |(at, rate, ramp)| Step { at: Nanos(at), rate, ramp };
        steps.into_iter().map(step).collect()
    });
    (prop::option::of(diurnal), schedule).prop_map(|(diurnal, schedule)| Timing {
        diurnal,
        schedule,
        ..Timing::default()
    })
}

fn attack() -> impl Strategy<Value = Attack> {
    let times = (number(), prop::option::of(number()), prop::option::of(number()));
    let share = || prop::option::of(0.0..=1.0_f64);
    let nets = |nets: Subnets| nets.subnets;
    let places = prop_oneof![
        3 => Just((Vec::new(), Vec::new())),
        1 => any::<bool>().prop_flat_map(move |ipv6| {
            (subnets(ipv6).prop_map(nets), subnets(ipv6).prop_map(nets))
        }),
    ];
    let ports = prop::collection::vec((any::<u16>(), any::<u16>()), 0..4);
    let rate =
        prop::option::of((0..1_000_000_000_000_000_u64).prop_map(|micros| FlowRate { micros }));
    (0..AttackKind::ALL.len(), times, rate, (share(), share()), places, ports).prop_map(
        |(kind, (start, duration, count), rate, (answered, jitter), (sources, targets), ports)| {
            let kind = AttackKind::ALL[kind];
            let is_upload = kind == AttackKind::Exfiltration;
            Attack {
                start: Nanos(start),
                duration: duration.map(Nanos),
                count,
                rate: rate.filter(|_| !is_upload),
                answered,
                jitter,
                sources,
                targets,
                ports: ports.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect(),
                ..Attack::new(kind)
            }
        },
    )
}

/// On the heap: one configuration has many of them.
fn distribution() -> BoxedStrategy<Distribution> {
    let value = || prop_oneof![0.0..1e15_f64, 0.0..100.0_f64, Just(0.0)];
    let single = prop_oneof![
        value().prop_map(Distribution::Constant),
        (value(), value())
            .prop_map(|(a, b)| Distribution::Uniform { from: a.min(b), to: a.max(b) }),
        value().prop_map(|mean| Distribution::Exponential { mean }),
        (value(), 0.0..10.0).prop_map(|(median, sigma)| Distribution::LogNormal { median, sigma }),
        (value(), 0.1..100.0).prop_map(|(least, alpha)| Distribution::Pareto { least, alpha }),
        (value(), 0.1..100.0).prop_map(|(scale, shape)| Distribution::Weibull { scale, shape }),
        (value(), value()).prop_map(|(mean, deviation)| Distribution::Normal { mean, deviation }),
        prop::collection::vec(value(), 2..9).prop_map(|mut values| {
            values.sort_by(f64::total_cmp);
            Distribution::Quantiles(values)
        }),
    ]
    .boxed();
    let mixture = prop::collection::vec((0.1..10.0_f64, single.clone()), 1..4);
    prop_oneof![4 => single, 1 => mixture.prop_map(Distribution::Mixture)].boxed()
}

prop_compose! {
    fn service()(
        protocol in prop_oneof![Just(1_u8), Just(6), Just(17), any::<u8>()],
        ports in prop::collection::vec((any::<u16>(), any::<u16>()), 1..4),
        parts in (distribution(), distribution(), distribution()),
        reply in prop::option::of((distribution(), distribution())),
        dscp in 0..64_u8,
    ) -> Service {
        Service {
            name: "any".to_owned(),
            protocol,
            ports: ports.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect(),
            packets: parts.0,
            bytes_per_packet: parts.1,
            gap_ms: parts.2,
            reply: reply.map(|(packets, bytes_per_packet)| Reply { packets, bytes_per_packet }),
            dscp,
        }
    }
}

/// Services of half of all flows, and how flows belong together.
fn more() -> BoxedStrategy<(Vec<(Service, f64)>, Sessions)> {
    let share = || 0.0..=1.0_f64;
    let talk = (share(), share(), distribution(), distribution(), share(), share(), share());
    let talk =
        talk.prop_map(|(answered, of_rest, round_trip, think_time, a, b, c)| Conversations {
            answered,
            refused: (1.0 - answered) * of_rest,
            round_trip,
            think_time,
            correlation: a,
            downstream: b,
            dns_before: c,
        });
    let timeout = || prop::option::of((1..86_400_u64).prop_map(Nanos::from_secs));
    let sessions = (prop::option::of(talk), any::<bool>(), timeout(), timeout());
    (prop::option::of(service()), sessions)
        .prop_map(|(service, s)| {
            let services = service.map(|service| (service, 50.0)).into_iter().collect();
            let (conversations, service_affinity, active_timeout, inactive_timeout) = s;
            let sessions =
                Sessions { conversations, service_affinity, active_timeout, inactive_timeout };
            (services, sessions)
        })
        .boxed()
}

/// One to each subnet.
fn routes(sources: &Subnets, destinations: &Subnets) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for (number, &network) in (1..).zip(sources.subnets.iter().chain(&destinations.subnets)) {
        if routes.iter().all(|route| route.network != network) {
            routes.push(Route { network, as_number: number, interface: number as u16 });
        }
    }
    routes
}

prop_compose! {
    fn config()(
        seed in any::<u64>(),
        stream_id in any::<u32>(),
        limits in (prop::option::of(number()), prop::option::of(number()), prop::option::of(number())),
        rate in rate(),
        start in number(),
        reversed_share in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64],
        patterns in prop::collection::vec(0..7_usize, 1..12),
        sides in (any::<bool>(), prop::bool::weighted(0.25)).prop_flat_map(|(ipv6, is_routed)| {
            (subnets(ipv6), subnets(ipv6), Just(is_routed))
        }),
        sizes in sizes(),
        realism in prop_oneof![3 => Just(Realism::default()), 1 => realism()],
        attacks in prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(attack(), 1..4)],
        timing in prop_oneof![3 => Just(Timing::default()), 1 => timing()],
        more in prop_oneof![3 => Just((Vec::new(), Sessions::default())), 1 => more()],
    ) -> FlowConfig {
        // Services take half of what there is.
        let share = if more.0.is_empty() { 100.0 } else { 50.0 } / patterns.len() as f64;
        let talks = more.1.conversations.is_some();
        FlowConfig {
            seed,
            stream_id,
            max_flows: limits.0,
            duration: limits.1.map(Nanos),
            end: limits.2.map(Timestamp::from_nanos),
            rate,
            start: Timestamp::from_nanos(start),
            reversed_share: if talks { 0.0 } else { reversed_share },
            patterns: patterns.into_iter().map(|p| (Pattern::ALL[p], share)).collect(),
            services: more.0,
            sessions: more.1,
            routes: if sides.2 { routes(&sides.0, &sides.1) } else { Vec::new() },
            sources: sides.0,
            destinations: sides.1,
            sizes,
            realism,
            timing,
            attacks,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_configuration_panics_and_records_keep_to_it(config in config(), at in number()) {
        let Ok(plan) = config.plan() else { return Ok(()) };
        let mut made = FlowGenerator::new(plan.clone());
        made.seek(at);
        let index = made.index();
        prop_assert!(index <= plan.bound() && index <= at);
        let mut wide = vec![WideRecord::default(); 70];
        let count = made.fill_wide(&mut wide);
        prop_assert_eq!(count as u64, (plan.bound() - index).min(70));
        for (i, record) in wide[..count].iter().enumerate() {
            prop_assert_eq!(record.stream_id, config.stream_id);
            if record.label != 0 {
                prop_assert!(usize::from(record.label) <= config.attacks.len());
                prop_assert!(record.first >= plan.moment(index + i as u64).as_nanos());
                prop_assert!(record.packets > 0 && record.bytes >= 20 * record.packets);
                continue;
            }
            prop_assert!(usize::from(record.pattern) < config.patterns.len() + config.services.len());
            prop_assert!(record.first >= config.start.as_nanos() && record.last >= record.first);
            prop_assert!(record.packets > 0);
            let alone = config.sessions == Sessions::default();
            if alone {
                prop_assert_eq!(record.first, plan.moment(index + i as u64).as_nanos());
            }
            if alone && config.realism == Realism::default() && config.services.is_empty() {
                let size = u64::from(config.sizes.min)..=u64::from(config.sizes.max);
                prop_assert!(size.contains(&record.bytes));
            }
        }
        for kernel in Kernel::all() {
            let mut again = vec![WideRecord::default(); 70];
            let mut made = FlowGenerator::with_kernel(plan.clone(), kernel);
            made.seek(at);
            let (first, second) = again.split_at_mut(33);
            prop_assert_eq!(made.fill_wide(first) + made.fill_wide(second), count);
            prop_assert_eq!(&again, &wide, "{}", kernel.name());
        }
        if !made.is_narrow() {
            // The same one by one.
            let mut again = FlowGenerator::new(plan.clone());
            for (i, record) in (index..).zip(&wide[..count]) {
                let mut one = [WideRecord::default()];
                again.seek(i);
                prop_assert_eq!(again.fill_wide(&mut one), 1);
                prop_assert_eq!(&one[0], record);
            }
            return Ok(());
        }
        for kernel in Kernel::all() {
            let mut narrow = vec![FlowRecord::default(); 70];
            let mut made = FlowGenerator::with_kernel(plan.clone(), kernel);
            made.seek(at);
            prop_assert_eq!(made.fill(&mut narrow), count);
            for (narrow, wide) in narrow[..count].iter().zip(&wide) {
                prop_assert_eq!(&WideRecord::from(narrow), wide, "{}", kernel.name());
            }
        }
    }

    #[test]
    fn any_damage_of_a_checkpoint_is_told_or_harmless(bytes in prop::collection::vec(any::<u8>(), 0..40), text in ".{0,40}") {
        prop_assert!(Checkpoint::from_bytes(&bytes).is_err());
        if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            prop_assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
        }
    }
}
