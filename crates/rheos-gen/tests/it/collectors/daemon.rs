//! A collector that runs for the time of one test.

use std::fs;
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tool's output; fails with the command that installs it when it is missing.
pub(super) fn output(program: &str, package: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output();
    let out = out.unwrap_or_else(|error| missing(program, package, &error));
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "`{program}` failed: {errors}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn missing(program: &str, package: &str, error: &std::io::Error) -> ! {
    panic!(
        "`{program}` cannot be run ({error}); install it: \
         `apt-get install -y --no-install-recommends {package}`"
    )
}

/// A port of this machine that is free now.
pub(super) fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap().port()
}

/// Asks again and again until there is an answer.
pub(super) fn wait_for<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Bytes that wait in the socket on this port; nothing when no socket is there.
fn waiting(port: u16) -> Option<u64> {
    let table = fs::read_to_string("/proc/net/udp").unwrap();
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let local = words.next()?;
        let queues = words.nth(2)?;
        let (_, receive) = queues.split_once(':')?;
        local.ends_with(&suffix).then(|| u64::from_str_radix(receive, 16).unwrap())
    })
}

/// A process that is killed at the latest when the test ends.
pub(super) struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    /// Starts it and waits until it listens.
    pub(super) fn start(program: &str, package: &str, args: &[&str], port: u16) -> Self {
        let quiet = || Stdio::null();
        let mut command = Command::new(program);
        command.args(args).stdin(quiet()).stdout(quiet()).stderr(quiet());
        let child = command.spawn().unwrap_or_else(|error| missing(program, package, &error));
        let daemon = Self { child, port };
        wait_for(program, || waiting(port));
        daemon
    }

    /// Waits until it has taken all datagrams from its socket.
    pub(super) fn drain(&self) {
        wait_for("an empty socket", || waiting(self.port).filter(|bytes| *bytes == 0));
    }

    /// Asks it to end and waits for that.
    pub(super) fn terminate(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        wait_for("the end of a collector", || self.child.try_wait().unwrap());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
