//! Disks that come back as they were, disks that are lost, and nodes that go.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use vane_testbed::{Cluster, Rest, program, wait_until};

use crate::load::{Load, Plan};
use crate::world::{HEAL, alone, amount, check, create, leader, options, scrolled, start};

/// Volumes that are lost one after the other, unless `LOST_VOLUMES` says otherwise.
const LOST_VOLUMES: u64 = 3;
/// A silent voter loses its vote soon.
const SETTINGS: [(&str, &str); 1] = [("CLUSTER__LOST_AFTER_S", "3")];
/// The secret of local clusters.
const TOKEN: &str = "local";
/// Time for a node to be replaced.
const REPLACE_MAX: &str = "60s";

/// Time for a request that should not be taken.
const SOON: Duration = Duration::from_millis(300);

/// Copies a data directory.
fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success(), "{from:?} was not copied");
}

/// Puts a copy in the place of a data directory.
fn put_back(copied: &Path, dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
    fs::rename(copied, dir).unwrap();
}

/// Runs vanectl against a node; what it prints.
fn vanectl(cluster: &Cluster, number: usize, arguments: &[&str]) -> String {
    let node = &cluster.nodes()[number - 1];
    let done = Command::new(program::vane().unwrap().with_file_name("vanectl"))
        .args(["--endpoint", &node.admin_address(), "--token", TOKEN])
        .args(arguments)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{arguments:?}: {out}{err}");
    out.into_owned()
}

#[test]
fn a_disk_from_the_past_does_not_vote_and_says_so() {
    let mut world = start(3, false, &[]);
    let cluster = &mut world.cluster;
    create(&cluster.nodes()[0].rest(), 1, 3);
    let dir = cluster.data_dir(2).to_owned();
    let kept = dir.with_extension("kept");
    cluster.node(2).stop().unwrap();
    copy(&dir, &kept);
    // Twice, so that the disk has been started more often than its copy ever will be.
    for _ in 0..2 {
        cluster.node(2).start().unwrap();
        cluster.wait_ready().unwrap();
        cluster.node(2).kill();
    }
    cluster.node(2).start().unwrap();
    cluster.wait_ready().unwrap();
    cluster.node(3).kill();
    let load = Load::start(cluster, Plan { writers: 2, ..Plan::default() });
    load.wait_for_through(&[1, 2], 50);
    let written = load.end();
    cluster.node(1).kill();
    cluster.node(2).kill();
    put_back(&kept, &dir);
    // The majority that would have forgotten: one from the past, and one that was away.
    cluster.node(3).start().unwrap();
    let _refused = cluster.node(2).start();
    let says = wait_until("the old disk to be refused", HEAL, || {
        let node = &cluster.nodes()[1];
        let tail = node.log_tail();
        tail.contains("refuses this disk").then_some(tail)
    });
    assert!(says.unwrap().contains("older copy of the disk"));
    assert!(!cluster.nodes()[1].rest().is_ready());
    assert!(!cluster.nodes()[2].rest().is_ready() || cluster.admin(3).is_ok());
    cluster.node(1).start().unwrap();
    wait_until("the shard to be led", HEAL, || {
        let group = cluster.admin(1).ok()?.shards("c").ok()?.first()?.group.clone()?;
        (group.leader_node == 1 || group.leader_node == 3).then_some(())
    })
    .unwrap();
    cluster.node(2).kill();
    check(cluster, &written);
    // Marked: it says so at every start from now on.
    assert!(cluster.node(2).start().is_err());
    assert!(cluster.nodes()[1].log_tail().contains("refuses this disk"));
}

/// What it has may be older than what the others know: until one of them says that it is not, the
/// node answers nothing, and says what it waits for.
#[test]
fn a_node_whose_start_nobody_has_taken_says_so() {
    let mut world = start(3, false, &[]);
    let cluster = &mut world.cluster;
    create(&cluster.nodes()[0].rest(), 1, 3);
    (1..=3).for_each(|number| cluster.node(number).kill());
    cluster.node(1).start().unwrap();
    let rest = cluster.nodes()[0].rest();
    let says = wait_until("the node to have opened its disk", HEAL, || {
        let answer = rest.call_raw("GET", "/readyz", &[]).ok()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        (!text.contains("starting")).then_some((answer.status, text))
    });
    let (status, text) = says.unwrap();
    assert!(
        status == 503 && text.contains("waits for the others to take its start"),
        "{status} {text}"
    );
    cluster.node(2).start().unwrap();
    wait_until("two of three to serve", HEAL, || rest.is_ready().then_some(())).unwrap();
}

/// As far as that disk knows it has every vote, and there is nobody to ask but the seeds.
#[test]
fn a_founders_disk_from_before_the_others_joined_takes_no_write() {
    let (_alone, dir) = (alone(), tempfile::tempdir().unwrap());
    let mut founder = Cluster::start(&options(dir.path(), 1, false, &[])).unwrap();
    founder.stop().unwrap();
    drop(founder);
    let (first, kept) = (dir.path().join("node-1"), dir.path().join("kept"));
    copy(&first, &kept);
    let mut cluster = Cluster::start(&options(dir.path(), 3, false, &[])).unwrap();
    cluster.node(1).kill();
    put_back(&kept, &first);
    let _refused = cluster.node(1).start();
    let (node, schema) = (&cluster.nodes()[0], json!({"vectors": {"size": 4, "distance": "Dot"}}));
    let rest = Rest::with_timeout(node.rest().url(), SOON);
    wait_until("the old disk to be refused", HEAL, || {
        let made = rest.send("PUT", "/collections/x", &schema);
        assert!(made.is_err(), "it takes part: {made:?}");
        node.log_tail().contains("refuses this disk").then_some(())
    })
    .unwrap();
    assert!(!node.rest().is_ready());
}

#[test]
fn volumes_lost_one_after_the_other_are_replaced_as_documented() {
    let rounds = amount("LOST_VOLUMES", LOST_VOLUMES);
    let mut world = start(3, false, &SETTINGS);
    let cluster = &mut world.cluster;
    create(&cluster.nodes()[0].rest(), 2, 3);
    let load = Load::start(cluster, Plan { writers: 2, ..Plan::default() });
    load.wait_for(100);
    let written = load.end();
    for round in 0..rounds {
        // Always another machine, the founder's among them.
        let number = 1 + (round as usize + 1) % 3;
        let witness = 1 + (round as usize + 2) % 3;
        let before = cluster.admin(number).unwrap().cluster().unwrap().node_id;
        cluster.node(number).kill();
        fs::remove_dir_all(cluster.data_dir(number)).unwrap();
        cluster.node(number).start().unwrap();
        // The same address, a new number; nothing runs under the old one.
        let ghost = wait_until("the ghost to be noticed", HEAL, || {
            let nodes = cluster.admin(witness).ok()?.nodes().ok()?;
            let ghost = nodes.into_iter().find(|node| node.id == before)?;
            (!ghost.alive && !ghost.displaced.is_empty()).then_some(ghost)
        })
        .unwrap();
        assert!(ghost.displaced.contains("not node"), "{}", ghost.displaced);
        let after = wait_until("the new node to have joined", HEAL, || {
            Some(cluster.admin(number).ok()?.cluster().ok()?.node_id)
        })
        .unwrap();
        let (old, new) = (before.to_string(), after.to_string());
        let replace = ["nodes", "replace", &old, "--with", &new, "--yes", "--timeout", REPLACE_MAX];
        let said = vanectl(cluster, witness, &replace);
        assert!(said.contains(&format!("node/{old} replaced by node/{new}")), "{said}");
        wait_until("three live voters", HEAL, || {
            let nodes = cluster.admin(witness).ok()?.nodes().ok()?;
            let live = nodes.iter().filter(|node| node.alive && node.meta_voter).count();
            (nodes.len() == 3 && live == 3).then_some(())
        })
        .unwrap();
        println!("round {round}: node {old} was replaced by node {new}");
    }
    assert!(leader(cluster).0 > 0);
    cluster.wait_caught_up("c", 0).unwrap();
    check(cluster, &written);
}

/// Every member is where another one was, so that nobody is where the catalog says.
#[test]
fn members_that_all_have_new_addresses_find_each_other_again() {
    let (_alone, dir) = (alone(), tempfile::tempdir().unwrap());
    let mut cluster = Cluster::start(&options(dir.path(), 3, false, &[])).unwrap();
    create(&cluster.nodes()[0].rest(), 2, 3);
    let load = Load::start(&cluster, Plan { writers: 2, ..Plan::default() });
    load.wait_for(50);
    let written = load.end();
    let before: Vec<u64> =
        (1..=3).map(|at| cluster.admin(at).unwrap().cluster().unwrap().node_id).collect();
    cluster.stop().unwrap();
    drop(cluster);
    let place = |name: &str| dir.path().join(name);
    for (from, to) in
        [("node-1", "aside"), ("node-3", "node-1"), ("node-2", "node-3"), ("aside", "node-2")]
    {
        fs::rename(place(from), place(to)).unwrap();
    }
    let cluster = Cluster::start(&options(dir.path(), 3, false, &[])).unwrap();
    let after: Vec<u64> =
        (1..=3).map(|at| cluster.admin(at).unwrap().cluster().unwrap().node_id).collect();
    assert_eq!(after, [before[2], before[0], before[1]]);
    check(&cluster, &written);
}

/// Two of three disks are gone for good: what the third has is there again.
#[test]
fn a_group_that_lost_its_majority_for_good_is_recovered_from_the_disk_that_is_left() {
    let mut world = start(3, false, &SETTINGS);
    let cluster = &mut world.cluster;
    create(&cluster.nodes()[0].rest(), 2, 3);
    let load = Load::start(cluster, Plan { writers: 2, ..Plan::default() });
    load.wait_for(100);
    let written = load.end();
    cluster.wait_caught_up("c", 0).unwrap();
    let ids: Vec<u64> =
        (1..=3).map(|at| cluster.admin(at).unwrap().cluster().unwrap().node_id).collect();
    let id = cluster.admin(1).unwrap().cluster().unwrap().cluster_id;
    for number in [2, 3] {
        cluster.node(number).kill();
        fs::remove_dir_all(cluster.data_dir(number)).unwrap();
    }
    cluster.node(1).stop().unwrap();
    let dir = cluster.data_dir(1).to_str().unwrap().to_owned();
    let lost = format!("{},{}", ids[1], ids[2]);
    let recover = |more: &[&str]| {
        let mut command = Command::new(program::vane().unwrap());
        command.args(["recover", "--data-dir", &dir, "--lost", &lost]).args(more);
        let done = command.output().unwrap();
        let (out, err) = (done.stdout.clone(), done.stderr);
        let said = String::from_utf8_lossy(&out).into_owned() + &String::from_utf8_lossy(&err);
        (done.status.success(), said)
    };
    let (ok, said) = recover(&[]);
    assert!(ok && said.contains("nothing was changed") && said.contains("MAY BE LOST"), "{said}");
    assert_eq!(said.matches("BECOMES ITS ONLY VOTER").count(), 3, "{said}");
    let (ok, said) = recover(&["--confirm", "yes"]);
    assert!(!ok && said.contains("nothing was changed"), "{said}");
    let (ok, said) = recover(&["--confirm", &id]);
    assert!(ok && said.contains("done"), "{said}");
    cluster.node(1).start().unwrap();
    wait_until("the node that is left to serve", HEAL, || {
        (scrolled(&cluster.nodes()[0].rest()).ok()?.len() >= written.acknowledged.len())
            .then_some(())
    })
    .unwrap();
    check(cluster, &written);
    // Two new machines, and everything threefold again.
    let mut new = Vec::new();
    for number in [2, 3] {
        cluster.node(number).start().unwrap();
        let joined = wait_until("a new node to join", HEAL, || {
            Some(cluster.admin(number).ok()?.cluster().ok()?.node_id)
        });
        new.push(joined.unwrap());
    }
    let replicas = format!("{},{},{}", ids[0], new[0], new[1]);
    for group in ["1", "2"] {
        vanectl(cluster, 1, &["shards", "reconfigure", group, "--replicas", &replicas]);
    }
    for old in &ids[1..] {
        let remove = ["nodes", "remove", &old.to_string(), "--yes"];
        wait_until("the lost node to be removed", HEAL, || {
            let node = &cluster.nodes()[0];
            let done = Command::new(program::vane().unwrap().with_file_name("vanectl"))
                .args(["--endpoint", &node.admin_address(), "--token", TOKEN])
                .args(remove)
                .output()
                .unwrap();
            done.status.success().then_some(())
        })
        .unwrap();
    }
    cluster.wait_ready().unwrap();
    cluster.wait_caught_up("c", 0).unwrap();
    check(cluster, &written);
}
