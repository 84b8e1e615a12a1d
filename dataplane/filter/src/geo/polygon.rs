//! Polygons, in the plane of longitudes and latitudes.

use serde::Serialize;

use super::{Area, Point};

/// All inside a ring and outside of others; what lies on one of the rings is not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Polygon {
    pub exterior: Ring,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interiors: Vec<Ring>,
}

/// A line that comes back to its beginning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ring {
    pub points: Vec<Point>,
}

/// Where a point lies.
#[derive(PartialEq)]
enum Side {
    Inside,
    On,
    Outside,
}

impl Polygon {
    pub(crate) fn contains(&self, point: Point) -> bool {
        self.exterior.side(point) == Side::Inside
            && self.interiors.iter().all(|hole| hole.side(point) == Side::Outside)
    }

    /// A box that holds every point inside; none where there is no point.
    pub(crate) fn areas(&self) -> Vec<Area> {
        let points = &self.exterior.points;
        let Some(first) = points.first() else { return Vec::new() };
        let start = Area { lon: (first.lon, first.lon), lat: (first.lat, first.lat) };
        let grown = |(low, high): (f64, f64), at: f64| (low.min(at), high.max(at));
        let area = points.iter().fold(start, |area, point| Area {
            lon: grown(area.lon, point.lon),
            lat: grown(area.lat, point.lat),
        });
        vec![area]
    }

    /// Points of all rings.
    pub(crate) fn points(&self) -> impl Iterator<Item = Point> {
        [&self.exterior].into_iter().chain(&self.interiors).flat_map(|ring| ring.points.clone())
    }
}

impl Ring {
    /// Points of the shortest one: a triangle whose first point is its last too.
    pub(crate) const POINTS_MIN: usize = 4;

    /// Whether its last point is its first.
    pub(crate) fn is_closed(&self) -> bool {
        match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) => {
                (first.lon - last.lon).abs() <= f64::EPSILON
                    && (first.lat - last.lat).abs() <= f64::EPSILON
            }
            _ => false,
        }
    }

    /// By how often the ring goes around the point.
    fn side(&self, point: Point) -> Side {
        let mut around = 0;
        for (from, to) in self.points.iter().zip(self.points.iter().skip(1)) {
            // Above 0 where the point is left of the line.
            let turn = (to.lon - from.lon) * (point.lat - from.lat)
                - (point.lon - from.lon) * (to.lat - from.lat);
            let is_between = |a: f64, b: f64, at: f64| a.min(b) <= at && at <= a.max(b);
            if turn == 0.0
                && is_between(from.lon, to.lon, point.lon)
                && is_between(from.lat, to.lat, point.lat)
            {
                return Side::On;
            }
            // A line that ends at the point's latitude counts once with the next.
            if from.lat <= point.lat && to.lat > point.lat && turn > 0.0 {
                around += 1;
            } else if from.lat > point.lat && to.lat <= point.lat && turn < 0.0 {
                around -= 1;
            }
        }
        if around == 0 { Side::Outside } else { Side::Inside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(f64, f64)]) -> Ring {
        Ring { points: points.iter().map(|&(lon, lat)| Point { lon, lat }).collect() }
    }

    fn square(low: f64, high: f64) -> Ring {
        ring(&[(low, low), (high, low), (high, high), (low, high), (low, low)])
    }

    #[test]
    fn rings_and_holes_and_their_lines() {
        let area = Polygon { exterior: square(0.0, 10.0), interiors: vec![square(4.0, 6.0)] };
        let holds = |lon, lat| area.contains(Point { lon, lat });
        assert!(holds(1.0, 1.0) && holds(5.0, 3.9) && holds(9.9, 9.9));
        for (lon, lat) in [(0.0, 5.0), (10.0, 10.0), (5.0, 0.0), (-1.0, 5.0), (5.0, 11.0)] {
            assert!(!holds(lon, lat), "on the outer line or beyond: {lon} {lat}");
        }
        for (lon, lat) in [(4.0, 5.0), (6.0, 6.0), (5.0, 5.0)] {
            assert!(!holds(lon, lat), "on the line of the hole or in it: {lon} {lat}");
        }
        let backwards = Polygon {
            exterior: ring(&[(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0), (0.0, 0.0)]),
            interiors: Vec::new(),
        };
        assert!(backwards.contains(Point { lon: 5.0, lat: 5.0 }));
    }

    #[test]
    fn a_corner_that_points_inwards_is_kept_out() {
        let arrow = Polygon {
            exterior: ring(&[
                (0.0, 0.0),
                (10.0, 0.0),
                (5.0, 5.0),
                (10.0, 10.0),
                (0.0, 10.0),
                (0.0, 0.0),
            ]),
            interiors: Vec::new(),
        };
        assert!(arrow.contains(Point { lon: 4.9, lat: 5.0 }));
        assert!(!arrow.contains(Point { lon: 7.0, lat: 5.0 }));
        assert!(!arrow.contains(Point { lon: 5.0, lat: 5.0 }));
    }

    #[test]
    fn rings_are_closed_or_not() {
        assert!(square(0.0, 1.0).is_closed() && !ring(&[(0.0, 0.0), (1.0, 0.0)]).is_closed());
        assert!(!ring(&[]).is_closed());
        let nothing = Polygon { exterior: ring(&[]), interiors: Vec::new() };
        assert!(nothing.areas().is_empty() && !nothing.contains(Point { lon: 0.0, lat: 0.0 }));
    }
}
