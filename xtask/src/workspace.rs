//! The crates of the workspace as cargo sees them, and their sources as text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::error::Error;

/// The whole tree.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its folder.
    pub root: PathBuf,
    /// Its crates, in the order of their folders.
    pub packages: Vec<Package>,
    /// All Rust sources: path from the root, text.
    pub sources: BTreeMap<PathBuf, String>,
}

/// A crate of the workspace, as cargo describes it.
#[derive(Debug, Clone)]
pub struct Package {
    /// Folder from the root, such as `dataplane/raft`. It names the crate in messages.
    pub folder: String,
    /// Its name without `vane-`.
    pub name: String,
    /// Crates of the workspace that it is built with, without `vane-`; those of its tests are
    /// not among them.
    pub dependencies: Vec<String>,
    /// Crates from elsewhere that it is built with.
    pub libraries: Vec<String>,
    /// Files that cargo compiles by themselves, from the root of the tree.
    pub targets: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    packages: Vec<MetadataPackage>,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<MetadataDependency>,
    targets: Vec<MetadataTarget>,
}

#[derive(Deserialize)]
struct MetadataDependency {
    name: String,
    /// `dev` or `build`; null for what the crate itself is built with.
    kind: Option<String>,
    /// Where it lies; null for one from a registry.
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    src_path: PathBuf,
}

impl Workspace {
    /// Reads the workspace that this crate belongs to.
    ///
    /// # Errors
    ///
    /// cargo cannot be run, or a source cannot be read.
    pub fn read() -> Result<Self, Error> {
        let metadata = metadata()?;
        let root = metadata.workspace_root;
        let from_root = |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_owned();
        let mut packages: Vec<Package> = Vec::new();
        for package in metadata.packages {
            let folder = from_root(package.manifest_path.parent().unwrap_or(&root));
            // What only tests need is in nothing that is shipped, and may point anywhere.
            let built_with = package.dependencies.iter();
            let built_with =
                built_with.filter(|dependency| dependency.kind.as_deref() != Some("dev"));
            let (ours, libraries): (Vec<_>, Vec<_>) =
                built_with.partition(|dependency| dependency.path.is_some());
            packages.push(Package {
                folder: folder.display().to_string(),
                name: short(&package.name).to_owned(),
                dependencies: ours.iter().map(|ours| short(&ours.name).to_owned()).collect(),
                libraries: libraries.iter().map(|library| library.name.clone()).collect(),
                targets: package.targets.iter().map(|target| from_root(&target.src_path)).collect(),
            });
        }
        packages.sort_by(|a, b| a.folder.cmp(&b.folder));
        let mut sources = BTreeMap::new();
        read_sources(&root, &root, &mut sources)?;
        Ok(Self { root, packages, sources })
    }

    /// Text of a file that is no Rust source.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn text(&self, path: &str) -> Result<String, Error> {
        let path = self.root.join(path);
        std::fs::read_to_string(&path).map_err(Error::file("read", &path))
    }

    /// The crate that a source belongs to.
    pub(crate) fn package_of(&self, source: &Path) -> Option<&Package> {
        let holds = |package: &&Package| source.starts_with(&package.folder);
        // The innermost one, should crates ever be nested.
        self.packages.iter().filter(holds).max_by_key(|package| package.folder.len())
    }

    /// What of a crate is no test, as text by path.
    pub(crate) fn product<'a>(
        &'a self,
        package: &'a Package,
    ) -> impl Iterator<Item = (&'a Path, &'a str)> {
        self.sources
            .iter()
            .filter(move |(path, _)| {
                self.package_of(path).is_some_and(|owner| owner.folder == package.folder)
            })
            .filter(|(path, _)| !is_test(path))
            .map(|(path, text)| (path.as_path(), without_tests(text)))
    }
}

/// Files that hold tests alone.
fn is_test(path: &Path) -> bool {
    path.starts_with("e2e")
        || path.ends_with("tests.rs")
        || path.components().any(|part| part.as_os_str() == "tests")
}

/// A file up to its module of tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn short(name: &str) -> &str {
    name.strip_prefix("vane-").unwrap_or(name)
}

fn metadata() -> Result<Metadata, Error> {
    // The cargo that runs us, where one does.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        // The tree alone, without a network: no dependency is looked up.
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|e| Error::Metadata(e.to_string()))?;
    if !output.status.success() {
        return Err(Error::Metadata(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| Error::Metadata(e.to_string()))
}

fn read_sources(
    root: &Path,
    folder: &Path,
    sources: &mut BTreeMap<PathBuf, String>,
) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file("read", folder))? {
        let path = entry.map_err(Error::file("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !is_apart(&path, &name) {
                read_sources(root, &path, sources)?;
            }
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
            sources.insert(path.strip_prefix(root).unwrap_or(&path).to_owned(), text);
        }
    }
    Ok(())
}

/// Build output, what tools hide, and folders that are a workspace of their own.
fn is_apart(folder: &Path, name: &str) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    name == "target" || name.starts_with('.') || manifest.lines().any(|line| line == "[workspace]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_what_is_apart_are_told_from_the_product() {
        for test in ["e2e/tests/up.rs", "a/src/b/tests.rs", "a/tests/c/d.rs", "a/src/tests/e.rs"] {
            assert!(is_test(Path::new(test)), "{test}");
        }
        assert!(!is_test(Path::new("a/src/contests.rs")));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert!(is_apart(&root.join("e2e/integrations/rust"), "rust"));
        assert!(!is_apart(&root.join("e2e"), "e2e"));
        assert_eq!(without_tests("code\n#[cfg(test)]\nmod tests {\n}\n"), "code\n");
    }
}
