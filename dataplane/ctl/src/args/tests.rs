use std::ffi::OsStr;
use std::time::Duration;

use clap::Parser;

use super::{Cli, CollectionAction, Command, Format, NodeAction, ShardAction, command};
use crate::args::values::NodeRef;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn command_line_is_consistent() {
    command(None).debug_assert();
}

#[test]
fn global_flags_stand_anywhere() {
    for line in [
        "vanectl -o json --endpoint a,b:1 nodes",
        "vanectl nodes -o json --endpoint a --endpoint b:1",
    ] {
        let cli = parse(line).unwrap();
        assert_eq!(cli.global.output, Format::Json);
        let endpoints: Vec<String> = cli.global.endpoint.iter().map(ToString::to_string).collect();
        assert_eq!(endpoints, ["a:6335", "b:1"], "{line}");
    }
}

#[test]
fn watch_takes_its_interval_only_after_an_equals_sign() {
    let Command::Shards { collection, watch, action } =
        parse("vanectl shards -w docs").unwrap().command
    else {
        panic!("not shards");
    };
    assert_eq!(collection.as_deref(), Some("docs"));
    assert_eq!(watch.watch, Some(Duration::from_secs(2)));
    assert!(action.is_none());
    let Command::Meta(watch) = parse("vanectl meta --watch=500ms").unwrap().command else {
        panic!("not meta")
    };
    assert_eq!(watch.watch, Some(Duration::from_millis(500)));
}

#[test]
fn lists_and_their_actions_share_a_word() {
    let parsed = parse("vanectl shards move 7 --from 1 --to vane-4").unwrap().command;
    let Command::Shards { action: Some(ShardAction::Move { group, from, to }), .. } = parsed else {
        panic!("not a move");
    };
    assert_eq!((group, from, to), (7, NodeRef::Id(1), NodeRef::Name("vane-4".into())));
    let parsed = parse("vanectl nodes zone 3 a").unwrap().command;
    assert!(matches!(parsed, Command::Nodes { action: Some(NodeAction::Zone { .. }), .. }));
    let parsed = parse("vanectl collection delete docs --yes").unwrap().command;
    assert!(matches!(
        parsed,
        Command::Collections { action: Some(CollectionAction::Delete { yes: true, .. }), .. }
    ));
}

#[test]
fn mistakes_are_usage_errors() {
    for line in [
        "vanectl",
        "vanectl nodes -o yaml",
        "vanectl wait --for=green",
        "vanectl wait",
        "vanectl status --timeout soon",
        "vanectl bootstrap --cluster-id 7",
        "vanectl shards reconfigure 7 --replicas 1,2:observer",
        "vanectl shards move 7 --from 1",
        "vanectl nodes --endpoint https://a:1",
        "vanectl nodes --token a --token-file b",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn a_kubectl_plugin_names_itself_so() {
    let usage = |program: &str| command(Some(OsStr::new(program))).render_usage().to_string();
    assert!(usage("/usr/local/bin/kubectl-vane").contains("kubectl vane"));
    assert!(usage("/usr/local/bin/vanectl").contains("vanectl"));
}
