//! `vanectl moves`: replicas that are on their way, and how far they are.

use serde::Serialize;
use vane_proto::admin::r#move::Phase;
use vane_proto::admin::{Move, Shard};

use crate::args::Watch;
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::group::role_name;
use crate::output::{Console, Row};
use crate::units::{bytes, span};
use crate::watch;

/// Cells of a bar.
const BAR_CELLS: u64 = 10;

/// A replica that comes, goes, or takes another's place, as JSON shows it.
#[derive(Debug, Serialize)]
pub(crate) struct MoveView {
    /// `None` where all of the replicas stay.
    from_node: Option<u64>,
    /// `None` where none comes.
    to_node: Option<u64>,
    role: &'static str,
    phase: &'static str,
    /// Of the files; `None` where that is not known, or where entries of the log are enough.
    percent: Option<u64>,
    bytes_done: u64,
    bytes_total: u64,
    bytes_per_second: u64,
    seconds_left: Option<u64>,
    attempts: u32,
    reason: String,
}

impl From<Move> for MoveView {
    fn from(of: Move) -> Self {
        let phase = match of.phase() {
            Phase::Preparing => "preparing",
            Phase::Copying => "copying",
            Phase::Verifying => "verifying",
            Phase::Switching => "switching",
            Phase::Failed => "failed",
            Phase::Unspecified => "unknown",
        };
        Self {
            from_node: (of.from_node != 0).then_some(of.from_node),
            to_node: (of.to_node != 0).then_some(of.to_node),
            role: role_name(of.role()),
            phase,
            percent: percent(of.bytes_done, of.bytes_total),
            bytes_done: of.bytes_done,
            bytes_total: of.bytes_total,
            bytes_per_second: of.bytes_per_second,
            seconds_left: of.seconds_left,
            attempts: of.attempts,
            reason: of.reason,
        }
    }
}

/// How much of all there is; `None` where nobody knows how much that is.
fn percent(done: u64, total: u64) -> Option<u64> {
    let percent = u128::from(done) * 100 / u128::from(total.max(1));
    (total > 0).then(|| u64::try_from(percent.min(100)).unwrap_or(100))
}

/// Per cent as a bar and a number.
fn bar(percent: u64) -> String {
    let full = (percent * BAR_CELLS / 100).min(BAR_CELLS) as usize;
    let empty = BAR_CELLS as usize - full;
    format!("[{}{}] {percent}%", "#".repeat(full), ".".repeat(empty))
}

/// A move with its shard.
#[derive(Debug, Serialize)]
struct MoveOfShard {
    collection: String,
    shard: u32,
    group: u64,
    /// The cluster makes it by itself, to even nodes out.
    rebalancing: bool,
    #[serde(flatten)]
    view: MoveView,
}

impl Row for MoveOfShard {
    const NOTHING: &'static str = "no moves: all replicas are where they should be";
    const COLUMNS: &'static [&'static str] = &[
        "COLLECTION",
        "SHARD",
        "GROUP",
        "FROM",
        "TO",
        "PHASE",
        "PROGRESS",
        "SIZE",
        "RATE",
        "LEFT",
        "ATTEMPTS",
    ];
    const WIDE: &'static [&'static str] = &["ROLE", "WHY", "REASON"];

    fn cells(&self) -> Vec<String> {
        let Self { collection, shard, group, rebalancing, view } = self;
        let node = |node: Option<u64>| node.map(|id| id.to_string()).unwrap_or_default();
        let known = |count: u64, text: String| if count > 0 { text } else { String::new() };
        vec![
            collection.clone(),
            shard.to_string(),
            group.to_string(),
            node(view.from_node),
            node(view.to_node),
            view.phase.into(),
            view.percent.map(bar).unwrap_or_default(),
            known(view.bytes_total, bytes(view.bytes_total)),
            known(view.bytes_per_second, format!("{}/s", bytes(view.bytes_per_second))),
            view.seconds_left.map(|left| span(left.saturating_mul(1000))).unwrap_or_default(),
            view.attempts.to_string(),
            view.role.into(),
            if *rebalancing { "balance" } else { "asked" }.into(),
            view.reason.clone(),
        ]
    }
}

fn moves_of(mut shard: Shard) -> Vec<MoveOfShard> {
    let group = shard.group.as_ref().map_or(0, |group| group.id);
    let moves = std::mem::take(&mut shard.moves).into_iter();
    let of_shard = |of: Move| MoveOfShard {
        collection: shard.collection.clone(),
        shard: shard.ordinal,
        group,
        rebalancing: shard.rebalancing,
        view: of.into(),
    };
    moves.map(of_shard).collect()
}

/// Lists the moves of one collection, or of all.
pub(crate) async fn show(
    console: &mut Console,
    collection: Option<String>,
    flags: Watch,
) -> Result<Exit, Error> {
    let collection = collection.unwrap_or_default();
    let fetch = async |client: &mut Client| {
        let shards = client.shards(collection.clone()).await?;
        Ok(shards.into_iter().flat_map(moves_of).collect::<Vec<_>>())
    };
    watch::show(console, flags, fetch).await?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use vane_proto::admin::Group;

    use super::*;
    use crate::output::View;

    fn shard(of: Move) -> Shard {
        Shard {
            collection: "docs".into(),
            ordinal: 2,
            group: Some(Group { id: 7, ..Group::default() }),
            moves: vec![of],
            ..Shard::default()
        }
    }

    #[test]
    fn a_copy_shows_how_far_it_is() {
        let copying = Move {
            phase: Phase::Copying.into(),
            from_node: 1,
            to_node: 4,
            role: vane_proto::admin::Role::Voter.into(),
            bytes_total: 4 << 30,
            bytes_done: 1 << 30,
            bytes_per_second: 100 << 20,
            seconds_left: Some(30),
            attempts: 1,
            reason: "copying".into(),
        };
        let table = moves_of(shard(copying)).table().render(false, false);
        let words: Vec<&str> = table.split_whitespace().collect();
        let expected = [
            "docs",
            "2",
            "7",
            "1",
            "4",
            "copying",
            "[##........]",
            "25%",
            "4Gi",
            "100Mi/s",
            "30s",
            "1",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn what_nobody_knows_is_not_shown_as_zero() {
        let going = Move { from_node: 3, phase: Phase::Switching.into(), ..Move::default() };
        let table = moves_of(shard(going)).table().render(false, false);
        let words: Vec<&str> = table.split_whitespace().collect();
        assert_eq!(words, ["docs", "2", "7", "3", "-", "switching", "-", "-", "-", "-", "0"]);
        assert_eq!(percent(7, 0), None);
        assert_eq!((percent(u64::MAX, 1), bar(100)), (Some(100), "[##########] 100%".into()));
    }
}
