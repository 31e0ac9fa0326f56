//! A folder into which captures come.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::fixture;
use crate::run::{Sandbox, assert_run};

const LINE: &str = "features watch in -o out --every 20ms --columns src_port,total_packets";

fn sandbox() -> Sandbox {
    Sandbox::new()
        .with("in/b.pcap", fixture::capture())
        .with("in/a10.cap", fixture::capture())
        .with("in/a9.pcap.zst", zstd::encode_all(&fixture::many_flows(5)[..], 1).expect("packed"))
        .with("in/begun.pcap", "")
        .with("in/.hidden.pcap", fixture::capture())
        .with("in/notes.txt", "none")
}

fn outputs(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path("out")).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn each_capture_becomes_a_file_once() {
    let sandbox = sandbox();
    let line = format!("{LINE} --once --format csv --no-provenance");
    assert_run("watch_once", &sandbox.run(&line));
    let all = ["a10.cap.csv", "a9.pcap.zst.csv", "b.pcap.csv", "rheos-watch.json"];
    assert_eq!(outputs(&sandbox), all);
    assert_eq!(sandbox.text("out/b.pcap.csv"), "src_port,total_packets\n40000,8\n50000,2\n,1\n");

    let again = sandbox.run(&line);
    assert!(again.ends_with("done   0 captures\n"), "{again}");
    let sandbox = sandbox.with("in/b.pcap", fixture::many_flows(2));
    let changed = sandbox.run(&line);
    assert!(changed.contains(" took   b.pcap  2 rows\n"), "{changed}");
    assert_eq!(sandbox.text("out/b.pcap.csv").lines().count(), 3);
    let other = sandbox.run(&format!("{line} --idle-timeout 5s"));
    assert_run("error_watch_settings", &other);
}

#[test]
fn damage_is_told_counted_and_no_end() {
    let sandbox = sandbox()
        .with("in/a1.pcap", fixture::cut_capture())
        .with("in/a2.pcap", "this is no capture");
    let shown = sandbox.run(&format!("{LINE} --once"));
    assert_run("watch_damaged", &shown);
    let names = outputs(&sandbox);
    for name in ["a1.pcap.parquet", "b.pcap.parquet", "b.pcap.parquet.provenance.json"] {
        assert!(names.iter().any(|n| n == name), "{name} is not in {names:?}");
    }
    assert!(!names.iter().any(|name| name.starts_with("a2")), "{names:?}");
    let state: serde_json::Value =
        serde_json::from_str(&sandbox.text("out/rheos-watch.json")).expect("JSON");
    assert_eq!(state["captures"]["a1.pcap"]["outcome"], "damaged");
    assert_eq!(state["captures"]["a2.pcap"]["outcome"], "failed");
    let again = sandbox.run(&format!("{LINE} --once"));
    assert!(again.starts_with("exit 0"), "what was told once is not told again: {again}");
}

#[test]
fn captures_that_come_later_are_taken_until_an_interrupt() {
    let sandbox = sandbox();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("rheos"))
        .args(LINE.split(' '))
        .current_dir(sandbox.path(""))
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let started = Instant::now();
    let wait_for = |name: &str| {
        while !sandbox.path(name).exists() {
            assert!(started.elapsed() < Duration::from_mins(1), "{name} was not written");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait_for("out/b.pcap.parquet");
    std::fs::write(sandbox.path("in/c.pcapng.part"), fixture::capture()).expect("a file");
    std::fs::rename(sandbox.path("in/c.pcapng.part"), sandbox.path("in/c.pcapng")).expect("named");
    wait_for("out/c.pcapng.parquet");
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("a signal");
    assert!(killed.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(outputs(&sandbox).iter().all(|name| !name.starts_with('.')), "nothing half written");
}

#[test]
fn mistakes_are_told() {
    for (name, line) in [
        ("error_watch_folder", LINE.replace("watch in", "watch inn")),
        ("error_watch_state", LINE.to_owned()),
    ] {
        let sandbox = sandbox().with("state/rheos-watch.json", "no state");
        let shown = sandbox.run(&format!("{} --once", line.replace("-o out", "-o state")));
        assert!(shown.starts_with("exit 2\n--- stderr\nerror: "), "{line}: {shown}");
        assert_run(name, &shown);
    }
}
