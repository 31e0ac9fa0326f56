//! `pcap` and `gen packets`: captures in, captures and tables out.

use std::fs;

use serde_json::Value;

use crate::fixture;
use crate::run::{Sandbox, assert_run};

fn sandbox() -> Sandbox {
    Sandbox::new().with("web.pcap", fixture::capture())
}

fn json(sandbox: &Sandbox, line: &str) -> Value {
    let output = sandbox.command(line).output().expect("it runs");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn info_tells_a_file_in_every_format() {
    let sandbox = sandbox();
    assert_run("pcap_info", &sandbox.run("pcap info web.pcap"));
    assert_run("pcap_info_csv", &sandbox.run("pcap info web.pcap --format csv"));
    let all = json(&sandbox, "pcap info web.pcap --format json");
    assert_eq!(all[0]["frames"], 12);
    assert_eq!(all[0]["first_ns"], 1_700_000_000_000_000_000_u64);
    assert_eq!(all[0]["interfaces"][0]["link_type"], 1);
}

#[test]
fn info_of_a_damaged_file_fails_its_check() {
    let sandbox = Sandbox::new().with("cut.pcap", fixture::cut_capture());
    assert_run("pcap_info_damaged", &sandbox.run("pcap info cut.pcap"));
}

#[test]
fn analyze_counts_what_can_be_counted_by_hand() {
    let sandbox = sandbox();
    assert_run("pcap_analyze", &sandbox.run("pcap analyze web.pcap"));
    let by = "pcap analyze web.pcap --by src,dport --top 1 --rank packets --format csv";
    assert_run("pcap_analyze_by", &sandbox.run(by));
    let all = json(&sandbox, "pcap analyze web.pcap --format json");
    assert_eq!(all["packets"], 11);
    assert_eq!(all["accounts"]["frames"], 12);
    assert_eq!(all["accounts"]["drops"]["arp"], 1);
    let senders = all["groups"]["top_senders"].as_array().expect("a list");
    let packets: u64 = senders.iter().map(|s| s["packets"].as_u64().expect("a count")).sum();
    assert_eq!(packets, 11);
}

#[test]
fn analyze_refuses_several_tables_in_one_file() {
    assert_run("pcap_analyze_csv", &sandbox().run("pcap analyze web.pcap --format csv"));
    assert_run("pcap_analyze_field", &sandbox().run("pcap analyze web.pcap --by src,dprt"));
}

#[test]
fn reports_are_whole_pages_and_overwritten_only_by_force() {
    let sandbox = sandbox();
    for (line, heading) in [
        ("pcap analyze web.pcap --report page.html -q", "Traffic analysis"),
        (
            "features extract web.pcap -o rows.csv --no-provenance --report page.html --force -q",
            "Flows",
        ),
    ] {
        let shown = sandbox.run(line);
        assert!(shown.starts_with("exit 0"), "{shown}");
        let page = sandbox.text("page.html");
        assert!(page.contains(&format!("<h1>{heading}</h1>")) && page.ends_with("</html>\n"));
        assert!(page.contains("<svg") && !page.contains("<script"));
    }
    assert_run("report_exists", &sandbox.run("pcap analyze web.pcap --report page.html"));
    assert_eq!(sandbox.files(), ["page.html", "rows.csv", "web.pcap"]);
}

#[test]
fn slices_are_by_filter_time_and_count() {
    let sandbox = sandbox();
    let packets = |line: &str| {
        let shown = sandbox.run(&format!("{line} -o out.pcapng --force -q"));
        assert!(shown.starts_with("exit 0"), "{line}: {shown}");
        json(&sandbox, "pcap info out.pcapng --format json")[0]["frames"].as_u64()
    };
    assert_eq!(packets("pcap slice web.pcap"), Some(12));
    assert_eq!(packets("pcap slice web.pcap -f 'tcp port 80'"), Some(8));
    assert_eq!(packets("pcap slice web.pcap -f 'tcp' --skip 3 -n 2"), Some(2));
    assert_eq!(packets("pcap slice web.pcap --from +50ms --to +80ms"), Some(3));
    assert_eq!(packets("pcap slice web.pcap --from 2023-11-14T22:13:20.1Z"), Some(2));
    assert_eq!(packets("pcap slice web.pcap -f 'host 192.0.2.1'"), Some(0));
}

#[test]
fn a_slice_of_everything_is_the_capture() {
    let sandbox = sandbox();
    let shown = sandbox.run("pcap slice web.pcap -o same.pcap --micros -q");
    assert!(shown.starts_with("exit 0"), "{shown}");
    assert_eq!(fs::read(sandbox.path("same.pcap")).expect("a file"), fixture::capture());
    assert_run("pcap_slice_times", &sandbox.run("pcap slice web.pcap --from 9 --to 8 -o x.pcap"));
}

#[test]
fn merged_captures_are_in_order_of_time() {
    let sandbox = sandbox().with("later.pcap", fixture::later_capture());
    let shown = sandbox.run("pcap merge later.pcap web.pcap -o both.pcapng.zst");
    assert_run("pcap_merge", &shown);
    let both = json(&sandbox, "pcap info both.pcapng.zst --format json");
    assert_eq!((&both[0]["frames"], &both[0]["backward_frames"]), (&24.into(), &0.into()));
    let rows = |line: &str| sandbox.command(line).output().expect("it runs").stdout;
    let joined = rows("features extract web.pcap later.pcap --exclude flow_id");
    assert_eq!(joined, rows("features extract both.pcapng.zst --exclude flow_id"));
}

#[test]
fn made_packets_are_the_same_for_the_same_seed_and_flow_as_the_truth_says() {
    let sandbox = Sandbox::new();
    let make = "gen packets --conversations 40 --seed 7 --scenario port_scan";
    assert_run("gen_packets", &sandbox.run(&format!("{make} -o a.pcapng --truth truth.csv")));
    let again = sandbox.run(&format!("{make} -o b.pcapng -q"));
    assert!(again.starts_with("exit 0"), "{again}");
    let bytes = |name: &str| fs::read(sandbox.path(name)).expect("a file");
    assert_eq!(bytes("a.pcapng"), bytes("b.pcapng"));

    let rows = "features extract a.pcapng --columns src_ip,dst_ip,src_port,dst_port,packets_fwd,bytes_bwd --idle-timeout 1h -q";
    let rows = sandbox.command(rows).output().expect("it runs").stdout;
    let rows = String::from_utf8(rows).expect("text");
    let mut compared = 0;
    for line in sandbox.text("truth.csv").lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        // ICMP flows are keyed by type and identifier, which the truth does not tell.
        if f[6] == "6" || f[6] == "17" {
            let row = format!("{},{},{},{},{},{}", f[2], f[3], f[4], f[5], f[9], f[12]);
            assert!(rows.lines().any(|r| r == row), "no flow `{row}`");
            compared += 1;
        }
    }
    assert!(compared > 1000, "{compared} flows compared");
    let info = json(&sandbox, "pcap info a.pcapng --format json");
    assert!(info[0]["comments"].as_array().is_some_and(|all| all[0] == "port_scan"));
}

#[test]
fn faults_are_counted_and_wrong_words_are_explained() {
    let sandbox = Sandbox::new();
    let line =
        "gen packets --conversations 20 --loss 5% --duplicate 5% --bad-length 2% -n 300 -o f.pcap";
    assert_run("gen_packets_faults", &sandbox.run(line));
    assert_run("gen_packets_mix", &sandbox.run("gen packets --mix htpp=3 -o x.pcap"));
    assert_run("gen_packets_percent", &sandbox.run("gen packets --loss 150% -o x.pcap"));
    let sandbox = sandbox.with("plan.toml", "seed = 3\n[mixx]\nhttp = 1\n");
    let shown = sandbox.run("gen packets --plan plan.toml -o x.pcap");
    assert!(shown.starts_with("exit 2") && shown.contains("mixx"), "{shown}");
    assert_eq!(sandbox.files(), ["f.pcap", "plan.toml"]);
}

#[test]
fn the_demo_shows_the_whole_road_and_leaves_four_files() {
    let sandbox = Sandbox::new();
    let first = sandbox.run("demo");
    assert!(first.starts_with("exit 0"), "{first}");
    for word in ["port_scan   1 000", "syn_flood   5 000", "Try next:", "rheos features describe"] {
        assert!(first.contains(word), "no `{word}` in {first}");
    }
    let mut left: Vec<_> = fs::read_dir(sandbox.path("rheos-demo"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    left.sort();
    assert_eq!(left, ["capture.pcapng", "flows.parquet", "report.html", "truth.csv"]);
    assert!(sandbox.run("demo -q").starts_with("exit 0"), "a second tour takes its own folder");

    fs::write(sandbox.path("rheos-demo/mine.txt"), "precious").expect("a file");
    assert_run("demo_folder", &sandbox.run("demo"));
}
