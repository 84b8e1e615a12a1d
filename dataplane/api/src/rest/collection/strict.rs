//! `strict_mode_config`: limits on requests.

use vane_types::StrictMode;

use crate::error::Error;

/// Refuses numbers that would be no limits.
///
/// # Errors
///
/// `Kind::Invalid`.
pub(super) fn checked(strict: Option<StrictMode>) -> Result<StrictMode, Error> {
    let strict = strict.unwrap_or_default();
    let field = |name: &str| format!("strict_mode_config.{name}");
    for (name, value) in [
        ("max_query_limit", strict.max_query_limit),
        ("max_timeout", strict.max_timeout),
        ("read_rate_limit", strict.read_rate_limit),
        ("write_rate_limit", strict.write_rate_limit),
        ("max_points_count", strict.max_points_count),
    ] {
        if value == Some(0) {
            return Err(Error::zero(field(name)));
        }
    }
    let percent = strict.max_resident_memory_percent;
    if let Some(value) = percent.filter(|value| !(1..=100).contains(value)) {
        return Err(Error::out_of_range(field("max_resident_memory_percent"), value, &(1..=100)));
    }
    let multi = strict.multivector_config.iter().flatten();
    let multi = multi.map(|(name, limit)| (name, limit.max_vectors, "max_vectors"));
    let sparse = strict.sparse_config.iter().flatten();
    let sparse = sparse.map(|(name, limit)| (name, limit.max_length, "max_length"));
    if let Some((name, _, limit)) = multi.chain(sparse).find(|(_, value, _)| *value == Some(0)) {
        return Err(Error::zero(field(&format!("{name}.{limit}"))));
    }
    Ok(strict)
}
