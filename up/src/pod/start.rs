//! Starts the process that a pod was planned as.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::Plan;
use crate::error::Error;
use crate::process::Process;
use crate::state::write_secret;

impl Plan {
    /// Writes the pod's files and starts the node binary. Its output is appended to `log`.
    /// `group` is the process group that it joins; 0 makes one of its own, which outlives
    /// whoever starts it.
    ///
    /// # Errors
    ///
    /// A folder or file cannot be written, or the binary cannot be started. Folders and files
    /// that were written stay.
    pub fn start(&self, binary: &Path, log: &Path, group: i32) -> Result<Process, Error> {
        self.write_files()?;
        let mut command = Command::new(binary);
        // The caller's own settings are none of the pod's.
        let inherited = std::env::vars_os().map(|(name, _)| name);
        for name in inherited.filter(|name| name.to_string_lossy().starts_with("VANE_")) {
            command.env_remove(name);
        }
        command.args(&self.args).envs(&self.env).process_group(group);
        Process::start(command, log)
    }

    fn write_files(&self) -> Result<(), Error> {
        for dir in &self.dirs {
            fs::create_dir_all(dir).map_err(Error::system("make the folder", dir))?;
        }
        for file in &self.files {
            write_secret(&file.path, &file.bytes).map_err(Error::system("write", &file.path))?;
        }
        Ok(())
    }
}
