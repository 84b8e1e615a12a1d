//! Where settings come from: defaults, then the file, then the environment, then flags.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Serialized, Yaml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::Serialize;
use thiserror::Error;

use super::Settings;

/// Environment variables begin with this; `__` stands between a section and its key.
const ENV_PREFIX: &str = "VANE_";
/// The variable that stands for `--config`.
const ENV_CONFIG: &str = "VANE_CONFIG";

/// The settings could not be used. Nothing was started.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file named does not open.
    #[error("failed to read the settings in {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// Something is not a setting, or not of its type.
    #[error("bad settings: {0}")]
    Malformed(String),
    /// Something is out of its range.
    #[error("bad settings: {}", .0.join("; "))]
    OutOfRange(Vec<String>),
}

/// Settings that were checked, and what there is to say about where they came from.
#[derive(Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// To be logged as warnings once there is a log.
    pub warnings: Vec<String>,
}

/// Settings in the making.
pub struct Layers {
    figment: Figment,
    warnings: Vec<String>,
}

impl Layers {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    ///
    /// [`LoadError::File`] where it does not open.
    pub fn new(file: Option<&Path>) -> Result<Self, LoadError> {
        // Defaults are the lowest layer, so that every setting has a value.
        let mut figment = Figment::from(Serialized::defaults(Settings::default()));
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| LoadError::File { path: path.to_owned(), source })?;
            // A file in which everything is commented out says nothing.
            let says_nothing =
                |line: &str| matches!(line.trim(), "" | "---") || line.trim().starts_with('#');
            if !text.lines().all(says_nothing) {
                figment = figment.merge(Yaml::file_exact(path));
            }
        }
        Ok(Self { figment, warnings: Vec::new() })
    }

    /// Begins with settings that are there.
    pub fn over(settings: Settings) -> Self {
        Self { figment: Figment::from(Serialized::defaults(settings)), warnings: Vec::new() }
    }

    /// Takes the settings out of environment variables. Unknown ones are warned of, not
    /// refused: Kubernetes puts VANE_PORT and the like into every pod beside a Service
    /// named vane.
    pub fn environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) {
        let known = keys();
        let mut variables: Vec<_> = variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(ENV_PREFIX) && name != ENV_CONFIG)
            .collect();
        // Sorted, so that warnings come in the same order at each start.
        variables.sort();
        for (name, value) in variables {
            let key = name[ENV_PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
            if known.contains(&key) {
                // Numbers and booleans are read as such; everything else is a text.
                let Ok(value) = value.parse::<Value>();
                self.set(&key, Some(value), format!("environment variable {name}"));
            } else {
                self.warnings
                    .push(format!("environment variable {name} is no setting and has no effect"));
            }
        }
    }

    /// Sets `key` (`section.key`) above all that came before, if there is a value.
    /// `source` names its origin in an error.
    pub fn set<T: Serialize>(&mut self, key: &str, value: Option<T>, source: String) {
        if let Some(value) = value {
            let one = One { key, value, source };
            self.figment = std::mem::take(&mut self.figment).merge(one);
        }
    }

    /// The settings, checked.
    ///
    /// # Errors
    ///
    /// [`LoadError::Malformed`] or [`LoadError::OutOfRange`], with all that is wrong at once.
    pub fn load(self) -> Result<Loaded, LoadError> {
        let Self { figment, warnings } = self;
        // All of them, so that nobody starts a node once for each mistake.
        let settings: Settings = figment.extract().map_err(|errors| {
            LoadError::Malformed(errors.into_iter().map(describe).collect::<Vec<_>>().join("; "))
        })?;
        match settings.problems() {
            problems if problems.is_empty() => Ok(Loaded { settings, warnings }),
            problems => Err(LoadError::OutOfRange(problems)),
        }
    }
}

/// One value and where it is from.
struct One<'a, T> {
    key: &'a str,
    value: T,
    source: String,
}

impl<T: Serialize> Provider for One<'_, T> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Serialized::default(self.key, &self.value).data()
    }
}

/// What is wrong, with which setting, where it was read.
fn describe(error: figment::Error) -> String {
    let key =
        if error.path.is_empty() { String::new() } else { format!("{}: ", error.path.join(".")) };
    let from = error.metadata.as_ref().map_or(String::new(), |metadata| match &metadata.source {
        Some(source) => format!(" (from {source})"),
        None => format!(" (from {})", metadata.name),
    });
    format!("{key}{}{from}", error.kind)
}

/// Every setting, as `key` or `section.key`.
fn keys() -> Vec<String> {
    // From the defaults, which have every key: there is no list to forget one in.
    let json = serde_json::to_value(Settings::default()).expect("settings are plain data");
    let mut keys = Vec::new();
    for (key, value) in json.as_object().into_iter().flatten() {
        match value.as_object() {
            None => keys.push(key.clone()),
            Some(section) => keys.extend(section.keys().map(|name| format!("{key}.{name}"))),
        }
    }
    keys
}
