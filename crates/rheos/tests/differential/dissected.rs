//! What tshark says of a capture. It is asked once per capture, for all that any comparison wants to know: to start it
//! and to read a capture again takes longer than everything else.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use crate::{quic, spoken, tcp_analysis, tls, tshark};

/// The fields of each comparison; those of several are asked for once.
const WANTED: &[&[&str]] =
    &[tshark::FIELDS, tcp_analysis::FIELDS, spoken::FIELDS, tls::ENDS, tls::FIELDS, quic::ASKED];
/// Stands between the values of one field.
const BETWEEN: char = '\u{1f}';

static FIELDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut fields: Vec<&str> = WANTED.concat();
    fields.sort_unstable();
    fields.dedup();
    fields
});

/// tshark's answer: a line per packet with its fields between tabs, then the tables of conversations.
type Answer = Arc<OnceLock<String>>;
static ANSWERS: LazyLock<Mutex<HashMap<PathBuf, Answer>>> = LazyLock::new(Mutex::default);

fn with_answer<R>(capture: &Path, read: impl FnOnce(&str) -> R) -> R {
    let mut answers = ANSWERS.lock().expect("no one panics with the lock");
    let answer = Arc::clone(answers.entry(capture.to_owned()).or_default());
    drop(answers);
    read(answer.get_or_init(|| ask(capture)))
}

fn ask(capture: &Path) -> String {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-o", "tcp.reassemble_out_of_order:TRUE"]);
    tshark.args(["--enable-protocol", "communityid", "-T", "fields", "-E", "occurrence=a"]);
    tshark.args(["-E", "separator=/t", "-E", &format!("aggregator={BETWEEN}")]);
    tshark.args(FIELDS.iter().flat_map(|field| ["-e", field]));
    tshark.args(["-z", "conv,tcp", "-z", "conv,udp", "-r"]).arg(capture);
    let out = tshark.output().expect("tshark starts");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A line per packet of which `wanted` is true: these fields with tabs between them, and `between` their values.
///
/// `wanted` is given a function that tells a field's values, which is empty where the packet has none.
pub(crate) fn lines(
    capture: &Path,
    fields: &[&str],
    between: &str,
    wanted: impl Fn(&dyn Fn(&str) -> String) -> bool,
) -> Vec<String> {
    let place = |field: &str| FIELDS.binary_search(&field).expect("a field that is asked for");
    let places: Vec<usize> = fields.iter().map(|field| place(field)).collect();
    let line = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        if columns.len() != FIELDS.len() {
            return None;
        }
        let value = |field: &str| columns[place(field)].replace(BETWEEN, between);
        wanted(&value).then(|| {
            let values: Vec<String> =
                places.iter().map(|&place| columns[place].replace(BETWEEN, between)).collect();
            values.join("\t")
        })
    };
    with_answer(capture, |answer| answer.lines().filter_map(line).collect())
}

/// Whether tshark saw one of these protocols in a packet.
pub(crate) fn has(value: &dyn Fn(&str) -> String, protocols: &[&str]) -> bool {
    value("frame.protocols").split(':').any(|protocol| protocols.contains(&protocol))
}

/// The tables of conversations.
pub(crate) fn tables(capture: &Path) -> Vec<String> {
    let of_table = |line: &&str| !line.contains('\t');
    with_answer(capture, |answer| answer.lines().filter(of_table).map(str::to_owned).collect())
}
