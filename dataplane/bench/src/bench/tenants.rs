//! Tenants of very different sizes in one collection: searches of large, middle and small ones.

use serde_json::json;

use super::cases::{self, Case};
use super::place::Place;
use super::{Args, servers};
use crate::contender::Plan;
use crate::dataset::Dataset;
use crate::draw::Draw;
use crate::error::Error;
use crate::output::Output;
use crate::zipf::Zipf;

const SECTION: &str = "tenants";
const COLLECTION: &str = "bench-tenants";
const EXPONENT: f64 = 1.0;
const SEED: u64 = 21;
/// Tenants of each size that are asked for.
const GROUP: usize = 10;

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<(), Error> {
    let place = Place::new(&args.vane)?;
    let zipf = Zipf::new(args.tenants, EXPONENT);
    let tenant_of = |point: usize| zipf.rank(Draw::of(SEED, point as u64).share());
    let mut points = vec![Vec::new(); args.tenants];
    for point in 0..data.len() {
        points[tenant_of(point)].push(point as u32);
    }
    println!("\nTenants: {}, sizes by Zipf's law with exponent {EXPONENT}", args.tenants);
    let plan = Plan {
        collection: COLLECTION,
        params: args.params(),
        fields: &[("tenant", json!({"type": "keyword", "is_tenant": true}))],
        payload: &|point| json!({"tenant": tenant_of(point).to_string()}).to_string(),
    };
    let servers = servers::start(args, &place)?;
    servers.load(data, &plan)?;
    // One without points has nothing to find.
    let there: Vec<usize> = (0..args.tenants).filter(|rank| !points[*rank].is_empty()).collect();
    let mut all = vec![Case::unfiltered(data.queries.len())];
    for (name, first) in groups(there.len()) {
        let ranks = &there[first..there.len().min(first + GROUP)];
        let filter = |rank: &usize| {
            let tenant = rank.to_string();
            json!({"must": [{"key": "tenant", "match": {"value": tenant}}]})
        };
        all.push(Case {
            name: name.to_owned(),
            lists: ranks.iter().map(|rank| points[*rank].clone()).collect(),
            list_of: (0..data.queries.len()).map(|query| query % ranks.len()).collect(),
            filters: ranks.iter().map(filter).collect(),
        });
    }
    cases::run(args, data, output, (SECTION, COLLECTION), (servers.all(), &all))?;
    servers.stop()
}

/// Where the largest, middle and smallest of so many tenants begin, by size. The middle is that of
/// the logarithm of the rank: by Zipf's law as many points belong to those before as behind.
fn groups(tenants: usize) -> [(&'static str, usize); 3] {
    let middle = (tenants as f64).sqrt() as usize;
    let last = tenants.saturating_sub(GROUP);
    [("large tenants", 0), ("middle tenants", middle.min(last)), ("small tenants", last)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_lie_within_the_tenants() {
        assert_eq!(groups(1000).map(|(_, first)| first), [0, 31, 990]);
        assert_eq!(groups(4).map(|(_, first)| first), [0, 0, 0]);
    }
}
