//! Captures as flow files: packets become the flows that nfpcapd makes of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::run::{Sandbox, stdout};

/// Packets and bytes by source, destination, ports and protocol.
type Totals = BTreeMap<String, (u64, u64)>;

fn ours(sandbox: &Sandbox, capture: &str) -> Totals {
    let keys = "srcip,dstip,srcport,dstport,proto";
    let line = format!(
        "flows aggregate {capture} --by {keys} --values packets,bytes --top 0 --format csv --no-header"
    );
    totals(&stdout(sandbox, &line))
}

fn totals(csv: &str) -> Totals {
    let mut totals = Totals::new();
    for row in csv.lines() {
        let cells: Vec<&str> = row.split(',').collect();
        let [source, destination, from, to, protocol, packets, bytes, ..] = cells.as_slice() else {
            panic!("{row}")
        };
        let number = |text: &str| text.trim().parse::<u64>().unwrap_or_else(|_| panic!("{row}"));
        let key = format!("{source} {destination} {from} {to} {protocol}");
        let total = totals.entry(key).or_default();
        *total = (total.0 + number(packets), total.1 + number(bytes));
    }
    totals
}

/// What nfpcapd and nfdump make of a capture.
fn theirs(sandbox: &Sandbox, capture: &str) -> Totals {
    let folder = sandbox.path("nfcapd");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut nfpcapd = Command::new("nfpcapd");
    nfpcapd.arg("-r").arg(sandbox.path(capture)).arg("-w").arg(&folder);
    let made = nfpcapd.output().expect("nfpcapd, of Debian's package `nfdump`");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    nfdump(&folder)
}

fn nfdump(folder: &Path) -> Totals {
    let format = "fmt:%sa,%da,%sp,%dp,%pr,%pkt,%byt";
    let mut nfdump = Command::new("nfdump");
    nfdump.arg("-R").arg(folder).args(["-q", "-N", "-6", "-o", format]);
    let told = nfdump.output().expect("nfdump runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8_lossy(&told.stdout).replace(' ', "");
    totals(&text)
}

#[test]
fn packets_become_the_flows_of_nfpcapd() {
    let sandbox = Sandbox::new();
    for (preset, seed) in [("web", 5), ("dns", 7)] {
        let name = format!("{preset}.pcap");
        stdout(
            &sandbox,
            &format!("gen packets --preset {preset} --conversations 100 --seed {seed} -o {name}"),
        );
        let expected = theirs(&sandbox, &name);
        let found = ours(&sandbox, &name);
        assert!(found.len() > 50, "{found:?}");
        assert_eq!(found, expected, "{preset}");
        std::fs::remove_dir_all(sandbox.path("nfcapd")).expect("a folder");
    }
}
