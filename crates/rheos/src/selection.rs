//! Which columns: the flags that `list`, `schema` and `extract` share, and how they combine.

use clap::Args;
use rheos_features::{Error, Selection, table};

use crate::config::Settings;
use crate::config::keys::{Key, PROFILE_WORDS};

/// Flags that choose columns.
#[derive(Debug, Args)]
#[command(next_help_heading = "Columns")]
pub(crate) struct SelectionArgs {
    /// How many columns: how settled and how special they may be.
    #[arg(long, value_name = "PROFILE", value_parser = PROFILE_WORDS.to_vec())]
    pub(crate) profile: Option<String>,
    /// Only these groups, with commas between.
    #[arg(long, value_name = "GROUP,...", value_delimiter = ',')]
    pub(crate) groups: Vec<String>,
    /// Only these columns, or also these beside `--groups`.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Without these columns or groups.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
}

impl SelectionArgs {
    /// What the command line says, for the settings.
    pub(crate) fn overrides(&self) -> Vec<(Key, String)> {
        let mut flags = Vec::new();
        let mut list = |key, names: &[String]| {
            if !names.is_empty() {
                flags.push((key, names.join(",")));
            }
        };
        list(Key::FeaturesGroups, &self.groups);
        list(Key::FeaturesColumns, &self.columns);
        list(Key::FeaturesExclude, &self.exclude);
        flags.extend(self.profile.clone().map(|text| (Key::FeaturesProfile, text)));
        flags
    }

    /// The columns for a list of what there is: all of them unless something was asked for.
    pub(crate) fn of_list(&self) -> Result<Selection, Error> {
        let profile = self.profile.as_deref().unwrap_or("all");
        select(profile, &self.groups, &self.columns, &self.exclude)
    }
}

/// The columns that the settings choose.
pub(crate) fn of_settings(settings: &Settings) -> Result<Selection, Error> {
    select(
        settings.text(Key::FeaturesProfile),
        settings.list(Key::FeaturesGroups),
        settings.list(Key::FeaturesColumns),
        settings.list(Key::FeaturesExclude),
    )
}

/// The profile's columns of the groups (of all groups if none is named, of none if only columns are),
/// and the named columns, without the excluded ones.
fn select(
    profile: &str,
    groups: &[String],
    columns: &[String],
    exclude: &[String],
) -> Result<Selection, Error> {
    let of_profile = Selection::new(&[profile], &[])?;
    let mut with: Vec<&str> = Vec::new();
    for name in groups {
        let group = table::group(name)?;
        with.extend(group.columns.iter().map(|c| c.name).filter(|c| of_profile.contains(c)));
    }
    if groups.is_empty() && columns.is_empty() {
        with.push(profile);
    }
    for name in columns {
        with.push(table::find(name)?.name);
    }
    if with.is_empty() {
        return Err(Error::EmptySelection);
    }
    let without: Vec<&str> = exclude.iter().map(String::as_str).collect();
    Selection::new(&with, &without)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(profile: &str, groups: &[&str], columns: &[&str], exclude: &[&str]) -> usize {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        select(profile, &owned(groups), &owned(columns), &owned(exclude))
            .map_or(0, |selection| selection.columns().count())
    }

    #[test]
    fn flags_combine_as_told() {
        assert_eq!(count("all", &[], &[], &[]), table::len());
        assert_eq!(count("core", &[], &["src_ip", "dst_ip"], &[]), 2);
        assert!(count("all", &["timing"], &[], &[]) > count("default", &["timing"], &[], &[]));
        let timing = count("all", &["timing"], &[], &[]);
        assert_eq!(count("all", &["timing"], &["src_ip"], &[]), timing + 1);
        assert_eq!(count("all", &["timing"], &["src_ip"], &["timing"]), 1);
        assert_eq!(count("all", &["timing"], &[], &["timing"]), 0);
    }
}
