//! Points in time as payloads and filters write them.

use jiff::civil::Date;
use serde::{Serialize, Serializer};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A datetime of a filter: the text as given and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datetime {
    text: String,
    micros: i64,
}

impl Datetime {
    /// Reads a datetime; `None` when the text is not one.
    ///
    /// The forms are `YYYY-MM-DD` and `YYYY-MM-DD[T ]HH:MM[:SS[.f]][tz]`; UTC where there
    /// is no time zone.
    pub fn parse(text: &str) -> Option<Self> {
        let micros = parse_micros(text)?;
        Some(Self { text: text.to_owned(), micros })
    }

    /// The text as given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Microseconds since 1970-01-01T00:00:00 UTC.
    pub fn micros(&self) -> i64 {
        self.micros
    }
}

impl Serialize for Datetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Microseconds since the epoch of `YYYY-MM-DD` or `YYYY-MM-DD[T ]HH:MM[:SS[.f]][tz]`,
/// where `tz` is `Z`, `±HH`, `±HHMM` or `±HH:MM`. Without one it is UTC. Digits finer than
/// a microsecond are cut off, and a leap second counts as the second that follows it.
pub(crate) fn parse_micros(text: &str) -> Option<i64> {
    // Checked: clients send any text, and a character may lie across the cut.
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = fields(date, b'-', [4, 2, 2])?;
    let date =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
            .ok()?;
    // Dates are counted in days: a `Timestamp` would end before 9999-12-31, a common "never".
    let midnight = date.duration_since(Date::constant(1970, 1, 1)).as_secs() * MICROS_PER_SECOND;
    if rest.is_empty() {
        return Some(midnight);
    }
    // Databases print a space there, and RFC 3339 allows for it.
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone_at);
    Some(midnight + time_of_day(time)? - offset(zone)?)
}

/// `HH:MM[:SS[.f]]` in microseconds.
fn time_of_day(text: &str) -> Option<i64> {
    let (hour_minute, seconds) = text.split_at_checked(5)?;
    let [hour, minute] = fields(hour_minute, b':', [2, 2])?;
    let mut micros = (hour * 60 + minute) * 60 * MICROS_PER_SECOND;
    let mut second = 0;
    if let Some(seconds) = seconds.strip_prefix(':') {
        let (whole, fraction) =
            seconds.split_once('.').map_or((seconds, None), |(w, f)| (w, Some(f)));
        [second] = fields(whole, b':', [2])?;
        micros += second * MICROS_PER_SECOND;
        if let Some(fraction) = fraction {
            // All digits are checked, also those that are cut off.
            number(fraction)?;
            // Six digits, zeros where there are fewer.
            micros += number(&format!("{fraction:0<6.6}"))?;
        }
    } else if !seconds.is_empty() {
        return None;
    }
    (hour <= 23 && minute <= 59 && second <= 60).then_some(micros)
}

/// Offset from UTC in microseconds.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = text.split_at_checked(1)?;
    let [hour, minute] = match digits.len() {
        2 => [number(digits)?, 0],
        4 => [number(digits.get(..2)?)?, number(digits.get(2..)?)?],
        _ => fields(digits, b':', [2, 2])?,
    };
    let micros = (hour * 60 + minute) * 60 * MICROS_PER_SECOND;
    match sign {
        _ if hour > 23 || minute > 59 => None,
        "+" => Some(micros),
        "-" => Some(-micros),
        _ => None,
    }
}

/// Numbers of fixed widths with a separator between them, and nothing else.
fn fields<const N: usize>(text: &str, separator: u8, widths: [usize; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(char::from(separator));
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width)?;
        *slot = number(part)?;
    }
    parts.next().is_none().then_some(found)
}

/// Decimal digits only, at least one. Counts beyond 18 digits are cut off.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // 18 digits always fit an i64, and ASCII can be cut anywhere.
    if digits { text[..text.len().min(18)].parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_read() {
        let second = |text| parse_micros(text).unwrap_or_else(|| panic!("{text}"));
        let noon = 1_704_110_400_000_000;
        for text in [
            "2024-01-01T12:00:00Z",
            "2024-01-01T12:00:00",
            "2024-01-01 12:00",
            "2024-01-01t12:00z",
            "2024-01-01 13:00:00+01:00",
            "2024-01-01T13:00:00.000+0100",
            "2024-01-01T07:00:00-05",
        ] {
            assert_eq!(second(text), noon, "{text}");
        }
        assert_eq!(second("2024-01-01T12:00:00.1234567Z"), noon + 123_456);
        assert_eq!(second("2024-01-01T12:00:00.5"), noon + 500_000);
        assert_eq!(second("2024-01-01T11:59:60Z"), noon);
        assert_eq!(second("1970-01-01"), 0);
        assert_eq!(second("1969-12-31T23:59:59.999999Z"), -1);
        assert_eq!(second("9999-12-31T23:59:59Z"), 253_402_300_799_000_000);
    }

    #[test]
    fn what_is_no_datetime_is_refused() {
        for text in [
            "",
            "2024",
            "20240101",
            "2024-13-01",
            "2024-02-30",
            "2024-01-01T",
            "2024-01-01T1:00",
            "2024-01-01T24:00",
            "2024-01-01T12:00:61",
            "2024-01-01T12:00:00.Z",
            "2024-01-01T12:00:00+1",
            "2024-01-01T12:00:00+25:00",
            "2024-01-01T12:00Zfoo",
            "2024-01-01x",
            "२०२४-०१-०१",
            "+024-01-01",
        ] {
            assert_eq!(parse_micros(text), None, "{text}");
        }
    }
}
