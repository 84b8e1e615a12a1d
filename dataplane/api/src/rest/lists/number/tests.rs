use super::number;

/// As a parser of JSON reads it, which is exact.
fn by_serde(text: &str) -> f32 {
    serde_json::from_str::<f64>(text).unwrap() as f32
}

fn check(text: &str) {
    let padded = format!("{text},0.25]");
    for whole in [text, padded.as_str()] {
        let (value, end) = number(whole.as_bytes(), 0).unwrap();
        assert_eq!((value.to_bits(), end), (by_serde(text).to_bits(), text.len()), "{text}");
    }
}

/// Numbers without an order that anybody would have thought of.
fn random() -> impl FnMut() -> u64 {
    let mut state = 7_u64;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}

#[test]
fn floats_are_read_as_they_were_written() {
    let mut next = random();
    for _ in 0..200_000 {
        let single = f32::from_bits(next() as u32);
        if single.is_finite() {
            check(&format!("{single:?}"));
            check(&format!("{single:.1}"));
            // As clients write them that know f64 only.
            check(&format!("{:?}", f64::from(single)));
        }
        let double = f64::from_bits(next());
        if double.is_finite() {
            check(&format!("{double:e}"));
        }
        check(&format!("{}", (next() >> 11) as f64 / (1_u64 << 53) as f64 - 0.5));
    }
}

#[test]
fn any_digits_make_the_closest_float() {
    let mut next = random();
    for _ in 0..200_000 {
        let digits = next() >> (next() % 64);
        let places = (next() % 24) as usize;
        let sign = if next().is_multiple_of(2) { "" } else { "-" };
        check(&format!("{sign}0.{digits:0places$}"));
        check(&format!("{sign}{}.{digits:0places$}", next() % 1000));
        check(&format!("{sign}{}.{digits:0places$}e{}", next() % 10, (next() % 60) as i64 - 30));
        check(&format!("{sign}{}", digits >> 11));
    }
}

/// Where rounding twice gives something else than rounding once, or something else than f64 does.
#[test]
fn halves_of_floats_are_rounded_as_ever() {
    let mut next = random();
    for _ in 0..50_000 {
        let low = f32::from_bits((next() as u32 % (40 << 23)) + (100 << 23));
        let half = (f64::from(low) + f64::from(f32::from_bits(low.to_bits() + 1))) / 2.0;
        for bits in [half.to_bits() - 1, half.to_bits(), half.to_bits() + 1] {
            let text = format!("{}", f64::from_bits(bits));
            check(&text);
            for more in ["0", "1", "00000000000000000000000001"] {
                check(&if text.contains('.') {
                    text.clone() + more
                } else {
                    text.clone() + "." + more
                });
            }
        }
    }
}

#[test]
fn edges_are_read_as_by_serde() {
    for text in [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "0e0",
        "-0E-7",
        "0.000000000000000000000000000000",
        "1",
        "-1",
        "1e39",
        "-1e39",
        "1e308",
        "1e-45",
        "7e-46",
        "1.17549435e-38",
        "1e-9999",
        "0e9999",
        "3.4028235e38",
        "3.4028236e38",
        "9007199254740992",
        "12345678",
        "1234567.8",
        "1E+2",
        "0.00000000000000000000000000000000000000000000000000012345678901234567890123",
        "18446744073709551615.0",
        "99999999999999999999999999.5",
        "1.00000000000000000000000000001",
    ] {
        check(text);
    }
}

#[test]
fn what_json_does_not_have_is_no_number() {
    for text in [
        "",
        "-",
        "+1",
        ".5",
        "1.",
        "-.5",
        "01",
        "-01",
        "00",
        "1e",
        "1e+",
        "1.e5",
        "NaN",
        "Infinity",
        "-Infinity",
        "inf",
        "--1",
        "1e999",
        "-1e999",
        "1e99999",
        "\"1\"",
        "null",
        "[1]",
        // Whole ones that f64 may not have are read elsewhere.
        "9007199254740993",
        "18446744073709551616",
        "100000000000000000000",
    ] {
        assert_eq!(number(text.as_bytes(), 0), None, "{text}");
    }
    // The rest is for whoever reads the list to see.
    for (text, end) in [("1.5.5", 3), ("1-1", 1), ("1_000", 1), ("1e5e5", 3), ("0x10", 1)] {
        assert_eq!(number(text.as_bytes(), 0).map(|(_, end)| end), Some(end), "{text}");
    }
}
