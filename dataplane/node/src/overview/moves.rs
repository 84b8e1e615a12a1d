//! What moves of replicas are at: phases, how far copies are, and the same as people read it.

use std::time::Duration;

use vane_catalog::ShardEntry;
use vane_placement::{ShardStep, Waiting, is_caught_up, transfers};
use vane_transport::{GroupReport, TransferPhase, TransferReport};
use vane_types::{NodeId, PeerId};

const MIB: u64 = 1 << 20;

/// What a move is at. One that is complete is none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovePhase {
    /// Nothing travels yet: its turn, its node or its leader is waited for, or files are read.
    Preparing,
    /// What the replica lacks is on its way: bytes of files, or entries.
    Copying,
    /// All is there, and its node looks whether it is whole, and takes it in.
    Verifying,
    /// Votes and the leadership change hands, the old replica goes, and that is recorded.
    Switching,
    /// The last attempt to send the files failed; the next comes after a pause.
    Failed,
}

/// A replica that comes, goes, or takes another's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveOverview {
    /// The node whose replica goes; `None` where all of them stay.
    pub from: Option<NodeId>,
    /// The node that is to have one; `None` where none comes.
    pub to: Option<NodeId>,
    /// It is to follow without a vote.
    pub learner: bool,
    /// What it is at.
    pub phase: MovePhase,
    /// Bytes of files in all; 0 where that is not known, or where entries of the log are enough.
    pub bytes_total: u64,
    /// Bytes that have arrived.
    pub bytes_done: u64,
    /// Bytes a second, lately.
    pub bytes_per_second: u64,
    /// Time until all have; `None` where nothing says.
    pub left: Option<Duration>,
    /// Attempts to send them that failed, one after the other.
    pub attempts: u32,
    /// Why the last attempt failed, or else what the move waits for or does.
    pub reason: String,
}

/// The moves of a shard. `step` is the next one of it, `text` the same in words.
pub(super) fn moves_of(
    shard: &ShardEntry,
    report: Option<&GroupReport>,
    step: Option<&ShardStep>,
    text: &str,
) -> Vec<MoveOverview> {
    let Some(target) = &shard.target else { return Vec::new() };
    let wanted = shard.wanted();
    let coming = transfers(&shard.conf, &wanted);
    let counterparts: Vec<NodeId> = coming.iter().filter_map(|it| it.in_place_of).collect();
    let is_going = |node: &NodeId| {
        !counterparts.contains(node) && !wanted.iter().any(|replica| replica.node == *node)
    };
    let mut moves: Vec<MoveOverview> = Vec::new();
    for transfer in coming {
        let to = target.iter().map(|replica| replica.peer).find(|peer| peer.node() == transfer.to);
        let known = report.zip(to);
        let phase = known.map_or(MovePhase::Preparing, |(report, to)| phase_of(to, report, step));
        let copy = known.and_then(|(report, to)| copy_to(to, report));
        let failure = copy.map(|copy| copy.failure.as_str()).filter(|_| phase == MovePhase::Failed);
        moves.push(MoveOverview {
            from: transfer.in_place_of,
            to: Some(transfer.to),
            learner: transfer.learner,
            phase,
            bytes_total: copy.map_or(0, |copy| copy.bytes_total),
            bytes_done: copy.map_or(0, |copy| copy.bytes_done),
            bytes_per_second: copy.map_or(0, |copy| copy.bytes_per_second),
            left: copy.and_then(TransferReport::left),
            attempts: copy.map_or(0, |copy| copy.attempts),
            reason: failure.unwrap_or(text).to_owned(),
        });
    }
    // Replicas that go while none comes in their place.
    for node in shard.nodes().into_iter().filter(is_going) {
        moves.push(MoveOverview {
            from: Some(node),
            to: None,
            learner: false,
            phase: MovePhase::Switching,
            bytes_total: 0,
            bytes_done: 0,
            bytes_per_second: 0,
            left: None,
            attempts: 0,
            reason: text.to_owned(),
        });
    }
    moves
}

fn copy_to(to: PeerId, report: &GroupReport) -> Option<&TransferReport> {
    report.transfers.iter().find(|transfer| transfer.to == to)
}

/// What a replica that comes is at.
fn phase_of(to: PeerId, report: &GroupReport, step: Option<&ShardStep>) -> MovePhase {
    let status = &report.status;
    if let Some(copy) = copy_to(to, report) {
        return match copy.phase {
            TransferPhase::Preparing if copy.has_failed() => MovePhase::Failed,
            TransferPhase::Preparing => MovePhase::Preparing,
            TransferPhase::Copying => MovePhase::Copying,
            TransferPhase::Verifying => MovePhase::Verifying,
        };
    }
    if status.conf.voters.contains(&to) {
        return MovePhase::Switching;
    }
    // It has arrived, and is not counted on before its receiver says that it has taken it in.
    let is_taken_in = matches!(
        step,
        Some(ShardStep::Wait(Waiting::TakingIn { peer, .. })) if *peer == to
    );
    match status.peer(to) {
        None => MovePhase::Preparing,
        Some(known) if known.installing || known.snapshot || is_taken_in => MovePhase::Verifying,
        Some(known) if is_caught_up(status, known) => MovePhase::Switching,
        Some(known) if known.matched.0 == 0 => MovePhase::Preparing,
        Some(_) => MovePhase::Copying,
    }
}

/// The step of a change in words, with how far its copy is.
pub(super) fn step_text(step: &ShardStep, report: &GroupReport) -> String {
    let to = match step {
        ShardStep::Wait(Waiting::CatchingUp { peer, .. } | Waiting::TakingIn { peer, .. }) => *peer,
        ShardStep::Wait(_) | ShardStep::Copy(_) => return step.to_string(),
        _ => return format!("switching: {step}"),
    };
    let node = to.node();
    match (phase_of(to, report, Some(step)), copy_to(to, report)) {
        (MovePhase::Failed, Some(copy)) => {
            format!(
                "attempt {} to send node {node} its copy failed: {}",
                copy.attempts, copy.failure
            )
        }
        (MovePhase::Verifying, Some(copy)) => {
            let total = copy.bytes_total / MIB;
            format!("verifying: node {node} looks whether its {total} MiB are whole")
        }
        (MovePhase::Copying, Some(copy)) => copying(copy),
        (MovePhase::Preparing | MovePhase::Failed, _) => {
            format!("preparing the copy for node {node}")
        }
        (MovePhase::Verifying, None)
            if !matches!(step, ShardStep::Wait(Waiting::TakingIn { .. })) =>
        {
            format!("verifying: node {node} takes its copy in")
        }
        _ => step.to_string(),
    }
}

fn copying(copy: &TransferReport) -> String {
    let node = copy.to.node();
    let [done, total, rate] =
        [copy.bytes_done, copy.bytes_total, copy.bytes_per_second].map(|bytes| bytes / MIB);
    let left = copy.left().map(about).unwrap_or_default();
    format!("copying to node {node}: {done} of {total} MiB, {rate} MiB/s{left}")
}

fn about(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..120 => format!(", about {seconds} s left"),
        seconds => format!(", about {} min left", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use vane_raft::{GroupStatus, MemberChange, PeerStatus};
    use vane_types::{GroupId, LogIndex};

    use super::*;

    fn waiting(matched: u64) -> ShardStep {
        let (peer, last_index) = (PeerId::new(NodeId(4), 1), LogIndex(100));
        ShardStep::Wait(Waiting::CatchingUp { peer, matched: LogIndex(matched), last_index })
    }

    fn report(phase: TransferPhase) -> GroupReport {
        let transfer = TransferReport {
            group: GroupId(7),
            to: PeerId::new(NodeId(4), 1),
            phase,
            bytes_total: 4000 * MIB,
            bytes_done: 1000 * MIB,
            bytes_per_second: 10 * MIB,
            attempts: 0,
            failure: String::new(),
        };
        GroupReport { transfers: vec![transfer], ..GroupReport::default() }
    }

    #[test]
    fn each_phase_says_how_far_it_is() {
        let nothing = GroupReport::default();
        assert_eq!(step_text(&waiting(0), &nothing), "preparing the copy for node 4");
        let text = |phase| step_text(&waiting(0), &report(phase));
        assert_eq!(text(TransferPhase::Preparing), "preparing the copy for node 4");
        assert_eq!(
            text(TransferPhase::Copying),
            "copying to node 4: 1000 of 4000 MiB, 10 MiB/s, about 5 min left"
        );
        assert!(text(TransferPhase::Verifying).starts_with("verifying: node 4"));
        let with_peer = |peer: PeerStatus| {
            let peer = PeerStatus { peer: PeerId::new(NodeId(4), 1), ..peer };
            let (peers, last_index) = (vec![peer], LogIndex(9_000_000));
            let status = GroupStatus { peers, last_index, ..GroupStatus::default() };
            GroupReport { status, ..GroupReport::default() }
        };
        let installing = with_peer(PeerStatus { installing: true, ..PeerStatus::default() });
        assert!(step_text(&waiting(0), &installing).starts_with("verifying: node 4 takes"));
        let behind = with_peer(PeerStatus { matched: LogIndex(50), ..PeerStatus::default() });
        assert!(step_text(&waiting(50), &behind).contains("50 of 100 entries"));
        let away = ShardStep::Wait(Waiting::Away(NodeId(4)));
        assert_eq!(step_text(&away, &installing), away.to_string());
        let removed = vec![PeerId::new(NodeId(1), 1)];
        let change = ShardStep::Change(MemberChange { removed, ..MemberChange::default() });
        assert_eq!(step_text(&change, &nothing), "switching: changing members");
    }

    /// A shard on nodes 1 to 3, as the catalog has it, that is to be on these.
    fn shard(target: &[u64]) -> ShardEntry {
        let peers = |nodes: &[u64]| -> Vec<PeerId> {
            nodes.iter().map(|node| PeerId::new(NodeId(*node), 1)).collect()
        };
        let target = peers(target).into_iter();
        let target = target.map(|peer| serde_json::json!({ "peer": peer, "learner": false }));
        let conf = vane_raft::Conf::of_voters(peers(&[1, 2, 3]));
        let entry = serde_json::json!({
            "collection": "c", "ordinal": 0, "first": [], "conf": conf, "epoch": 0,
            "target": target.collect::<Vec<_>>(), "incarnations": {},
        });
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn moves_say_from_where_to_where_and_how_far_they_are() {
        let of = |shard: &ShardEntry, report: &GroupReport| {
            let step = waiting(0);
            moves_of(shard, Some(report), Some(&step), &step_text(&step, report))
        };
        let moving = shard(&[4, 2, 3]);
        let copying = of(&moving, &report(TransferPhase::Copying)).pop().unwrap();
        assert_eq!((copying.from, copying.to), (Some(NodeId(1)), Some(NodeId(4))));
        assert_eq!((copying.phase, copying.bytes_done), (MovePhase::Copying, 1000 * MIB));
        assert_eq!(copying.left, Some(Duration::from_secs(300)));
        let mut failing = report(TransferPhase::Preparing);
        failing.transfers[0].attempts = 3;
        failing.transfers[0].failure = "no room".into();
        let failed = of(&moving, &failing).pop().unwrap();
        assert_eq!((failed.phase, failed.attempts), (MovePhase::Failed, 3));
        assert_eq!(failed.reason, "no room");
        let without = moves_of(&moving, None, None, "waiting for a leader").pop().unwrap();
        assert_eq!(
            (without.phase, &*without.reason),
            (MovePhase::Preparing, "waiting for a leader")
        );
        let mut voting = GroupReport::default();
        voting.status.conf.voters = vec![PeerId::new(NodeId(4), 1)];
        assert_eq!(of(&moving, &voting)[0].phase, MovePhase::Switching);
        let fewer = of(&shard(&[1, 2]), &voting).pop().unwrap();
        assert_eq!((fewer.from, fewer.to), (Some(NodeId(3)), None));
        assert_eq!(of(&shard(&[1, 2, 3]), &voting), []);
    }
}
