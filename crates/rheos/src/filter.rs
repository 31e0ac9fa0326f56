//! Filters from the command line and from settings, with the place of a mistake marked.

use rheos_core::filter::{Filter, FilterError, FlowFilter};

/// A filter that is not understood, shown with a caret under the mistake.
#[derive(Debug, thiserror::Error)]
#[error("wrong filter: {}\n  {}", error.kind, shown(error, text))]
pub(crate) struct FilterMistake {
    text: String,
    error: FilterError,
}

impl FilterMistake {
    /// The next step.
    pub(crate) fn hint(&self) -> Option<String> {
        self.error.hint.clone()
    }
}

/// Reads a filter; the empty text matches everything.
///
/// # Errors
/// If it is not understood.
pub(crate) fn parse(text: &str) -> Result<Filter, FilterMistake> {
    Filter::parse(text).map_err(|error| FilterMistake { text: text.to_owned(), error })
}

/// Reads a filter of flow records; the empty text matches everything.
///
/// # Errors
/// If it is not understood.
pub(crate) fn parse_flow(text: &str) -> Result<FlowFilter, FilterMistake> {
    FlowFilter::parse(text).map_err(|error| FilterMistake { text: text.to_owned(), error })
}

/// The text and the caret line, without the message and hint that are told in their own places.
fn shown(error: &FilterError, text: &str) -> String {
    let rendered = error.render(text);
    let mut lines = rendered.lines();
    let filter = lines.next().unwrap_or_default();
    let carets = lines.next().unwrap_or_default();
    let end = carets.rfind('^').map_or(0, |at| at + 1);
    format!("{filter}\n  {}", &carets[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mistake_is_marked_and_the_next_step_told() {
        let mistake = parse("tcp and prot 80").expect_err("a mistake");
        let text = mistake.to_string();
        assert!(text.contains("\n  tcp and prot 80\n          ^^^^"), "{text}");
        assert!(text.starts_with("wrong filter: unknown word `prot`"), "{text}");
        assert_eq!(mistake.hint().as_deref(), Some("did you mean `port`?"));
        assert!(parse("").is_ok());
    }
}
