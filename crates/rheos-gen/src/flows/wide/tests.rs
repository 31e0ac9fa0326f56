use rheos_core::FlowRecord;

use super::*;
use crate::flows::{FlowConfig, FlowGenerator, Subnets};

fn nets(texts: &[&str]) -> Subnets {
    Subnets::even(texts.iter().map(|t| t.parse().expect("a subnet")))
}

fn made(sources: &[&str], destinations: &[&str]) -> FlowGenerator {
    let config = FlowConfig {
        sources: nets(sources),
        destinations: nets(destinations),
        reversed_share: 0.25,
        max_flows: Some(20_000),
        ..FlowConfig::default()
    };
    FlowGenerator::new(config.plan().expect("a plan"))
}

#[test]
fn ipv4_records_are_the_narrow_ones() {
    let mut made = made(&["10.0.0.0/8"], &["192.0.2.0/24", "0.0.0.0/0"]);
    let mut narrow = vec![FlowRecord::default(); 1000];
    let mut wide = vec![WideRecord::default(); 1000];
    assert_eq!((made.fill(&mut narrow), made.is_narrow()), (1000, true));
    made.reset();
    assert_eq!(made.fill_wide(&mut wide), 1000);
    assert!(narrow.iter().map(WideRecord::from).eq(wide));
}

#[test]
fn both_ends_are_of_one_version_and_within_their_subnets() {
    let mut made = made(&["10.0.0.0/8", "2001:db8:1::/48"], &["2001:db8:2::/127", "192.0.2.0/24"]);
    let mut wide = vec![WideRecord::default(); 30_000];
    assert!(!made.is_narrow());
    assert_eq!(made.fill(&mut [FlowRecord::default(); 4]), 0);
    assert_eq!(made.size_hint(), (0, Some(0)));
    assert_eq!(made.fill_wide(&mut wide), 20_000);
    wide.truncate(20_000);
    let mut ipv6 = 0_u32;
    let mut reversed = 0_u32;
    for record in &wide {
        let (mut client, mut server) = (record.source(), record.destination());
        if record.flags & RecordFlags::REVERSED != 0 {
            reversed += 1;
            (client, server) = (server, client);
        }
        let (client, server) = (client.to_string(), server.to_string());
        if record.is_ipv6() {
            ipv6 += 1;
            assert!(client.starts_with("2001:db8:1:"), "{client}");
            assert!(matches!(&*server, "2001:db8:2::" | "2001:db8:2::1"), "{server}");
        } else {
            assert!(client.starts_with("10.") && server.starts_with("192.0.2."), "{client}");
        }
    }
    // Half and a quarter; deviations are 71 and 61.
    assert!(ipv6.abs_diff(10_000) < 350, "{ipv6}");
    assert!(reversed.abs_diff(5_000) < 300, "{reversed}");
    // The same records again, from the middle.
    let mut again = vec![WideRecord::default(); 50];
    made.seek(7_777);
    made.fill_wide(&mut again);
    assert_eq!(again, wide[7_777..7_827]);
}

#[test]
fn ipv6_hosts_are_drawn_from_all_bits_below_the_prefix() {
    for (net, expected) in [("2001:db8::7/128", 1), ("2001:db8::6/127", 2), ("2001:db8::/126", 3)] {
        let mut made = made(&[net], &["2001:db8:f::/64"]);
        let mut wide = vec![WideRecord::default(); 2_000];
        made.fill_wide(&mut wide);
        let client = |r: &WideRecord| {
            if r.flags & RecordFlags::REVERSED == 0 { r.source_ip } else { r.destination_ip }
        };
        let mut hosts: Vec<_> = wide.iter().map(client).collect();
        hosts.sort_unstable();
        hosts.dedup();
        assert_eq!(hosts.len(), expected, "{net}");
    }
}
