//! What a build without SQL says.

use anyhow::Result;

use super::QueryArgs;
use crate::cli::GlobalArgs;
use crate::exit::ExitStatus;
use crate::failure::Misuse;
use crate::output::Output;

/// Tells how to get it.
pub(crate) fn run(_: &QueryArgs, _: &GlobalArgs, _: &Output) -> Result<ExitStatus> {
    Err(Misuse::new(
        "this build of rheos has no SQL",
        "build it with `cargo build --release --features sql`; `rheos flows aggregate` needs no SQL",
    )
    .into())
}
