//! Which feature level a filter needs where it is logged.

use vane_types::FeatureLevel;

use crate::filter::{Clause, Condition, FieldCondition, Filter, Match};

impl Filter {
    /// The level from which on every member can read it.
    pub fn level(&self) -> FeatureLevel {
        let Self { should, min_should, must, must_not } = self;
        let clauses = [should, must, must_not].into_iter().flatten().flat_map(Clause::conditions);
        let at_least = min_should.iter().flat_map(|min_should| &min_should.conditions);
        let levels = clauses.chain(at_least).map(Condition::level);
        levels.max().unwrap_or(FeatureLevel::FIRST)
    }
}

impl Condition {
    fn level(&self) -> FeatureLevel {
        match self {
            Self::Field(condition) => condition.level(),
            Self::Slice { .. } => FeatureLevel::KINDS,
            Self::Nested { nested } => nested.filter.level(),
            Self::Filter(filter) => filter.level(),
            Self::IsEmpty { .. }
            | Self::IsNull { .. }
            | Self::HasId { .. }
            | Self::OfTenants { .. }
            | Self::HasVector { .. } => FeatureLevel::FIRST,
        }
    }
}

impl FieldCondition {
    /// The level from which on every member can read it.
    pub fn level(&self) -> FeatureLevel {
        match self.matching {
            Some(Match::Substring(_)) => FeatureLevel::CHANGING,
            Some(Match::Text(_) | Match::TextAny(_) | Match::Phrase(_) | Match::Prefix(_)) => {
                FeatureLevel::KINDS
            }
            Some(Match::Value(_) | Match::Any(_) | Match::Except(_)) | None
                if self.geo_polygon.is_some() =>
            {
                FeatureLevel::KINDS
            }
            Some(Match::Value(_) | Match::Any(_) | Match::Except(_)) | None => FeatureLevel::FIRST,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_of_this_level_are_found_wherever_they_stand() {
        let level = |filter| Filter::parse(filter).unwrap().level();
        let old = json!({"key": "a", "match": {"value": "x"}});
        assert_eq!(level(json!({"must": [old]})), FeatureLevel::FIRST);
        assert_eq!(level(json!({})), FeatureLevel::FIRST);
        let ring =
            [(0, 0), (1, 0), (0, 1), (0, 0)].map(|(lon, lat)| json!({"lon": lon, "lat": lat}));
        for new in [
            json!({"key": "a", "match": {"text": "x"}}),
            json!({"key": "a", "match": {"text_any": "x"}}),
            json!({"key": "a", "match": {"phrase": "x"}}),
            json!({"key": "a", "match": {"prefix": "x"}}),
            json!({"key": "a", "geo_polygon": {"exterior": {"points": ring}}}),
            json!({"slice": {"total": 2, "index": 1}}),
        ] {
            assert_eq!(level(json!({"should": [old, new]})), FeatureLevel::KINDS, "{new}");
            let deep = json!({"must_not": {"min_should": {"conditions": [new], "min_count": 1}}});
            assert_eq!(level(deep), FeatureLevel::KINDS, "{new}");
        }
        let nested = json!({"nested": {"key": "n", "filter": {"must": {"key": "a",
            "match": {"text": "x"}}}}});
        assert_eq!(level(json!({"must": nested})), FeatureLevel::KINDS);
        let newer = json!({"key": "a", "match": {"substring": "x"}});
        assert_eq!(level(json!({"must_not": [old, newer]})), FeatureLevel::CHANGING);
    }
}
