//! Every error names the thing and the next step.

use crate::fixture;
use crate::run::{Sandbox, assert_run};

fn sandbox() -> Sandbox {
    Sandbox::new()
        .with("good.pcap", fixture::capture())
        .with("cut.pcap", fixture::cut_capture())
        .with("empty.pcap", "")
        .with("page.html", "<!doctype html><title>not packets</title>")
        .with("notes/readme.txt", "no captures here")
        .with("rows.csv", "precious")
        .with("wrong.yaml", "flow:\n  idle_timeout: 30s\n  idel_timeout: 5s\n")
        .with("wrong.toml", "[flow]\nidle_timeout = \"5 parsecs\"\n")
        .with("section.toml", "[flwo]\nidle_timeout = \"5s\"\n")
}

/// Name of the snapshot, command line.
const INPUTS: &[(&str, &str)] = &[
    ("error_no_input", "features extract"),
    ("error_wrong_path", "features extract god.pcap"),
    ("error_empty_file", "features extract empty.pcap"),
    ("error_not_a_capture", "features extract page.html"),
    ("error_folder_without_captures", "features extract notes"),
    ("error_one_of_two", "features extract good.pcap missing.pcap"),
    ("error_stdin_twice", "features extract - -"),
];

const ARGUMENTS: &[(&str, &str)] = &[
    ("error_unknown_column", "features extract good.pcap --columns src_ip,iat_maen"),
    ("error_unknown_group", "features extract good.pcap --groups timming"),
    ("error_nothing_left", "features extract good.pcap --groups tcp --exclude tcp"),
    ("error_filter", "features extract good.pcap -f 'tcp and prot 80'"),
    ("error_filter_end", "features extract good.pcap -f 'tcp and'"),
    ("error_unit", "features extract good.pcap --idle-timeout 5parsecs"),
    ("error_limit", "features extract good.pcap --max-flows 0"),
    ("error_count", "features extract good.pcap -n many"),
    ("error_no_key", "features extract good.pcap --anonymize"),
    ("error_key_file", "features extract good.pcap --anonymize --key-file missing.key"),
    ("error_choice", "features extract good.pcap --tunnels middle"),
    ("error_flag", "features extract good.pcap --ouput x.csv"),
    ("error_command", "features extrat good.pcap"),
    ("error_describe", "features describe iat_maen"),
    ("error_conflict", "-q -v config show"),
];

const OUTPUTS: &[(&str, &str)] = &[
    ("error_output_exists", "features extract good.pcap -o rows.csv"),
    ("error_output_extension", "features extract good.pcap -o rows.xlsx"),
    ("error_output_folder", "features extract good.pcap -o notes --format csv"),
    ("error_output_no_folder", "features extract good.pcap -o nowhere/rows.csv"),
    ("error_output_compression", "features extract good.pcap -o new.csv --compression snappy"),
];

const CONFIGS: &[(&str, &str)] = &[
    ("error_config_unknown_key", "config check wrong.yaml"),
    ("error_config_value", "features extract good.pcap -c wrong.toml"),
    ("error_config_section", "config check section.toml"),
    ("error_config_missing", "config show -c missing.yaml"),
    ("error_config_extension", "config check rows.csv"),
];

fn all_fail_as_told(cases: &[(&str, &str)]) {
    let sandbox = sandbox();
    let files = sandbox.files();
    for (name, line) in cases {
        let shown = sandbox.run(line);
        assert!(shown.starts_with("exit 2\n--- stderr\nerror: "), "{line}: {shown}");
        assert!(shown.contains("\nhint: ") || *name == "error_config_missing", "{line}: {shown}");
        assert_run(name, &shown);
    }
    assert_eq!(sandbox.files(), files, "a failed run leaves nothing behind");
    assert_eq!(sandbox.text("rows.csv"), "precious");
}

#[test]
fn inputs() {
    all_fail_as_told(INPUTS);
}

#[test]
fn arguments() {
    all_fail_as_told(ARGUMENTS);
}

#[test]
fn outputs() {
    all_fail_as_told(OUTPUTS);
}

#[test]
fn configurations() {
    all_fail_as_told(CONFIGS);
}

#[test]
fn a_misspelt_variable_is_an_error() {
    let sandbox = sandbox();
    let mut command = sandbox.command("config show");
    let shown = crate::run::shown(command.env("RHEOS_FLOW_IDEL_TIMEOUT", "5s"));
    assert_run("error_environment", &shown);
}
