//! `rheos doctor`: what this machine has and lacks for what this build does. It looks, and changes nothing.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use clap::Args;
use rheos_core::units::human;
use rustix::fs::{Access, access, statvfs};

use crate::exit::ExitStatus;
use crate::output::{Output, Tone};
use crate::table::{Cell, ListFormat, Table};

const EXAMPLES: &str = "\
Examples:
  rheos doctor
  rheos doctor --output-dir /data/flows
  rheos doctor --format json | jq '.[] | select(.status != \"ok\")'";

/// Arguments of `rheos doctor`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// Folder that rows and reports shall be written to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    output_dir: PathBuf,
    /// How to print the list.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: ListFormat,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// As it should be.
    Ok,
    /// Neither good nor bad: for later, or for reports of defects.
    Info,
    /// It works, but slower or less than it could.
    Warn,
    /// Something that is needed is not there.
    Missing,
}

/// One finding.
#[derive(Debug)]
struct Finding {
    verdict: Verdict,
    check: &'static str,
    found: String,
    advice: String,
}

impl Finding {
    fn new(verdict: Verdict, check: &'static str, found: impl Into<String>) -> Self {
        Self { verdict, check, found: found.into(), advice: String::new() }
    }

    fn advice(self, advice: impl Into<String>) -> Self {
        Self { advice: advice.into(), ..self }
    }
}

/// Memory under which large captures with the default limits may not fit.
const MEMORY_GOOD: u64 = 1 << 30;
/// Memory under which nothing sensible runs.
const MEMORY_LEAST: u64 = 64 << 20;
/// Open files that reading and writing take at most, with a margin.
const FILES_LEAST: u64 = 32;
/// Free bytes of the output folder under which a warning is due.
const SPACE_GOOD: u64 = 1 << 30;
/// 2024-01-01T00:00:00Z: a clock before this is not set.
const CLOCK_EARLIEST_SECS: u64 = 1_704_067_200;

/// Runs every check.
pub(crate) fn run(args: &DoctorArgs, output: &Output) -> Result<ExitStatus> {
    let findings = findings(&args.output_dir, output);
    let mut table = Table::new(&["status", "check", "found", "advice"]);
    for finding in &findings {
        let (label, tone) = match finding.verdict {
            Verdict::Ok => ("ok", Tone::Good),
            Verdict::Info => ("info", Tone::Faint),
            Verdict::Warn => ("warn", Tone::Warn),
            Verdict::Missing => ("missing", Tone::Bad),
        };
        table.row([
            Cell::from(label).tone(tone),
            finding.check.into(),
            finding.found.clone().into(),
            finding.advice.clone().into(),
        ]);
    }
    output.data(&table.render(args.format, output))?;
    let missing = findings.iter().filter(|f| f.verdict == Verdict::Missing).count();
    if missing > 0 {
        output.talk(&format!("{missing} needed things are missing"));
        return Ok(ExitStatus::CheckFailed);
    }
    Ok(ExitStatus::Done)
}

fn findings(output_dir: &Path, output: &Output) -> Vec<Finding> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut findings = vec![
        build(),
        threads(std::thread::available_parallelism().map(usize::from).ok()),
        memory(read("/proc/meminfo").as_deref()),
        open_files(read("/proc/self/limits").as_deref()),
        folder("temporary folder", &std::env::temp_dir()),
        folder("output folder", output_dir),
        clock(now.map_or(0, |d| d.as_secs())),
        terminal(output),
        cpu(read("/proc/cpuinfo").as_deref()),
        kernel(read("/proc/sys/kernel/osrelease").as_deref()),
        capabilities(read("/proc/self/status").as_deref()),
    ];
    for (name, path) in SYSCTLS {
        if let Some(value) = read(path) {
            findings.push(Finding::new(Verdict::Info, name, value.trim()));
        }
    }
    findings
}

/// Kernel settings that bound what a live capture can take in.
const SYSCTLS: [(&str, &str); 3] = [
    ("net.core.rmem_max", "/proc/sys/net/core/rmem_max"),
    ("net.core.netdev_max_backlog", "/proc/sys/net/core/netdev_max_backlog"),
    ("net.core.bpf_jit_enable", "/proc/sys/net/core/bpf_jit_enable"),
];

fn build() -> Finding {
    let kind = if cfg!(debug_assertions) { "debug" } else { "release" };
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let found = format!("rheos {} {target} {kind}", env!("CARGO_PKG_VERSION"));
    if cfg!(debug_assertions) {
        Finding::new(Verdict::Warn, "build", found)
            .advice("`cargo build --release` is several times faster")
    } else {
        Finding::new(Verdict::Ok, "build", found)
    }
}

fn threads(cores: Option<usize>) -> Finding {
    match cores {
        Some(n) => Finding::new(Verdict::Ok, "threads", format!("{n} usable")),
        None => Finding::new(Verdict::Warn, "threads", "not told by the system")
            .advice("name a number with `--threads`"),
    }
}

/// Bytes after `name:` in `/proc/meminfo`, which counts in kB of 1024.
fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

fn memory(text: Option<&str>) -> Finding {
    let Some(free) = text.and_then(|t| meminfo(t, "MemAvailable")) else {
        return Finding::new(Verdict::Info, "memory", "not told by the system");
    };
    let found = format!("{} available", human::bytes(free));
    match free {
        ..MEMORY_LEAST => Finding::new(Verdict::Missing, "memory", found)
            .advice("end other programs, or use a larger machine"),
        MEMORY_LEAST..MEMORY_GOOD => Finding::new(Verdict::Warn, "memory", found)
            .advice("lower `--max-flows` for captures with many flows"),
        _ => Finding::new(Verdict::Ok, "memory", found),
    }
}

fn open_files(text: Option<&str>) -> Finding {
    let soft = text.and_then(|t| {
        let line = t.lines().find_map(|l| l.strip_prefix("Max open files"))?;
        line.split_whitespace().next().map(ToOwned::to_owned)
    });
    let Some(soft) = soft else {
        return Finding::new(Verdict::Info, "open files", "not told by the system");
    };
    match soft.parse::<u64>() {
        Ok(n) if n < FILES_LEAST => {
            Finding::new(Verdict::Missing, "open files", format!("limit {n}"))
                .advice(format!("`ulimit -n {}`", FILES_LEAST * 2))
        }
        _ => Finding::new(Verdict::Ok, "open files", format!("limit {soft}")),
    }
}

fn folder(check: &'static str, path: &Path) -> Finding {
    if !path.is_dir() {
        return Finding::new(Verdict::Missing, check, format!("no folder `{}`", path.display()))
            .advice(format!("`mkdir -p {}`", path.display()));
    }
    if access(path, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let found = format!("`{}` is not writable", path.display());
        return Finding::new(Verdict::Missing, check, found).advice("choose another with `-o`");
    }
    let Ok(space) = statvfs(path) else {
        return Finding::new(Verdict::Ok, check, format!("`{}` is writable", path.display()));
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let found = format!("`{}` is writable, {} free", path.display(), human::bytes(free));
    if free < SPACE_GOOD {
        Finding::new(Verdict::Warn, check, found).advice("rows of a large capture may not fit")
    } else {
        Finding::new(Verdict::Ok, check, found)
    }
}

fn clock(secs: u64) -> Finding {
    let now = rheos_core::Timestamp::from_secs(secs);
    let found = human::rfc3339(now).to_string();
    if secs < CLOCK_EARLIEST_SECS {
        Finding::new(Verdict::Warn, "clock", found)
            .advice("set the clock: live captures and reports carry its time")
    } else {
        Finding::new(Verdict::Ok, "clock", found)
    }
}

fn terminal(output: &Output) -> Finding {
    let stream = |tty: bool| if tty { "terminal" } else { "pipe or file" };
    let found = format!(
        "stdout {}, stderr {}, {} columns",
        stream(output.stdout_tty),
        stream(output.stderr_tty),
        output.width
    );
    Finding::new(Verdict::Info, "terminal", found)
}

fn cpu(text: Option<&str>) -> Finding {
    let model = text
        .and_then(|t| t.lines().find_map(|l| l.strip_prefix("model name")))
        .and_then(|l| l.split_once(':'))
        .map_or("unknown model", |(_, name)| name.trim());
    let features = cpu_features();
    let found = if features.is_empty() {
        model.to_owned()
    } else {
        format!("{model}: {}", features.join(" "))
    };
    Finding::new(Verdict::Info, "cpu", found)
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    use std::arch::is_x86_feature_detected;
    [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
        ("sha", is_x86_feature_detected!("sha")),
    ]
    .into_iter()
    .filter_map(|(name, there)| there.then_some(name))
    .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}

fn kernel(release: Option<&str>) -> Finding {
    Finding::new(Verdict::Info, "kernel", release.map_or("not told by the system", str::trim))
}

/// The capabilities that live capture will ask for (`linux/capability.h`).
const CAPABILITIES: [(&str, u32); 3] =
    [("cap_net_admin", 12), ("cap_net_raw", 13), ("cap_bpf", 39)];

fn capabilities(status: Option<&str>) -> Finding {
    let effective = status
        .and_then(|t| t.lines().find_map(|l| l.strip_prefix("CapEff:")))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let Some(bits) = effective else {
        return Finding::new(Verdict::Info, "capabilities", "not told by the system");
    };
    let held: Vec<&str> = CAPABILITIES
        .iter()
        .filter(|&&(_, bit)| bits >> bit & 1 == 1)
        .map(|&(name, _)| name)
        .collect();
    let found = if held.is_empty() { "none for capturing".to_owned() } else { held.join(" ") };
    Finding::new(Verdict::Info, "capabilities", found).advice("reading files needs none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_judged_by_what_is_available() {
        let text = "MemTotal:  16000000 kB\nMemAvailable:    2097152 kB\n";
        assert_eq!(memory(Some(text)).verdict, Verdict::Ok);
        assert_eq!(memory(Some("MemAvailable: 524288 kB\n")).verdict, Verdict::Warn);
        assert_eq!(memory(Some("MemAvailable: 1024 kB\n")).verdict, Verdict::Missing);
        assert_eq!(memory(None).verdict, Verdict::Info);
    }

    #[test]
    fn limits_and_capabilities_are_read() {
        let limits =
            |n: &str| format!("Limit  Soft  Hard  Units\nMax open files  {n}  4096  files\n");
        assert_eq!(open_files(Some(&limits("16"))).verdict, Verdict::Missing);
        assert_eq!(open_files(Some(&limits("1024"))).verdict, Verdict::Ok);
        assert_eq!(open_files(Some(&limits("unlimited"))).found, "limit unlimited");
        let held = capabilities(Some("CapEff:\t0000000000002000\n"));
        assert_eq!(held.found, "cap_net_raw");
        assert_eq!(capabilities(Some("CapEff:\t0\n")).found, "none for capturing");
    }

    #[test]
    fn a_folder_that_is_not_there_is_missing() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_ne!(folder("output folder", dir.path()).verdict, Verdict::Missing);
        let gone = dir.path().join("gone");
        assert_eq!(folder("output folder", &gone).verdict, Verdict::Missing);
    }

    #[test]
    fn a_clock_that_was_never_set_is_told() {
        assert_eq!(clock(60).verdict, Verdict::Warn);
        assert_eq!(clock(1_800_000_000).verdict, Verdict::Ok);
    }
}
