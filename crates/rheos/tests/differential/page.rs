//! Tables that a test measures and a page of the documentation shows.

use std::path::Path;

/// Compares a table with the one between the marks `<!-- name: begin -->` and `<!-- name: end -->` of a page, or writes
/// it there with `RHEOS_DIFFERENCES=write`. The page's path is one from the root of the project.
pub(crate) fn compare(page: &str, name: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->\n"));
    let (before, rest) = text.split_once(&begin).expect("the page marks where the table begins");
    let (committed, after) = rest.split_once(&end).expect("the page marks where the table ends");
    if std::env::var("RHEOS_DIFFERENCES").is_ok_and(|mode| mode == "write") {
        let text = [before, &begin, table, &end, after].concat();
        std::fs::write(&path, text).expect("the page can be written");
        return;
    }
    assert!(
        committed == table,
        "{page} has another table; `RHEOS_DIFFERENCES=write` writes it anew"
    );
}
