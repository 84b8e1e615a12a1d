//! More rows, or wider ones, from rows that are real: alike enough that searching them is as hard.
//!
//! Pure, and the same in every run: a row depends on its number and the seed alone.

use crate::draw::Draw;

/// Share of the first of two rows that are mixed.
const FIRST: f32 = 0.75;
/// Length of the noise, of a row of length 1.
const NOISE: f64 = 0.15;

/// Makes rows from real ones.
#[derive(Clone, Copy)]
pub(crate) struct Mixer<'a> {
    /// The real rows, one after another; there is one at least.
    pub(crate) rows: &'a [f32],
    /// Values of each.
    pub(crate) dim: usize,
    /// Whether rows have unit length. Where they have not, noise is in proportion to a row's
    /// length.
    pub(crate) unit: bool,
    /// Rows of another seed are other rows.
    pub(crate) seed: u64,
}

impl Mixer<'_> {
    /// Adds row `number` to `out`: two real rows, mixed, with noise.
    pub(crate) fn push(&self, number: u64, out: &mut Vec<f32>) {
        let count = self.rows.len() / self.dim;
        let mut draw = Draw::of(self.seed, number);
        let mut real = || {
            let row = draw.below(count) * self.dim;
            &self.rows[row..row + self.dim]
        };
        let (first, second) = (real(), real());
        let begin = out.len();
        out.extend(first.iter().zip(second).map(|(a, b)| FIRST * a + (1.0 - FIRST) * b));
        let row = &mut out[begin..];
        let scale = if self.unit { 1.0 } else { length(row) };
        let deviation = NOISE * scale / (self.dim as f64).sqrt();
        for pair in row.chunks_mut(2) {
            let noise = draw.normal_pair();
            pair.iter_mut().zip(noise).for_each(|(value, noise)| {
                *value += (noise * deviation) as f32;
            });
        }
        if self.unit {
            to_unit(row);
        }
    }
}

/// Rows of twice the width: each with another one behind it, whose number `other` gives; of unit
/// length where `unit` says so.
pub(crate) fn widen(
    rows: &[f32],
    real: &[f32],
    dim: usize,
    unit: bool,
    other: &[usize],
) -> Vec<f32> {
    let mut wide = Vec::with_capacity(rows.len() * 2);
    for (row, other) in rows.chunks_exact(dim).zip(other) {
        let begin = wide.len();
        wide.extend_from_slice(row);
        wide.extend_from_slice(&real[other * dim..(other + 1) * dim]);
        if unit {
            to_unit(&mut wide[begin..]);
        }
    }
    wide
}

/// Scales a row to unit length; one of zeros stays.
pub(crate) fn to_unit(row: &mut [f32]) {
    let length = length(row);
    if length > 0.0 {
        row.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

fn length(row: &[f32]) -> f64 {
    row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIM: usize = 64;

    /// Rows at right angles to each other.
    fn real() -> Vec<f32> {
        let mut rows = vec![0.0; DIM * 8];
        (0..8).for_each(|i| rows[i * DIM + i] = 1.0);
        rows
    }

    #[test]
    fn a_row_is_near_the_first_of_two_real_ones_and_the_same_again() {
        let real = real();
        let mixer = Mixer { rows: &real, dim: DIM, unit: true, seed: 1 };
        let (mut all, mut again) = (Vec::new(), Vec::new());
        (0..100).for_each(|number| mixer.push(number, &mut all));
        mixer.push(42, &mut again);
        assert_eq!(&all[42 * DIM..43 * DIM], &again[..]);
        for row in all.chunks(DIM) {
            assert!((length(row) - 1.0).abs() < 1e-5);
            let best = row.iter().copied().fold(0.0, f32::max);
            // .75 of .79 with noise; two draws of the same row are nearer.
            assert!(best > 0.85, "{best}");
        }
        let other = Mixer { seed: 2, ..mixer };
        again.clear();
        other.push(42, &mut again);
        assert!(all[42 * DIM..43 * DIM] != again[..]);
    }

    #[test]
    fn a_wide_row_has_both_halves() {
        let rows = [1.0, 0.0, 0.0, 1.0];
        let half = 0.5_f32.sqrt();
        let expected = [half, 0.0, 0.0, half, 0.0, half, half, 0.0];
        assert_eq!(widen(&rows, &rows, 2, true, &[1, 0]), expected);
        assert_eq!(widen(&rows[..2], &rows, 2, false, &[1]), [1.0, 0.0, 0.0, 1.0]);
    }
}
