//! No column without a value computed by hand, and no nullable one without a null.

use std::collections::HashSet;

use rheos_features::table;

use super::frames::FrameCase;
use super::rows::Value;

/// Null only by the packets' times being beyond what Arrow can tell, tested on their own.
const NULL_ELSEWHERE: &[&str] = &["start_time", "end_time"];

type Wanted = (&'static str, Value);

/// All that is expected of the columns of any flow.
fn wanted() -> Vec<Wanted> {
    let packets = [super::tcp_flows::cases(), super::other_flows::cases()];
    // One per line, so that groups that are added at the same time do not meet.
    let frames: Vec<Vec<FrameCase>> = vec![
        super::activity_flows::cases(),
        super::application_flows::cases(),
        super::directions_flows::cases(),
        super::dns_flows::cases(),
        super::fingerprint_flows::cases(),
        super::http_flows::cases(),
        super::ip_flows::cases(),
        super::link_flows::cases(),
        super::quic_flows::cases(),
        super::services_flows::cases(),
        super::shape_flows::cases(),
        super::ssh_flows::cases(),
        super::tcp_analysis_flows::cases(),
        super::tls_flows::cases(),
    ];
    let of_packets = packets.into_iter().flatten().flat_map(|case| case.want);
    let of_frames = frames.into_iter().flatten().flat_map(|case| case.want);
    of_packets.chain(of_frames).chain(super::connection_flows::wants()).collect()
}

fn named(wants: &[Wanted], which: impl Fn(&Value) -> bool) -> HashSet<&'static str> {
    wants.iter().filter(|(_, value)| which(value)).map(|(name, _)| *name).collect()
}

#[test]
fn every_column_has_a_value_and_every_nullable_one_a_null_computed_by_hand() {
    let wants = wanted();
    let with_value = named(&wants, |value| *value != Value::Null);
    let with_null = named(&wants, |value| *value == Value::Null);
    for column in table::columns() {
        assert!(with_value.contains(column.name), "`{}` is never computed by hand", column.name);
        if column.nulls == "never" {
            assert!(!with_null.contains(column.name), "`{}` is never null, it says", column.name);
        } else if !NULL_ELSEWHERE.contains(&column.name) {
            assert!(with_null.contains(column.name), "`{}` is never null by hand", column.name);
        }
    }
}
