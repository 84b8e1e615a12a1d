//! What a change of replicas is at, as people read it: preparing, copying, verifying, switching.

use std::time::Duration;

use vane_placement::{ShardStep, Waiting};
use vane_transport::{GroupReport, TransferPhase, TransferReport};
use vane_types::NodeId;

const MIB: u64 = 1 << 20;

/// The step of a change in words, with how far its copy is.
pub(super) fn step_text(step: &ShardStep, report: &GroupReport) -> String {
    let is_waiting =
        matches!(step, ShardStep::Wait(Waiting::CatchingUp { .. } | Waiting::TakingIn { .. }));
    if let Some(transfer) = report.transfers.first().filter(|_| is_waiting) {
        return copying(transfer);
    }
    // It has arrived, and is not counted on before its receiver says that it has taken it in.
    let mut peers = report.status.peers.iter();
    let installing = peers.find(|peer| (peer.installing || peer.snapshot) && is_waiting);
    if let Some(peer) = installing {
        return format!("verifying: node {} takes its copy in", peer.peer.node());
    }
    match step {
        ShardStep::Wait(Waiting::CatchingUp { peer, matched, .. }) if matched.0 == 0 => {
            preparing(peer.node())
        }
        ShardStep::Wait(_) | ShardStep::Copy(_) => step.to_string(),
        _ => format!("switching: {step}"),
    }
}

fn preparing(node: NodeId) -> String {
    format!("preparing the copy for node {node}")
}

fn copying(transfer: &TransferReport) -> String {
    let node = transfer.to.node();
    let TransferReport { bytes_total: total, bytes_done: done, bytes_per_second, .. } = transfer;
    match transfer.phase {
        TransferPhase::Preparing => preparing(node),
        TransferPhase::Verifying => {
            format!("verifying: node {node} looks whether its {} MiB are whole", total / MIB)
        }
        TransferPhase::Copying => {
            let (done, total, rate) = (done / MIB, total / MIB, bytes_per_second / MIB);
            let left = transfer.left().map(about).unwrap_or_default();
            format!("copying to node {node}: {done} of {total} MiB, {rate} MiB/s{left}")
        }
    }
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
    use vane_types::{GroupId, LogIndex, PeerId};

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
        let peer = PeerStatus {
            peer: PeerId::new(NodeId(4), 1),
            installing: true,
            ..PeerStatus::default()
        };
        let status = GroupStatus { peers: vec![peer], ..GroupStatus::default() };
        let installing = GroupReport { status, ..GroupReport::default() };
        assert!(step_text(&waiting(0), &installing).starts_with("verifying: node 4 takes"));
        assert!(step_text(&waiting(50), &nothing).contains("50 of 100 entries"));
        let away = ShardStep::Wait(Waiting::Away(NodeId(4)));
        assert_eq!(step_text(&away, &installing), away.to_string());
        let removed = vec![PeerId::new(NodeId(1), 1)];
        let change = ShardStep::Change(MemberChange { removed, ..MemberChange::default() });
        assert_eq!(step_text(&change, &nothing), "switching: changing members");
    }
}
