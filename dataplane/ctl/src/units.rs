//! Numbers as people read them.

/// Bytes with the units of kubectl: `512`, `1.5Ki`, `20Gi`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if count < 1024 {
        return count.to_string();
    }
    let unit = (count.ilog2() / 10) as usize;
    // In 128 bits: ten times the largest count does not fit into 64.
    let tenths = u128::from(count) * 10 / (1 << (10 * unit));
    let name = UNITS[unit - 1];
    // From ten on the tenths tell nothing.
    if tenths < 100 && !tenths.is_multiple_of(10) {
        format!("{}.{}{name}", tenths / 10, tenths % 10)
    } else {
        format!("{}{name}", tenths / 10)
    }
}

/// A stretch of time, rounded down: `20ms`, `12s`, `3m`, `5h`, `2d`.
pub(crate) fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        // Each unit up to two of the next: 90s says more than 1m.
        1_000..120_000 => format!("{}s", ms / 1_000),
        120_000..7_200_000 => format!("{}m", ms / 60_000),
        7_200_000..172_800_000 => format!("{}h", ms / 3_600_000),
        _ => format!("{}d", ms / 86_400_000),
    }
}

/// `one` for one thing, else `many`, after the count.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::{bytes, counted, span};

    #[test]
    fn bytes_keep_two_digits_at_least() {
        for (count, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1Ki"),
            (1536, "1.5Ki"),
            (10 * 1024 + 512, "10Ki"),
            (20 << 30, "20Gi"),
            ((1 << 20) - 1, "1023Ki"),
            (u64::MAX, "15Ei"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn spans_change_units() {
        for (ms, text) in [
            (20, "20ms"),
            (12_345, "12s"),
            (119_999, "119s"),
            (180_000, "3m"),
            (7_200_000, "2h"),
            (172_800_000, "2d"),
        ] {
            assert_eq!(span(ms), text);
        }
    }

    #[test]
    fn one_thing_is_not_many() {
        assert_eq!(counted(1, "shard", "shards"), "1 shard");
        assert_eq!(counted(0, "shard", "shards"), "0 shards");
    }
}
