//! Checks of a filter whose form is right: limits and ranges of values.

use vane_types::limits::{
    FILTER_CONDITIONS_MAX, FILTER_DEPTH_MAX, FILTER_VALUES_MAX, MATCH_TEXT_BYTES_MAX,
};

use crate::filter::{Clause, Condition, FieldCondition, Filter, Match};
use crate::geo::Point;
use crate::invalid::{At, Invalid};

impl Filter {
    /// Checks depth, number of conditions, coordinates, that each field condition asks
    /// something, and that `nested` holds no condition about the point itself.
    ///
    /// # Errors
    /// The first that is wrong, with its place; always of kind
    /// [`Validation`](crate::InvalidKind::Validation).
    pub fn validate(&self) -> Result<(), Invalid> {
        Check { conditions: 0, values: 0 }.filter(
            self,
            &At::Root,
            Level { depth: 1, nested: false },
        )
    }
}

pub(crate) fn too_deep(at: &At<'_>) -> Invalid {
    at.out_of_range(format!("is nested too deep, the limit is {FILTER_DEPTH_MAX} levels"))
}

/// Walk over one filter.
struct Check {
    /// Seen so far, at all levels.
    conditions: usize,
    /// Of all lists so far.
    values: usize,
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct Level {
    depth: usize,
    /// The filter is asked of an element, not of a point.
    nested: bool,
}

impl Check {
    fn filter(&mut self, filter: &Filter, at: &At<'_>, level: Level) -> Result<(), Invalid> {
        let Filter { should, min_should, must, must_not } = filter;
        if level.depth > FILTER_DEPTH_MAX {
            return Err(too_deep(at));
        }
        for (name, clause) in [("should", should), ("must", must), ("must_not", must_not)] {
            let at = at.key(name);
            match clause {
                None => {}
                Some(Clause::One(condition)) => self.condition(condition, &at, level)?,
                Some(Clause::List(conditions)) => self.conditions(conditions, &at, level)?,
            }
        }
        if let Some(min_should) = min_should {
            let at = at.key("min_should");
            self.conditions(&min_should.conditions, &at.key("conditions"), level)?;
        }
        Ok(())
    }

    fn conditions(
        &mut self,
        conditions: &[Condition],
        at: &At<'_>,
        level: Level,
    ) -> Result<(), Invalid> {
        let mut numbered = conditions.iter().enumerate();
        numbered.try_for_each(|(i, condition)| self.condition(condition, &at.index(i), level))
    }

    fn condition(
        &mut self,
        condition: &Condition,
        at: &At<'_>,
        level: Level,
    ) -> Result<(), Invalid> {
        let below = |nested| Level { depth: level.depth + 1, nested };
        self.conditions += 1;
        if self.conditions > FILTER_CONDITIONS_MAX {
            // At the root: the limit is of the whole filter, whichever condition goes beyond it.
            return Err(At::Root.out_of_range(format!(
                "has too many conditions, the limit is {FILTER_CONDITIONS_MAX}"
            )));
        }
        self.values += values_of(condition);
        if self.values > FILTER_VALUES_MAX {
            return Err(At::Root.out_of_range(format!(
                "has too many values in its lists (has_id, match any, match except, \
                 points of polygons), the limit is {FILTER_VALUES_MAX}"
            )));
        }
        match condition {
            Condition::Field(condition) => field(condition, at),
            Condition::IsEmpty { .. } | Condition::IsNull { .. } => Ok(()),
            Condition::HasId { .. } | Condition::HasVector { .. } | Condition::Slice { .. }
                if level.nested =>
            {
                Err(at.out_of_range(
                    "has_id, has_vector and slice are about the point and cannot stand inside \
                     nested: move it out of the nested filter",
                ))
            }
            Condition::Slice { slice } => slice.validate(&at.key("slice")),
            Condition::HasId { .. } | Condition::OfTenants { .. } | Condition::HasVector { .. } => {
                Ok(())
            }
            Condition::Nested { nested: array } => {
                self.filter(&array.filter, &at.key("nested").key("filter"), below(true))
            }
            Condition::Filter(filter) => self.filter(filter, at, below(level.nested)),
        }
    }
}

/// Values that a condition lists.
fn values_of(condition: &Condition) -> usize {
    match condition {
        Condition::HasId { has_id } => has_id.given().len(),
        Condition::Field(condition) => {
            let listed = match &condition.matching {
                Some(Match::Any(list) | Match::Except(list)) => list.len(),
                Some(
                    Match::Value(_)
                    | Match::Text(_)
                    | Match::TextAny(_)
                    | Match::Phrase(_)
                    | Match::Prefix(_)
                    | Match::Substring(_),
                )
                | None => 0,
            };
            listed + condition.geo_polygon.as_ref().map_or(0, |area| area.points().count())
        }
        Condition::IsEmpty { .. }
        | Condition::IsNull { .. }
        | Condition::HasVector { .. }
        | Condition::OfTenants { .. }
        | Condition::Slice { .. }
        | Condition::Nested { .. }
        | Condition::Filter(_) => 0,
    }
}

fn field(condition: &FieldCondition, at: &At<'_>) -> Result<(), Invalid> {
    // Taken apart whole: an operator that is added must count as asking something.
    let FieldCondition {
        key: _,
        matching,
        range,
        geo_bounding_box,
        geo_radius,
        geo_polygon,
        values_count,
        is_empty,
        is_null,
    } = condition;
    let asks = matching.is_some()
        || range.is_some()
        || geo_bounding_box.is_some()
        || geo_radius.is_some()
        || geo_polygon.is_some()
        || values_count.is_some()
        || is_empty.is_some()
        || is_null.is_some();
    if !asks {
        return Err(at.out_of_range("At least one field condition must be specified"));
    }
    if let Some(area) = geo_bounding_box {
        let at = at.key("geo_bounding_box");
        point(area.top_left, &at.key("top_left"))?;
        point(area.bottom_right, &at.key("bottom_right"))?;
    }
    if let Some(area) = geo_radius {
        point(area.center, &at.key("geo_radius").key("center"))?;
    }
    if let Some(area) = geo_polygon {
        let at = at.key("geo_polygon");
        area.points().try_for_each(|corner| point(corner, &at))?;
    }
    let text = matching.as_ref().and_then(|matching| match matching {
        Match::Prefix(text) | Match::Substring(text) => Some(text.as_str()),
        matching => matching.text(),
    });
    if text.is_some_and(|text| text.len() > MATCH_TEXT_BYTES_MAX) {
        return Err(at.key("match").out_of_range(format!(
            "the text is longer than {MATCH_TEXT_BYTES_MAX} bytes, which is the limit"
        )));
    }
    Ok(())
}

fn point(point: Point, at: &At<'_>) -> Result<(), Invalid> {
    if point.is_on_earth() {
        return Ok(());
    }
    Err(at.out_of_range("expected `lat` within [-90;90] and `lon` within [-180;180]"))
}
