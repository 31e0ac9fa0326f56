//! Fewer packets or flows, chosen by the seed.

use serde_json::Value;

use crate::fixture;
use crate::run::{Sandbox, assert_run};

fn sandbox() -> Sandbox {
    Sandbox::new().with("many.pcap", fixture::many_flows(1000)).with("web.pcap", fixture::capture())
}

fn rows(sandbox: &Sandbox, flags: &str) -> Vec<String> {
    let line = format!(
        "features extract many.pcap --columns src_port,total_packets --summary run.json --force {flags}"
    );
    let output = sandbox.command(&line).output().expect("it runs");
    assert!(output.status.success(), "{line}");
    let text = String::from_utf8(output.stdout).expect("text");
    let rows: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    // Packets in are packets in flows and what is counted as left out.
    let accounts: Value = serde_json::from_str(&sandbox.text("run.json")).expect("JSON");
    let left_out = accounts["drops"]["sampling"].as_u64().unwrap_or(0);
    assert_eq!(accounts["frames"].as_u64().expect("a number"), rows.len() as u64 + left_out);
    assert_eq!(accounts["packets"].as_u64().expect("a number"), rows.len() as u64);
    rows
}

#[test]
fn the_choice_depends_on_the_seed_and_on_nothing_else() {
    let sandbox = sandbox();
    let all = rows(&sandbox, "");
    assert_eq!(all.len(), 1000);
    for kind in ["--sample-flows", "--sample-packets"] {
        let some = rows(&sandbox, &format!("{kind} 10%"));
        // Five standard deviations of 1000 draws.
        assert!(some.len().abs_diff(100) < 48, "{kind}: {}", some.len());
        assert!(some.iter().all(|row| all.contains(row)), "{kind}");
        assert_eq!(some, rows(&sandbox, &format!("{kind} 1/10 --threads 1")), "{kind}");
        assert_eq!(some, rows(&sandbox, &format!("{kind} 0.1 --threads 5")), "{kind}");
        assert_ne!(some, rows(&sandbox, &format!("{kind} 10% --seed 1")), "{kind}");
        assert_eq!(all, rows(&sandbox, &format!("{kind} 100%")), "{kind}");
    }
}

#[test]
fn flows_are_kept_whole() {
    let sandbox = sandbox();
    let line = "features extract web.pcap --columns src_port,packets_fwd,packets_bwd";
    let all = sandbox.run(line);
    let mut kept = 0;
    for seed in 0..8 {
        let shown = sandbox.run(&format!("{line} --sample-flows 1/2 --seed {seed} -q"));
        for row in shown.lines().filter(|row| row.contains(',')) {
            assert!(all.contains(row), "{row}");
            kept += 1;
        }
    }
    assert!((8 + 3..8 + 22).contains(&kept), "{kept} lines with the headers");
}

#[test]
fn what_is_left_out_is_told() {
    let sandbox = sandbox();
    let line = "features extract web.pcap --columns src_port,total_packets --sample-packets 1/2";
    assert_run("sampling_packets", &sandbox.run(line));
    for (name, flag) in [
        ("error_sampling_share", "--sample-flows 2"),
        ("error_sampling_none", "--sample-packets 0%"),
    ] {
        let shown = sandbox.run(&format!("features extract web.pcap {flag}"));
        assert!(shown.starts_with("exit 2\n--- stderr\nerror: "), "{flag}: {shown}");
        assert_run(name, &shown);
    }
}
