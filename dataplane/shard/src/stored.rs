//! Names and forms of what a shard keeps in its store beside points, rows and index keys.

use vane_raft::Conf;
use vane_types::{Payload, ShardRange, Slot, TenantId, payload};

/// Name of the value that holds the next slot.
pub(crate) const NEXT_SLOT: &[u8] = b"next_slot";
/// Name of the value that holds the configuration.
pub(crate) const CONFIG: &[u8] = b"config";
/// Names of the values that hold payload indexes begin with this; the number of the index
/// follows.
pub(crate) const FIELD: &[u8] = b"field/";
/// Names of the values that say how far a payload index is begin with this; its number follows.
pub(crate) const FILLING: &[u8] = b"filling/";
/// Name of the value that holds the members of the group.
pub(crate) const CONF: &[u8] = b"conf";
/// Name of the value that holds the range of hashes that belong to the shard.
pub(crate) const RANGE: &[u8] = b"range";
/// Name of the value that says why the replica is out of use.
pub(crate) const QUARANTINE: &[u8] = b"quarantine";
/// Name of the value that says what of the replica is damaged.
pub(crate) const DAMAGED: &[u8] = b"damaged";
/// Name of the value that holds the consistency hash.
pub(crate) const DIGEST: &[u8] = b"digest";

/// Names of the values that say that a tenant is closed begin with this; its number follows.
pub(crate) const CLOSED: &[u8] = b"closed/";

/// Name of the value that says that a tenant is closed.
pub(crate) fn closed_name(tenant: TenantId) -> Vec<u8> {
    [CLOSED, &tenant.number().to_be_bytes()].concat()
}

/// The tenant of such a name; `None` where it is damaged.
pub(crate) fn closed_tenant(name: &[u8]) -> Option<TenantId> {
    let number = name.strip_prefix(CLOSED)?.try_into().ok()?;
    TenantId::from_number(u32::from_be_bytes(number))
}

/// Name of the value that holds the payload index of this number.
pub(crate) fn field_name(number: u16) -> Vec<u8> {
    [FIELD, &number.to_be_bytes()].concat()
}

/// Name of the value that says from which slot on a payload index lacks points. It is there
/// only until the index is whole.
pub(crate) fn filling_name(number: u16) -> Vec<u8> {
    [FILLING, &number.to_be_bytes()].concat()
}

/// Stored form of a slot.
pub(crate) fn encode_slot(slot: Slot) -> Vec<u8> {
    slot.to_be_bytes().to_vec()
}

/// Reads a stored slot; `None` where it is damaged.
pub(crate) fn decode_slot(bytes: &[u8]) -> Option<Slot> {
    Some(Slot::from_be_bytes(bytes.try_into().ok()?))
}

/// Stored form of a membership.
pub(crate) fn encode_conf(conf: &Conf) -> Vec<u8> {
    serde_json::to_vec(conf).expect("a membership is plain data")
}

/// Stored form of a shard's range.
pub(crate) fn encode_range(range: ShardRange) -> Vec<u8> {
    serde_json::to_vec(&range).expect("a range is plain data")
}

/// Reads a stored payload.
pub(crate) fn decode_payload(bytes: &[u8]) -> Result<Payload, vane_storage::Error> {
    payload::decode(bytes).map_err(|error| vane_storage::Error::Damaged {
        what: "a stored payload".into(),
        detail: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use vane_types::{KeyRange, RangeEpoch};

    use super::*;

    /// Bytes that disks hold.
    #[test]
    fn a_range_is_stored_as_it_always_was() {
        let keys = KeyRange { first: 1 << 63, last: u64::MAX };
        let range = ShardRange { keys, epoch: RangeEpoch(3) };
        let stored = encode_range(range);
        let expected =
            r#"{"keys":{"first":9223372036854775808,"last":18446744073709551615},"epoch":3}"#;
        assert_eq!(String::from_utf8_lossy(&stored), expected);
        assert_eq!(serde_json::from_slice::<ShardRange>(&stored).unwrap(), range);
    }
}
