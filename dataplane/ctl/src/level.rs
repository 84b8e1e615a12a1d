//! `vanectl level`: what all nodes have agreed to write, and who says when that becomes more.

use serde::Serialize;

use crate::args::LevelAction;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Console, View};
use crate::table::Table;

/// The feature level of a cluster.
#[derive(Debug, Serialize)]
struct Level {
    level: u32,
    /// What all nodes could read.
    spoken: u32,
    held: bool,
}

impl View for Level {
    fn table(&self) -> Table {
        let raised = if self.held { "when somebody says so" } else { "by itself" };
        Table::fields([
            ("Level", self.level.to_string()),
            ("Spoken by all", self.spoken.to_string()),
            ("Raised", raised.to_owned()),
        ])
    }
}

#[derive(Debug, Serialize)]
struct Held {
    held: bool,
}

#[derive(Debug, Serialize)]
struct Raised {
    level: u32,
}

/// Shows the level, or does what `action` says.
pub(crate) async fn run(console: &mut Console, action: Option<LevelAction>) -> Result<Exit, Error> {
    let Console { client, output } = console;
    match action {
        None => {
            let cluster = client.cluster().await?;
            output.show(&Level {
                level: cluster.feature_level,
                spoken: cluster.feature_level_spoken,
                held: cluster.feature_level_held,
            })?;
        }
        Some(LevelAction::Raise) => {
            let level = client.raise_feature_level().await?;
            let sentence = format!("the cluster is at feature level {level}");
            output.confirm(&sentence, &Raised { level })?;
        }
        Some(action @ (LevelAction::Hold | LevelAction::Release)) => {
            let held = matches!(action, LevelAction::Hold);
            client.hold_feature_level(held).await?;
            let sentence = match held {
                true => "the feature level waits for `vanectl level raise`",
                false => "the feature level is raised by itself",
            };
            output.confirm(sentence, &Held { held })?;
        }
    }
    Ok(Exit::Done)
}
