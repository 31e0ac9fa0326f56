//! The floors: which crate may depend on which. An edge that is not here fails `tidy`, so that a new
//! one is a decision and not an accident.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::steps;

/// A crate's floor and what it may use. Development dependencies are free.
struct Floor {
    name: &'static str,
    may_use: &'static [&'static str],
}

const fn floor(name: &'static str, may_use: &'static [&'static str]) -> Floor {
    Floor { name, may_use }
}

/// From the ground up. Crates that do not exist yet have no line here.
const FLOORS: &[Floor] = &[
    floor("rheos-core", &[]),
    floor("rheos-wire", &["rheos-core"]),
    floor("rheos-gen", &["rheos-core", "rheos-wire"]),
    floor("rheos-capture", &["rheos-core", "rheos-wire"]),
    floor("rheos-flow", &["rheos-core", "rheos-wire"]),
    floor("rheos-features", &["rheos-core", "rheos-wire", "rheos-flow"]),
    floor("rheos-sink", &["rheos-core", "rheos-wire"]),
    floor("rheos-query", &["rheos-core"]),
    floor(
        "rheos",
        &[
            "rheos-core",
            "rheos-wire",
            "rheos-gen",
            "rheos-capture",
            "rheos-flow",
            "rheos-features",
            "rheos-sink",
            "rheos-query",
        ],
    ),
    floor("rheos-c", &["rheos-core", "rheos-wire", "rheos-gen"]),
    floor(
        "rheos-python",
        &[
            "rheos-core",
            "rheos-wire",
            "rheos-gen",
            "rheos-capture",
            "rheos-flow",
            "rheos-features",
            "rheos-sink",
        ],
    ),
    floor("xtask", &[]),
];

/// A package of the workspace, as far as the floors are concerned.
#[derive(Debug)]
struct Package {
    name: String,
    uses: Vec<String>,
}

/// Compares the workspace with the table.
pub(crate) fn check(root: &Path, complaints: &mut Vec<String>) -> Result<()> {
    let mut metadata = steps::cargo(root);
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&steps::output(&mut metadata)?)?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let packages: Vec<Package> = packages.iter().map(package).collect();
    complaints.extend(compare(&packages, FLOORS));
    Ok(())
}

fn package(value: &Value) -> Package {
    let dependencies = value["dependencies"].as_array().into_iter().flatten();
    let uses = dependencies
        .filter(|d| d["kind"].as_str() != Some("dev") && d["path"].is_string())
        .filter_map(|d| d["name"].as_str().map(str::to_owned));
    Package { name: value["name"].as_str().unwrap_or_default().to_owned(), uses: uses.collect() }
}

fn compare(packages: &[Package], floors: &[Floor]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        let Some(floor) = floors.iter().find(|f| f.name == package.name) else {
            complaints.push(format!("crate `{}` stands on no floor of the table", package.name));
            continue;
        };
        for used in package.uses.iter().filter(|used| !floor.may_use.contains(&used.as_str())) {
            complaints.push(format!("`{}` may not depend on `{used}`", package.name));
        }
    }
    for floor in floors.iter().filter(|f| packages.iter().all(|p| p.name != f.name)) {
        complaints.push(format!("the floors table names `{}`, which does not exist", floor.name));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, uses: &[&str]) -> Package {
        Package { name: name.into(), uses: uses.iter().map(|&u| u.into()).collect() }
    }

    #[test]
    fn an_edge_upwards_an_unknown_crate_and_a_missing_one_are_told() {
        let floors = [floor("low", &[]), floor("high", &["low"]), floor("gone", &[])];
        let packages = [package("low", &["high"]), package("high", &["low"]), package("new", &[])];
        assert_eq!(
            compare(&packages, &floors),
            [
                "`low` may not depend on `high`",
                "crate `new` stands on no floor of the table",
                "the floors table names `gone`, which does not exist",
            ]
        );
    }

    #[test]
    fn the_table_itself_only_points_down() {
        for (i, floor) in FLOORS.iter().enumerate() {
            for used in floor.may_use {
                let below = FLOORS[..i].iter().any(|f| f.name == *used);
                assert!(below, "{} uses {used}, which is not below it", floor.name);
            }
        }
    }
}
