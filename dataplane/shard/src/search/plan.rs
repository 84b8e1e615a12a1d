//! The query planner: walk, look at codes or score all, for one segment. Pure.
//!
//! A walk compares only rows that match. Down to a tenth of all its recall is then what it is
//! without a filter; below, links lead to fewer and fewer rows that match, and about √(0.1 / s)
//! times as many candidates make up for it. But it looks at links of rows that do not match, so
//! that it takes longer as a filter narrows, until a look at the codes of all that match costs
//! less. Measured on 63,436 rows of 384 dimensions, in microseconds: one candidate costs a walk 0.6
//! without a filter, 1.4 where nine in ten match, 2.2 at a half, 3.3 at a fifth, 4 at a tenth, and
//! a code 0.01 to 0.02, with AVX-512 VNNI and much cache; 1.6 to 8 and 0.06 with AVX2 and little.

use vane_types::limits::EF_MAX;

/// Codes that are compared in the time that a walk without a filter spends on one candidate.
const CODES_PER_EF: f64 = 30.0;
/// As many more, times the share of rows that do not match.
const CODES_PER_EF_NARROW: f64 = 150.0;
/// Share of matching rows from which on a walk needs no more candidates than without a filter.
const ENOUGH_SHARE: f64 = 0.1;
/// Matching rows that are scored as fast as their codes are compared first.
const SCORED_ROWS: usize = 500;
/// Matching rows per wanted result below which there is nothing to choose from.
const SCORED_ROWS_PER_RESULT: usize = 4;
/// Candidates of a look at codes: a few more than are wanted, as codes are not exact.
const CODES_EF_MIN: usize = 64;
const CODES_EF_PER_RESULT: usize = 4;
/// Candidates beyond which keeping them in order costs more than scoring all rows.
const CODES_EF_MAX: usize = 1_000;
/// Rows looked at without a look at the clock: some hundred milliseconds at most.
const CODES_ROWS_MAX: usize = 4 << 20;

/// One matching row in so many is found faster by its slot than by a look at every row.
const LOOKUP_SHARE: usize = 16;

/// What the planner knows of one segment and one search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
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
    /// Compare the code of every matching row, and score so many candidates.
    Codes { ef: usize },
    /// Walk the graph with so many candidates; scan after all if it comes back short.
    Graph { ef: usize },
}

/// How to search a segment, from what is known of it before.
pub(crate) fn plan(facts: &Facts) -> Plan {
    if facts.exact || !facts.has_graph || facts.rows == 0 || facts.matching == 0 {
        return Plan::Scan;
    }
    // A walk returns at most as many rows as it has candidates.
    let ef = facts.ef.max(facts.k);
    if !facts.filtered {
        return Plan::Graph { ef: ef.min(EF_MAX) };
    }
    let few = SCORED_ROWS.max(SCORED_ROWS_PER_RESULT.saturating_mul(facts.k));
    if facts.matching <= few {
        return Plan::Scan;
    }
    let share = facts.matching as f64 / facts.rows as f64;
    let more = (ENOUGH_SHARE / share).sqrt().max(1.0);
    let raised = ((ef as f64 * more).ceil() as usize).clamp(ef, EF_MAX.max(ef));
    let codes_per_ef = CODES_PER_EF + CODES_PER_EF_NARROW * (1.0 - share).max(0.0);
    let codes_are_cheaper = facts.matching as f64 <= raised as f64 * codes_per_ef;
    if codes_are_cheaper || facts.matching <= facts.full_scan_rows {
        return codes(facts);
    }
    Plan::Graph { ef: raised }
}

/// What is done where a walk came back with fewer rows than match.
pub(crate) fn after_walk(facts: &Facts) -> Plan {
    codes(facts)
}

fn codes(facts: &Facts) -> Plan {
    let wanted = CODES_EF_MIN.max(CODES_EF_PER_RESULT.saturating_mul(facts.k));
    let looked_at = if is_few(facts) { facts.matching } else { facts.rows };
    if wanted > CODES_EF_MAX || looked_at > CODES_ROWS_MAX {
        return Plan::Scan;
    }
    Plan::Codes { ef: facts.ef.clamp(wanted, CODES_EF_MAX) }
}

/// Whether so few rows match that each is looked up, rather than all rows looked at.
pub(crate) fn is_few(facts: &Facts) -> bool {
    facts.filtered && facts.matching.saturating_mul(LOOKUP_SHARE) <= facts.rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts {
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
        assert_eq!(plan(&FACTS), Plan::Graph { ef: 100 });
        assert_eq!(plan(&Facts { has_graph: false, ..FACTS }), Plan::Scan);
        assert_eq!(plan(&Facts { exact: true, ..FACTS }), Plan::Scan);
        assert_eq!(
            plan(&Facts { k: 500, ..FACTS }),
            Plan::Graph { ef: 500 },
            "ef is never below k"
        );
    }

    #[test]
    fn ef_grows_as_the_filter_narrows_until_codes_are_cheaper() {
        let filtered = |matching| plan(&Facts { matching, filtered: true, ..FACTS });
        assert_eq!(filtered(250_000), Plan::Graph { ef: 100 });
        assert_eq!(filtered(100_000), Plan::Graph { ef: 100 });
        assert_eq!(filtered(70_000), Plan::Graph { ef: 120 });
        assert_eq!(filtered(45_000), Plan::Graph { ef: 150 });
        assert_eq!(filtered(20_000), Plan::Codes { ef: 100 });
        assert_eq!(filtered(9_000), Plan::Codes { ef: 100 });
        assert_eq!(filtered(500), Plan::Scan);
        assert_eq!(filtered(0), Plan::Scan);
    }

    #[test]
    fn codes_are_looked_at_for_more_rows_than_are_wanted() {
        let filtered = |k, ef| plan(&Facts { matching: 9_000, filtered: true, k, ef, ..FACTS });
        assert_eq!(filtered(10, 30), Plan::Codes { ef: 64 });
        assert_eq!(filtered(100, 30), Plan::Codes { ef: 400 });
        assert_eq!(filtered(100, 800), Plan::Codes { ef: 800 });
        assert_eq!(filtered(3_000, 10), Plan::Scan, "nothing to choose from");
    }

    #[test]
    fn codes_are_looked_at_for_a_bounded_time_and_number_of_candidates() {
        let many_wanted = Facts { matching: 9_000, filtered: true, k: 251, ..FACTS };
        assert_eq!(plan(&Facts { ef: 9_999, ..many_wanted }), Plan::Scan);
        assert_eq!(after_walk(&many_wanted), Plan::Scan);
        assert_eq!(after_walk(&Facts { ef: usize::MAX, ..FACTS }), Plan::Codes { ef: 1_000 });
        assert_eq!(after_walk(&Facts { rows: 5 << 20, ..FACTS }), Plan::Scan);
    }

    #[test]
    fn rows_are_looked_up_where_few_match() {
        let few = |matching, filtered| is_few(&Facts { matching, filtered, ..FACTS });
        assert!(few(1, true) && few(60_000, true));
        assert!(!few(70_000, true) && !few(1, false));
        assert!(is_few(&Facts { rows: 0, matching: 0, filtered: true, ..FACTS }));
    }

    #[test]
    fn ef_is_bounded_however_the_request_asks() {
        let Plan::Graph { ef } = plan(&Facts { ef: usize::MAX / 2, ..FACTS }) else {
            panic!("a graph was expected")
        };
        assert_eq!(ef, EF_MAX);
    }
}
