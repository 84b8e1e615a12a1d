//! Values of flags: how each is written, and what is wrong with one that is not.

use std::time::Duration;

use derive_more::Display;
use vane_proto::admin::Role;

/// Port of the admin interface, where an endpoint names none.
const PORT_DEFAULT: u16 = 6335;

/// Admin address of a node, as `host:port`.
#[derive(Debug, Display, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(String);

impl Endpoint {
    /// As tonic dials it.
    pub(crate) fn uri(&self) -> String {
        // Without TLS, as the interface is served.
        format!("http://{}", self.0)
    }
}

/// A node, as a person names it.
#[derive(Debug, Display, Clone, PartialEq, Eq)]
pub(crate) enum NodeRef {
    /// By the number that the cluster gave it.
    Id(u64),
    /// By the name that it gave itself, such as a pod's.
    Name(String),
}

/// Where a replica should be, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplicaSpec {
    pub(crate) node: NodeRef,
    pub(crate) role: Role,
}

/// What `wait` waits for.
#[derive(Debug, Display, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The cluster reports no problem.
    #[display("healthy")]
    Healthy,
    /// At least so many nodes are alive.
    #[display("nodes={_0}")]
    Nodes(u32),
}

/// Bytes, with or without a unit: `1048576`, `512Ki`, `100Mi`, `2Gi`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let units = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40)];
    let with_unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (digits, shift) = with_unit.unwrap_or((text, 0));
    let count: u64 = digits.parse().map_err(|_| "write bytes such as 512Ki or 100Mi".to_owned())?;
    count.checked_mul(1 << shift).ok_or_else(|| "that is more than there can be".to_owned())
}

/// `host:port`, `host`, `[v6]:port`, each with or without `http://`.
pub(crate) fn endpoint(text: &str) -> Result<Endpoint, String> {
    if text.starts_with("https://") {
        return Err("the admin interface is served without TLS; write host:port".into());
    }
    let bare = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    // An IPv6 address has colons of its own; the port follows its bracket.
    let after_host = match bare.find(']') {
        Some(bracket) => bracket + 1,
        None if bare.matches(':').count() > 1 => {
            return Err("write an IPv6 address in brackets: [::1]:6335".into());
        }
        None => bare.find(':').unwrap_or(bare.len()),
    };
    let (host, port) = bare.split_at(after_host);
    let port = match port.strip_prefix(':') {
        // Port 0 asks a system for any free one; nobody listens there.
        Some(port) => port.parse::<u16>().ok().filter(|port| *port != 0),
        None => port.is_empty().then_some(PORT_DEFAULT),
    };
    let port = port.ok_or("the port must be a number from 1 to 65535")?;
    let endpoint = Endpoint(format!("{host}:{port}"));
    if host.is_empty() || host.contains(['/', '@', '?', '#']) {
        return Err("write it as host:port".into());
    }
    // What cannot be dialled is a mistake of the command line, and known before any call.
    tonic::transport::Endpoint::from_shared(endpoint.uri()).map_err(|_| "write it as host:port")?;
    Ok(endpoint)
}

/// `500ms`, `10s`, `5m`, `1h`, or a number of seconds. Never zero.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write it as 500ms, 10s, 5m or 1h";
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| FORM)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(FORM.into()),
    };
    // A year: far from the end of what the clock can add.
    const MS_MAX: u64 = 365 * 24 * 3_600_000;
    match number.checked_mul(unit_ms) {
        Some(ms @ 1..=MS_MAX) => Ok(Duration::from_millis(ms)),
        _ => Err("it must be longer than nothing and at most a year".into()),
    }
}

/// A number is the node with that number, anything else a name.
pub(crate) fn node(text: &str) -> Result<NodeRef, String> {
    match text.parse::<u64>() {
        // Messages have 0 for a node that is not there.
        Ok(0) => Err("nodes are numbered from 1".into()),
        Ok(id) => Ok(NodeRef::Id(id)),
        Err(_) if text.is_empty() => Err("write the number or the name of a node".into()),
        Err(_) => Ok(NodeRef::Name(text.into())),
    }
}

/// `NODE`, `NODE:voter` or `NODE:learner`.
pub(crate) fn replica(text: &str) -> Result<ReplicaSpec, String> {
    let (name, role) = match text.split_once(':') {
        None => (text, Role::Voter),
        Some((name, "voter")) => (name, Role::Voter),
        Some((name, "learner")) => (name, Role::Learner),
        Some((_, other)) => {
            return Err(format!("{other} is not a role; write NODE, NODE:voter or NODE:learner"));
        }
    };
    Ok(ReplicaSpec { node: node(name)?, role })
}

/// The number of a Raft group, or `meta`.
pub(crate) fn group(text: &str) -> Result<u64, String> {
    match text {
        // It is group 0, which people need not know.
        "meta" => Ok(0),
        _ => text.parse().map_err(|_| "write the number of a group, or meta".into()),
    }
}

/// `healthy` or `nodes=N`.
pub(crate) fn condition(text: &str) -> Result<Condition, String> {
    const FORM: &str = "write healthy or nodes=N";
    if text == "healthy" {
        return Ok(Condition::Healthy);
    }
    let count = text.strip_prefix("nodes=").ok_or(FORM)?;
    match count.parse() {
        // Zero would hold before there is any node.
        Ok(0) | Err(_) => Err(FORM.into()),
        Ok(count) => Ok(Condition::Nodes(count)),
    }
}

/// A name with its value, as shells have them.
pub(crate) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give a name and a value, as in LOG__LEVEL=debug".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Condition, NodeRef, ReplicaSpec, Role, condition, duration, endpoint, group, node, replica,
    };
    use std::time::Duration;

    #[test]
    fn endpoints_get_the_port_they_lack() {
        for (text, expected) in [
            ("node-1:7000", "node-1:7000"),
            ("node-1", "node-1:6335"),
            ("http://10.0.0.1:6335/", "10.0.0.1:6335"),
            ("[::1]", "[::1]:6335"),
            ("[::1]:1", "[::1]:1"),
        ] {
            assert_eq!(endpoint(text).unwrap().to_string(), expected);
        }
        for text in [
            "",
            ":6335",
            "a:",
            "a:0",
            "a:70000",
            "::1",
            "https://a",
            "a/b",
            "u@a",
            "a b",
            "[::1]x",
            "a?b",
        ] {
            assert!(endpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, ms) in
            [("500ms", 500), ("10s", 10_000), ("7", 7_000), ("5m", 300_000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(ms));
        }
        for text in [
            "",
            "0",
            "0s",
            "s",
            "-1s",
            "1.5s",
            "1d",
            "99999999999999999999h",
            "18446744073709551615h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_may_have_a_unit() {
        assert_eq!(super::bytes("1048576"), Ok(1 << 20));
        assert_eq!(super::bytes("100Mi"), Ok(100 << 20));
        assert_eq!(super::bytes("0"), Ok(0));
        for wrong in ["", "Mi", "1.5Mi", "-1", "10MB", "18446744073709551615Ki"] {
            assert!(super::bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nodes_are_numbers_or_names() {
        assert_eq!(node("3").unwrap(), NodeRef::Id(3));
        assert_eq!(node("vane-0").unwrap(), NodeRef::Name("vane-0".into()));
        assert!(node("0").is_err());
        assert!(node("").is_err());
    }

    #[test]
    fn replicas_vote_unless_said_otherwise() {
        assert_eq!(replica("4").unwrap(), ReplicaSpec { node: NodeRef::Id(4), role: Role::Voter });
        assert_eq!(
            replica("4:learner").unwrap(),
            ReplicaSpec { node: NodeRef::Id(4), role: Role::Learner }
        );
        assert!(replica("4:leader").is_err());
        assert!(replica(":voter").is_err());
    }

    #[test]
    fn group_zero_is_called_meta() {
        assert_eq!(group("meta"), Ok(0));
        assert_eq!(group("12"), Ok(12));
        assert!(group("docs").is_err());
    }

    #[test]
    fn conditions_are_few() {
        assert_eq!(condition("healthy"), Ok(Condition::Healthy));
        assert_eq!(condition("nodes=3"), Ok(Condition::Nodes(3)));
        for text in ["", "nodes", "nodes=", "nodes=0", "nodes=-1", "Healthy"] {
            assert!(condition(text).is_err(), "{text}");
        }
    }
}
