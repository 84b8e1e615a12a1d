//! One number of a list, as JSON writes it, several digits at a time.

/// Powers of ten that f64 has exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Up to here f64 has every whole number.
const EXACT_MAX: u64 = 1 << 53;
/// Digits that surely fit u64.
const DIGITS_MAX: usize = 19;
/// Digits of an exponent that are worth a look: more of them make nothing that is finite.
const EXPONENT_DIGITS_MAX: usize = 4;

/// Bits of a f64 that a f32 has no room for.
const CUT_BITS: u64 = (1 << 29) - 1;
/// How they are where the number lies halfway between two f32.
const HALFWAY: u64 = 1 << 28;
/// As far from there the number is rounded the same way, whatever two roundings before made of
/// its last bits. They are wrong by less than two.
const MARGIN: u64 = 8;

/// The number at `begin`, and where it ends: the f64 that is closest to it, as f32. `None` where
/// there is none, or one of those that are left to the parser of everything else: beyond f64, or
/// whole and large.
#[inline]
pub(super) fn number(text: &[u8], begin: usize) -> Option<(f32, usize)> {
    let is_negative = *text.get(begin)? == b'-';
    let first = begin + usize::from(is_negative);
    let (mut digits, mut scale) = (0, 0);
    let mut at = one_by_one(text, first, &mut digits);
    let whole = at - first;
    if whole == 0 || (whole > 1 && text[first] == b'0') {
        return None;
    }
    let mut count = whole;
    if text.get(at) == Some(&b'.') {
        let from = at + 1;
        at = eight_by_eight(text, from, &mut digits);
        if at == from {
            return None;
        }
        count += at - from;
        scale = (at - from) as i64;
    }
    let fraction_end = at;
    if let Some(b'e' | b'E') = text.get(at) {
        let exponent;
        (exponent, at) = self::exponent(text, at + 1)?;
        scale -= exponent;
    }
    if count == whole && at == fraction_end && (whole > DIGITS_MAX || digits > EXACT_MAX) {
        return None;
    }
    let fits = count <= DIGITS_MAX || significant(&text[first..fraction_end]) <= DIGITS_MAX;
    let quick = if fits { scaled(digits, scale) } else { None };
    let value = match quick {
        // Not by a branch: half of the numbers have a sign, and nobody can guess which.
        Some(value) => f32::from_bits(value.to_bits() | u32::from(is_negative) << 31),
        None => closest(&text[begin..at])?,
    };
    Some((value, at))
}

/// `digits` with the point moved to the left by `scale`; `None` where the quick way does not
/// tell which f32 it is.
#[inline]
fn scaled(digits: u64, scale: i64) -> Option<f32> {
    let ten = *TENS.get(scale.unsigned_abs() as usize)?;
    let near = if scale < 0 { digits as f64 * ten } else { digits as f64 / ten };
    // Both were exact, so what came of them is rounded once.
    let is_exact = digits <= EXACT_MAX;
    // Otherwise it has to be a normal f32, and not near the middle of two.
    let is_sure =
        || (1e-37..1e38).contains(&near) && (near.to_bits() & CUT_BITS).abs_diff(HALFWAY) > MARGIN;
    (is_exact || is_sure()).then_some(near as f32)
}

/// By the rules, however long it takes.
#[cold]
fn closest(number: &[u8]) -> Option<f32> {
    let value: f64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    value.is_finite().then_some(value as f32)
}

/// Digits behind zeros at the beginning.
#[cold]
fn significant(number: &[u8]) -> usize {
    let digits = number.iter().filter(|byte| **byte != b'.');
    digits.skip_while(|digit| **digit == b'0').count()
}

/// An exponent behind its letter, and where it ends.
#[inline]
fn exponent(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let sign = text.get(at).filter(|byte| matches!(byte, b'-' | b'+'));
    let from = at + usize::from(sign.is_some());
    let mut digits = 0;
    let end = one_by_one(text, from, &mut digits);
    if end == from || end - from > EXPONENT_DIGITS_MAX {
        return None;
    }
    let exponent = digits as i64;
    Some((if sign == Some(&b'-') { -exponent } else { exponent }, end))
}

/// Puts the digits at `at` behind those that are there. Beyond [`DIGITS_MAX`] what comes out
/// means nothing.
#[inline]
fn one_by_one(text: &[u8], mut at: usize, digits: &mut u64) -> usize {
    while let Some(digit @ b'0'..=b'9') = text.get(at) {
        *digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    at
}

/// The same for digits of which many are to be expected: eight bytes of text are one word.
#[inline]
fn eight_by_eight(text: &[u8], mut at: usize, digits: &mut u64) -> usize {
    const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let (value, found) = leading_digits(u64::from_le_bytes(*eight));
        *digits = digits.wrapping_mul(TENS[found]).wrapping_add(value);
        at += found;
        if found < eight.len() {
            return at;
        }
    }
    one_by_one(text, at, digits)
}

/// The number that the digits at the beginning of eight bytes are, and how many they are.
#[inline]
fn leading_digits(text: u64) -> (u64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // A digit becomes its value, everything else more than nine.
    let values = text ^ (EACH * 0x30);
    let over_nine = ((values & (EACH * 0x7f)) + EACH * 0x76) | values;
    let found = (over_nine & (EACH * 0x80)).trailing_zeros() / 8;
    // Moved up, so that zeros come before them.
    let values = values.checked_shl(64 - 8 * found).unwrap_or(0);
    // Neighbours are put together: digits to pairs, those to fours, those to eight.
    let pairs = (values.wrapping_mul(10).wrapping_add(values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    (eight, found as usize)
}

#[cfg(test)]
mod tests;
