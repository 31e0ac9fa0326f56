//! The independent tools that the tests compare with.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::steps;

/// A program that tests run, and Debian's packages that have it with what it needs.
const ORACLES: &[(&str, &str)] = &[
    ("tshark", "tshark"),
    ("editcap", "wireshark-common"),
    ("capinfos", "wireshark-common"),
    ("tcpdump", "tcpdump"),
    ("nfcapd", "nfdump"),
    ("nfdump", "nfdump"),
    ("nfacctd", "pmacct"),
    ("sfacctd", "pmacct"),
    ("gzip", "gzip"),
    ("zstd", "zstd"),
    ("lz4", "lz4"),
    ("g++", "g++"),
    ("clang++", "clang libclang-rt-dev"),
    ("cmake", "cmake"),
    ("pkg-config", "pkg-config"),
];

/// Sees to it that every oracle is there: installs Debian's packages as root, else says what to run.
pub(crate) fn install() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        let names: Vec<&str> = ORACLES.iter().map(|(program, _)| *program).collect();
        println!("found {}", names.join(", "));
        return Ok(());
    }
    let typed = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !steps::on_path("apt-get") || !is_root()? {
        bail!("the tests compare with tools that are not here; install them: `sudo {typed}`");
    }
    let mut update = Command::new("apt-get");
    steps::run(update.args(["update", "-q"]))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    steps::run(install.args(["install", "-y", "-q", "--no-install-recommends"]).args(&missing))
}

fn missing() -> Vec<&'static str> {
    let mut packages: Vec<&str> = ORACLES
        .iter()
        .filter(|(program, _)| !steps::on_path(program))
        .flat_map(|(_, packages)| packages.split(' '))
        .collect();
    packages.dedup();
    packages
}

fn is_root() -> Result<bool> {
    let id = steps::output(Command::new("id").arg("-u")).context("cannot tell who we are")?;
    Ok(id.trim() == "0")
}
