//! Which columns a row has: by column, group or profile.

use crate::column::{Column, Emitted, Identity, Needs, Profile};
use crate::error::Error;
use crate::groups::GROUPS;
use crate::nearest::nearest;
use crate::table;

/// The words that select by profile, beside the names of groups and columns.
pub const WORDS: &[&str] = &["default", "core", "extended", "experimental", "all"];

/// A set of columns. Rows have them in table order, however they were named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// For every column of the table.
    chosen: Vec<bool>,
}

impl Default for Selection {
    /// Every column that is there by default.
    fn default() -> Self {
        let mut selection = Self::none();
        selection.set(|c| c.emitted == Emitted::Default, true);
        selection
    }
}

impl Selection {
    fn none() -> Self {
        Self { chosen: vec![false; table::len()] }
    }

    /// Every column, optional ones too.
    pub fn all() -> Self {
        Self { chosen: vec![true; table::len()] }
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
        let mut selection = if with.is_empty() { Self::default() } else { Self::none() };
        for name in with {
            selection.apply(name.as_ref(), true)?;
        }
        for name in without {
            selection.apply(name.as_ref(), false)?;
        }
        if selection.chosen.contains(&true) { Ok(selection) } else { Err(Error::EmptySelection) }
    }

    /// The profile's columns of the groups (of all groups if none is named, of none if only columns are), and the
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
            with.extend(group.columns.iter().map(|c| c.name).filter(|c| of_profile.contains(c)));
        }
        if groups.is_empty() && columns.is_empty() {
            with.push(profile);
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
        if self.chosen.contains(&true) { Ok(self) } else { Err(Error::EmptySelection) }
    }

    fn set(&mut self, which: impl Fn(&Column) -> bool, value: bool) {
        for (chosen, column) in self.chosen.iter_mut().zip(table::columns()) {
            if which(column) {
                *chosen = value;
            }
        }
    }

    /// The chosen columns, in table order.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + '_ {
        table::columns().zip(&self.chosen).filter_map(|(c, &chosen)| chosen.then_some(c))
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
    fn names_groups_and_words_in_table_order() {
        let selection = Selection::new(&["tcp_is_tcp", "iat_min", "src_ip"], &[]).unwrap();
        assert_eq!(names(&selection), ["src_ip", "iat_min", "tcp_is_tcp"]);
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
