//! The Service for clients.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// How clients reach the nodes.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    // Nodes ask for no password.
    validation = Rule::new(
        "self.type != 'LoadBalancer' || (has(self.sourceRanges) && size(self.sourceRanges) > 0)"
    )
    .message(
        "a LoadBalancer publishes the database: say from where clients come, or 0.0.0.0/0 for \
         everywhere"
    )
    .field_path(".sourceRanges"),
    validation = Rule::new(
        "self.type == 'LoadBalancer' \
         || (!has(self.sourceRanges) && !has(self.loadBalancerClass))"
    )
    .message("sourceRanges and loadBalancerClass are those of a LoadBalancer"),
    validation = Rule::new("self.type != 'ClusterIP' || !has(self.externalTrafficPolicy)")
        .message("externalTrafficPolicy is that of a NodePort or a LoadBalancer")
        .field_path(".externalTrafficPolicy")
)]
pub struct Service {
    /// Kind of the clients' Service.
    #[serde(default, rename = "type")]
    pub kind: ServiceKind,
    /// Annotations, such as those by which a provider's load balancers are chosen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 20,
        "additionalProperties" = {"type": "string", "maxLength": 4096}
    ))]
    pub annotations: BTreeMap<String, String>,
    /// Addresses that a LoadBalancer lets in, such as 10.0.0.0/8; 0.0.0.0/0 for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 50),
        inner(length(max = 43), regex(pattern = r"^[0-9a-fA-F.:]+/[0-9]+$"))
    )]
    pub source_ranges: Vec<String>,
    /// Kind of load balancer; the default of the platform where it is left out. Set once.
    #[schemars(length(min = 1, max = 253))]
    pub load_balancer_class: Option<String>,
    /// Whether machines pass on what comes from outside to nodes on others.
    pub external_traffic_policy: Option<ExternalTraffic>,
    /// Families of addresses, of this Service and the nodes' own.
    #[serde(default)]
    pub ip_family_policy: IpFamilies,
    /// Which nodes a client within the Kubernetes cluster is led to.
    pub traffic_distribution: Option<TrafficDistribution>,
}

/// Kind of a Service.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceKind {
    /// Within the Kubernetes cluster.
    #[default]
    ClusterIP,
    /// At a port of every machine.
    NodePort,
    /// Behind a load balancer of the provider.
    LoadBalancer,
}

/// What machines do with requests from outside.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExternalTraffic {
    /// To any node.
    Cluster,
    /// To nodes on the same machine only, which see the client's own address.
    Local,
}

/// Families of addresses.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpFamilies {
    /// One, the cluster's first.
    SingleStack,
    /// IPv4 and IPv6 where there are both.
    #[default]
    PreferDualStack,
    /// Both, or no Service.
    RequireDualStack,
}

/// Which nodes a client is led to.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficDistribution {
    /// Those in its own zone, as long as one there is ready.
    PreferClose,
}
