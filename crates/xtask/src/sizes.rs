//! How long files and functions may be, told from the parsed source.

use std::path::Path;

use syn::visit::{self, Visit};

/// Longest Rust file, in lines, its tests included.
pub(crate) const FILE_LINES_MAX: usize = 700;
/// Longest function, in lines, from `fn` to its closing brace.
pub(crate) const FUNCTION_LINES_MAX: usize = 80;

/// Complains about a Rust file that is too long or holds too long a function.
pub(crate) fn check(path: &Path, text: &str, complaints: &mut Vec<String>) {
    let path = path.display();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        complaints.push(format!("{path}: {lines} lines, at most {FILE_LINES_MAX}"));
    }
    match syn::parse_file(text) {
        Err(error) => {
            complaints.push(format!("{path}:{}: no Rust: {error}", error.span().start().line));
        }
        Ok(file) => {
            let mut functions = Functions::default();
            functions.visit_file(&file);
            complaints.extend(functions.too_long.into_iter().map(|(name, line, length)| {
                format!("{path}:{line}: fn {name} has {length} lines, at most {FUNCTION_LINES_MAX}")
            }));
        }
    }
}

/// Finds functions with too many lines: name, first line, lines.
#[derive(Default)]
struct Functions {
    too_long: Vec<(String, usize, usize)>,
}

impl Functions {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let lines = block.brace_token.span.close().end().line + 1 - first;
        if lines > FUNCTION_LINES_MAX {
            self.too_long.push((signature.ident.to_string(), first, lines));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        check(Path::new("x.rs"), text, &mut complaints);
        complaints
    }

    fn function(name: &str, lines: usize) -> String {
        format!("fn {name}() {{\n{}}}\n", "    // }\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_may_be_as_long_as_the_limit() {
        let text = format!("/// Doc.\n{}", function("f", FUNCTION_LINES_MAX));
        assert!(complaints(&text).is_empty());
        let text = format!("/// Doc.\n{}", function("f", FUNCTION_LINES_MAX + 1));
        assert_eq!(complaints(&text), ["x.rs:2: fn f has 81 lines, at most 80"]);
    }

    #[test]
    fn methods_and_nested_functions_are_measured() {
        let long = function("g", FUNCTION_LINES_MAX + 2);
        assert_eq!(complaints(&format!("struct S;\nimpl S {{\n{long}}}")).len(), 1);
        assert_eq!(complaints(&format!("trait T {{\n{long}}}")).len(), 1);
        assert_eq!(complaints(&format!("mod m {{\n{long}}}")).len(), 1);
        // The outer one is then too long, too.
        assert_eq!(complaints(&format!("fn f() {{\n{long}}}")).len(), 2);
    }

    #[test]
    fn a_file_may_be_as_long_as_the_limit() {
        assert!(complaints(&"//\n".repeat(FILE_LINES_MAX)).is_empty());
        assert_eq!(
            complaints(&"//\n".repeat(FILE_LINES_MAX + 1)),
            ["x.rs: 701 lines, at most 700"]
        );
        assert_eq!(complaints("fn f( {").len(), 1);
    }
}
