//! Settings that all nodes have while they run. What they mean, the nodes know.

use std::collections::BTreeMap;

use vane_types::Refusal;

use super::{Changed, State, Touched};

/// How many there may be: nodes have fewer.
const SETTINGS_MAX: usize = 256;
/// Characters of a name or a value.
const SETTING_CHARS_MAX: usize = 1024;

impl State {
    pub(super) fn set_settings(&mut self, settings: BTreeMap<String, String>) -> Changed {
        let texts = settings.iter().flat_map(|(name, value)| [name, value]);
        let longest = texts.map(|text| text.chars().count()).max().unwrap_or_default();
        if settings.len() > SETTINGS_MAX || longest > SETTING_CHARS_MAX {
            return Err(Refusal::Invalid(format!(
                "these are {} settings of up to {longest} characters, and {SETTINGS_MAX} of \
                 {SETTING_CHARS_MAX} is the most; nothing was changed",
                settings.len()
            )));
        }
        if self.settings == settings {
            return Ok(Vec::new());
        }
        self.settings = settings;
        Ok(vec![Touched::Settings])
    }
}
