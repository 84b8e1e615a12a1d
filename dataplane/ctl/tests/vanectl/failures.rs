//! What goes wrong, and what is said about it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::node::{Node, TOKEN};
use crate::vanectl::{command, finish, run};

/// An address at which nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn unreachable_endpoints_are_all_named() {
    let (one, two) = (nobody(), nobody());
    let ran = run(&["status", "--endpoint", &one, "--endpoint", &two]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(
        ran.stderr
            .starts_with("vanectl: failed to read the state of the cluster: no node answered\n")
    );
    for endpoint in [one, two] {
        assert!(
            ran.stderr.contains(&format!("tried: {endpoint}: Connection refused")),
            "{}",
            ran.stderr
        );
    }
    assert!(ran.stderr.contains("--endpoint"), "{}", ran.stderr);
}

#[test]
fn the_first_endpoint_that_answers_is_used() {
    let node = Node::start();
    let endpoints = format!("{},{}", nobody(), node.endpoint());
    let ran = run(&["nodes", "zone", "vane-0", "b", "--endpoint", &endpoints, "--token", TOKEN]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "node/1 zone set to b\n"));
}

#[test]
fn a_reading_call_outlives_a_broken_connection() {
    let broken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = broken.local_addr().unwrap().to_string();
    // Takes connections and drops them; ends with the process.
    std::thread::spawn(move || broken.incoming().for_each(drop));
    let node = Node::start();
    let endpoints = format!("{address},{}", node.endpoint());
    assert_eq!(run(&["nodes", "--endpoint", &endpoints, "--token", TOKEN]).code, 0);
    let alone = run(&["nodes", "--endpoint", &address]);
    assert_eq!(alone.code, 3);
    assert!(alone.stderr.contains(&format!("tried: {address}: ")), "{}", alone.stderr);
}

#[test]
fn a_wrong_token_is_explained() {
    let node = Node::start();
    let endpoint = node.endpoint();
    let wrong = run(&["nodes", "--endpoint", &endpoint, "--token", "other"]);
    assert_eq!(wrong.code, 3);
    assert!(wrong.stderr.contains("the token is not this cluster's"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("other"), "{}", wrong.stderr);
    let none = run(&["nodes", "--endpoint", &endpoint]);
    assert_eq!(none.code, 3);
    assert!(none.stderr.contains("no token was sent"), "{}", none.stderr);
    assert!(none.stderr.contains("DATA-DIR/admin-token"), "{}", none.stderr);
    assert!(!none.stderr.contains("changed"), "{}", none.stderr);
}

#[test]
fn the_environment_names_endpoint_and_token() {
    let node = Node::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{TOKEN}\n")).unwrap();
    let mut with_file = command(&["nodes"]);
    with_file.env("VANECTL_ENDPOINT", node.endpoint()).env("VANECTL_TOKEN_FILE", file.path());
    assert_eq!(finish(with_file).code, 0);
    let mut with_token = command(&["nodes"]);
    with_token.env("VANECTL_ENDPOINT", node.endpoint()).env("VANECTL_TOKEN", TOKEN);
    assert_eq!(finish(with_token).code, 0);
    let missing = run(&["nodes", "--token-file", "/no/such/file"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("/no/such/file"), "{}", missing.stderr);
}

#[test]
fn a_refused_change_says_whether_it_happened() {
    let node = Node::start();
    let create = |name| node.run(&["collections", "create", name, "--body", "{}"]);
    let taken = create("taken");
    assert_eq!(taken.code, 3);
    assert!(
        taken.stderr.starts_with(&format!(
            "vanectl: failed to create collection taken: {} refused: \
             collection taken exists with another key (AlreadyExists)\n  \
             changed: nothing\n  retry: no",
            node.endpoint()
        )),
        "{}",
        taken.stderr
    );
    let lost = create("lost");
    assert_eq!(lost.code, 3);
    assert!(lost.stderr.contains("  changed: unknown"), "{}", lost.stderr);
    assert!(lost.stderr.contains("  retry: yes"), "{}", lost.stderr);
}

#[test]
fn a_call_ends_with_its_time() {
    let node = Node::start();
    let begin = Instant::now();
    let ran = node.run(&["collections", "create", "slow", "--body", "{}", "--timeout", "300ms"]);
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.contains("did not answer within 300ms\n  changed: unknown"),
        "{}",
        ran.stderr
    );
}

#[test]
fn versions_are_told_as_far_as_known() {
    let ran = run(&["version", "--endpoint", &nobody()]);
    assert_eq!((ran.code, ran.stdout.starts_with("Client   ")), (3, true));
}

#[test]
fn mistakes_on_the_command_line_exit_with_two() {
    for arguments in
        [&["nonsense"] as &[&str], &[], &["nodes", "-o", "yaml"], &["status", "--endpoint", "a:b"]]
    {
        assert_eq!(run(arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(run(&["--help"]).code, 0);
}
