//! Few ranges of Morton order that together hold an area.

use super::morton::{Cell, cell};
use super::{Area, Point};

/// Cells of the quadtree are not split below this part of the area's longer side, which
/// bounds their number to about the square of it.
const PARTS: u64 = 16;

/// The cells of an area.
pub(crate) struct Cover {
    low: Cell,
    high: Cell,
}

/// The cells of `area`; `None` when it is empty.
pub(crate) fn cover(area: &Area) -> Option<Cover> {
    let low = cell(Point { lon: area.lon.0, lat: area.lat.0 });
    let high = cell(Point { lon: area.lon.1, lat: area.lat.1 });
    (low.x <= high.x && low.y <= high.y).then_some(Cover { low, high })
}

impl Cover {
    /// Whether the cell is in the area.
    pub(crate) fn holds(&self, cell: Cell) -> bool {
        (self.low.x..=self.high.x).contains(&cell.x) && (self.low.y..=self.high.y).contains(&cell.y)
    }

    /// Ranges in Morton order, both ends included, ascending. They may hold cells beside
    /// the area.
    pub(crate) fn ranges(&self) -> Vec<(u64, u64)> {
        let longer =
            u64::from(self.high.x - self.low.x).max(u64::from(self.high.y - self.low.y)) + 1;
        let bits_min = (longer / PARTS).checked_ilog2().unwrap_or(0);
        let mut ranges = Vec::new();
        self.split(Cell { x: 0, y: 0 }, u32::BITS, bits_min, &mut ranges);
        ranges
    }

    /// Adds the parts of the square of side `2^bits` at `corner`.
    fn split(&self, corner: Cell, bits: u32, bits_min: u32, ranges: &mut Vec<(u64, u64)>) {
        // At the last level the shift is by all 32 bits, which Rust takes for an overflow.
        let rest = u32::MAX.checked_shr(u32::BITS - bits).unwrap_or(0);
        let last = Cell { x: corner.x | rest, y: corner.y | rest };
        let apart = last.x < self.low.x
            || corner.x > self.high.x
            || last.y < self.low.y
            || corner.y > self.high.y;
        if apart {
            return;
        }
        if bits <= bits_min || (self.holds(corner) && self.holds(last)) {
            // Neighbours in Morton order become one range: each costs a look-up in the index.
            match ranges.last_mut() {
                Some((_, end)) if end.checked_add(1) == Some(corner.morton()) => {
                    *end = last.morton()
                }
                _ => ranges.push((corner.morton(), last.morton())),
            }
            return;
        }
        let half = 1 << (bits - 1);
        // In Morton order, or neighbours would not follow one another.
        for (x, y) in [(0, 0), (half, 0), (0, half), (half, half)] {
            self.split(Cell { x: corner.x | x, y: corner.y | y }, bits - 1, bits_min, ranges);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_of_any_shape_take_few_ranges() {
        for (lon, lat) in [
            ((-180.0, 180.0), (-90.0, 90.0)),
            ((13.0, 13.5), (52.3, 52.7)),
            ((-180.0, 180.0), (10.0, 10.000_001)),
            ((-0.000_001, 0.000_001), (-0.000_001, 0.000_001)),
            ((5.0, 5.0), (5.0, 5.0)),
        ] {
            let ranges = cover(&Area { lon, lat }).unwrap().ranges();
            assert!((1..=200).contains(&ranges.len()), "{lon:?} {lat:?}: {}", ranges.len());
            assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
        assert!(cover(&Area { lon: (2.0, 1.0), lat: (0.0, 1.0) }).is_none());
    }
}
