//! The sender on a simulated clock and wire.

use std::cell::Cell;
use std::io;

use rheos_core::{Nanos, Timestamp, WideRecord};
use rheos_wire::export::{ExportConfig, Exporter, Protocol};

use super::{Clock, FlowSender, Pace, Reach, SendError, UdpWire, Wire};

const NOW: Timestamp = Timestamp::from_secs(1_704_110_400);

/// A clock that jumps where it is sent, and a little further.
#[derive(Debug, Default)]
struct Jumping {
    now: Cell<u64>,
    late: u64,
}

impl Clock for &Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.now.get())
    }

    fn sleep_until(&self, time: Timestamp) {
        self.now.set(self.now.get().max(time.as_nanos() + self.late));
    }
}

/// A wire that notes when each datagram went, and fails as told.
struct Noting<'a> {
    clock: &'a Jumping,
    sent: Vec<(u64, Vec<u8>)>,
    calls: u64,
    /// What to do in call number `calls`: how many to take, or to fail.
    script: fn(u64) -> Option<usize>,
}

impl Wire for Noting<'_> {
    fn send(&mut self, datagrams: &[&[u8]]) -> io::Result<usize> {
        self.calls += 1;
        let take = (self.script)(self.calls)
            .ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused))?
            .min(datagrams.len());
        let now = self.clock.now.get();
        self.sent.extend(datagrams[..take].iter().map(|d| (now, d.to_vec())));
        Ok(take)
    }

    fn header_len(&self) -> usize {
        28
    }
}

fn sender(
    clock: &Jumping,
    pace: Pace,
    script: fn(u64) -> Option<usize>,
) -> FlowSender<Noting<'_>, &Jumping> {
    let config = ExportConfig { protocol: Protocol::NetFlow5, ..ExportConfig::default() };
    let exporter = Exporter::new(config).expect("a sound configuration");
    let wire = Noting { clock, sent: Vec::new(), calls: 0, script };
    FlowSender::new(exporter, pace, wire, clock).expect("a sound pace")
}

const ALL: fn(u64) -> Option<usize> = |_| Some(usize::MAX);

fn records(count: usize) -> Vec<WideRecord> {
    vec![WideRecord { packets: 1, bytes: 60, ..WideRecord::default() }; count]
}

#[test]
fn each_datagram_leaves_when_it_is_due() {
    // 29 records to a datagram of 1452 bytes; seven datagrams a second have no whole number of nanoseconds.
    let clock = Jumping { now: Cell::new(5), late: 0 };
    let mut sender = sender(&clock, Pace::DatagramsPerSec(7), ALL);
    sender.send(NOW, &records(29 * 71)).expect("the wire takes all");
    sender.flush().expect("the wire takes all");
    let times: Vec<u64> = sender.wire().sent.iter().map(|(time, _)| *time).collect();
    let due: Vec<u64> = (0..71).map(|n| 5 + n * 1_000_000_000 / 7).collect();
    assert_eq!(times, due);
    assert_eq!(sender.counters().datagrams, 71);
    assert_eq!(sender.counters().late_ns_max, 0);
}

#[test]
fn records_and_bits_are_paces_too() {
    for (pace, end) in [
        // 99 datagrams of 29 records before the last.
        (Pace::RecordsPerSec(1000), 99 * 29 * 1_000_000),
        // 24 + 29 * 48 bytes, and 28 of headers.
        (Pace::BitsPerSec(1_000_000), 99 * (24 + 29 * 48 + 28) * 8 * 1000),
        (Pace::Unlimited, 0),
    ] {
        let clock = Jumping::default();
        let mut sender = sender(&clock, pace, ALL);
        sender.send(NOW, &records(2900)).expect("the wire takes all");
        sender.flush().expect("the wire takes all");
        assert_eq!(sender.wire().sent.last().map(|(time, _)| *time), Some(end));
    }
}

#[test]
fn a_late_wake_up_does_not_shift_the_schedule() {
    let clock = Jumping { now: Cell::new(0), late: 3_500_000 };
    let mut sender = sender(&clock, Pace::DatagramsPerSec(1000), ALL);
    sender.send(NOW, &records(29 * 1000)).expect("the wire takes all");
    sender.flush().expect("the wire takes all");
    // The last is due after 999 ms, and may be as late as one wake-up.
    let last = sender.wire().sent.last().map_or(0, |(time, _)| *time);
    assert!((999_000_000..=999_000_000 + 3_500_000).contains(&last), "{last}");
    assert_eq!(sender.counters().late_ns_max, 3_500_000);
    assert!(sender.counters().calls < 300, "those that are due together go together");
}

#[test]
fn a_short_call_is_counted_and_the_rest_goes_on() {
    let clock = Jumping::default();
    let mut sender = sender(&clock, Pace::Unlimited, |call| Some(if call == 1 { 10 } else { 64 }));
    sender.send(NOW, &records(29 * 64)).expect("all are taken");
    sender.flush().expect("all are taken");
    let counters = sender.counters();
    assert_eq!((counters.datagrams, counters.records), (64, 29 * 64));
    assert_eq!((counters.calls, counters.short_calls, counters.dropped), (2, 1, 0));
    let sequence: Vec<u32> = sender
        .wire()
        .sent
        .iter()
        .map(|(_, d)| u32::from_be_bytes([d[16], d[17], d[18], d[19]]))
        .collect();
    assert_eq!(sequence, (0..64).map(|n| n * 29).collect::<Vec<_>>());
}

#[test]
fn what_is_refused_three_times_is_dropped_and_counted() {
    let clock = Jumping::default();
    // Once is made good; calls 3 to 5 fail for the same datagram.
    let mut sender = sender(&clock, Pace::Unlimited, |call| match call {
        1 | 3 | 4 | 5 => None,
        2 => Some(1),
        _ => Some(64),
    });
    sender.send(NOW, &records(29 * 3)).expect("few failures");
    sender.flush().expect("few failures");
    let counters = sender.counters();
    assert_eq!((counters.datagrams, counters.dropped, counters.errors), (2, 1, 4));
    assert_eq!((counters.records, counters.dropped_records), (58, 29));
    assert_eq!(counters.records + counters.dropped_records, sender.exporter().counters().written);
}

#[test]
fn a_dead_wire_is_given_up() {
    for script in [(|_| None) as fn(u64) -> Option<usize>, |_| Some(0)] {
        let clock = Jumping::default();
        let mut sender = sender(&clock, Pace::Unlimited, script);
        let error = sender.send(NOW, &records(29 * 2000)).expect_err("nothing is taken");
        assert!(matches!(error, SendError::GivenUp { failures: 1000, .. }), "{error}");
        assert_eq!(sender.counters().dropped, 1000);
    }
}

#[test]
fn other_machines_must_be_allowed() {
    for target in ["192.0.2.1:2055", "10.0.0.1:2055", "[2001:db8::1]:2055", "0.0.0.0:2055"] {
        let target = target.parse().expect("an address");
        let error = UdpWire::connect(target, Reach::Loopback).expect_err("not this machine");
        assert!(matches!(error, SendError::Remote { .. }));
        assert!(error.hint().is_some());
    }
    for target in ["127.0.0.1:9", "127.255.0.1:9", "[::ffff:127.0.0.1]:9"] {
        let target = target.parse().expect("an address");
        assert!(UdpWire::connect(target, Reach::Loopback).is_ok(), "{target}");
    }
}

#[test]
fn datagrams_arrive_as_they_were_made() {
    let there = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let wait = Some(std::time::Duration::from_secs(5));
    there.set_read_timeout(wait).expect("a timeout");
    let target = there.local_addr().expect("an address");
    let exporter = Exporter::new(ExportConfig::default()).expect("a sound configuration");
    let mut twin = exporter.clone();
    let wire = UdpWire::connect(target, Reach::Loopback).expect("a socket");
    let clock = Jumping::default();
    let mut sender =
        FlowSender::new(exporter, Pace::Unlimited, wire, &clock).expect("a sound pace");
    let records = records(100);
    sender.send(NOW, &records).expect("loopback takes all");
    sender.flush().expect("loopback takes all");
    let (mut expected, mut got) = (vec![0; 1452], vec![0; 2000]);
    let mut rest = &records[..];
    while !rest.is_empty() {
        let filled = twin.encode(NOW, rest, &mut expected).expect("long enough");
        let len = there.recv(&mut got).expect("a datagram");
        assert_eq!(got[..len], expected[..filled.len]);
        rest = &rest[filled.taken..];
    }
    assert_eq!(sender.counters().datagrams, twin.counters().datagrams);
    assert_eq!(sender.counters().records, 100);
    assert_eq!(Nanos(sender.counters().late_ns_max), Nanos::ZERO);
}
