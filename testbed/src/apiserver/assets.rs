//! Where the binaries are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// The variable that names a folder of binaries, as in other projects.
const VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// Paths of Kubernetes' binaries.
#[derive(Debug, Clone)]
pub(crate) struct Assets {
    pub(crate) etcd: PathBuf,
    pub(crate) apiserver: PathBuf,
    pub(crate) controllers: PathBuf,
    pub(crate) kubectl: PathBuf,
}

impl Assets {
    /// Those in `KUBEBUILDER_ASSETS`, else those of this project's own script, which brings
    /// them where they are missing: that takes minutes, once.
    pub(crate) fn find() -> Result<Self, Error> {
        match std::env::var_os(VARIABLE).filter(|dir| !dir.is_empty()) {
            Some(dir) => Self::within(
                Path::new(&dir),
                "unset KUBEBUILDER_ASSETS, or set it to a folder that has all four",
            ),
            None => Self::within(
                &bring()?,
                "remove the folder and run `e2e/kubernetes/tools apiserver`",
            ),
        }
    }

    fn within(dir: &Path, advice: &'static str) -> Result<Self, Error> {
        let file = |binary: &'static str| {
            let path = dir.join(binary);
            if path.is_file() {
                Ok(path)
            } else {
                Err(Error::Missing { dir: dir.to_owned(), binary, advice })
            }
        };
        Ok(Self {
            etcd: file("etcd")?,
            apiserver: file("kube-apiserver")?,
            controllers: file("kube-controller-manager")?,
            kubectl: file("kubectl")?,
        })
    }
}

/// Runs the script; its words about what it builds go to the terminal.
fn bring() -> Result<PathBuf, Error> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/kubernetes/tools");
    let what = format!("failed to bring Kubernetes' binaries, {}", script.display());
    let output = Command::new(&script)
        .arg("apiserver")
        // Set but empty it counts as unset here, and so it must for the script.
        .env_remove(VARIABLE)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| Error::request(&what, e))?;
    if !output.status.success() {
        return Err(Error::request(what, output.status));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_binary_is_named_with_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        for binary in ["etcd", "kube-apiserver", "kubectl"] {
            std::fs::write(dir.path().join(binary), "").unwrap();
        }
        let error = Assets::within(dir.path(), "unset it").unwrap_err().to_string();
        assert!(
            error.contains("kube-controller-manager")
                && error.contains(&*dir.path().to_string_lossy()),
            "{error}"
        );
    }
}
