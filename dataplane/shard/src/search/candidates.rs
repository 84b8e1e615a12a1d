//! Candidates of a search by examples: walks look around what the best rows are near to, a rule
//! scores what they find, and that is the answer where no row that they passed by can score more.

use std::sync::atomic::AtomicU64;

use vane_index::{Error, Graph, Hit as Row, Select, Walk};
use vane_types::limits::EF_MAX;

use super::Searcher;
use super::measure::{ByRule, similarity};
use super::parts::Went;
use crate::search::plan::{Facts, Plan, plan};
use crate::segments::sealed::Sealed;

/// Rows that are looked for around each lead, for each that is wanted: at first, and where a rule
/// threw too many of them out.
const WIDTHS: [usize; 2] = [4, 32];
/// The same where nearness to a sum alone counts, which throws none out: sums of rows that have
/// little in common lie where no row does, and links lead there badly. Of 63,436 rows, sums of six
/// less five of them that are drawn by chance find .997 of ten, and .893 with a third of it.
const SUM_WIDTH: usize = 32;
/// Rows that are scored by one example in the time that a walk spends on one of its candidates.
const ROWS_PER_EF: usize = 12;
/// So many times as long as walks may all rows take at least, or they are scored at once: walks may
/// be in vain.
const WORTH: usize = 4;

impl Searcher {
    /// The best rows of a segment by a rule; `None` where all that match are to be scored.
    pub(super) fn by_rule(
        &self,
        by: &ByRule,
        (sealed, graph): (&Sealed, &Graph),
        facts: &Facts,
        died: Option<&[AtomicU64]>,
    ) -> Result<(Option<Vec<Row>>, Went), Error> {
        let mut went = Went::SCANNED;
        let select = self.select(sealed.files.slots(), died);
        let widths: &[usize] = if by.is_nearness() { &[SUM_WIDTH] } else { &WIDTHS };
        let mut before = 0;
        for width in widths {
            // A walk finds no more than it has candidates.
            let wanted = self.k.saturating_mul(*width).min(EF_MAX);
            if wanted < self.k || wanted == before {
                break;
            }
            before = wanted;
            let facts = Facts { exact: self.params.exact, k: wanted, ..*facts };
            let Some(walk) = self.worth_walking(by, &facts) else { break };
            went = Went { plan: walk, walked: true };
            let around = self.around(by, graph, &facts, walk, &select)?;
            let Some((rows, outside)) = around else { break };
            let best = self.score_rows(sealed, &rows)?;
            let is_done = match by.is_nearness() {
                true => best.len() >= self.k.min(facts.matching),
                false => {
                    let last = best.get(self.k - 1);
                    last.is_some_and(|last| last.score > by.at_most(outside))
                }
            };
            if is_done {
                return Ok((Some(best), went));
            }
        }
        Ok((None, Went { plan: Plan::Scan, ..went }))
    }

    /// How to walk, if that is worth it.
    fn worth_walking(&self, by: &ByRule, facts: &Facts) -> Option<Plan> {
        let walk = plan(facts);
        let Plan::Graph { ef, over, .. } = walk else { return None };
        let leads = by.leads().len();
        let walks = leads.saturating_mul(ef.max(over)).saturating_mul(ROWS_PER_EF * WORTH);
        let all = facts.matching.saturating_mul(self.measure.vectors());
        (leads > 0 && walks <= all).then_some(walk)
    }

    /// The rows nearest to each lead, each once, and how similar to any a row may be that is not
    /// among them; `None` where a walk came back short, as links led to too few.
    fn around(
        &self,
        by: &ByRule,
        graph: &Graph,
        facts: &Facts,
        walk: Plan,
        select: &Select<'_>,
    ) -> Result<Option<(Vec<u32>, f32)>, Error> {
        let Plan::Graph { ef, over, again } = walk else { return Ok(None) };
        let (mut rows, mut outside) = (Vec::new(), f32::MIN);
        for lead in by.leads() {
            let walk = Walk { ef, over, again, within: None, by_rows: self.params.ignore_codes };
            let found = graph.walk(lead, facts.k, walk, select)?;
            let Some(last) = found.last().filter(|_| found.len() >= facts.k.min(facts.matching))
            else {
                return Ok(None);
            };
            outside = outside.max(similarity(self.vector.metric, last.score));
            rows.extend(found.iter().map(|row| row.row));
        }
        rows.sort_unstable();
        rows.dedup();
        Ok(Some((rows, outside)))
    }
}
