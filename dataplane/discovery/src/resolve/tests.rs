//! Lookups of the system, and of a resolver that does as the test says.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::*;
use crate::parse_seeds;

const WAIT: Duration = Duration::from_millis(50);

/// Names: `many`, with two thousand addresses, `turned`, which answers out of order, twice
/// and with nonsense, `sinkhole`, `slow`; no others.
async fn odd_resolver(name: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let at = |texts: &[&str]| {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), port)).collect()
    };
    match name.as_str() {
        "many" => Ok((0..2000)
            .map(|host| SocketAddr::new(Ipv4Addr::from(0x0A00_0001 + host).into(), port))
            .collect()),
        "turned" => Ok(at(&["fd00::1", "10.0.0.3", "10.0.0.1", "::ffff:10.0.0.3", "0.0.0.0"])),
        "sinkhole" => Ok(at(&["0.0.0.0"])),
        "slow" => std::future::pending().await,
        _ => Err(io::Error::other("no such name")),
    }
}

async fn resolve_oddly(seeds: &[&str], own: &[&str]) -> (Vec<String>, Vec<String>) {
    let own: Vec<SocketAddr> = own.iter().map(|text| text.parse().unwrap()).collect();
    let resolved = resolve_with(&parse_seeds(seeds).unwrap(), &own, WAIT, odd_resolver).await;
    let texts = resolved.addresses.iter().map(ToString::to_string).collect();
    (texts, resolved.failures.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn this_machine_and_literal_addresses_are_found() {
    let seeds = [
        "localhost:6335",
        "10.0.0.1:6335",
        "[fd00::1]:6335",
        "dns:localhost:6336",
        "127.0.0.1:6335",
    ];
    let resolved = resolve(&parse_seeds(&seeds).unwrap(), &[]).await;
    assert!(resolved.failures.is_empty(), "{:?}", resolved.failures);
    for address in ["127.0.0.1:6335", "127.0.0.1:6336", "10.0.0.1:6335", "[fd00::1]:6335"] {
        let times = resolved.addresses.iter().filter(|found| found.to_string() == address).count();
        assert_eq!(times, 1, "{address} in {:?}", resolved.addresses);
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_is_reported_and_the_others_are_used() {
    let seeds = parse_seeds(&["nobody.invalid:6335", "10.0.0.1:6335"]).unwrap();
    let resolved = resolve(&seeds, &[]).await;
    assert_eq!(resolved.addresses, ["10.0.0.1:6335".parse().unwrap()]);
    assert_eq!(resolved.failures.len(), 1);
    assert_eq!(resolved.failures[0].seed, seeds[0]);
}

#[tokio::test]
async fn the_order_is_that_of_the_seeds_and_then_of_the_addresses() {
    let (addresses, failures) =
        resolve_oddly(&["10.0.0.9:1", "dns:turned:1", "10.0.0.1:1"], &[]).await;
    assert_eq!(addresses, ["10.0.0.9:1", "10.0.0.1:1", "10.0.0.3:1", "[fd00::1]:1"]);
    assert!(failures.is_empty(), "{failures:?}");
}

#[tokio::test]
async fn a_nodes_own_addresses_are_left_out() {
    let own = ["10.0.0.9:1", "10.0.0.1:2", "[::ffff:10.0.0.3]:1"];
    let (addresses, failures) = resolve_oddly(&["10.0.0.9:1", "dns:turned:1"], &own).await;
    assert_eq!(addresses, ["10.0.0.1:1", "[fd00::1]:1"], "same host, other port: another node");
    assert!(failures.is_empty(), "{failures:?}");
}

#[tokio::test]
async fn no_seed_waits_for_another_or_for_ever() {
    let begun = Instant::now();
    let (addresses, failures) =
        resolve_oddly(&["slow:1", "dns:slow:2", "x:3", "sinkhole:4", "10.0.0.1:5"], &[]).await;
    assert!(begun.elapsed() < 20 * WAIT);
    assert_eq!(addresses, ["10.0.0.1:5"]);
    let expected = [
        "slow:1: no answer",
        "dns:slow:2: no answer",
        "x:3: failed",
        "sinkhole:4: the name has no address",
    ];
    assert_eq!(failures.len(), expected.len());
    for (failure, expected) in failures.iter().zip(expected) {
        assert!(failure.contains(expected), "{failure}");
    }
}

#[tokio::test]
async fn names_with_many_addresses_are_cut_and_say_so() {
    let (addresses, failures) = resolve_oddly(&["many:1", "dns:many:2", "10.9.9.9:3"], &[]).await;
    assert_eq!(addresses.len(), ADDRESSES_MAX);
    assert_eq!(addresses[HOST_ADDRESSES_MAX], "10.0.0.1:2");
    let took = [HOST_ADDRESSES_MAX, ADDRESSES_MAX - HOST_ADDRESSES_MAX, 0];
    for (failure, took) in failures.iter().zip(took) {
        assert!(failure.contains(&format!("took {took}")), "{failure}");
    }
    assert_eq!(failures.len(), took.len());
}
