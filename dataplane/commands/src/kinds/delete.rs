//! Removes points.

use crate::checked::Checked;
use crate::command::Change;
use crate::error::Error;
use crate::targets::Selection;

pub(crate) fn check(points: Selection) -> Result<Checked, Error> {
    Checked::each(points, 0, Change::Delete)
}
