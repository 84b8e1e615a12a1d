//! Shards: who asks for other replicas, and what peers come of it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vane_raft::Conf;
use vane_types::{LogIndex, NodeId, Refusal, Term};

use super::*;

#[test]
fn a_node_that_gets_a_replica_again_gets_another_peer_id() {
    let mut state = founded();
    let group = state.collections["c"].shards[0];
    let first = state.shards[&group].peer_on(NodeId(3)).unwrap();
    reconfigure(&mut state, group, &[1, 2, 4]);
    assert_eq!(
        state.shards[&group].peer_on(NodeId(3)),
        Some(first),
        "it stays until the change is recorded"
    );
    settle(&mut state, group);
    assert_eq!(state.shards[&group].peer_on(NodeId(3)), None);
    reconfigure(&mut state, group, &[1, 2, 3]);
    let second = state.shards[&group].peer_on(NodeId(3)).unwrap();
    assert!(second != first && second.node() == NodeId(3));
    let mut asked = |nodes: &[u64]| {
        let replicas = voters(nodes);
        state.apply(MetaCommand::Reconfigure { group, replicas, if_revision: None })
    };
    assert!(asked(&[1, 1, 2]).is_err(), "one node cannot have two");
    assert!(asked(&[]).is_err(), "somebody must vote");
    assert!(asked(&[1, 9]).is_err(), "there is no such node");
}

#[test]
fn of_two_that_look_at_the_same_shard_the_second_is_refused() {
    let mut state = founded();
    let group = state.collections["c"].shards[0];
    let revision = |state: &State| state.shards[&group].revision;
    let ask = |state: &mut State, nodes: &[u64], if_revision| {
        let replicas = nodes
            .iter()
            .map(|node| WantedReplica { node: NodeId(*node), learner: *node == 4 })
            .collect();
        state.apply(MetaCommand::Reconfigure { group, replicas, if_revision })
    };
    let seen = revision(&state);
    ask(&mut state, &[1, 2, 3, 4], Some(seen)).unwrap();
    let before = state.clone();
    let refused = ask(&mut state, &[1, 2], Some(seen)).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Conflict(why) if why.contains("nodes 1,2,3,4:learner by now")),
        "{refused}"
    );
    ask(&mut state, &[4, 3, 2, 1], Some(seen)).expect("a repeated call finds its own work done");
    assert_eq!(state, before);
    // What was seen of a change under way is old when it is done.
    let under_way = revision(&state);
    let target = state.shards[&group].target.clone().unwrap_or_default();
    let peers = |learner: bool| {
        target.iter().filter(|it| it.learner == learner).map(|it| it.peer).collect()
    };
    let conf = Conf { voters: peers(false), learners: peers(true), ..Conf::default() };
    state.apply(MetaCommand::Settle { group, conf, seen: None }).unwrap();
    assert!(ask(&mut state, &[1, 2], Some(under_way)).is_err());
    assert_eq!(ask(&mut state, &[1, 2, 3, 4], Some(under_way)), Ok(Vec::new()), "they are there");
    let now = revision(&state);
    ask(&mut state, &[1, 2], Some(now)).unwrap();
    ask(&mut state, &[1, 3], None).unwrap();
    assert_eq!(revision(&state), now + 2);
}

#[test]
fn the_target_stands_until_the_members_are_those_it_asks_for() {
    let mut state = founded();
    let group = GroupId(1);
    let replicas = [voters(&[1, 2]), vec![WantedReplica { node: NodeId(4), learner: true }]];
    let replicas = replicas.concat();
    state.apply(MetaCommand::Reconfigure { group, replicas, if_revision: None }).unwrap();
    let report = |state: &mut State, voters: &[u64], learners: &[u64]| {
        let peers = |nodes: &[u64]| nodes.iter().map(|node| peer(*node, 1)).collect();
        let conf = Conf { voters: peers(voters), learners: peers(learners), ..Conf::default() };
        state.apply(MetaCommand::Settle { group, conf, seen: None }).unwrap();
        state.shards[&group].target.is_some()
    };
    assert!(report(&mut state, &[1, 2, 3], &[4]), "3 is still there");
    assert!(report(&mut state, &[1, 2, 4], &[]), "4 was to learn");
    assert!(!report(&mut state, &[1, 2], &[4]));
    let shard = &state.shards[&group];
    assert_eq!((shard.epoch, shard.revision), (3, 4));
    assert_eq!(shard.nodes(), numbered(&[1, 2, 4]));
}

/// Reports voters as they were seen at an entry.
fn report(state: &mut State, voters: &[PeerId], index: u64) -> Result<(), Refusal> {
    let group = GroupId(1);
    let seen = Seen { epoch: state.shards[&group].epoch, term: Term(1), index: LogIndex(index) };
    let conf = Conf::founding(voters);
    state.apply(MetaCommand::Settle { group, conf, seen: Some(seen) }).map(drop)
}

fn targets(state: &State) -> Vec<PeerId> {
    state.shards[&GroupId(1)].target.iter().flatten().map(|replica| replica.peer).collect()
}

#[test]
fn a_report_that_comes_late_sets_nothing_back() {
    let (mut state, group) = (founded(), GroupId(1));
    reconfigure(&mut state, group, &[1, 2, 4]);
    let new = [peer(1, 1), peer(2, 1), peer(4, 1)];
    report(&mut state, &new, 50).unwrap();
    let settled = state.clone();
    let first = Conf::founding(&[peer(1, 1), peer(2, 1), peer(3, 1)]);
    let now = Seen { epoch: 1, term: Term(1), index: LogIndex(50) };
    for late in [
        // Of an earlier record, by an earlier leader, before the recorded entry.
        Seen { epoch: 0, index: LogIndex(60), ..now },
        Seen { term: Term(0), index: LogIndex(60), ..now },
        Seen { index: LogIndex(49), ..now },
    ] {
        let command = MetaCommand::Settle { group, conf: first.clone(), seen: Some(late) };
        assert!(matches!(state.apply(command), Err(Refusal::Conflict(_))), "{late:?}");
        assert_eq!(state, settled);
    }
    // Of versions that do not say when they looked: taken until no member is one of them.
    let old = MetaCommand::Settle { group, conf: first, seen: None };
    state.clone().apply(old.clone()).unwrap();
    state.level = FeatureLevel::PROVEN;
    assert!(matches!(state.apply(old), Err(Refusal::Conflict(_))));
}

#[test]
fn a_move_that_is_taken_back_keeps_who_stayed_and_brings_nobody_back() {
    let (mut state, group) = (founded(), GroupId(1));
    let [one, two, three, four] = [1, 2, 3, 4].map(|node| peer(node, 1));
    // Taken back before anything happened: all stay who they are.
    reconfigure(&mut state, group, &[1, 2, 4]);
    reconfigure(&mut state, group, &[1, 2, 3]);
    let shard = &state.shards[&group];
    assert!(shard.fits(&Conf::founding(&[one, two, three])));
    // Taken back when the group had let 3 go: it comes back as another.
    let gone = [one, two, four];
    assert!(!shard.fits(&Conf::founding(&gone)));
    report(&mut state, &gone, 10).unwrap();
    assert_eq!(targets(&state), [one, two, peer(3, 2)]);
    assert!(state.shards[&group].fits(&Conf::founding(&gone)), "it is no member yet");
    // And who is wanted again is who is there, whatever number it was given meanwhile.
    reconfigure(&mut state, group, &[1, 2]);
    reconfigure(&mut state, group, &[1, 2, 4]);
    assert_eq!(targets(&state), gone);
    report(&mut state, &gone, 11).unwrap();
    assert_eq!(state.shards[&group].target, None);
}

#[test]
fn a_replica_that_the_catalog_forgot_is_found_again() {
    let (mut state, group) = (founded(), GroupId(1));
    let [one, two, three, four] = [1, 2, 3, 4].map(|node| peer(node, 1));
    reconfigure(&mut state, group, &[4]);
    reconfigure(&mut state, group, &[1, 2, 3]);
    // The only voter by now is one that this target does not know.
    reconfigure(&mut state, group, &[4]);
    assert_eq!(targets(&state), [peer(4, 2)]);
    report(&mut state, &[four], 10).unwrap();
    assert_eq!(state.shards[&group].target, None, "it is where it should be");
    assert_eq!(state.shards[&group].conf, Conf::founding(&[four]));
    reconfigure(&mut state, group, &[1, 2, 3]);
    assert!(targets(&state).iter().all(|peer| ![one, two, three].contains(peer)));
}

#[test]
fn what_is_not_possible_is_refused_with_its_reason() {
    let mut state = founded();
    let mut refused = |group: u64, replicas: Vec<WantedReplica>| {
        let group = GroupId(group);
        let command = MetaCommand::Reconfigure { group, replicas, if_revision: None };
        state.apply(command).unwrap_err().to_string()
    };
    assert!(refused(1, voters(&[1, 1])).contains("shard 1: a node is named twice"));
    let learner = WantedReplica { node: NodeId(1), learner: true };
    assert!(refused(1, vec![learner]).contains("at least one replica must have a vote"));
    assert!(refused(1, voters(&[9])).contains("Node 9"));
    assert!(refused(77, voters(&[1])).contains("Shard 77"));
    let (group, conf) = (GroupId(77), Conf::default());
    let settle = MetaCommand::Settle { group, conf, seen: None };
    assert_eq!(state.apply(settle), Err(Refusal::NotFound("Shard 77".into())));
}

#[test]
fn replicas_are_written_as_people_write_them() {
    let learner = WantedReplica { node: NodeId(3), learner: true };
    assert_eq!(learner.to_string(), "3:learner");
    assert_eq!(voters(&[12])[0].to_string(), "12");
}

/// What happens to a shard, as far as the catalog hears of it.
#[derive(Debug, Clone)]
enum Happens {
    /// Somebody asks for voters on these nodes.
    Asked(Vec<u64>),
    /// The change is half done: the members are the old and the new ones together.
    HalfDone,
    /// The change is done.
    Done,
}

fn anything_happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        prop::sample::subsequence(vec![1, 2, 3, 4], 1..=3).prop_map(Happens::Asked),
        Just(Happens::HalfDone),
        Just(Happens::Done),
    ]
}

/// Everybody that has or is to have a replica.
fn known_peers(shard: &ShardEntry) -> BTreeSet<PeerId> {
    let target = shard.target.iter().flatten().map(|replica| replica.peer);
    target.chain(shard.conf.members()).collect()
}

proptest! {
    #[test]
    fn a_peer_id_that_is_gone_never_returns(
        events in prop::collection::vec(anything_happens(), 0..30),
    ) {
        let mut state = founded();
        let group = GroupId(1);
        let mut gone: BTreeSet<PeerId> = BTreeSet::new();
        for event in events {
            let before = known_peers(&state.shards[&group]);
            match event {
                Happens::Asked(nodes) => reconfigure(&mut state, group, &nodes),
                Happens::Done => settle(&mut state, group),
                Happens::HalfDone => {
                    let voters: Vec<PeerId> = before.iter().copied().collect();
                    let conf = Conf::founding(&voters);
                    state.apply(MetaCommand::Settle { group, conf, seen: None }).unwrap();
                }
            }
            let now = known_peers(&state.shards[&group]);
            gone.extend(before.difference(&now));
            prop_assert!(gone.is_disjoint(&now), "{gone:?} {now:?}");
        }
    }
}
