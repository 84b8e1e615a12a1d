//! The grid of 2^32 by 2^32 cells and its Morton order.

use super::Point;

/// Cells along each side of the grid.
const SIDE: f64 = 4_294_967_296.0;

/// A cell of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    /// West to east.
    pub(crate) x: u32,
    /// South to north.
    pub(crate) y: u32,
}

impl Cell {
    /// Place of the cell in Morton order: bits of `y` and `x` by turns, highest first.
    pub(crate) fn morton(self) -> u64 {
        spread(self.y) << 1 | spread(self.x)
    }

    /// The cell at a place in Morton order.
    pub(crate) fn from_morton(code: u64) -> Self {
        Self { x: gather(code), y: gather(code >> 1) }
    }
}

/// The cell a point is in. It never goes down as longitude or latitude goes up, so that a
/// range of degrees lies within a range of cells.
pub(crate) fn cell(point: Point) -> Cell {
    Cell { x: place(point.lon, 180.0), y: place(point.lat, 90.0) }
}

/// Part of `-half..=half` that lies below, in cells; the cast keeps to the ends of u32.
fn place(degrees: f64, half: f64) -> u32 {
    ((degrees + half) / (2.0 * half) * SIDE) as u32
}

/// Moves bit `i` to bit `2 i`.
fn spread(n: u32) -> u64 {
    let mut n = u64::from(n);
    n = (n | n << 16) & 0x0000_ffff_0000_ffff;
    n = (n | n << 8) & 0x00ff_00ff_00ff_00ff;
    n = (n | n << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    n = (n | n << 2) & 0x3333_3333_3333_3333;
    (n | n << 1) & 0x5555_5555_5555_5555
}

/// Moves bit `2 i` to bit `i` and drops the others.
fn gather(n: u64) -> u32 {
    let mut n = n & 0x5555_5555_5555_5555;
    n = (n | n >> 1) & 0x3333_3333_3333_3333;
    n = (n | n >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    n = (n | n >> 4) & 0x00ff_00ff_00ff_00ff;
    n = (n | n >> 8) & 0x0000_ffff_0000_ffff;
    (n | n >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_come_back_from_their_order(x: u32, y: u32) {
            prop_assert_eq!(Cell::from_morton(Cell { x, y }.morton()), Cell { x, y });
        }
    }

    #[test]
    fn the_corners_of_the_earth_are_the_corners_of_the_grid() {
        assert_eq!(cell(Point { lon: -180.0, lat: -90.0 }), Cell { x: 0, y: 0 });
        assert_eq!(cell(Point { lon: 180.0, lat: 90.0 }), Cell { x: u32::MAX, y: u32::MAX });
    }
}
