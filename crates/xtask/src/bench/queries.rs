//! Queries over flow files beside DuckDB, Polars and nfdump: the same flows, the same questions, in one run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::collected;
use crate::bench::number;
use crate::{python, steps};

/// Asks DuckDB and Polars, and any program once.
const SCRIPT: &str = include_str!("queries.py");
/// The versions that were measured last; fixed ones, so that figures can be compared.
const PEERS: [&str; 3] = ["duckdb==2.0.0", "polars==2.1.0", "pyarrow==26.0.1"];
/// Runs of each query, of which the best counts; once where a file of text is read.
const RUNS: usize = 3;

/// What is asked: its name, and the keys as `rheos flows aggregate --by` takes them.
pub(super) const QUERIES: [(&str, &str); 5] = [
    ("filter", ""),
    ("srcip", "srcip"),
    ("dstport", "dstport"),
    ("srcip_dstport", "srcip,dstport"),
    ("5tuple", "5tuple"),
];
pub(super) const FILTER: &str = "proto tcp and dst port 443 and bytes > 100k";

/// Popular hosts, sizes with heavy tails, nearly as many five-tuples as flows; IPv4, as nfdump keeps it shortest.
const PLAN: &str = "\
generation:
  seed: 2015
  max_flows: 1000000000
  rate:
    bandwidth: 2Gbps
  bidirectional_mode: random
  bidirectional_probability: 0.5
traffic_patterns:
  - {type: web_traffic, percentage: 54}
  - {type: dns_traffic, percentage: 30}
  - {type: random, percentage: 10}
  - {type: ssh_traffic, percentage: 4}
  - {type: smtp_traffic, percentage: 2}
network:
  source_subnets: [10.64.0.0/16]
  destination_subnets: [198.18.0.0/16]
realism:
  sizes: agh_2015
  arrivals: poisson
  host_exponent: 1.0
";

/// What measures and what is measured.
pub(super) struct Bench {
    pub(super) rheos: PathBuf,
    /// Our queries as a program that holds flows in memory.
    pub(super) queries: PathBuf,
    pub(super) python: PathBuf,
    pub(super) script: PathBuf,
    pub(super) folder: PathBuf,
}

/// One query by one tool.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) wall: f64,
    pub(super) cpu: f64,
    pub(super) answer: Answer,
}

/// The numbers of each row: how many match, or flows, packets and bytes.
pub(super) type Answer = Vec<Vec<u64>>;

/// Where the flows are and what was asked, by how many threads, of which tool.
type Table = BTreeMap<(usize, usize, u32), Vec<(&'static str, Measured)>>;

const SOURCES: [&str; 3] = ["memory", "parquet", "csv"];

/// Tables of all tools on the same files.
pub(super) fn compare(
    root: &Path,
    folder: &Path,
    rheos: &Path,
    rows: u64,
    nfdump_rows: u64,
) -> Result<String> {
    // With our binary's package, too: so the libraries of both have the same features, and are built once.
    let packages = ["--package", "rheos", "--package", "rheos-query"];
    let queries = [&["--release"][..], &packages, &["--bench", "queries"]].concat();
    let bench = Bench {
        rheos: rheos.to_owned(),
        queries: steps::built(root, &queries, "queries")?,
        python: environment(folder)?,
        script: folder.join("queries.py"),
        folder: folder.to_owned(),
    };
    std::fs::write(&bench.script, SCRIPT)?;
    let (parquet, csv) = bench.made(rows)?;
    let mut table = Table::new();
    for threads in [1, 2] {
        bench.ours(&parquet, &csv, threads, &mut table)?;
        for engine in ["duckdb", "polars"] {
            bench.peer(engine, &parquet, &csv, threads, &mut table)?;
        }
    }
    for path in [&parquet, &csv] {
        std::fs::remove_file(path)?;
    }
    let mut text = told(&table, rows)?;
    if nfdump_rows > 0 {
        text += &collected::compare(&bench, nfdump_rows)?;
    }
    Ok(text)
}

/// A virtual environment with the peers.
fn environment(folder: &Path) -> Result<PathBuf> {
    let python = python::environment(&folder.join("venv-queries"))?;
    steps::run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PEERS))?;
    Ok(python)
}

impl Bench {
    /// The plan of the flows as a file.
    pub(super) fn plan(&self) -> Result<PathBuf> {
        let plan = self.folder.join("queries.yaml");
        std::fs::write(&plan, PLAN)?;
        Ok(plan)
    }

    /// The same flows as Parquet and CSV, with packets and times, which IPFIX carries.
    fn made(&self, rows: u64) -> Result<(PathBuf, PathBuf)> {
        let [ipfix, parquet, csv] =
            ["flows.ipfix", "flows.parquet", "flows.csv"].map(|name| self.folder.join(name));
        let mut make = Command::new(&self.rheos);
        make.args(["gen", "flows", "--quiet", "--force", "--count", &rows.to_string()]);
        steps::run(make.arg("--plan").arg(self.plan()?).arg("-o").arg(&ipfix))?;
        for path in [&parquet, &csv] {
            let mut filter = Command::new(&self.rheos);
            filter.args(["flows", "filter", "--quiet", "--force"]).arg(&ipfix);
            steps::run(filter.arg("-o").arg(path))?;
        }
        std::fs::remove_file(&ipfix)?;
        Ok((parquet, csv))
    }

    fn ours(&self, parquet: &Path, csv: &Path, threads: u32, table: &mut Table) -> Result<()> {
        let mut memory = Command::new(&self.queries);
        memory.arg(parquet).args(["--threads", &threads.to_string()]);
        let lines = steps::output(memory.args(["--runs", &RUNS.to_string()]))?;
        for line in lines.lines() {
            let value: Value = serde_json::from_str(line)?;
            let query = query_named(value["query"].as_str())?;
            table.entry((0, query, threads)).or_default().push(("rheos", measured(&value)?));
        }
        for (source, path) in [(1, parquet), (2, csv)] {
            let runs = if source == 2 { 1 } else { RUNS };
            for query in 0..QUERIES.len() {
                let one = self.rheos(query, path, threads, runs)?;
                table.entry((source, query, threads)).or_default().push(("rheos", one));
            }
        }
        println!("measured rheos, threads {threads}");
        Ok(())
    }

    /// One query of our binary over a file.
    pub(super) fn rheos(
        &self,
        query: usize,
        path: &Path,
        threads: u32,
        runs: usize,
    ) -> Result<Measured> {
        let (name, keys) = QUERIES[query];
        let mut run = Command::new(&self.rheos);
        run.args(["flows", "aggregate", "--quiet", "--format", "csv", "--no-header"]).arg(path);
        run.args(["--by", keys, "--sort", "bytes", "--threads", &threads.to_string()]);
        if name == "filter" {
            run.args(["--filter", FILTER, "--values", "flows"]);
        }
        let mut one = self.program(&run, runs)?;
        // The last column is the percentage of the whole, but for the sum of bytes that was added to a count.
        let mut value = Value::Null;
        std::mem::swap(&mut value, &mut one["answer"]);
        one["answer"] = without_last(value);
        let mut one = measured(&one)?;
        if name == "filter" {
            one.answer.iter_mut().for_each(|row| row.truncate(1));
        }
        Ok(one)
    }

    /// A command, measured as a whole process.
    pub(super) fn program(&self, command: &Command, runs: usize) -> Result<Value> {
        let mut run = Command::new(&self.python);
        run.arg(&self.script).arg("run").arg(runs.to_string());
        let line = steps::output(run.arg(command.get_program()).args(command.get_args()))?;
        serde_json::from_str(&line).with_context(|| format!("the script said: {line}"))
    }

    fn peer(
        &self,
        engine: &'static str,
        parquet: &Path,
        csv: &Path,
        threads: u32,
        table: &mut Table,
    ) -> Result<()> {
        let mut run = Command::new(&self.python);
        run.arg(&self.script).arg(engine).arg(parquet).arg(csv);
        for line in steps::output(run.args([threads.to_string(), RUNS.to_string()]))?.lines() {
            let value: Value = serde_json::from_str(line)?;
            let source = SOURCES.iter().position(|known| value["source"] == **known);
            let source = source.with_context(|| format!("no source: {line}"))?;
            let query = query_named(value["query"].as_str())?;
            table.entry((source, query, threads)).or_default().push((engine, measured(&value)?));
        }
        println!("measured {engine}, threads {threads}");
        Ok(())
    }
}

fn query_named(name: Option<&str>) -> Result<usize> {
    let place = QUERIES.iter().position(|(known, _)| Some(*known) == name);
    place.with_context(|| format!("no query is called {name:?}"))
}

fn without_last(rows: Value) -> Value {
    let Value::Array(rows) = rows else { return rows };
    let cut = rows.into_iter().map(|row| match row {
        Value::Array(mut cells) => {
            cells.pop();
            Value::Array(cells)
        }
        other => other,
    });
    Value::Array(cut.collect())
}

/// A line of the script; of each row of the answer the numbers, which all tools write alike.
pub(super) fn measured(value: &Value) -> Result<Measured> {
    let cells = |row: &Value| -> Option<Vec<u64>> {
        let row = row.as_array()?;
        let numbers = &row[row.len().saturating_sub(3)..];
        numbers.iter().map(|cell| cell.as_str()?.trim().parse().ok()).collect()
    };
    let rows = value["answer"].as_array().map(|rows| rows.iter().map(cells).collect());
    let answer: Option<Vec<Vec<u64>>> = rows.unwrap_or_default();
    let answer = answer.with_context(|| format!("no numbers: {value}"))?;
    Ok(Measured { wall: number(value, "seconds"), cpu: number(value, "cpu_seconds"), answer })
}

/// Complains unless all tools say the same: rows of equal bytes may come in any order.
pub(super) fn check(what: &str, all: &[(&'static str, Measured)]) -> Result<()> {
    let sorted = |answer: &Answer| {
        let mut rows = answer.clone();
        let last = rows.last().and_then(|row| row.last()).copied();
        // Which of those as large as the last one are told is nobody's promise.
        if rows.len() > 1 {
            rows.retain(|row| row.last().copied() != last);
        }
        rows.sort_unstable();
        rows
    };
    let Some(((first, ours), others)) = all.split_first() else { return Ok(()) };
    if ours.answer.is_empty() {
        bail!("{what}: {first} answered nothing");
    }
    for (name, theirs) in others {
        if sorted(&ours.answer) != sorted(&theirs.answer) {
            bail!("{what}: {first} says {:?}, {name} {:?}", ours.answer, theirs.answer);
        }
    }
    Ok(())
}

/// Seconds on the clock and of processors, and flows per second of processors.
pub(super) fn cell(one: &Measured, rows: u64) -> String {
    format!("{:.3} s, {:.3} s, {:.1} M/s", one.wall, one.cpu, rows as f64 / one.cpu / 1e6)
}

fn told(table: &Table, rows: u64) -> Result<String> {
    let mut text = format!(
        "{rows} flows; each cell: seconds, CPU seconds, flows per CPU second; the best of {RUNS} runs, of CSV one. \
         Files are read by `rheos flows aggregate` as a process of its own, by the peers within theirs; all answers \
         are the same:\n\n| flows in | query | threads | rheos | DuckDB | Polars |\n|---|---|--:|--:|--:|--:|\n"
    );
    let mut first = 0;
    for ((source, query, threads), all) in table {
        let (source, query) = (SOURCES[*source], QUERIES[*query].0);
        check(&format!("{query} of flows in {source}"), all)?;
        let cells: Vec<String> = all.iter().map(|(_, one)| cell(one, rows)).collect();
        text += &format!("| {source} | {query} | {threads} | {} |\n", cells.join(" | "));
        let cpu: Vec<f64> = all.iter().map(|(_, one)| one.cpu).collect();
        first += usize::from(cpu.iter().skip(1).all(|peer| cpu[0] <= *peer));
    }
    text += &format!("\nrheos takes the least CPU time in {first} of {} lines\n", table.len());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(answer: &[[u64; 3]]) -> Measured {
        let answer = answer.iter().map(|row| row.to_vec()).collect();
        Measured { wall: 2.0, cpu: 1.0, answer }
    }

    #[test]
    fn answers_are_the_same_in_any_order_of_equals() {
        let a = one(&[[1, 1, 9], [2, 2, 9], [3, 1, 5]]);
        let b = one(&[[2, 2, 9], [1, 1, 9], [4, 1, 5]]);
        let c = one(&[[2, 2, 9], [1, 2, 9], [3, 1, 5]]);
        assert!(check("q", &[("a", a.clone()), ("b", b)]).is_ok());
        assert!(check("q", &[("a", a.clone()), ("c", c)]).is_err());
        assert!(check("q", &[("a", one(&[])), ("b", one(&[]))]).is_err());
        assert_eq!(cell(&a, 5_000_000), "2.000 s, 1.000 s, 5.0 M/s");
    }

    #[test]
    fn the_numbers_of_an_answer_are_the_last_of_each_row() {
        let line = r#"{"seconds": 1, "cpu_seconds": 2, "answer": [["10.0.0.1", "6", " 7", "8"]]}"#;
        let value = serde_json::from_str(line).unwrap();
        assert_eq!(measured(&value).unwrap().answer, [[6, 7, 8]]);
        let table = Table::from([((1, 3, 2), vec![("rheos", one(&[[1, 2, 3]])); 3])]);
        let text = told(&table, 1_000_000).unwrap();
        assert!(
            text.contains("| parquet | srcip_dstport | 2 | 2.000 s, 1.000 s, 1.0 M/s |"),
            "{text}"
        );
        assert!(text.contains("in 1 of 1 lines"), "{text}");
    }
}
