//! Settings: made, checked, shown with their origin.

use crate::run::{Sandbox, assert_run, shown};

#[test]
fn the_default_file_is_accepted_in_both_formats() {
    let sandbox = Sandbox::new();
    for name in ["rheos.yaml", "rheos.toml"] {
        assert!(sandbox.run(&format!("config init {name}")).starts_with("exit 0"));
        let checked = sandbox.run(&format!("config check {name}"));
        assert!(checked.contains("0 other than the default"), "{checked}");
        let again = sandbox.run(&format!("config init {name}"));
        assert!(again.starts_with("exit 2") && again.contains("--force"), "{again}");
        let with = shown(&mut sandbox.command(&format!("config show -c {name}")));
        assert_eq!(with, sandbox.run("config show"), "{name}");
    }
    assert_run("config_init_yaml", &sandbox.run("config init"));
    assert_run("config_init_toml", &sandbox.run("config init --format toml"));
}

#[test]
fn origins_name_the_layer() {
    let toml = "[flow]\nidle_timeout = \"5s\"\nactive_timeout = \"1h\"\n\n[features]\ngroups = [\"tcp\", \"size\"]\n";
    let sandbox = Sandbox::new().with("mine.toml", toml);
    let mut command = sandbox.command("config show --origin -c mine.toml");
    command.env("RHEOS_FLOW_ACTIVE_TIMEOUT", "2h").env("RHEOS_DECODE_TUNNELS", "outer");
    assert_run("config_origin", &shown(&mut command));
    let checked = sandbox.run("config check mine.toml");
    assert!(checked.contains("3 keys, 3 other than the default"), "{checked}");
}

#[test]
fn shown_settings_are_data_for_programs_too() {
    let json = Sandbox::new().command("config show --origin --format json").output().expect("runs");
    let list: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let idle = list
        .as_array()
        .and_then(|all| all.iter().find(|one| one["key"] == "flow.idle_timeout"))
        .expect("the key");
    assert_eq!(idle["value"], "1m");
    assert_eq!(idle["origin"], "default");
}
