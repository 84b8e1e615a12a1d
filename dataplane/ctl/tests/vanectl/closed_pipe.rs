//! A reader that has seen enough.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::node::{Node, TOKEN};
use crate::vanectl::command;

#[test]
fn a_watch_ends_when_its_reader_leaves() {
    let node = Node::start();
    let endpoint = node.endpoint();
    let arguments =
        ["nodes", "--watch=100ms", "-o", "json", "--endpoint", &endpoint, "--token", TOKEN];
    let mut child =
        command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..2 {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let nodes: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(nodes.as_array().unwrap().len(), 3);
    }
    drop(stdout);
    let deadline = Instant::now() + Duration::from_secs(20);
    let (sender, ended) = std::sync::mpsc::channel();
    let mut stderr = child.stderr.take().unwrap();
    let waiter = std::thread::spawn(move || {
        let status = child.wait().unwrap();
        sender.send(()).unwrap();
        status
    });
    ended.recv_timeout(deadline - Instant::now()).expect("the watch goes on without a reader");
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!((waiter.join().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn tables_of_a_watch_stand_apart() {
    let node = Node::start();
    let endpoint = node.endpoint();
    let arguments = ["meta", "--watch=100ms", "--endpoint", &endpoint, "--token", TOKEN];
    let mut child = command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().take(6).map(Result::unwrap).collect();
    child.wait().unwrap();
    assert!(lines[0].starts_with("NODE"), "{lines:?}");
    assert_eq!(lines[4], "");
    assert_eq!(lines[5], lines[0]);
}

#[test]
fn a_pipe_closed_from_the_start_is_no_error() {
    let node = Node::start();
    let endpoint = node.endpoint();
    let arguments = ["nodes", "--endpoint", &endpoint, "--token", TOKEN];
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(&arguments)
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[] as &[u8]));
}
