//! Same seed, same flows with packets and bytes: SHA-256 of them for any number of threads. A change here is a change
//! that users see.

use std::fmt::Write as _;
use std::path::Path;

use rheos_core::WideRecord;
use rheos_gen::flows::{FlowConfig, FlowTotals, Pattern};
use sha2::{Digest, Sha256};

const FLOWS: usize = 100_003;

fn hash(flows: &[WideRecord]) -> String {
    let digest = Sha256::digest(bytemuck::cast_slice::<WideRecord, u8>(flows));
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn flows_are_the_recorded_ones() {
    let base = FlowConfig { seed: 42, reversed_share: 0.5, ..FlowConfig::default() };
    let mut plans: Vec<(String, FlowConfig)> = Pattern::ALL
        .iter()
        .map(|&p| (p.to_string(), FlowConfig { patterns: vec![(p, 100.0)], ..base.clone() }))
        .collect();
    plans.push(("mix".to_owned(), base));
    let mut told = String::new();
    for (name, config) in plans {
        let totals = FlowTotals::new(&config, 7).expect("a plan");
        let hashes = [1, 2, 7].map(|threads| {
            let mut flows = vec![WideRecord::default(); FLOWS];
            assert_eq!(totals.fill(0, &mut flows, threads), FLOWS);
            hash(&flows)
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{name}: threads differ");
        let _ = writeln!(told, "{name} {}", hashes[0]);
        // Another number of streams changes the numbers of the streams, and nothing else.
        let one = FlowTotals::new(&config, 1).expect("a plan");
        let (mut flows, mut others) =
            (vec![WideRecord::default(); 1000], vec![WideRecord::default(); 1000]);
        one.fill(77, &mut flows, 1);
        totals.fill(77, &mut others, 1);
        for (flow, other) in flows.iter().zip(&others) {
            assert_eq!(*flow, WideRecord { stream_id: 0, ..*other });
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fingerprints/totals.txt");
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(told == expected, "the flows made are not those of {}:\n{told}", file.display());
}
