//! Files and functions that can be read in one go.

use std::sync::LazyLock;

use regex::Regex;

use crate::workspace::Workspace;

/// Lines of a file, its tests among them.
const FILE_LINES_MAX: usize = 500;
/// Lines of a function after the first.
const FUNCTION_LINES_MAX: usize = 70;

static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\s*)(?:pub(?:\([^)]*\))? )?(?:const |async |unsafe )*fn (\w+)")
        .expect("the pattern is constant")
});

/// Files and functions over the limits, tests among them, a line each.
pub fn too_long(workspace: &Workspace) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in &workspace.sources {
        let lines = text.matches('\n').count();
        if lines > FILE_LINES_MAX {
            found.push(format!("{}: {lines} lines", path.display()));
        }
        let long =
            functions(text).into_iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
        found.extend(long.map(|function| {
            let Function { name, begin, lines } = function;
            format!("{}:{begin}: {name} has {lines} lines", path.display())
        }));
    }
    found
}

/// A function in a text.
pub(crate) struct Function {
    pub(crate) name: String,
    /// Line where it begins, from 1.
    pub(crate) begin: usize,
    /// Lines after the first.
    pub(crate) lines: usize,
}

/// Functions of a text whose end rustfmt put under their begin.
pub(crate) fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(captures) = FUNCTION.captures(line) else { continue };
        let end = format!("{}}}", &captures[1]);
        let length = lines[at..].iter().position(|line| line.trim_end() == end).unwrap_or(0);
        found.push(Function { name: captures[2].to_owned(), begin: at + 1, lines: length });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_ends_where_its_brace_stands_alone() {
        let text = "
impl A {
    pub(crate) async fn f(
    ) {
        if x {
        }
    }
}
fn g() {}
";
        let shown = |function: Function| (function.name, function.begin, function.lines);
        let found: Vec<_> = functions(text).into_iter().map(shown).collect();
        assert_eq!(found, [("f".to_owned(), 3, 4), ("g".to_owned(), 9, 0)]);
    }
}
