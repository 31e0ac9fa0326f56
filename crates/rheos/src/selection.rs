//! Which columns: the flags that `list`, `schema` and `extract` share, and how they combine.

use clap::Args;
use rheos_features::{Error, RowShape};

use crate::config::Settings;
use crate::config::keys::{Key, PROFILE_WORDS};

/// Flags that choose columns.
#[derive(Debug, Args)]
#[command(next_help_heading = "Columns")]
pub(crate) struct SelectionArgs {
    /// How many columns: how settled and how special they may be; or the columns of another tool.
    #[arg(long, value_name = "PROFILE", value_parser = PROFILE_WORDS.to_vec())]
    pub(crate) profile: Option<String>,
    /// Only these groups, with commas between.
    #[arg(long, value_name = "GROUP,...", value_delimiter = ',')]
    pub(crate) groups: Vec<String>,
    /// Only these columns, in this order; beside `--groups`, also these, after those.
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
    pub(crate) fn of_list(&self) -> Result<RowShape, Error> {
        let profile = self.profile.as_deref().unwrap_or("all");
        RowShape::combined(profile, &self.groups, &self.columns, &self.exclude)
    }
}

/// The columns that the settings choose.
pub(crate) fn of_settings(settings: &Settings) -> Result<RowShape, Error> {
    RowShape::combined(
        settings.text(Key::FeaturesProfile),
        settings.list(Key::FeaturesGroups),
        settings.list(Key::FeaturesColumns),
        settings.list(Key::FeaturesExclude),
    )
}
