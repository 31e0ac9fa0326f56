//! `rheos flows query`: SQL over flow files.

use std::path::PathBuf;

use clap::Args;
use rheos_core::units::Bytes;

use crate::flow_input::FlowChoiceArgs;
use crate::result_out::ResultArgs;

const EXAMPLES: &str = "\
Examples:
  rheos flows query 'SELECT dst_port, sum(byte_count) AS bytes FROM flows GROUP BY dst_port ORDER BY bytes DESC LIMIT 10' flows.parquet
  rheos flows query 'DESCRIBE flows' flows.csv.gz
  rheos flows query @busy.sql monday.parquet tuesday.parquet --format csv
  rheos flows query 'SELECT a.src_ip FROM flows a LEFT ANTI JOIN before b ON a.src_ip = b.src_ip' today.parquet --table before=yesterday.parquet

Columns:    those of the files, under the names that `rheos flows filter` writes; null where a file lacks one.
            Addresses are text, times are UTC.
Functions:  in_network(src_ip, '10.0.0.0/8')  network(src_ip, 24)  network6(src_ip, 24, 64)  ip_version(src_ip)
            protocol_name(protocol)  service_name(dst_port); else those of Apache DataFusion.
Rows come in no certain order without ORDER BY. Queries only read.";

/// Arguments of `rheos flows query`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct QueryArgs {
    /// One statement of SQL about the table `flows`, or `@FILE` with one.
    #[arg(value_name = "SQL")]
    sql: String,
    /// Flow files that are the table `flows`, told by their content; gzip and zstd; `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present = "table")]
    files: Vec<PathBuf>,
    /// One more table: a name and a flow file; the same name several times adds files to it.
    #[arg(long, value_name = "NAME=FILE", help_heading = "Which flows")]
    table: Vec<String>,
    #[command(flatten)]
    choice: FlowChoiceArgs,
    /// Memory for sorting, joining and grouping; what needs more goes on in temporary files.
    #[arg(long, value_name = "SIZE", default_value = "4GiB", help_heading = "Limits")]
    memory: Bytes,
    #[command(flatten)]
    out: ResultArgs,
}

#[cfg(not(feature = "sql"))]
mod absent;
#[cfg(feature = "sql")]
mod asked;

#[cfg(not(feature = "sql"))]
pub(crate) use absent::run;
#[cfg(feature = "sql")]
pub(crate) use asked::run;
