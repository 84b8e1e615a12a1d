//! Sources that no crate compiles: neither compiler nor clippy sees them rot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::workspace::Workspace;

/// `mod name;`, with the attribute that gives it another path, if it has one.
static MODULE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)^\s*(?:#\[path\s*=\s*"([^"]+)"\]\s*)?(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;"#,
    )
    .expect("the pattern is constant")
});

/// Sources in no module of any crate.
pub fn orphans(workspace: &Workspace) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    for target in workspace.packages.iter().flat_map(|package| &package.targets) {
        let folder = target.parent().unwrap_or(Path::new(""));
        visit(workspace, target, folder, &mut found);
    }
    workspace.sources.keys().filter(|path| !found.contains(*path)).cloned().collect()
}

/// Notes a file and those of its modules, which lie in `folder`.
fn visit(workspace: &Workspace, file: &Path, folder: &Path, found: &mut BTreeSet<PathBuf>) {
    let Some(text) = workspace.sources.get(file) else { return };
    // Targets may share modules, and a wrong path can lead round.
    if !found.insert(file.to_owned()) {
        return;
    }
    for module in MODULE.captures_iter(text) {
        let name = &module[2];
        let inner = folder.join(name);
        match module.get(1) {
            Some(path) => {
                // A path counts from the folder of the file
                // that names it, not from that of its modules.
                let file = file.parent().unwrap_or(Path::new("")).join(path.as_str());
                let folder = file.parent().map(Path::to_owned).unwrap_or_default();
                visit(workspace, &file, &folder, found);
            }
            None => {
                visit(workspace, &folder.join(format!("{name}.rs")), &inner, found);
                // cargo takes either place; that `mod.rs` is
                // not wanted here is no matter of orphans.
                visit(workspace, &inner.join("mod.rs"), &inner, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    #[test]
    fn a_file_in_no_module_is_found() {
        let source = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
        let workspace = Workspace {
            root: PathBuf::new(),
            packages: vec![Package {
                folder: "a".into(),
                name: "a".into(),
                dependencies: Vec::new(),
                libraries: Vec::new(),
                targets: vec!["a/src/lib.rs".into(), "a/tests/t/main.rs".into()],
            }],
            sources: [
                source("a/src/lib.rs", "pub mod b;\n#[cfg(test)]\nmod tests {\n    mod x;\n}\n"),
                source("a/src/b.rs", "pub(crate) mod c;\n// mod lost;\n"),
                source("a/src/b/c.rs", ""),
                source("a/src/b/lost.rs", ""),
                source("a/tests/t/main.rs", "mod world;"),
                source("a/tests/t/world.rs", ""),
            ]
            .into(),
        };
        assert_eq!(orphans(&workspace), [PathBuf::from("a/src/b/lost.rs")]);
    }
}
