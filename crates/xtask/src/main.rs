//! The project's doors: `cargo xtask <door>`.
//!
//! A door prints what it does, runs the same commands that a person would type, and fails with the
//! name of the step that failed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a door talks to the person at it")]

mod bench;
mod codegen;
mod commands;
mod content;
mod floors;
mod format;
mod guard;
mod oracles;
mod python;
mod reference;
mod sizes;
mod steps;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's doors", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    door: Door,
}

#[derive(Subcommand)]
enum Door {
    /// Everything that guards the project, installing the tools that its tests compare with
    Test,
    /// Format every Rust file, also those that `cargo fmt` does not find since a macro names them
    Format {
        /// Only tell which are not formatted
        #[arg(long)]
        check: bool,
    },
    /// Structure rules: floors, sizes, names, contents, fresh generated pages, commands in the texts
    Tidy,
    /// Write the generated pages under docs/reference
    Docs {
        /// Only tell whether they are fresh
        #[arg(long)]
        check: bool,
    },
    /// Write the C header from the sources of bindings/c
    Codegen {
        /// Only tell whether it is fresh
        #[arg(long)]
        check: bool,
    },
    /// Install the Python package into an environment of its own, run its tests and the notebooks
    Python,
    /// Measure, beside the peers, in one run
    Bench(bench::Options),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let root = steps::root()?;
    match Cli::parse().door {
        Door::Test => guard::test(&root),
        Door::Format { check } => format::format(&root, check),
        Door::Tidy => tidy::tidy(&root),
        Door::Docs { check: true } => reference::check(&root),
        Door::Docs { check: false } => reference::write(&root),
        Door::Codegen { check: true } => codegen::check(&root),
        Door::Codegen { check: false } => codegen::write(&root),
        Door::Python => python::test(&root).map(drop),
        Door::Bench(options) => bench::bench(&root, &options),
    }
}
