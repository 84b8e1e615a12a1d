//! How many bits a way to quantise asks for.
//!
//! There is one kind of code, with more bits or fewer. What is asked for by another method becomes
//! the code of at least as many bits that it would take of each dimension.

use serde_json::Value;

/// Bits of codes where nothing is said.
pub const WHOLE_BITS: u32 = 8;

/// Bits of each dimension, at least, by a way to quantise as the API has it. Whole codes where it
/// cannot be read: members of other versions may have written it.
pub fn bits(method: &Value) -> u32 {
    let (name, said) = match method.as_object().and_then(|method| method.iter().next()) {
        Some((name, said)) => (name.as_str(), said),
        None => return WHOLE_BITS,
    };
    let word = |field: &str| said.get(field).and_then(Value::as_str);
    match (name, word("encoding"), word("bits"), word("compression")) {
        ("binary", None | Some("one_bit"), _, _) => 1,
        ("binary", ..) => 2,
        ("turbo", _, Some("bits1"), _) => 1,
        ("turbo", _, Some("bits1_5" | "bits2"), _) => 2,
        ("turbo", _, Some("bits8"), _) => WHOLE_BITS,
        ("turbo", ..) => 4,
        // Of 32 bits of a number.
        ("product", _, _, Some("x8")) => 4,
        ("product", _, _, Some("x16")) => 2,
        ("product", _, _, Some("x32" | "x64")) => 1,
        _ => WHOLE_BITS,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_method_asks_for_bits() {
        let cases = [
            (json!({ "scalar": { "type": "int8" } }), 8),
            (json!({ "binary": {} }), 1),
            (json!({ "binary": { "always_ram": true, "encoding": "one_bit" } }), 1),
            (json!({ "binary": { "encoding": "one_and_half_bits" } }), 2),
            (json!({ "binary": { "encoding": "two_bits", "query_encoding": "scalar8bits" } }), 2),
            (json!({ "turbo": {} }), 4),
            (json!({ "turbo": { "bits": "bits4" } }), 4),
            (json!({ "turbo": { "bits": "bits8" } }), 8),
            (json!({ "turbo": { "bits": "bits2" } }), 2),
            (json!({ "turbo": { "bits": "bits1_5" } }), 2),
            (json!({ "turbo": { "bits": "bits1" } }), 1),
            (json!({ "product": { "compression": "x4" } }), 8),
            (json!({ "product": { "compression": "x8" } }), 4),
            (json!({ "product": { "compression": "x16" } }), 2),
            (json!({ "product": { "compression": "x32" } }), 1),
            (json!({ "product": { "compression": "x64" } }), 1),
            (json!({ "unknown": {} }), 8),
            (json!("Disabled"), 8),
            (json!(null), 8),
        ];
        for (method, expected) in cases {
            assert_eq!(bits(&method), expected, "{method}");
        }
    }
}
