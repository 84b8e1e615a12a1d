//! How much one answer may hold, whatever the number of shards that it comes from.

use vane_shard::{Page, Record};
use vane_types::Error;
use vane_types::limits::{ANSWER_BYTES_MAX, RESULTS_MAX};

/// Refuses an answer that is too large.
///
/// # Errors
/// `BadInput`, with the limit.
pub(crate) fn check_size<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<(), Error> {
    let bytes: usize = records.into_iter().map(Record::bytes).sum();
    if bytes > ANSWER_BYTES_MAX { Err(too_large()) } else { Ok(()) }
}

pub(crate) fn too_large() -> Error {
    Error::bad_input(format!(
        "the answer has more than {ANSWER_BYTES_MAX} bytes or {RESULTS_MAX} points; ask for fewer \
         points, or for less of each, or scroll through them"
    ))
}

/// Ends a page where it becomes too large; the next one begins there. A page has one point in any
/// case.
pub(crate) fn shorten(page: &mut Page) {
    let mut bytes = 0;
    let fits = page.records.iter().take_while(|record| {
        bytes += record.bytes();
        bytes <= ANSWER_BYTES_MAX
    });
    let fits = fits.count().max(1);
    if let Some(first_cut) = page.records.get(fits) {
        page.next = Some(first_cut.id);
        page.records.truncate(fits);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vane_types::{LogIndex, PointId};

    use super::*;

    fn records(count: u64, bytes: usize) -> Vec<Record> {
        let payload = json!({ "text": "x".repeat(bytes) }).as_object().cloned();
        let record = |id| Record {
            id: PointId::num(id),
            version: LogIndex::ZERO,
            payload: payload.clone(),
            vectors: None,
            order_value: None,
        };
        (0..count).map(record).collect()
    }

    #[test]
    fn a_page_ends_where_it_becomes_too_large_and_other_answers_are_refused() {
        let half = ANSWER_BYTES_MAX / 2 - 1000;
        assert!(check_size(&records(2, half)).is_ok());
        assert!(check_size(&records(3, half)).unwrap_err().detail.contains("67108864 bytes"));
        let mut page = Page { records: records(3, half), next: None };
        shorten(&mut page);
        assert_eq!((page.records.len(), page.next), (2, Some(PointId::num(2))));
        let mut page = Page { records: records(2, ANSWER_BYTES_MAX), next: Some(PointId::num(9)) };
        shorten(&mut page);
        assert_eq!((page.records.len(), page.next), (1, Some(PointId::num(1))));
        let mut page = Page { records: records(2, 10), next: Some(PointId::num(9)) };
        shorten(&mut page);
        assert_eq!((page.records.len(), page.next), (2, Some(PointId::num(9))));
    }
}
