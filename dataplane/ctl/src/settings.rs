//! `vanectl settings`: what all nodes have while they run.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::args::SettingsAction;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Console, Row};

/// A setting, for a line.
#[derive(Debug, Serialize)]
struct Setting {
    name: String,
    value: String,
}

impl Row for Setting {
    const NOTHING: &'static str = "no settings: each node goes by what it was started with";
    const COLUMNS: &'static [&'static str] = &["NAME", "VALUE"];
    const WIDE: &'static [&'static str] = &[];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.value.clone()]
    }
}

/// Shows the settings, or does what `action` says.
pub(crate) async fn run(
    console: &mut Console,
    action: Option<SettingsAction>,
) -> Result<Exit, Error> {
    let Console { client, output } = console;
    let mut settings: BTreeMap<String, String> =
        client.cluster().await?.settings.into_iter().collect();
    match action {
        None => {
            let rows = settings.into_iter().map(|(name, value)| Setting { name, value });
            output.show(&rows.collect::<Vec<Setting>>())?;
            return Ok(Exit::Done);
        }
        Some(SettingsAction::Set { settings: given }) => settings.extend(given),
        Some(SettingsAction::Unset { names }) => settings.retain(|name, _| !names.contains(name)),
    }
    client.set_settings(settings.clone().into_iter().collect()).await?;
    output.confirm("all nodes have these settings now, without a restart", &settings)?;
    Ok(Exit::Done)
}
