//! Several captures, each for itself.

use crate::fixture;
use crate::run::{Sandbox, assert_run, stdout};

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new()
        .with("day/a.pcap", fixture::capture())
        .with("day/b.pcap", fixture::capture())
        .with("one.key", "the first secret phrase\n");
    for n in 0..12 {
        sandbox = sandbox.with(&format!("many/{n}.pcap"), fixture::many_flows(n * 900));
    }
    sandbox
}

#[test]
fn flows_end_with_their_capture_which_rows_name() {
    let sandbox = sandbox();
    let line = "features extract day --columns src_port,total_packets";
    assert_run("each_csv", &sandbox.run(&format!("{line} --each")));
    // As one stream, the same packets once more make flows of twice as many.
    assert!(stdout(&sandbox, line).contains("50000,4"));
}

#[test]
fn order_and_rows_do_not_depend_on_jobs_and_threads() {
    let sandbox = sandbox();
    let line = "features extract many --each --columns src_port,start_time,flow_id";
    let one = stdout(&sandbox, &format!("{line} --jobs 1 --threads 1"));
    assert_eq!(one.lines().count(), 1 + 66 * 900);
    let sources: Vec<&str> = one.lines().skip(1).filter_map(|row| row.rsplit(',').next()).collect();
    let mut order = sources.clone();
    order.dedup();
    let expected: Vec<String> = (1..12).map(|n| format!("many/{n}.pcap")).collect();
    assert_eq!(order, expected);
    for flags in ["--jobs 4 --threads 1", "--jobs 0 --threads 3", "--jobs 2 --threads 8"] {
        assert_eq!(one, stdout(&sandbox, &format!("{line} {flags}")), "{flags}");
    }
}

#[test]
fn a_damaged_capture_does_not_stop_the_others() {
    let sandbox = sandbox().with("day/aa.pcap", fixture::cut_capture());
    let line = "features extract day --each --jobs 3 --columns src_port,total_packets";
    assert_run("each_damaged", &sandbox.run(line));
}

#[test]
fn provenance_and_pseudonyms() {
    let sandbox = sandbox();
    let line = "features extract day --each -o rows.csv --columns src_port";
    assert!(sandbox.run(line).starts_with("exit 0"));
    let told: serde_json::Value =
        serde_json::from_str(&sandbox.text("rows.csv.provenance.json")).expect("JSON");
    let captures = told["captures"].as_array().expect("a list");
    assert_eq!(captures.len(), 2);
    assert_eq!(captures[0]["sha256"], captures[1]["sha256"]);
    assert_eq!(captures[1]["name"], "day/b.pcap");
    assert_eq!(told["summary"]["rows"], 6);
    let hidden = stdout(
        &sandbox,
        "features extract day --each --columns src_port --anonymize --key-file one.key",
    );
    assert!(!hidden.contains("day"), "{hidden}");
    let mut sources: Vec<&str> =
        hidden.lines().skip(1).filter_map(|row| row.rsplit(',').next()).collect();
    sources.dedup();
    assert_eq!(sources.len(), 2, "{hidden}");
}

#[test]
fn a_reader_that_had_enough_ends_all_jobs() {
    let sandbox = sandbox();
    let bin = assert_cmd::cargo::cargo_bin("rheos");
    let line = format!("{} features extract many --each --jobs 3 | head -1", bin.display());
    let output = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(sandbox.path(""))
        .output()
        .expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("src_ip,"));
}
