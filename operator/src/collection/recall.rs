//! What is said of the recall of a collection's searches. Pure.

use vane_crds::collection::MeasuredRecall;
use vane_proto::admin;

use crate::status::{Finding, rounded};

/// Measured searches below which a mean says little.
const ENOUGH: i64 = 100;
/// Digits after the point that are shown.
const SCALE: f64 = 1000.0;
/// A mean that moved less, of about as many searches, is shown as it was: a status that changes
/// with every search would be written all the time.
const MOVED: f64 = 0.003;
/// How far below the target a mean is before it counts. Then it counts until the target is reached.
const BELOW: f64 = 0.002;

/// The figures to show, where these were shown before.
pub(super) fn shown(
    before: &[MeasuredRecall],
    found: &[admin::MeasuredRecall],
) -> Vec<MeasuredRecall> {
    let shown = |found: &admin::MeasuredRecall| {
        let new = in_digits(found);
        let before = before.iter().find(|before| before.filter == new.filter);
        before.filter(|before| is_alike(before, &new)).cloned().unwrap_or(new)
    };
    found.iter().map(shown).collect()
}

fn in_digits(found: &admin::MeasuredRecall) -> MeasuredRecall {
    let digits = |share: f64| (share * SCALE).round() / SCALE;
    MeasuredRecall {
        filter: found.filter.clone(),
        searches: rounded(found.searches),
        recall: digits(found.recall),
        low: digits(found.low),
        high: digits(found.high),
        // A version that does not say so has none.
        ef_percent: i32::try_from(found.ef_percent).ok().filter(|percent| *percent > 0),
    }
}

fn is_alike(before: &MeasuredRecall, new: &MeasuredRecall) -> bool {
    let about_as_many = |a: i64, b: i64| a <= b.saturating_mul(2);
    (before.recall - new.recall).abs() < MOVED
        && before.ef_percent == new.ef_percent
        && (before.searches >= ENOUGH) == (new.searches >= ENOUGH)
        && about_as_many(before.searches, new.searches)
        && about_as_many(new.searches, before.searches)
}

/// Whether searches find less than they are to find. `was` is what was said before.
pub(super) fn below_target(target: f64, shown: &[MeasuredRecall], was: bool) -> Finding {
    let measured = shown.iter().filter(|measured| measured.searches >= ENOUGH);
    let Some(worst) = measured.min_by(|a, b| a.recall.total_cmp(&b.recall)) else {
        let message = format!(
            "fewer than {ENOUGH} searches of a kind were answered exactly as well, which idle \
             threads do: nothing is known yet"
        );
        return Finding::no("NotMeasured", message);
    };
    let MeasuredRecall { filter, recall, low, high, ef_percent, .. } = worst;
    let of = match filter.as_str() {
        "none" => "without a filter",
        "wide" => "with a filter that leaves a tenth of the points or more",
        "narrow" => "with a filter that leaves 1 to 10 % of the points",
        _ => "with a filter that leaves less than 1 % of the points",
    };
    let found =
        format!("searches {of} find {recall} of what they should (95 % between {low} and {high})");
    let margin = if was { 0.0 } else { BELOW };
    if *recall >= target - margin {
        return Finding::no("Reached", format!("{found}; {target} is asked for"));
    }
    let effort = ef_percent.map_or(String::new(), |percent| {
        format!("; those that set no hnsw_ef keep {percent} % of efConstruct's candidates")
    });
    let advice = "where that does not grow any more, give the vector a larger m and efConstruct";
    Finding::yes("TooLow", format!("{found}, {target} is asked for{effort}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(filter: &str, searches: u64, recall: f64) -> admin::MeasuredRecall {
        let (low, high) = (recall - 0.01, recall + 0.01);
        let filter = filter.to_owned();
        admin::MeasuredRecall { filter, searches, recall, low, high, ef_percent: 125 }
    }

    #[test]
    fn a_status_changes_only_with_what_matters() {
        let first = shown(&[], &[found("none", 1234, 0.98765)]);
        assert_eq!((first[0].recall, first[0].searches), (0.988, 1200));
        assert_eq!(shown(&first, &[found("none", 2000, 0.9899)]), first);
        for changed in [
            found("none", 2500, 0.98765),
            found("none", 50, 0.98765),
            found("none", 1234, 0.98),
            found("wide", 1234, 0.98765),
            admin::MeasuredRecall { ef_percent: 156, ..found("none", 1234, 0.98765) },
        ] {
            assert_ne!(shown(&first, std::slice::from_ref(&changed)), first, "{changed:?}");
        }
        assert_eq!(shown(&first, &[]), [], "it begins anew");
    }

    #[test]
    fn the_worst_kind_of_search_counts_once_enough_were_measured() {
        let finding = |measured: &[admin::MeasuredRecall], was| {
            let finding = below_target(0.97, &shown(&[], measured), was);
            (finding.holds, finding.reason)
        };
        assert_eq!(finding(&[], false), (false, "NotMeasured"));
        assert_eq!(finding(&[found("none", 99, 0.5)], true), (false, "NotMeasured"));
        let good = found("none", 1000, 0.99);
        assert_eq!(finding(&[good.clone(), found("few", 9, 0.5)], false), (false, "Reached"));
        assert_eq!(finding(&[good, found("few", 100, 0.9)], false), (true, "TooLow"));
        let close = [found("wide", 1000, 0.969)];
        assert_eq!(finding(&close, false), (false, "Reached"), "it would go to and fro");
        assert_eq!(finding(&close, true), (true, "TooLow"));
        let message = below_target(0.97, &shown(&[], &[found("wide", 1000, 0.9)]), false).message;
        assert!(message.contains("find 0.9 of") && message.contains("125 %"), "{message}");
    }
}
