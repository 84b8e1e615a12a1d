//! The query planner: scan or graph, for one segment. Pure.
//!
//! FAISS's filtered search walks through rows that the filter excludes and counts them
//! against ef. Constant recall at selectivity s therefore needs ef / √s, and below about
//! 1 % it comes back short (measured: 60,000 rows, 128 dimensions, M 16).

use vane_types::limits::EF_MAX;

/// Rows a scan can score in the time that the graph spends on one unit of ef.
const SCAN_ROWS_PER_EF: usize = 50;
/// Matching rows per wanted result below which a graph has nothing to choose from.
const SCAN_ROWS_PER_RESULT: usize = 4;

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
    let selectivity = facts.matching as f64 / facts.rows as f64;
    let raised =
        ((ef as f64 / selectivity.min(1.0).sqrt()).ceil() as usize).clamp(ef, EF_MAX.max(ef));
    let scan_is_cheaper = facts.matching <= SCAN_ROWS_PER_EF * raised;
    let too_few = facts.matching <= SCAN_ROWS_PER_RESULT * facts.k;
    if scan_is_cheaper || too_few || facts.matching <= facts.full_scan_rows {
        return Plan::Scan;
    }
    Plan::Graph { ef: raised }
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
    fn ef_grows_as_the_filter_narrows_until_a_scan_is_cheaper() {
        let filtered = |matching| plan(&Facts { matching, filtered: true, ..FACTS });
        assert_eq!(filtered(250_000), Plan::Graph { ef: 200 });
        assert_eq!(filtered(90_000), Plan::Graph { ef: 334 });
        assert_eq!(filtered(20_000), Plan::Scan);
        assert_eq!(filtered(0), Plan::Scan);
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
