//! Several operators: the one that holds the Lease works, the others stand by.

use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::process::{IDENTITY, Operator};
use crate::world::{World, cluster, named};

const LEASE: &str = "lease/vane-operator";
const LEADER: &str = "vane_operator_leader";
const PASSES: &str = "vane_operator_reconciliations_total{kind=\"VectorCluster\"}";
/// Time for an operator to end that has to.
const HANGS: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_takes_over_from_one_that_was_killed() {
    const NAMESPACE: &str = "pair";
    let mut world = World::start().await;
    world.namespace(NAMESPACE).await;
    world.wait_metric(&world.operator, LEADER, 1.0).await;
    let second = stand_by(&world, "second").await;
    world.apply(NAMESPACE, &cluster(3)).await;
    world.wait(NAMESPACE, "statefulset/demo", |_| true).await;
    assert_eq!(second.metric(PASSES).await, None, "only the holder works");
    assert_eq!(holder(&world).await, (json!(IDENTITY), json!(0)));

    let began = Instant::now();
    world.operator.kill();
    world.apply(NAMESPACE, &named("late", cluster(3))).await;
    world.wait(NAMESPACE, "statefulset/late", |_| true).await;
    println!("the second operator works {:?} after the first was killed", began.elapsed());
    assert_eq!(holder(&world).await, (json!("second"), json!(1)));
    world.wait_metric(&second, LEADER, 1.0).await;
    // What the first began goes on too.
    world.api.kubectl(&["-n", NAMESPACE, "delete", "service", "demo"]).await.unwrap();
    world.wait(NAMESPACE, "service/demo", |_| true).await;
    assert_eq!(holder(&world).await, (json!("second"), json!(1)), "{}", second.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_whose_lease_was_taken_ends_and_writes_nothing_more() {
    const NAMESPACE: &str = "taken";
    let mut world = World::start().await;
    world.namespace(NAMESPACE).await;
    world.wait_metric(&world.operator, LEADER, 1.0).await;
    let second = stand_by(&world, "second").await;
    take(&world, "somebody").await;
    let began = Instant::now();
    let status = world.wait_operator_end("the operator to end without its lease").await;
    println!("the operator ended {:?} after its lease was taken", began.elapsed());
    assert_eq!(status, 1, "{}", world.operator.log());
    assert!(world.operator.log().contains("the lease was lost"), "{}", world.operator.log());

    // Its end took nothing from who holds the Lease now, and who stands by waits for that one.
    take(&world, "somebody").await;
    world.apply(NAMESPACE, &cluster(3)).await;
    let mut looks = 0;
    loop {
        let (object, set) =
            (world.get(NAMESPACE, "vc/demo").await, world.get(NAMESPACE, "statefulset/demo").await);
        let (holder, _) = holder(&world).await;
        if holder != "somebody" {
            assert_eq!(holder, "second");
            break;
        }
        // The Lease was looked at last: this is from before it ended.
        assert!(
            object.unwrap()["status"].is_null() && set.is_none(),
            "somebody else holds the lease"
        );
        looks += 1;
        assert!(began.elapsed() < HANGS * 2, "nobody takes over:\n{}", second.log());
        tokio::time::sleep(PAUSE).await;
    }
    assert!(looks > 0, "nothing was seen while the lease was held");
    world.wait(NAMESPACE, "statefulset/demo", |_| true).await;
    world.wait_metric(&second, LEADER, 1.0).await;
}

/// Starts one that is ready and does not work.
async fn stand_by(world: &World, identity: &str) -> Operator {
    let operator = Operator::start_as(identity, &world.api, world.dir.path(), &[]);
    world.wait_metric(&operator, LEADER, 0.0).await;
    assert_eq!(
        operator.answer("readyz").await.as_deref(),
        Some("ok"),
        "a roll-out of two must not wait for ever"
    );
    operator
}

/// Writes the Lease as somebody else who works.
async fn take(world: &World, identity: &str) {
    let now = MicroTime(Timestamp::now());
    let patch =
        json!({"spec": {"holderIdentity": identity, "renewTime": now, "leaseDurationSeconds": 15}})
            .to_string();
    world
        .api
        .kubectl(&["-n", "default", "patch", LEASE, "--type=merge", "-p", &patch])
        .await
        .unwrap();
}

/// Who holds the Lease, and how often it changed hands.
async fn holder(world: &World) -> (Value, Value) {
    let lease = world.get("default", LEASE).await.unwrap();
    (lease["spec"]["holderIdentity"].clone(), lease["spec"]["leaseTransitions"].clone())
}
