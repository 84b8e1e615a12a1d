//! How seeds are written.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use derive_more::Display;
use thiserror::Error;

/// Seeds of one node.
pub const SEEDS_MAX: usize = 64;
/// Length of a host's name, in bytes (RFC 1035).
const NAME_BYTES_MAX: usize = 253;
/// Length of what stands between two dots of a name, in bytes.
const LABEL_BYTES_MAX: usize = 63;

const SERVICE_PREFIX: &str = "dns:";

/// Where to look for peers. Names are checked, not looked up.
#[derive(Debug, Display, Clone, PartialEq, Eq, Hash)]
pub enum Seed {
    /// `10.0.0.1:6335` or `[fd00::1]:6335`.
    Address(SocketAddr),
    /// `node-1.example.com:6335`: one node.
    #[display("{name}:{port}")]
    Host {
        /// Name of the node's host.
        name: String,
        /// Port on which the node answers its peers.
        port: u16,
    },
    /// `dns:nodes.example.com:6335`: a name with an address record for every node, such as
    /// a headless service of Kubernetes.
    #[display("{SERVICE_PREFIX}{name}:{port}")]
    Service {
        /// Name with the addresses of all nodes.
        name: String,
        /// Port on which all of them answer their peers.
        port: u16,
    },
}

/// What is wrong with a seed, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidSeed {
    /// The text is no seed.
    #[error(
        "seed {text:?} {problem}; write it like 10.0.0.1:6335, [fd00::1]:6335, \
         node-1.example.com:6335, or dns:nodes.example.com:6335 for a name with the addresses of \
         all nodes"
    )]
    Unreadable {
        /// What stands in the settings.
        text: String,
        /// What is wrong with the text, as the end of a sentence that begins with it.
        problem: String,
    },
    /// The list has more seeds than are looked up.
    #[error(
        "{0} seeds are more than the {SEEDS_MAX} that are looked up; name some of the nodes, or \
         all of them with one name, like dns:nodes.example.com:6335"
    )]
    TooMany(usize),
}

/// Reads a list of seeds, as it stands in the settings.
///
/// # Errors
/// For the first that is wrong, or when there are more than [`SEEDS_MAX`].
pub fn parse_seeds<S: AsRef<str>>(texts: &[S]) -> Result<Vec<Seed>, InvalidSeed> {
    // Before they are read: too long a list is one mistake, not many.
    if texts.len() > SEEDS_MAX {
        return Err(InvalidSeed::TooMany(texts.len()));
    }
    texts.iter().map(|text| text.as_ref().parse()).collect()
}

impl FromStr for Seed {
    type Err = InvalidSeed;

    fn from_str(text: &str) -> Result<Self, InvalidSeed> {
        parse(text).map_err(|problem| InvalidSeed::Unreadable { text: text.to_owned(), problem })
    }
}

fn parse(text: &str) -> Result<Seed, String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    // Its colon would be taken for the one before the port.
    if text.contains("://") {
        return Err("has a scheme, which is not part of a seed".into());
    }
    if let Some(c) = text.chars().find(|c| c.is_whitespace() || matches!(c, ',' | ';')) {
        return Err(format!("contains {c:?}: each seed is an entry of its own"));
    }
    if let Some(service) = text.strip_prefix(SERVICE_PREFIX) {
        let (name, port) = name_and_port(service)?;
        if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return Err(format!(
                "asks for the addresses of {name}, which is an address: \
                 leave out {SERVICE_PREFIX:?}"
            ));
        }
        check_name(name)?;
        return Ok(Seed::Service { name: name.to_owned(), port });
    }
    // Before names: what reads as an address is never looked up.
    if let Ok(address) = text.parse::<SocketAddr>() {
        return check_address(address).map(|()| Seed::Address(address));
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err("has no port".into());
    }
    let (name, port) = name_and_port(text)?;
    if name.contains(':') {
        return Err("has more than one colon: an IPv6 address stands in brackets".into());
    }
    check_name(name)?;
    Ok(Seed::Host { name: name.to_owned(), port })
}

fn name_and_port(text: &str) -> Result<(&str, u16), String> {
    // From the right: an IPv6 address has colons before that of its port.
    let (name, port) = text.rsplit_once(':').ok_or("has no port")?;
    match port.parse() {
        Ok(0) => Err("has port 0, on which nobody answers".into()),
        Ok(port) if !name.is_empty() => Ok((name, port)),
        Ok(_) => Err("has no host".into()),
        Err(_) => Err(format!("has the port {port:?}, which is not a number from 1 to 65535")),
    }
}

fn check_address(address: SocketAddr) -> Result<(), String> {
    if address.port() == 0 {
        return Err("has port 0, on which nobody answers".into());
    }
    match address.ip() {
        ip if ip.is_unspecified() => {
            Err(format!("has {ip}, which a node listens on but cannot be reached at"))
        }
        ip if ip.is_multicast() => Err(format!("has {ip}, which is the address of many")),
        _ => Ok(()),
    }
}

/// The names that DNS and /etc/hosts know in practice: letters, digits, hyphens, and the
/// underscores of container networks. A dot at the end says that the name is complete.
fn check_name(name: &str) -> Result<(), String> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    if labels.len() > NAME_BYTES_MAX {
        return Err(format!("has a name of {} bytes, the limit is {NAME_BYTES_MAX}", labels.len()));
    }
    for label in labels.split('.') {
        if label.is_empty() {
            return Err("has a name with nothing between two dots, or before the first".into());
        }
        if label.len() > LABEL_BYTES_MAX {
            return Err(format!(
                "has {label:?} in its name, which is longer than {LABEL_BYTES_MAX} bytes"
            ));
        }
        if let Some(c) =
            label.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'))
        {
            return Err(format!("has {c:?} in its name"));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(format!("has {label:?} in its name, which begins or ends with a hyphen"));
        }
    }
    // No top-level domain is a number; a resolver would read 10.0.300 as an address of three parts.
    if labels.rsplit('.').next().is_some_and(|label| label.bytes().all(|c| c.is_ascii_digit())) {
        return Err(format!("has {name}, which is neither a name nor an IPv4 address"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_read_back_as_written() {
        for text in [
            "10.0.0.1:6335",
            "[fd00::1]:6335",
            "localhost:1",
            "node-1.example.com:65535",
            "my_node:6335",
            "1st.example.com.:6335",
            "dns:vane-headless.default.svc.cluster.local:6335",
        ] {
            assert_eq!(text.parse::<Seed>().unwrap().to_string(), text);
        }
        assert_eq!("dns:a:1".parse(), Ok(Seed::Service { name: "a".into(), port: 1 }));
        assert_eq!("a:1".parse(), Ok(Seed::Host { name: "a".into(), port: 1 }));
        assert_eq!("dns:1".parse(), Err::<Seed, _>(unreadable("dns:1", "has no port")));
    }

    fn unreadable(text: &str, problem: &str) -> InvalidSeed {
        InvalidSeed::Unreadable { text: text.into(), problem: problem.into() }
    }

    #[test]
    fn nonsense_is_refused_with_what_is_wrong_and_an_example() {
        for (text, problem) in [
            ("", "is empty"),
            ("localhost", "has no port"),
            ("10.0.0.1", "has no port"),
            ("fd00::1", "has no port"),
            (":6335", "has no host"),
            ("dns::6335", "has no host"),
            ("a:0", "port 0"),
            ("10.0.0.1:0", "port 0"),
            ("a:65536", "from 1 to 65535"),
            ("a:-1", "from 1 to 65535"),
            ("a:", "from 1 to 65535"),
            ("http://a:6335", "scheme"),
            ("a:1,b:2", "entry of its own"),
            (" a:1", "entry of its own"),
            ("fd00::1:xyz:6335", "brackets"),
            ("[fd00::1:6335", "brackets"),
            ("0.0.0.0:6335", "cannot be reached"),
            ("[::]:6335", "cannot be reached"),
            ("224.0.0.1:6335", "address of many"),
            ("10.0.0.256:6335", "neither a name nor"),
            ("10.0.300:6335", "neither a name nor"),
            ("dns:10.0.0.1:6335", "is an address"),
            ("dns:[fd00::1]:6335", "is an address"),
            ("a..b:1", "between two dots"),
            (".:1", "between two dots"),
            ("-a:1", "hyphen"),
            ("ä:1", "'ä'"),
            ("a/b:1", "'/'"),
            (&format!("{}:1", "a".repeat(64)), "longer than 63"),
            (&format!("{}:1", ["a"; 200].join(".")), "the limit is 253"),
        ] {
            let error = text.parse::<Seed>().expect_err(text).to_string();
            assert!(error.contains(problem), "{text}: {error}");
            assert!(error.contains("10.0.0.1:6335"), "no example: {error}");
        }
    }

    #[test]
    fn a_list_fails_with_its_first_bad_seed_and_when_it_is_too_long() {
        assert_eq!(parse_seeds(&["a:1", "b"]), Err(unreadable("b", "has no port")));
        assert_eq!(parse_seeds(&vec!["a:1"; SEEDS_MAX]).unwrap().len(), SEEDS_MAX);
        assert_eq!(
            parse_seeds(&vec!["a:1"; SEEDS_MAX + 1]),
            Err(InvalidSeed::TooMany(SEEDS_MAX + 1))
        );
    }
}
