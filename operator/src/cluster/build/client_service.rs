use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use vane_crds::cluster::ServiceKind;

use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// The address for clients: any node that is ready answers everything.
pub(super) fn client_service(cluster: &ValidatedCluster) -> Service {
    let kind = match cluster.spec.service.kind {
        ServiceKind::ClusterIP => "ClusterIP",
        ServiceKind::NodePort => "NodePort",
        ServiceKind::LoadBalancer => "LoadBalancer",
    };
    let rest = ServicePort {
        name: Some("rest".into()),
        port: names::REST_PORT,
        app_protocol: Some("http".into()),
        ..ServicePort::default()
    };
    Service {
        metadata: cluster.child(cluster.name.clone()),
        spec: Some(ServiceSpec {
            type_: Some(kind.into()),
            selector: names::label_selector(&cluster.name).match_labels,
            ports: Some(vec![rest]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
