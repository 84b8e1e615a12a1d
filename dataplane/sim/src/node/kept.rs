//! Disks that are copied, and put into a node in the place of others.

use std::path::Path;

use super::{Disks, Node};
use crate::env::Env;
use crate::files::Files;

/// What lies, or lay, on a node's disks.
pub(crate) struct Kept {
    pub(crate) disks: Disks,
    files: Files,
}

impl Node {
    /// Keeps a copy of the disks.
    pub(crate) fn keep_disks(&mut self, env: &Env) -> std::io::Result<()> {
        let files = env.directory.aside()?;
        for dir in env.directory.replicas_of(self.id)? {
            if let Some(name) = dir.file_name() {
                copy(&dir, &files.path().join(name))?;
            }
        }
        self.kept = Some(Kept { disks: self.disks.copy(), files });
        Ok(())
    }

    /// Puts other disks into a node that is down; those that were in it.
    pub(crate) fn exchange(&mut self, env: &Env, other: Kept) -> std::io::Result<Kept> {
        let files = env.directory.aside()?;
        for dir in env.directory.replicas_of(self.id)? {
            if let Some(name) = dir.file_name() {
                std::fs::rename(&dir, files.path().join(name))?;
            }
        }
        for entry in std::fs::read_dir(other.files.path())? {
            let entry = entry?;
            std::fs::rename(entry.path(), env.directory.path().join(entry.file_name()))?;
        }
        let disks = std::mem::replace(&mut self.disks, other.disks);
        Ok(Kept { disks, files })
    }

    /// Whether it runs, or would run, on a disk from the past that nobody has refused yet.
    pub(crate) fn is_unnoticed(&self) -> bool {
        self.newest.is_some() && self.disks.lives.refused().is_none()
    }
}

/// Copies a directory with all that is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
