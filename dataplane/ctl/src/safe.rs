//! `vanectl safe`: whether nodes may go, for a while or for good.

use serde::Serialize;
use vane_proto::admin::Safety;

use crate::args::Watch;
use crate::args::values::NodeRef;
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::nodes::resolve;
use crate::output::{Console, Row};
use crate::watch;

/// What the absence of some nodes would be, with their names.
#[derive(Debug, Serialize)]
struct Verdict {
    #[serde(flatten)]
    safety: Safety,
    names: Vec<String>,
}

impl Row for Verdict {
    const NOTHING: &'static str = "no nodes";
    const COLUMNS: &'static [&'static str] = &["WITHOUT", "SAFE", "PAUSES", "WHY-NOT"];
    const WIDE: &'static [&'static str] = &[];

    fn cells(&self) -> Vec<String> {
        let Safety { ok, pauses, harmed, why, .. } = &self.safety;
        let more = (*harmed as usize).saturating_sub(why.len());
        let mut reasons = why.join("; ");
        if more > 0 {
            reasons.push_str(&format!("; and {more} more"));
        }
        vec![
            self.names.join(", "),
            if *ok { "yes" } else { "no" }.into(),
            pauses.to_string(),
            reasons,
        ]
    }
}

/// Shows whether `nodes` may go together, or each node alone where none are named.
pub(crate) async fn show(
    console: &mut Console,
    nodes: Vec<NodeRef>,
    flags: Watch,
) -> Result<Exit, Error> {
    let fetch = async move |client: &mut Client| {
        let named: Vec<&NodeRef> = nodes.iter().collect();
        let without = resolve(client, &named).await?;
        let members = client.nodes().await?;
        let name = |id: &u64| {
            let member = members.iter().find(|member| member.id == *id);
            member.map_or_else(|| format!("node {id}"), |member| member.name.clone())
        };
        let verdicts = client.safety(without).await?.into_iter();
        let with_names =
            |safety: Safety| Verdict { names: safety.without.iter().map(name).collect(), safety };
        Ok(verdicts.map(with_names).collect::<Vec<_>>())
    };
    let shown = watch::show(console, flags, fetch).await?;
    let all = shown.iter().all(|verdict| verdict.safety.ok);
    Ok(if all { Exit::Done } else { Exit::Unmet })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::View;

    #[test]
    fn a_verdict_says_what_speaks_against_it() {
        let safety = |ok: bool, harmed: u32, why: &[&str]| Safety {
            without: vec![1],
            ok,
            pauses: 2,
            harmed,
            why: why.iter().map(|line| (*line).to_owned()).collect(),
        };
        let named = |safety| Verdict { safety, names: vec!["vane-0".into()] };
        let verdicts =
            vec![named(safety(true, 0, &[])), named(safety(false, 3, &["shard 0 has no leader"]))];
        assert_eq!(
            verdicts.table().render(true, false),
            "WITHOUT   SAFE   PAUSES   WHY-NOT\n\
             vane-0    yes    2        -\n\
             vane-0    no     2        shard 0 has no leader; and 2 more\n"
        );
    }
}
