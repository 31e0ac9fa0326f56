//! Labels joined to rows.

use crate::fixture;
use crate::run::{Sandbox, assert_run};

const LABELS: &str = "\
src_ip,dst_ip,dst_port,protocol,start,end,label,score
10.0.0.0/24,,,,,,inside,1
10.0.0.2,10.0.0.1,40000,tcp,1700000000,1700000060,web,2
10.0.0.1,10.0.0.2,53,udp,2023-11-14T23:00:00Z,,later,3
192.168.0.1,,,,,,nobody,4
";

fn sandbox() -> Sandbox {
    Sandbox::new().with("web.pcap", fixture::capture()).with("labels.csv", LABELS)
}

#[test]
fn the_most_specific_label_is_joined_in_either_direction() {
    let sandbox = sandbox();
    let line = "features extract web.pcap --columns total_packets --labels labels.csv";
    let shown = sandbox.run(&format!("{line} --summary run.json"));
    assert_run("labels_csv", &shown);
    let accounts: serde_json::Value =
        serde_json::from_str(&sandbox.text("run.json")).expect("JSON");
    assert_eq!(accounts["labels"]["unused"], 2);
    let directed = sandbox.run(&format!("{line} --labels-directed -q"));
    assert!(!directed.contains("web"), "{directed}");
    assert_eq!(directed.matches("inside").count(), 3, "{directed}");
}

#[test]
fn labels_come_from_every_format_and_into_every_format() {
    let sandbox = sandbox();
    let rows = |labels: &str| {
        let line = format!("features extract web.pcap --columns src_ip --labels {labels} -q");
        let shown = sandbox.run(&line);
        assert!(shown.starts_with("exit 0"), "{shown}");
        shown
    };
    let from_csv = rows("labels.csv");
    let sandbox_json = sandbox.path("labels.jsonl");
    let lines = "{\"src_ip\":\"10.0.0.0/24\",\"label\":\"inside\",\"score\":1}\n\
                 {\"src_ip\":\"10.0.0.2\",\"dst_port\":40000,\"start\":1700000000.5,\"label\":\"late\",\"score\":9}\n\
                 {\"src_ip\":\"10.0.0.2\",\"dst_port\":40000,\"start\":1700000000,\"label\":\"web\",\"score\":2}\n";
    std::fs::write(sandbox_json, lines).expect("a file");
    assert_eq!(rows("labels.jsonl"), from_csv);
    let line = "features extract web.pcap --columns protocol --labels labels.csv";
    assert!(sandbox.run(&format!("{line} -o rows.parquet")).starts_with("exit 0"));
    let line = "features validate web.pcap --expected rows.parquet --labels labels.csv";
    let shown = sandbox.run(line);
    assert!(shown.starts_with("exit 0") && shown.contains("3 columns of rows"), "{shown}");
    // Rows of other labels join by their own columns: what was extracted once labels what is extracted again.
    let line = "features extract web.pcap --columns src_ip,dst_ip,dst_port,protocol,history";
    assert!(sandbox.run(&format!("{line} -o labels.parquet")).starts_with("exit 0"));
    let line = "features extract web.pcap --columns total_packets --labels labels.parquet";
    assert!(sandbox.run(line).contains(" labels 3 of 3 rows labelled, 0 of 3 labels not used"));
}

#[test]
fn threads_and_privacy_change_no_label() {
    let sandbox = sandbox().with("one.key", "the first secret phrase\n");
    let labels = |flags: &str| {
        let line =
            format!("features extract web.pcap --columns src_ip --labels labels.csv {flags}");
        let output = sandbox.command(&line).output().expect("it runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let behind = |line: &str| line.split_once(',').map(|(_, labels)| labels.to_owned());
        text.lines().filter_map(behind).collect::<Vec<_>>()
    };
    let open = labels("");
    assert_eq!(open, ["label,score", "web,2", "inside,1", "inside,1"]);
    assert_eq!(open, labels("--threads 3"));
    assert_eq!(open, labels("--anonymize --key-file one.key"));
    assert_eq!(open, labels("--columns protocol --no-ips --no-ports"));
}

#[test]
fn the_truth_of_made_traffic_labels_its_rows() {
    let sandbox = Sandbox::new();
    let made = "gen packets --seed 1 --conversations 20 --scenario port_scan --truth truth.csv -o made.pcap";
    sandbox.command(made).assert().success();
    let line =
        "features extract made.pcap --columns dst_port --labels truth.csv --labels-columns label";
    let output = sandbox.command(line).output().expect("it runs");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.starts_with("dst_port,label\n"), "{text}");
    assert!(text.lines().filter(|line| line.ends_with(",port_scan")).count() > 900);
    assert!(text.lines().all(|line| !line.ends_with(',')), "every row is labelled");
    let wrong = sandbox.run(
        "features extract made.pcap --labels truth.csv --labels-columns lable --columns dst_port",
    );
    assert!(wrong.contains("has no column `lable`") && wrong.contains("label, anomaly"), "{wrong}");
}

#[test]
fn mistakes_are_told() {
    let sandbox = sandbox()
        .with("clash.csv", "src_ip,duration\n10.0.0.1,1\n")
        .with("blind.csv", "name,label\na,b\n")
        .with("wrong.csv", "src_ip,label\n10.0.0.1,a\n10.0.0.300,b\n");
    for (name, file) in [
        ("error_labels_clash", "clash.csv"),
        ("error_labels_blind", "blind.csv"),
        ("error_labels_value", "wrong.csv"),
        ("error_labels_missing", "none.csv"),
    ] {
        let shown = sandbox.run(&format!("features extract web.pcap --labels {file}"));
        assert!(shown.starts_with("exit 2\n--- stderr\nerror: "), "{file}: {shown}");
        assert_run(name, &shown);
    }
}
