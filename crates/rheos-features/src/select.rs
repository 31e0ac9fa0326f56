//! Which columns a row has: by column, group or profile.

use crate::column::{Column, Emitted, Identity, Needs, Profile};
use crate::error::Error;
use crate::groups::GROUPS;
use crate::nearest::nearest;
use crate::table;

/// The words that select by profile, beside the names of groups and columns.
pub const WORDS: &[&str] = &["default", "core", "extended", "experimental", "all"];

/// Columns in the order that rows have them: as they were named, those of a group or word in table order. A column
/// that is named twice stays in its first place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    columns: Vec<&'static Column>,
}

impl Default for Selection {
    /// Every column that is there by default.
    fn default() -> Self {
        Self { columns: table::columns().filter(|c| c.emitted == Emitted::Default).collect() }
    }
}

impl Selection {
    /// Every column, optional ones too.
    pub fn all() -> Self {
        Self { columns: table::columns().collect() }
    }

    /// The columns that `with` names (all default ones if it names nothing), without those that `without` names.
    ///
    /// A name is a column; a group, for its default columns (for all, if none is a default one); or a word of [`WORDS`]: `core`, `extended` (core
    /// and extended), `experimental` (these and experimental), `default` (the same), `all` (optional ones too).
    /// In `without`, a group stands for all its columns.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the nearest names, [`Error::EmptySelection`].
    pub fn new<S: AsRef<str>>(with: &[S], without: &[S]) -> Result<Self, Error> {
        let mut selection =
            if with.is_empty() { Self::default() } else { Self { columns: Vec::new() } };
        for name in with {
            selection.apply(name.as_ref(), true)?;
        }
        for name in without {
            selection.apply(name.as_ref(), false)?;
        }
        selection.unless_empty()
    }

    /// The profile's columns of the groups (of all groups if none is named, of none if only columns are; the profile
    /// `default` is `core` where no group is named, and all columns that are there by default of those that are), and the
    /// named columns, without the excluded columns and groups.
    ///
    /// # Errors
    /// [`Error::UnknownName`], [`Error::UnknownGroup`], [`Error::UnknownColumn`] with the nearest names,
    /// [`Error::EmptySelection`].
    pub fn combined<S: AsRef<str>>(
        profile: &str,
        groups: &[S],
        columns: &[S],
        exclude: &[S],
    ) -> Result<Self, Error> {
        let of_profile = Self::new(&[profile], &[])?;
        let mut with: Vec<&str> = Vec::new();
        for name in groups {
            let group = table::group(name.as_ref())?;
            // Whoever names a group of optional columns wants them.
            let hidden = group.columns.iter().all(|c| c.emitted == Emitted::Option);
            let names = group.columns.iter().map(|c| c.name);
            with.extend(names.filter(|name| hidden || of_profile.contains(name)));
        }
        if groups.is_empty() && columns.is_empty() {
            with.push(if profile == "default" { "core" } else { profile });
        }
        for name in columns {
            with.push(table::find(name.as_ref())?.name);
        }
        if with.is_empty() {
            return Err(Error::EmptySelection);
        }
        let without: Vec<&str> = exclude.iter().map(AsRef::as_ref).collect();
        Self::new(&with, &without)
    }

    fn apply(&mut self, name: &str, value: bool) -> Result<(), Error> {
        // What is taken out goes with its optional columns.
        let emitted = |c: &Column| !value || c.emitted == Emitted::Default;
        let up_to = |profile| move |c: &Column| emitted(c) && c.profile <= profile;
        match name {
            "all" => self.set(|_| true, value),
            "core" => self.set(up_to(Profile::Core), value),
            "extended" => self.set(up_to(Profile::Extended), value),
            "experimental" | "default" => self.set(up_to(Profile::Experimental), value),
            _ => match GROUPS.iter().find(|group| group.name == name) {
                Some(group) => {
                    let in_group = |c: &Column| group.columns.iter().any(|g| g.name == c.name);
                    let hidden = group.columns.iter().all(|c| c.emitted == Emitted::Option);
                    self.set(|c| (hidden || emitted(c)) && in_group(c), value);
                }
                None if table::columns().any(|c| c.name == name) => {
                    self.set(|c| c.name == name, value);
                }
                None => return Err(unknown(name)),
            },
        }
        Ok(())
    }

    /// Without the columns that identify what `which` names.
    ///
    /// # Errors
    /// [`Error::EmptySelection`].
    pub fn without(mut self, which: impl Fn(Identity) -> bool) -> Result<Self, Error> {
        self.set(|c| which(c.identity), false);
        self.unless_empty()
    }

    fn unless_empty(self) -> Result<Self, Error> {
        if self.columns.is_empty() { Err(Error::EmptySelection) } else { Ok(self) }
    }

    fn set(&mut self, which: impl Fn(&Column) -> bool, value: bool) {
        if !value {
            self.columns.retain(|column| !which(column));
            return;
        }
        for column in table::columns().filter(|column| which(column)) {
            if !self.contains(column.name) {
                self.columns.push(column);
            }
        }
    }

    /// The chosen columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + '_ {
        self.columns.iter().copied()
    }

    /// Whether a column is chosen.
    pub fn contains(&self, name: &str) -> bool {
        self.columns().any(|c| c.name == name)
    }

    /// Whether any chosen column has the given need.
    pub(crate) fn needs(&self, need: Needs) -> bool {
        self.columns().any(|c| c.needs == need)
    }
}

#[cold]
fn unknown(name: &str) -> Error {
    let groups = GROUPS.iter().map(|g| g.name);
    let known = groups.chain(WORDS.iter().copied()).chain(table::columns().map(|c| c.name));
    Error::unknown_name(name, &nearest(name, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(selection: &Selection) -> Vec<&str> {
        selection.columns().map(|c| c.name).collect()
    }

    #[test]
    fn columns_come_as_they_were_named() {
        let of = |with: &[&str], without: &[&str]| {
            let selection = Selection::new(with, without).unwrap();
            names(&selection).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            of(&["tcp_is_tcp", "iat_min", "src_ip"], &[]),
            ["tcp_is_tcp", "iat_min", "src_ip"]
        );
        assert_eq!(of(&["iat_max", "src_ip", "iat_max"], &[]), ["iat_max", "src_ip"]);
        let with_group = of(&["iat_max", "timing", "src_ip"], &["iat_mean"]);
        assert_eq!(with_group[..4], ["iat_max", "iat_min", "iat_std", "iat_median"]);
        assert_eq!(with_group.last().map(String::as_str), Some("src_ip"));
        assert_eq!(of(&["all"], &[]), names(&Selection::all()));
    }

    #[test]
    fn groups_stand_for_their_default_columns() {
        let timing = Selection::new(&["timing"], &[]).unwrap();
        assert_eq!(names(&timing).len(), 31, "optional columns are not in the group's name");
        let with_splt = Selection::new(&["timing", "splt_times"], &["iat_min"]).unwrap();
        assert_eq!(names(&with_splt).len(), 31);
        let http = Selection::new(&["http"], &[]).unwrap();
        assert!(http.contains("http_method"), "a group of optional columns only is named whole");
        assert!(with_splt.contains("splt_times") && !with_splt.contains("iat_min"));
    }

    #[test]
    fn words_grow_and_all_has_optional_columns() {
        let of = |word| names(&Selection::new(&[word], &[]).unwrap()).len();
        assert!(of("core") <= of("extended") && of("extended") <= of("experimental"));
        assert_eq!(of("default"), names(&Selection::default()).len());
        assert_eq!(of("all"), table::len());
        assert_eq!(Selection::new(&["all"], &[]).unwrap(), Selection::all());
        let none: &[&str] = &[];
        assert_eq!(Selection::new(none, none).unwrap(), Selection::default());
    }

    #[test]
    fn taking_a_group_out_takes_its_optional_columns_too() {
        let selection = Selection::new(&["all"], &["timing"]).unwrap();
        assert!(!selection.contains("splt") && selection.contains("pkt_len_sequence"));
    }

    #[test]
    fn profile_groups_columns_and_exclusions_combine() {
        let count = |profile: &str, groups: &[&str], columns: &[&str], exclude: &[&str]| {
            Selection::combined(profile, groups, columns, exclude).map_or(0, |s| names(&s).len())
        };
        assert_eq!(count("all", &[], &[], &[]), table::len());
        assert_eq!(count("core", &[], &["src_ip", "dst_ip"], &[]), 2);
        assert!(count("all", &["timing"], &[], &[]) > count("default", &["timing"], &[], &[]));
        let timing = count("all", &["timing"], &[], &[]);
        assert_eq!(count("all", &["timing"], &["src_ip"], &[]), timing + 1);
        assert_eq!(count("all", &["timing"], &["src_ip"], &["timing"]), 1);
        assert_eq!(count("all", &["timing"], &[], &["timing"]), 0);
        assert_eq!(count("default", &[], &[], &[]), count("core", &[], &[], &[]));
        assert!(count("default", &["dns"], &[], &[]) > count("core", &["dns"], &[], &[]));
        assert!(count("default", &["http"], &[], &[]) > 10, "a group of optional columns");
    }

    #[test]
    fn identities_can_be_left_out() {
        let ports = Selection::all().without(|identity| identity == Identity::Port).unwrap();
        assert!(!ports.contains("src_port") && !ports.contains("dst_port_class"));
        assert!(ports.contains("src_ip"));
        let addresses = Selection::new(&["src_ip", "dst_ip"], &[]).unwrap();
        assert_eq!(addresses.without(|i| i == Identity::Address), Err(Error::EmptySelection));
    }

    #[test]
    fn mistakes_are_told() {
        let error = Selection::new(&["timming"], &[]).unwrap_err();
        assert!(error.to_string().contains("did you mean `timing`"), "{error}");
        assert!(Selection::new(&[], &["iat_mni"]).is_err());
        assert_eq!(Selection::new(&["tcp"], &["tcp"]), Err(Error::EmptySelection));
    }
}
