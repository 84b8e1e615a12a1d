//! Points on earth: the Morton code of their cell.

use roaring::RoaringBitmap;
use serde_json::Value;

use super::Kind;
use crate::geo::{Area, Cell, Point, cell, cover};
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;

pub(super) struct Geo;

impl Kind for Geo {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        Point::of_value(value).map(|point| cell(point).morton().to_be_bytes().to_vec())
    }

    fn inside(&self, areas: &[Area], index: &PayloadIndex) -> Option<Resolved> {
        let mut slots = RoaringBitmap::new();
        for cover in areas.iter().filter_map(cover) {
            // Ranges of the code hold cells beside the area too.
            let is_inside = |key: &[u8]| {
                let code = key.try_into().map(u64::from_be_bytes);
                code.is_ok_and(|code| cover.holds(Cell::from_morton(code)))
            };
            for (from, to) in cover.ranges() {
                slots |= index.between_where(&from.to_be_bytes(), &to.to_be_bytes(), is_inside);
            }
        }
        // Cells reach over the edge of the area: each point is still to be looked at.
        Some(Resolved { slots, exact: false })
    }
}
