//! Rows without identities.

use crate::fixture;
use crate::run::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new()
        .with("web.pcap", fixture::capture())
        .with("one.key", "the first secret phrase\n")
        .with("two.key", "the second secret phrase\n")
}

/// Standard output of a run that succeeds.
fn rows(sandbox: &Sandbox, line: &str) -> String {
    let output = sandbox.command(line).output().expect("it runs");
    assert!(output.status.success(), "{line}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn pseudonyms_depend_on_the_key_alone() {
    let sandbox = sandbox();
    let line = "features extract web.pcap --columns src_ip,dst_ip,src_port,flow_id,total_packets";
    let open = rows(&sandbox, line);
    let one = rows(&sandbox, &format!("{line} --anonymize --key-file one.key"));
    assert_eq!(one, rows(&sandbox, &format!("{line} --anonymize --key-file one.key --threads 2")));
    let mut command = sandbox.command(&format!("{line} --anonymize"));
    let output = command.env("RHEOS_PRIVACY_KEY", "the first secret phrase").output();
    assert_eq!(one.as_bytes(), output.expect("it runs").stdout);
    assert_ne!(one, rows(&sandbox, &format!("{line} --anonymize --key-file two.key")));
    let names: Vec<&str> = open.lines().take(1).flat_map(|line| line.split(',')).collect();
    for (open, hidden) in open.lines().zip(one.lines()).skip(1) {
        for ((name, open), hidden) in names.iter().zip(open.split(',')).zip(hidden.split(',')) {
            let hides = matches!(*name, "src_ip" | "dst_ip" | "flow_id");
            assert_eq!(open != hidden, hides, "{name}: {open} {hidden}");
            let parsed: Result<std::net::IpAddr, _> = hidden.parse();
            assert_eq!(parsed.is_ok(), name.ends_with("_ip"), "{name}: {hidden}");
        }
    }
}

#[test]
fn neither_key_nor_identity_is_in_the_files_that_are_written() {
    let sandbox = sandbox();
    let line = "features extract web.pcap -f 'host 10.0.0.1' --anonymize --key-file one.key \
                -o rows.arrow --summary run.json --report run.html";
    assert!(sandbox.run(line).starts_with("exit 0"));
    for name in ["rows.arrow", "run.json", "run.html"] {
        let bytes = std::fs::read(sandbox.path(name)).expect("a file");
        for hidden in ["10.0.0.1", "secret phrase"] {
            let found = bytes.windows(hidden.len()).any(|part| part == hidden.as_bytes());
            assert!(!found, "`{hidden}` is in {name}");
        }
    }
}

#[test]
fn columns_with_identities_are_left_out_by_kind() {
    let sandbox = sandbox();
    let header = |flags: &str| {
        let text = rows(&sandbox, &format!("features extract web.pcap --profile all {flags}"));
        let names: Vec<String> =
            text.lines().take(1).flat_map(|line| line.split(',')).map(str::to_owned).collect();
        names
    };
    let has = |names: &[String], name: &str| names.iter().any(|n| n == name);
    let all = header("");
    assert!(has(&all, "src_ip") && has(&all, "dst_port") && has(&all, "community_id"));
    let ips = header("--no-ips");
    assert!(!has(&ips, "src_ip") && !has(&ips, "community_id") && has(&ips, "dst_port"));
    let ports = header("--no-ports");
    assert!(has(&ports, "src_ip") && !has(&ports, "dst_port"));
}
