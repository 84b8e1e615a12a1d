use vane_proto::admin::{Group, Replica, ReplicaTarget, Role, Shard};

use super::ShardView;
use crate::output::View;

fn replica(node_id: u64, role: Role) -> Replica {
    Replica { node_id, role: role.into(), known: true, active: true, ..Replica::default() }
}

fn shard() -> Shard {
    let replicas =
        vec![replica(1, Role::Voter), replica(2, Role::Voter), replica(3, Role::Learner)];
    let group = Group { id: 7, leader_node: 1, term: 3, replicas, ..Group::default() };
    Shard {
        collection: "docs".into(),
        ordinal: 1,
        group: Some(group),
        points: 10,
        vector_bytes: 2048,
        ..Shard::default()
    }
}

fn state(spoil: fn(&mut Shard, &mut Group)) -> String {
    let mut shard = shard();
    let mut group = shard.group.take().unwrap();
    spoil(&mut shard, &mut group);
    shard.group = Some(group);
    serde_json::to_value(ShardView::from(shard).state).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn the_worst_is_said_first() {
    assert_eq!(state(|_, _| ()), "ok");
    assert_eq!(state(|_, group| group.replicas[2].active = false), "ok");
    assert_eq!(state(|_, group| group.replicas[1].known = false), "unknown");
    assert_eq!(state(|_, group| group.replicas[1].active = false), "degraded");
    assert_eq!(state(|_, group| group.replicas[1].snapshot = true), "degraded");
    assert_eq!(state(|_, group| group.joint = true), "moving");
    assert_eq!(state(|shard, _| shard.target.push(ReplicaTarget::default())), "moving");
    let both: fn(&mut Shard, &mut Group) = |_, group| {
        group.leader_node = 0;
        group.joint = true;
    };
    assert_eq!(state(both), "no_leader");
}

#[test]
fn replicas_stand_in_the_form_of_the_flag() {
    let table = vec![ShardView::from(shard())].table();
    assert_eq!(
        table.render(true, false),
        "COLLECTION   SHARD   GROUP   STATE   LEADER   REPLICAS        POINTS   SIZE\n\
         docs         1       7       Ok      1        1,2,3:learner   10       2Ki\n"
    );
}

#[test]
fn a_group_that_nobody_described_is_no_panic() {
    let view = ShardView::from(Shard::default());
    assert_eq!(view.state, super::ShardState::NoLeader);
    assert!(vec![view].table().render(false, true).contains("none"));
}
