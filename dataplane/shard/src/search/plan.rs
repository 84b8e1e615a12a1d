//! The query planner: walk, look at codes or score all, for one segment. Pure.
//!
//! Where much matches, a walk goes over all rows, and what matches of its candidates is the result.
//! Where one row in n matches, it need not look around n times as many candidates as without a
//! filter, since those that match are found as well as those between them. How many it needs shows
//! on its way, by where it finds what matches (`index/shim/search/judge.h`): what matters here is
//! how many are likely.
//! Where very few match, it compares only rows that match. Links lead to fewer and fewer
//! of these, and about √(0.1 / s) times as many candidates make up for it; and it looks at links of
//! rows that do not match, so that it takes longer as a filter narrows, until a look at the codes
//! of all that match costs less. Measured on 63,436 rows of 384 dimensions, in microseconds: one
//! candidate costs a walk over all rows 0.6, one among those that match 3.5 where a fifth does, and
//! a code of those that match 0.006 to 0.01, with AVX-512 VNNI and much cache; 1.6, 8 and 0.06 with
//! AVX2 and little. On 500,000 rows 0.8, 4 and 0.01.

use vane_types::limits::EF_MAX;

/// Codes that are compared in the time that a walk over all rows spends on one candidate.
const CODES_PER_OVER: f64 = 60.0;
/// The same of a walk among the rows that match.
const CODES_PER_EF: f64 = 400.0;
/// So many times as long may codes take as a walk among the rows that match where that finds less.
const CODES_FIND_MORE: f64 = 1.5;
/// Share of matching rows from which on a walk goes over all. Where a tenth of 500,000 rows match
/// without regard to their vectors, it takes 260 microseconds for a recall of .981, and one among
/// those that match 380 for .942.
const OVER_SHARE: f64 = 0.02;
/// Of candidates that such a walk would need to find as many rows that match as a walk without a
/// filter finds rows, the part that it needs.
const OVER_PART: f64 = 0.125;
/// It needs so many for each row that it is to find, among those that match.
const OVER_PER_RESULT: f64 = 2.5;
/// At most so many times as many candidates as are likely to be needed: the query may lie where
/// less matches.
const OVER_MOST: f64 = 3.0;
/// Share of matching rows from which on a walk needs no more candidates than without a filter.
const ENOUGH_SHARE: f64 = 0.1;
/// Matching rows that are scored as fast as their codes are compared first.
const SCORED_ROWS: usize = 500;
/// Matching rows per wanted result below which there is nothing to choose from.
const SCORED_ROWS_PER_RESULT: usize = 4;
/// Wanted results beyond which keeping them in order costs more than scoring all rows.
const CODES_RESULTS_MAX: usize = 500;
/// Rows looked at without a look at the clock: some hundred milliseconds at most.
const CODES_ROWS_MAX: usize = 4 << 20;

/// One matching row in so many is found faster by its slot than by a look at every row.
const LOOKUP_SHARE: usize = 3;

/// What the planner knows of one segment and one search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// All rows, dead ones included.
    pub(crate) all: usize,
    /// Rows that live.
    pub(crate) rows: usize,
    /// Of those, how many match the filter (an estimate); all of them without one.
    pub(crate) matching: usize,
    pub(crate) filtered: bool,
    pub(crate) has_graph: bool,
    /// The request asks for a scan.
    pub(crate) exact: bool,
    pub(crate) k: usize,
    pub(crate) ef: usize,
    /// Matching rows that the collection wants scanned rather than walked.
    pub(crate) full_scan_rows: usize,
}

/// How to search one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Score every matching row.
    Scan,
    /// Compare the code of every matching row, and score those that may be the best.
    Codes,
    /// Read the postings of the query's indices, as far as they can matter: of sparse rows.
    Postings,
    /// Walk the graph with so many candidates; scan after all if it comes back short. Where `over`
    /// is not 0, walk over all rows with as many as what matches needs, and so many at most; where
    /// too few of these match, walk `again` among those that match, or come back short.
    Graph { ef: usize, over: usize, again: bool },
}

/// How to search a segment, from what is known of it before.
pub(crate) fn plan(facts: &Facts) -> Plan {
    if facts.exact || !facts.has_graph || facts.rows == 0 || facts.matching == 0 {
        return Plan::Scan;
    }
    // A walk returns at most as many rows as it has candidates.
    let ef = facts.ef.max(facts.k);
    if !facts.filtered {
        return match facts.rows < facts.all {
            true => walk(facts, ef).0,
            false => Plan::Graph { ef: ef.min(EF_MAX), over: 0, again: true },
        };
    }
    let few = SCORED_ROWS.max(SCORED_ROWS_PER_RESULT.saturating_mul(facts.k));
    if facts.matching <= few {
        return Plan::Scan;
    }
    let (walk, codes_in_its_time) = walk(facts, ef);
    if facts.matching as f64 <= codes_in_its_time || facts.matching <= facts.full_scan_rows {
        return codes(facts);
    }
    walk
}

/// A walk where so much matches, and how many codes are compared in its time.
fn walk(facts: &Facts, ef: usize) -> (Plan, f64) {
    let share = facts.matching as f64 / facts.all as f64;
    let likely = likely_over(facts.k as f64, ef as f64, share);
    if share >= OVER_SHARE && likely <= EF_MAX as f64 {
        let (ef, most) = (ef.min(EF_MAX), (likely * OVER_MOST).min(EF_MAX as f64));
        let over = (most.ceil() as usize).min(facts.all).max(ef);
        let plan = Plan::Graph { ef, over, again: is_walked_again(facts, ef) };
        return (plan, likely * CODES_PER_OVER);
    }
    let more = (ENOUGH_SHARE / share).sqrt().max(1.0);
    let raised = ((ef as f64 * more).ceil() as usize).clamp(ef, EF_MAX.max(ef));
    (Plan::Graph { ef: raised, over: 0, again: true }, raised as f64 * CODES_PER_EF)
}

/// Candidates that a walk over all rows is likely to look around, where such a share matches.
fn likely_over(k: f64, ef: f64, share: f64) -> f64 {
    let by_share = ef * (1.0 - 2.0 * OVER_PART + OVER_PART / share);
    // Fewer where a walk without a filter keeps few more than are wanted.
    let per_result = (0.75 * ef / k).max(1.0 + 4.0 / k.sqrt()).min(OVER_PER_RESULT);
    by_share.max(ef).max(k * per_result / share)
}

/// Whether a walk among the rows that match follows one over all rows that found few of them. The
/// query then lies where the filter leaves little, and links lead there badly: of 500,000 rows of
/// which a tenth match, all on one side, such a walk found .936 in the time of a look at all of
/// their codes, which finds all.
fn is_walked_again(facts: &Facts, ef: usize) -> bool {
    let looked_at = codes_looked_at(facts) as f64;
    codes(facts) != Plan::Codes || looked_at > ef as f64 * CODES_PER_EF * CODES_FIND_MORE
}

/// What is done where a walk came back with fewer rows than match.
pub(crate) fn after_walk(facts: &Facts) -> Plan {
    codes(facts)
}

/// Rows whose codes are looked at, so that those that match are compared.
fn codes_looked_at(facts: &Facts) -> usize {
    if is_few(facts) { facts.matching } else { facts.rows }
}

fn codes(facts: &Facts) -> Plan {
    let looked_at = codes_looked_at(facts);
    if facts.k > CODES_RESULTS_MAX || looked_at > CODES_ROWS_MAX {
        return Plan::Scan;
    }
    Plan::Codes
}

/// Whether so few rows match that each is looked up, rather than all rows looked at.
pub(crate) fn is_few(facts: &Facts) -> bool {
    facts.filtered && facts.matching.saturating_mul(LOOKUP_SHARE) <= facts.rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts {
        all: 1_000_000,
        rows: 1_000_000,
        matching: 1_000_000,
        filtered: false,
        has_graph: true,
        exact: false,
        k: 10,
        ef: 100,
        full_scan_rows: 6_000,
    };

    #[test]
    fn without_a_filter_a_graph_is_used_wherever_there_is_one() {
        assert_eq!(plan(&FACTS), Plan::Graph { ef: 100, over: 0, again: true });
        assert_eq!(plan(&Facts { has_graph: false, ..FACTS }), Plan::Scan);
        assert_eq!(plan(&Facts { exact: true, ..FACTS }), Plan::Scan);
        assert_eq!(
            plan(&Facts { k: 500, ..FACTS }),
            Plan::Graph { ef: 500, over: 0, again: true },
            "ef is never below k"
        );
    }

    #[test]
    fn a_walk_goes_over_all_rows_where_much_matches() {
        let filtered = |matching, k, ef| plan(&Facts { matching, filtered: true, k, ef, ..FACTS });
        assert_eq!(filtered(900_000, 10, 100), Plan::Graph { ef: 100, over: 300, again: true });
        assert_eq!(filtered(500_000, 10, 100), Plan::Graph { ef: 100, over: 300, again: true });
        assert_eq!(filtered(250_000, 10, 100), Plan::Graph { ef: 100, over: 375, again: true });
        assert_eq!(filtered(100_000, 10, 100), Plan::Graph { ef: 100, over: 750, again: true });
        assert_eq!(filtered(100_000, 10, 400), Plan::Graph { ef: 400, over: 2400, again: false });
        assert_eq!(filtered(500_000, 100, 100), Plan::Graph { ef: 100, over: 840, again: true });
        let more = |matching| {
            let many = Facts { all: 20_000_000, rows: 20_000_000, ..FACTS };
            plan(&Facts { ef: EF_MAX, matching, filtered: true, ..many })
        };
        let over = |over| Plan::Graph { ef: EF_MAX, over, again: true };
        assert_eq!((more(10_000_000), more(5_000_000)), (over(EF_MAX), over(0)));
    }

    #[test]
    fn codes_follow_a_walk_that_found_little_where_they_are_few() {
        let of = |matching| {
            plan(&Facts { all: 500_000, rows: 500_000, matching, filtered: true, ..FACTS })
        };
        assert_eq!(of(60_000), Plan::Graph { ef: 100, over: 625, again: false });
        assert_eq!(of(61_000), Plan::Graph { ef: 100, over: 615, again: true });
        // Where more than a third match, all rows are looked at.
        let of = |matching| {
            plan(&Facts { all: 90_000, rows: 90_000, matching, filtered: true, ..FACTS })
        };
        assert_eq!(of(30_000), Plan::Graph { ef: 100, over: 338, again: false });
        assert_eq!(of(31_000), Plan::Graph { ef: 100, over: 334, again: true });
    }

    #[test]
    fn a_walk_goes_over_dead_rows() {
        let living = |rows| plan(&Facts { rows, matching: rows, ..FACTS });
        assert_eq!(living(900_000), Plan::Graph { ef: 100, over: 300, again: true });
        assert_eq!(living(40_000), Plan::Graph { ef: 100, over: 1875, again: false });
        assert_eq!(living(15_000), Plan::Graph { ef: 259, over: 0, again: true });
    }

    #[test]
    fn candidates_grow_as_the_filter_narrows_until_codes_are_cheaper() {
        let filtered = |matching| plan(&Facts { matching, filtered: true, ..FACTS });
        assert_eq!(filtered(70_000), Plan::Graph { ef: 100, over: 1072, again: true });
        assert_eq!(filtered(45_000), Plan::Graph { ef: 100, over: 1667, again: false });
        assert_eq!(filtered(35_000), Plan::Codes);
        assert_eq!(filtered(20_000), Plan::Codes);
        assert_eq!(filtered(9_000), Plan::Codes);
        assert_eq!(filtered(500), Plan::Scan);
        assert_eq!(filtered(0), Plan::Scan);
        // Among many rows that match, yet a small part of all.
        let many = Facts { all: 10_000_000, rows: 10_000_000, filtered: true, ..FACTS };
        let of = |matching| plan(&Facts { matching, ..many });
        assert_eq!(of(150_000), Plan::Graph { ef: 259, over: 0, again: true });
        assert_eq!(of(100_000), Plan::Codes);
    }

    #[test]
    fn codes_are_looked_at_for_a_bounded_time_and_number_of_results() {
        let filtered = |k| plan(&Facts { matching: 9_000, filtered: true, k, ..FACTS });
        assert_eq!(filtered(500), Plan::Codes);
        assert_eq!(filtered(501), Plan::Scan);
        assert_eq!(filtered(3_000), Plan::Scan, "nothing to choose from");
        assert_eq!(after_walk(&Facts { k: 501, ..FACTS }), Plan::Scan);
        assert_eq!(after_walk(&FACTS), Plan::Codes);
        assert_eq!(after_walk(&Facts { rows: 5 << 20, ..FACTS }), Plan::Scan);
    }

    #[test]
    fn rows_are_looked_up_where_few_match() {
        let few = |matching, filtered| is_few(&Facts { matching, filtered, ..FACTS });
        assert!(few(1, true) && few(330_000, true));
        assert!(!few(340_000, true) && !few(1, false));
        assert!(is_few(&Facts { rows: 0, matching: 0, filtered: true, ..FACTS }));
    }

    #[test]
    fn ef_is_bounded_however_the_request_asks() {
        let Plan::Graph { ef, .. } = plan(&Facts { ef: usize::MAX / 2, ..FACTS }) else {
            panic!("a graph was expected")
        };
        assert_eq!(ef, EF_MAX);
    }
}
