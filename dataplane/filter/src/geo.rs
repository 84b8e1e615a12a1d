//! Points on earth: what a payload's are, boxes, circles, polygons, and the cells of their keys.

mod cover;
mod morton;
mod polygon;

use serde::Serialize;
use serde_json::Value;

pub(crate) use cover::cover;
pub(crate) use morton::{Cell, cell};
pub use polygon::{Polygon, Ring};

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// Added around the box of a circle, in degrees: far more than what rounding can move.
const MARGIN_DEG: f64 = 1e-5;

/// A position in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    pub lon: f64,
    pub lat: f64,
}

impl Point {
    /// The point a payload value stands for: an object with numeric `lon` and `lat` in
    /// their ranges. An object off the earth is no point, with an index and without.
    pub fn of_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let point = Self { lon: object.get("lon")?.as_f64()?, lat: object.get("lat")?.as_f64()? };
        point.is_on_earth().then_some(point)
    }

    /// Metres to another point, along the earth.
    pub fn distance_m(self, other: Self) -> f64 {
        haversine_m(self, other)
    }

    /// Whether longitude and latitude are in their ranges.
    pub(crate) fn is_on_earth(self) -> bool {
        (-180.0..=180.0).contains(&self.lon) && (-90.0..=90.0).contains(&self.lat)
    }
}

/// All strictly inside two corners; it crosses the antimeridian when its left side is east
/// of its right side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BoundingBox {
    pub top_left: Point,
    pub bottom_right: Point,
}

impl BoundingBox {
    pub(crate) fn contains(&self, point: Point) -> bool {
        let (left, right) = (self.top_left.lon, self.bottom_right.lon);
        let across = if left > right {
            point.lon > left || point.lon < right
        } else {
            left < point.lon && point.lon < right
        };
        across && self.bottom_right.lat < point.lat && point.lat < self.top_left.lat
    }

    /// Boxes that together hold every point inside.
    pub(crate) fn areas(&self) -> Vec<Area> {
        let (left, right) = (self.top_left.lon, self.bottom_right.lon);
        let lat = (self.bottom_right.lat, self.top_left.lat);
        // Cells are ordered by longitude, which begins anew at the antimeridian.
        if left > right {
            vec![Area { lon: (left, 180.0), lat }, Area { lon: (-180.0, right), lat }]
        } else {
            vec![Area { lon: (left, right), lat }]
        }
    }
}

/// All nearer than `radius` metres to the centre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Radius {
    pub center: Point,
    pub radius: f64,
}

impl Radius {
    pub(crate) fn contains(&self, point: Point) -> bool {
        haversine_m(self.center, point) < self.radius
    }

    /// Boxes that together hold every point inside.
    pub(crate) fn areas(&self) -> Vec<Area> {
        // The comparison is strict: nothing is nearer than that, not even the centre.
        if self.radius.is_nan() || self.radius <= 0.0 {
            return Vec::new();
        }
        // Half way around is as far as anything can be.
        let angle = (self.radius / EARTH_RADIUS_M).min(std::f64::consts::PI);
        let reach = angle.to_degrees() + MARGIN_DEG;
        let lat = (self.center.lat - reach, self.center.lat + reach);
        if lat.0 <= -90.0 || lat.1 >= 90.0 {
            // Every meridian meets a circle around a pole.
            return vec![Area { lon: (-180.0, 180.0), lat }];
        }
        // Meridians come together towards the poles: the circle is widest, in degrees, on that side
        // of its centre, not at it.
        let widest = (angle.sin() / self.center.lat.to_radians().cos()).min(1.0).asin();
        let half = widest.to_degrees() + MARGIN_DEG;
        let (left, right) = (self.center.lon - half, self.center.lon + half);
        if left < -180.0 {
            vec![Area { lon: (-180.0, right), lat }, Area { lon: (left + 360.0, 180.0), lat }]
        } else if right > 180.0 {
            vec![Area { lon: (left, 180.0), lat }, Area { lon: (-180.0, right - 360.0), lat }]
        } else {
            vec![Area { lon: (left, right), lat }]
        }
    }
}

/// Longitudes and latitudes from and to, both included; never across the antimeridian.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub(crate) lon: (f64, f64),
    pub(crate) lat: (f64, f64),
}

/// Great-circle distance in metres.
fn haversine_m(a: Point, b: Point) -> f64 {
    let (lat_a, lat_b) = (a.lat.to_radians(), b.lat.to_radians());
    let half_lat = (b.lat - a.lat).to_radians() / 2.0;
    let half_lon = (b.lon - a.lon).to_radians() / 2.0;
    let h = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
    // Rounding can lift antipodes above 1, where asin has no value.
    2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BERLIN: Point = Point { lon: 13.377_7, lat: 52.516_3 };
    const MOSCOW: Point = Point { lon: 37.617_8, lat: 55.755_8 };

    #[test]
    fn the_sides_of_a_box_are_outside_of_it() {
        let area = BoundingBox {
            top_left: Point { lon: 0.0, lat: 10.0 },
            bottom_right: Point { lon: 10.0, lat: 0.0 },
        };
        assert!(area.contains(Point { lon: 5.0, lat: 5.0 }));
        for (lon, lat) in [(0.0, 5.0), (10.0, 5.0), (5.0, 0.0), (5.0, 10.0)] {
            assert!(!area.contains(Point { lon, lat }), "{lon} {lat}");
        }
    }

    #[test]
    fn a_box_may_cross_the_antimeridian() {
        let area = BoundingBox {
            top_left: Point { lon: 170.0, lat: 10.0 },
            bottom_right: Point { lon: -170.0, lat: -10.0 },
        };
        assert!(
            area.contains(Point { lon: 180.0, lat: 0.0 })
                && area.contains(Point { lon: -175.0, lat: 0.0 })
        );
        assert!(
            !area.contains(Point { lon: 0.0, lat: 0.0 })
                && !area.contains(Point { lon: 170.0, lat: 0.0 })
        );
    }

    #[test]
    fn a_circle_ends_before_its_radius() {
        let d = haversine_m(BERLIN, MOSCOW);
        assert!((1_600_000.0..1_620_000.0).contains(&d), "{d}");
        assert!(Radius { center: BERLIN, radius: d + 1.0 }.contains(MOSCOW));
        assert!(!Radius { center: BERLIN, radius: d }.contains(MOSCOW));
        assert!(!Radius { center: BERLIN, radius: 0.0 }.contains(BERLIN));
    }

    fn on_earth() -> impl Strategy<Value = Point> {
        let lon = prop_oneof![
            4 => -180.0..=180.0, 1 => Just(180.0), 1 => Just(-180.0), 1 => Just(179.999_9)
        ];
        let lat = prop_oneof![4 => -90.0..=90.0, 1 => Just(90.0), 1 => Just(-89.999_9)];
        (lon, lat).prop_map(|(lon, lat)| Point { lon, lat })
    }

    fn held(areas: &[Area], point: Point) -> bool {
        let cell = cell(point);
        areas.iter().filter_map(cover).any(|cover| {
            cover.ranges().iter().any(|(from, to)| (*from..=*to).contains(&cell.morton()))
                && cover.holds(cell)
        })
    }

    proptest! {
        #[test]
        fn areas_miss_nothing_inside(
            a in on_earth(), b in on_earth(), p in on_earth(), r in 0.0..2.1e7
        ) {
            let circle = Radius { center: a, radius: r };
            prop_assert!(!circle.contains(p) || held(&circle.areas(), p));
            let rect = BoundingBox { top_left: a, bottom_right: b };
            prop_assert!(!rect.contains(p) || held(&rect.areas(), p));
            let tight = Radius { center: a, radius: haversine_m(a, p) + 1e-6 };
            prop_assert!(!tight.contains(p) || held(&tight.areas(), p));
        }
    }
}
