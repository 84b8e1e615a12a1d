//! Two Services: names for the pods, and an address for clients.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::word;
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// Names pods before they are ready: nodes find each other to become so.
pub(super) fn headless(cluster: &ValidatedCluster) -> Service {
    Service {
        metadata: cluster.child(names::headless_service(&cluster.name)),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".into()),
            publish_not_ready_addresses: Some(true),
            ip_family_policy: word(cluster.spec.service.ip_family_policy),
            selector: names::label_selector(&cluster.name).match_labels,
            ports: Some(vec![
                port("rest", names::REST_PORT),
                port("grpc", names::GRPC_PORT),
                port("peer", names::PEER_PORT),
            ]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// The address for clients: any node that is ready answers everything.
pub(super) fn for_clients(cluster: &ValidatedCluster) -> Service {
    let rest = ServicePort { app_protocol: Some("http".into()), ..port("rest", names::REST_PORT) };
    // Without TLS, which proxies would otherwise take HTTP/2 to come with.
    let h2c = Some("kubernetes.io/h2c".into());
    let grpc = ServicePort { app_protocol: h2c, ..port("grpc", names::GRPC_PORT) };
    let wanted = &cluster.spec.service;
    let annotations = Some(wanted.annotations.clone()).filter(|them| !them.is_empty());
    Service {
        metadata: ObjectMeta { annotations, ..cluster.child(cluster.name.clone()) },
        spec: Some(ServiceSpec {
            type_: word(wanted.kind),
            load_balancer_source_ranges: Some(wanted.source_ranges.clone())
                .filter(|ranges| !ranges.is_empty()),
            load_balancer_class: wanted.load_balancer_class.clone(),
            external_traffic_policy: wanted.external_traffic_policy.and_then(word),
            ip_family_policy: word(wanted.ip_family_policy),
            traffic_distribution: wanted.traffic_distribution.and_then(word),
            selector: names::label_selector(&cluster.name).match_labels,
            ports: Some(vec![rest, grpc]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn port(name: &str, port: i32) -> ServicePort {
    ServicePort { name: Some(name.into()), port, ..ServicePort::default() }
}
