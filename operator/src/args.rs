//! The command line.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};

/// Runs VectorClusters and Collections on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "vane-operator", version, about, max_term_width = 100)]
pub struct Args {
    /// Namespaces to work in, separated by commas; all where it is left out
    #[arg(long, env = "VANE_OPERATOR_NAMESPACES", value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// Namespace of the Lease; that of the operator's own pod where it is left out
    #[arg(long, env = "VANE_OPERATOR_LEASE_NAMESPACE")]
    pub lease_namespace: Option<String>,
    /// Name of the Lease: one for each set of namespaces
    #[arg(long, env = "VANE_OPERATOR_LEASE_NAME", default_value = "vane-operator")]
    pub lease_name: String,
    /// Name of this process, as no other is named; the machine's where it is left out
    #[arg(long, env = "VANE_OPERATOR_IDENTITY")]
    pub identity: Option<String>,
    /// Where /livez, /readyz and /metrics answer; [::] is all addresses of both families
    #[arg(long, env = "VANE_OPERATOR_LISTEN", default_value = "[::]:8080")]
    pub listen: SocketAddr,
    /// Requests to Kubernetes in a second, at most; the Lease is renewed beside them
    #[arg(long, env = "VANE_OPERATOR_KUBE_API_QPS", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub kube_api_qps: u32,
    /// What is logged: error, warn, info, debug, trace, or a filter of tracing's
    #[arg(long, env = "VANE_OPERATOR_LOG", default_value = "info")]
    pub log: String,
    /// Clusters whose pods are replaced at a time, where versions or settings of many change
    #[arg(long, env = "VANE_OPERATOR_ROLLS_AT_ONCE", default_value_t = 10)]
    pub rolls_at_once: usize,
    /// Seconds between the first steps of two clusters
    #[arg(long, env = "VANE_OPERATOR_ROLL_DELAY", default_value_t = 0)]
    pub roll_delay_seconds: u64,
    /// Keys of taints by which a machine says that it is about to be drained, separated by commas:
    /// its nodes hand over what they lead. One that is cordoned says so in any case
    #[arg(
        long,
        env = "VANE_OPERATOR_DRAIN_TAINTS",
        value_delimiter = ',',
        default_value = "node.kubernetes.io/unschedulable,karpenter.sh/disrupted,\
                           ToBeDeletedByClusterAutoscaler"
    )]
    pub drain_taints: Vec<String>,
    /// For tests: the process ends before the step of this name
    #[arg(long, hide = true)]
    pub exit_before: Option<String>,
    /// For tests: the process ends after the step of this name
    #[arg(long, hide = true)]
    pub exit_after: Option<String>,
    /// Form of the log
    #[arg(long, env = "VANE_OPERATOR_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for log collectors.
    Json,
}
