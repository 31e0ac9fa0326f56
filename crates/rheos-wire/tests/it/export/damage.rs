//! Random bytes and damaged exports: never a panic, never a record of a malformed datagram.

use proptest::prelude::*;
use rheos_core::WideRecord;
use rheos_wire::export::{Collector, CollectorConfig, ExportConfig, Exporter, Protocol};

use super::made::{FROM, NOW, any_record, config, datagrams, web, web6};

/// How each protocol begins.
const VERSIONS: &[&[u8]] = &[&[0, 5], &[0, 9], &[0, 10], &[0, 0, 0, 5, 0, 0, 0, 1]];

fn sound() -> Vec<Vec<u8>> {
    let records: Vec<WideRecord> =
        (0..40).map(|i| if i % 3 == 0 { web6() } else { web() }).collect();
    let mut all = Vec::new();
    for protocol in Protocol::ALL {
        let config = ExportConfig { name: "edge".into(), ..config(protocol) };
        let config = match protocol {
            Protocol::Ipfix => ExportConfig { biflows: true, ..config },
            _ => config,
        };
        all.extend(datagrams(&mut Exporter::new(config).unwrap(), &records));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_after_each_version(
        version in prop::sample::select(VERSIONS),
        rest in prop::collection::vec(any::<u8>(), 0..400),
        sized in any::<bool>(),
    ) {
        let mut bytes = [version, &rest].concat();
        if sized && version == [0, 10] && bytes.len() >= 4 {
            let len = bytes.len() as u16;
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
        }
        let mut out = Vec::new();
        let read = Collector::new(CollectorConfig::default()).read(FROM, NOW, &bytes, &mut out);
        prop_assert_eq!(read.map_or(0, |read| read.records), out.len());
    }

    #[test]
    fn damaged_exports(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        pick in any::<prop::sample::Index>(),
        keep in 0..120_usize,
    ) {
        let sound = sound();
        let mut collector = Collector::new(CollectorConfig::default());
        let mut out = Vec::new();
        let damaged = pick.index(sound.len());
        for (i, datagram) in sound.iter().enumerate() {
            let mut datagram = datagram.clone();
            if i == damaged {
                for (place, value) in &damage {
                    let place = place.index(datagram.len());
                    datagram[place] = *value;
                }
                datagram.truncate(datagram.len() * keep.min(100) / 100);
            }
            let before = out.len();
            let read = collector.read(FROM, NOW, &datagram, &mut out);
            prop_assert_eq!(read.map_or(0, |read| read.records), out.len() - before);
        }
        prop_assert!(out.iter().all(|r| r.first <= r.last));
    }

    #[test]
    fn any_record_can_be_given_to_any_exporter(
        records in prop::collection::vec(any_record(), 1..30),
        sampling in 1..16_383_u32,
    ) {
        for protocol in Protocol::ALL {
            // As many samples as packets would be too many here.
            let records: Vec<_> = records.iter().map(|r| match protocol {
                Protocol::Sflow5 => WideRecord { packets: r.packets % 5000, ..*r },
                Protocol::NetFlow5 => WideRecord { bytes: r.bytes >> 20, packets: r.packets >> 20, ..*r },
                _ => *r,
            }).collect();
            let config = ExportConfig { sampling, ..config(protocol) };
            let mut exporter = Exporter::new(config).unwrap();
            datagrams(&mut exporter, &records);
            prop_assert_eq!(exporter.counters().records, records.len() as u64);
        }
    }
}
