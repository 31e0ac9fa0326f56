//! `include: [file]`: other files below this one. What this file says goes before what they say; what a later one
//! says goes before an earlier one. Sections are merged, lists and values are replaced.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Variables;
use super::document::{Format, Node, Value};
use crate::flows::error::{FlowError, FlowProblem, Place};

/// Most files within files within files.
const LEVELS_MAX: usize = 8;
/// Most files of one configuration, each counted as often as it is included.
const FILES_MAX: usize = 64;

/// The tree of a file with everything that it includes.
pub(super) fn load(
    path: &Path,
    format: Option<Format>,
    variables: &Variables,
) -> Result<Node, FlowError> {
    Loader { variables, open: Vec::new(), files: 0 }.load(path, format)
}

struct Loader<'a> {
    variables: &'a Variables,
    /// The files that include the present one, outermost first.
    open: Vec<PathBuf>,
    files: usize,
}

impl Loader<'_> {
    fn load(&mut self, path: &Path, format: Option<Format>) -> Result<Node, FlowError> {
        let name = path.to_string_lossy().into_owned();
        let format = match format {
            Some(format) => format,
            None => Format::of_path(path)?,
        };
        let wrong =
            |reason| FlowError::new("", FlowProblem::Include { name: name.clone(), reason });
        let unread = |error: std::io::Error| {
            let problem = FlowProblem::Read { name: name.clone(), reason: error.to_string() };
            FlowError::new("", problem)
        };
        let real = fs::canonicalize(path).map_err(unread)?;
        if self.open.contains(&real) {
            return Err(wrong("it includes itself"));
        }
        if self.open.len() > LEVELS_MAX {
            return Err(wrong("more than 8 levels of files"));
        }
        self.files += 1;
        if self.files > FILES_MAX {
            return Err(wrong("more than 64 files"));
        }
        let text = fs::read_to_string(path).map_err(unread)?;
        let mut root = format.parse(&text, &Arc::from(&*name))?;
        self.variables.expand(&mut root, 0)?;
        let Some(list) = take_include(&mut root) else { return Ok(root) };
        self.open.push(real);
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut below = Node { value: Value::Section(Vec::new()), ..root.clone() };
        for (file, place) in names(&list)? {
            let other = self.load(&folder.join(file), None).map_err(|e| e.at(place))?;
            below = merged(other, below, 0);
        }
        self.open.pop();
        Ok(merged(root, below, 0))
    }
}

/// Takes `include` out of the top section.
fn take_include(root: &mut Node) -> Option<Node> {
    let Value::Section(members) = &mut root.value else { return None };
    let at = members.iter().position(|(key, _)| key == "include")?;
    Some(members.remove(at).1)
}

type Named<'a> = (&'a str, Place);

/// One name or a list of them.
fn names(list: &Node) -> Result<Vec<Named<'_>>, FlowError> {
    let shape = |node: &Node| {
        let problem = FlowProblem::Shape { expected: "a file name or a list of them" };
        FlowError::new("include", problem).at(node.place())
    };
    match &list.value {
        Value::Nothing => Ok(Vec::new()),
        Value::Text(name) => Ok(vec![(name, list.place())]),
        Value::List(items) => items
            .iter()
            .map(|item| match &item.value {
                Value::Text(name) => Ok((name.as_str(), item.place())),
                _ => Err(shape(item)),
            })
            .collect(),
        Value::Section(_) => Err(shape(list)),
    }
}

/// `above` with what only `below` has.
fn merged(mut above: Node, below: Node, depth: usize) -> Node {
    let Value::Section(lower) = below.value else { return above };
    let Value::Section(upper) = &mut above.value else { return above };
    for (key, node) in lower {
        match upper.iter().position(|(name, _)| *name == key) {
            None => upper.push((key, node)),
            Some(at) if depth < super::document::DEPTH_MAX => {
                let (name, own) = upper.swap_remove(at);
                // A section with nothing in it is no wish to have none of it.
                let empty = matches!(own.value, Value::Nothing);
                upper.push((name, if empty { node } else { merged(own, node, depth + 1) }));
            }
            Some(_) => {}
        }
    }
    above
}

#[cfg(test)]
mod tests;
