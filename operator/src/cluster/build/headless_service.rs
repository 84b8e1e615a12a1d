use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use vane_crds::VectorCluster;

use super::name;
use crate::names;

/// Names pods before they are ready: nodes find each other to become so.
pub(super) fn headless_service(cluster: &VectorCluster) -> Service {
    let port =
        |name: &str, port| ServicePort { name: Some(name.into()), port, ..ServicePort::default() };
    Service {
        metadata: names::metadata(cluster, names::headless_service(name(cluster))),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".into()),
            publish_not_ready_addresses: Some(true),
            selector: names::label_selector(name(cluster)).match_labels,
            ports: Some(vec![port("rest", names::REST_PORT), port("peer", names::PEER_PORT)]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
